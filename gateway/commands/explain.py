"""``butler-gateway explain``: how a GraphQL document is answered, and what it costs on the configured repositories."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import click

from adapters.caller import Caller
from adapters.token import Token
from gateway.commands.serve import CONFIG_OPTION

if TYPE_CHECKING:
    from gateway.config import Config
    from gateway.explain.request import Explained, Request

_TOKEN = "BUTLER_RUBIN_ACCESS_TOKEN"  # noqa: S105 - where one is


@click.command()
@click.argument("document", metavar="QUERYFILE", type=click.File(encoding="utf-8"))
@CONFIG_OPTION
@click.option(
    "--variables",
    metavar="JSON|@FILE",
    default="{}",
    help="The variables: a JSON object, or @ and the name of a file that holds one.",
)
@click.option("--operation", metavar="NAME", help="The operation, where the document has several.")
@click.option(
    "--warm", is_flag=True, help="Answer it twice before, so that names are known as in a gateway that runs."
)
def explain(document: TextIO, file: Path, variables: str, operation: str | None, warm: bool) -> None:
    """Answer the GraphQL document of QUERYFILE (- for standard input) and print how: its plan, the questions that were asked, their
    SQL, what was done without SQL, and the cost. Values of the document are not printed.

    Services that want a caller's token are shown the one of the environment variable BUTLER_RUBIN_ACCESS_TOKEN, as Butler's own client has it.

    Exits with 1 when the answer has errors.
    """
    from gateway.config import load
    from gateway.explain.request import Request
    from gateway.log import set_up

    config = load(file)
    # Only what a person should see beside the report.
    set_up(config.log.model_copy(update={"level": "ERROR", "format": "console"}))
    request = Request(_read(document), _variables(variables), operation)
    found = asyncio.run(_asked(request, config, warm))
    for line in _report(found, config.limits.max_cost):
        click.echo(line)
    if found.errors:
        noun = "error" if len(found.errors) == 1 else "errors"
        raise click.ClickException(f"the answer has {len(found.errors)} {noun}")


def _read(document: TextIO) -> str:
    try:
        return document.read()
    except UnicodeDecodeError as error:
        raise click.BadParameter("it should be UTF-8 text", param_hint="QUERYFILE") from error


def _variables(given: str) -> Mapping[str, Any]:
    """The variables; what is wrong with them is told without quoting them."""
    try:
        found = json.loads(Path(given[1:]).read_text("utf-8") if given.startswith("@") else given)
    except OSError as error:
        raise click.BadParameter(
            f"{given[1:]} cannot be read: {(error.strerror or str(error)).lower()}", param_hint="--variables"
        ) from error
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise click.BadParameter("it should be a JSON object", param_hint="--variables")
    return found


async def _asked(request: Request, config: Config, warm: bool) -> Explained:
    from gateway.explain.request import explained
    from gateway.opening import open_repositories

    token = os.environ.get(_TOKEN)
    caller = Caller(token=Token(token) if token else None)
    repositories = open_repositories(config)
    try:
        # What the first answer learns at its end its own beginning did not know, and looked up in another way.
        for _ in range(2 if warm else 0):
            await explained(request, config, repositories, caller)
        return await explained(request, config, repositories, caller)
    finally:
        for repository in repositories.values():
            await repository.close()


def _report(found: Explained, max_cost: int) -> Iterator[str]:
    from gateway.explain.words import in_all, milliseconds, told

    yield from _plan(found)
    if found.asked:
        yield "\nQuestions, in the order in which they were asked"
        for number, asked in enumerate(found.asked, 1):
            yield from told(number, asked)
        yield "\nIn all"
        for line in in_all(found.asked):
            yield f"  {line}"
        yield f"  cost {found.spent:,} of {max_cost:,} rows (limits.max_cost), {milliseconds(found.seconds)}"
    if found.errors:
        yield "\nErrors"
    for error in found.errors:
        path = ".".join(map(str, error.get("path") or ())) or "the request"
        yield f"  {error['extensions']['code']} at {path}: {error['message']}"


def _plan(found: Explained) -> Iterator[str]:
    from resolvers.plan.lines import lines

    if found.plan is not None:
        listed = list(lines(found.plan, found.how))
        width = max(len(line.text) for line in listed)
        yield "Plan"
        for line in listed:
            yield f"  {line.text:<{width}}  {line.how}"
    if found.reason:
        begins = "There is no plan" if found.plan is None else "The plan gave up"
        yield f"{begins}, and the ordinary executor answered, object by object: {found.reason}"
