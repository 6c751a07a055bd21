"""``butler-gateway schema``: the schema in GraphQL's own language, byte for byte as schema.graphql holds it."""

from __future__ import annotations

import click


@click.command()
def schema() -> None:
    """Print the GraphQL schema (SDL)."""
    from resolvers.schema import sdl

    click.echo(sdl(), nl=False)
