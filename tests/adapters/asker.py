"""Puts questions to an implementation as a client would: page by page."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Protocol

from adapters.butler.api import ButlerApi
from adapters.caller import Call
from adapters.protocol import Settings
from adapters.question import Question
from adapters.rows import Row, Rows

from .repositories import Repository

DEFAULTS = ("HSC/defaults",)
CALL = Call()
STRICT = os.environ.get("ADAPTER_STRICT") == "1"


class Asker(Protocol):
    def ask(self, question: Question) -> Rows: ...
    def count(self, question: Question) -> int: ...
    def close(self) -> None: ...


class ApiAsker:
    """Butler's public API alone."""

    def __init__(self, repository: Repository) -> None:
        self._api = ButlerApi(repository.butler, repository.name, DEFAULTS)

    def ask(self, question: Question) -> Rows:
        return self._api.ask(question, CALL)

    def count(self, question: Question) -> int:
        return self._api.count(question, CALL)

    def close(self) -> None:
        return None


class AdapterAsker:
    """The adapter as the gateway opens it."""

    def __init__(self, repository: Repository) -> None:
        from adapters.butler import open_repository

        self._runner = asyncio.Runner()
        self._opened = open_repository(repository.name, Settings(repository.uri, collections=DEFAULTS))

    def ask(self, question: Question) -> Rows:
        return self._runner.run(self._opened.ask(question, CALL))

    def count(self, question: Question) -> int:
        return self._runner.run(self._opened.count(question, CALL))

    def close(self) -> None:
        self._runner.run(self._opened.close())
        self._runner.close()


def pages(asker: Asker, question: Any, sizes: list[int]) -> Iterator[Rows]:
    """Every page of a question, of these sizes in turn; ``more`` must be exact."""
    after: tuple[Any, ...] | None = None
    turn = 0
    while True:
        size = sizes[min(turn, len(sizes) - 1)]
        found = asker.ask(question.paged(size, after))
        if found.columns and found.columns[0].name == "parent":
            # Of each parent one row more than the page says that there are more; here there is one parent.
            found = replace(found, rows=found.rows[:size], more=len(found.rows) > size)
        assert len(found.rows) <= size
        assert not found.more or len(found.rows) == size, "a short page that says that more follow"
        yield found
        if not found.more:
            return
        assert found.key is not None
        after = found.key(found.rows[-1])
        turn += 1


def everything(asker: Asker, question: Any, sizes: list[int]) -> list[dict[str, Any]]:
    """The rows of all pages as dicts by column."""
    out: list[dict[str, Any]] = []
    for page in pages(asker, question, sizes):
        assert not out or page.rows, "an empty page behind one that said that more follow"
        out += [named(page, row) for row in page.rows]
    return out


def named(rows: Rows, row: Row) -> dict[str, Any]:
    """A row by column; dimensions that the row's type lacks are left out."""
    assert not STRICT or len(row) == len(rows.columns)
    given = {column.name: row[rows.places[column.name]] for column in rows.columns}
    if rows.types and "type" in given:
        dimensions = set(rows.types[given["type"]].dimensions)
        absent = {c.name for c in rows.columns if c.dimension and c.name not in dimensions}
        assert all(given[name] is None for name in absent)
        given = {name: value for name, value in given.items() if name not in absent}
    return given
