"""``butler-gateway check``: open every repository and say what it is, what it can do and what slows it, and who may ask."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adapters.caller import Call
from adapters.errors import AdapterError
from adapters.protocol import Repository
from gateway.auth.settings import who_calls, who_may
from gateway.commands.serve import CONFIG_OPTION

if TYPE_CHECKING:
    from gateway.config import Config


@click.command()
@CONFIG_OPTION
def check(file: Path) -> None:
    """Open every repository of a configuration and say what it can do, and who may ask.

    Exits with 1 when one, or a file that its options name, cannot be read.
    """
    from gateway.config import load
    from gateway.log import set_up
    from gateway.opening import open_repositories

    config = load(file)
    # Only what a person should see beside the report.
    set_up(config.log.model_copy(update={"level": "ERROR", "format": "console"}))
    unread = asyncio.run(_report(open_repositories(config), config))
    if unread:
        raise click.ClickException(f"cannot be read: {', '.join(unread)}")


async def _report(repositories: Mapping[str, Repository], config: Config) -> list[str]:
    """Print a paragraph about each repository and one about callers; what cannot be read."""
    unread = []
    try:
        for label, repository in repositories.items():
            callers = who_may(config.repositories[label], config.auth)
            unread += await _describe(label, repository, callers, config.limits.timeout)
        click.echo("callers")
        _table(who_calls(config.auth))
    finally:
        for repository in repositories.values():
            await repository.close()
    return unread


async def _describe(
    label: str, repository: Repository, callers: Mapping[str, str], allowed: float
) -> list[str]:
    """Print a paragraph about one repository; its label if it cannot be read, or not all of it."""
    try:
        async with asyncio.timeout(allowed):
            health = await repository.health(Call())
    except TimeoutError:
        click.echo(f"{label}: cannot be read: no answer within {allowed:g} seconds (limits.timeout)")
        return [label]
    except Exception as error:  # noqa: BLE001  whatever an adapter raises, the other repositories are still checked
        click.echo(f"{label}: cannot be read: {_reason(error)}")
        return [label]
    click.echo(f"{label}: can be read{' in part' if health.problems else ''}")
    facts = {
        "adapter": repository.adapter,
        "uri": _without_password(repository.settings.uri),
        "capabilities": ", ".join(sorted(repository.capabilities)),
        **health.facts,
        **callers,
    }
    _table(facts)
    for kind, sentences in (("problem", health.problems), ("warning", health.warnings)):
        for sentence in sentences:
            click.echo(f"  {kind}: {' '.join(sentence.split())}")
    return [f"{label} (in part)"] if health.problems else []


def _table(facts: Mapping[str, str]) -> None:
    width = max(map(len, facts))
    for name, fact in facts.items():
        click.echo(f"  {name:<{width}}  {fact}")


def _reason(error: Exception) -> str:
    """What an adapter says, and what it does not tell its clients: the error that it comes from."""
    said = error.message if isinstance(error, AdapterError) else f"{type(error).__name__}: {error}"
    if isinstance(error, AdapterError) and error.__cause__ is not None:
        said += f" {type(error.__cause__).__name__}: {error.__cause__}"
    line = " ".join(_without_password(said).split())
    return line if len(line) <= 500 else f"{line[:497]}..."


def _without_password(text: str) -> str:
    return re.sub(r"://[^/@\s]*@", "://...@", text)
