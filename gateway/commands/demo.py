"""``butler-gateway demo``: the embedded demonstration repository, built on first use, and a gateway over it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click

from gateway.commands.serve import HOST_OPTION, PORT_OPTION

# One line, so that it can be pasted whole: coadds of any tract and patch, in the bands that begin with i or r.
QUERY = (
    '{ repository(name: "hsc") { datasets(query: {type: "demo_coadd", dataId: {band: {glob: "[ir]*"}}}, first: 5) '
    "{ totalCount nodes { uuid run dataId { map } region { sRegion } } } } }"
)


@click.command()
@click.option(
    "--root",
    metavar="DIR",
    default=".demo",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of the repository and of the gateway's caches; built when it is not there.",
)
@HOST_OPTION
@PORT_OPTION
def demo(root: Path, host: str | None, port: int | None) -> None:
    """Serve the demonstration repository, after building it on first use."""
    from gateway.app import create_app
    from gateway.config import from_mapping
    from gateway.demo.repository import configuration
    from gateway.log import set_up
    from gateway.running import address_of, listen, run

    repository = _ensure(root.absolute() / "repository")
    config = from_mapping(configuration(repository, str(root.absolute() / "state")), root)
    given = {"host": host, "port": port}
    server = config.server.model_copy(
        update={key: value for key, value in given.items() if value is not None}
    )
    app = create_app(config)
    listening = listen(server.host, server.port)
    address = address_of(listening)
    body = shlex.quote(json.dumps({"query": QUERY}))
    click.echo(
        f"\nThe page      {address}/\nGraphQL       {address}/graphql\nOne query     "
        f"curl -s {address}/graphql -H 'Content-Type: application/json' -d {body}\n\nCtrl-C ends it.\n"
    )
    set_up(config.log)
    run(app, server, listening=listening)


def _ensure(repository: Path) -> Path:
    """The repository, built if it is missing; what stands in the way is one line."""
    from gateway.demo.repository import ensure

    def progress(message: str) -> None:
        click.echo(f"  {message}")

    if not repository.exists():
        click.echo(f"Building the demonstration repository in {repository} (once; some seconds) ...")
    try:
        return ensure(repository, progress)
    except FileExistsError as error:
        raise click.ClickException(str(error)) from error
    except ImportError as error:
        raise click.ClickException(
            f"the demonstration cannot be built: {error}; pip install 'butler-gateway[demo]' brings what it needs"
        ) from error
    except OSError as error:
        raise click.ClickException(f"{repository}: {error.strerror or error}") from error
