"""An opened repository that is asked from ordinary code, on an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from adapters.caller import Call, Caller
from adapters.protocol import Repository, Settings
from adapters.question import Question
from adapters.rows import Facets, Rows
from adapters.tap import open_repository
from adapters.token import Token

from .obscore import IVOID

CALL = Call()


class Seconds:
    """A deadline that is so many seconds away, whenever it is looked at."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def remaining(self) -> float:
        return self._seconds


class Opened:
    """Asks and waits."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self._runner = asyncio.Runner()

    @classmethod
    def tap(cls, name: str, uri: str, **options: Any) -> Opened:
        return cls(open_repository(name, Settings(uri, ivoid=IVOID, options=options)))

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)

    def ask(self, question: Question, call: Call = CALL) -> Rows:
        rows: Rows = self.run(self.repository.ask(question, call))
        return rows

    def count(self, question: Question, call: Call = CALL) -> int:
        number: int = self.run(self.repository.count(question, call))
        return number

    def facets(self, question: Question, by: Sequence[str], first: int = 1_000) -> Facets:
        facets: Facets = self.run(self.repository.facets(question, by, first, CALL))
        return facets

    def explain(self, question: Question) -> list[str]:
        said: list[str] = self.run(self.repository.explain(question, CALL))
        return said

    def close(self) -> None:
        self.run(self.repository.close())
        self._runner.close()


def of(token: str) -> Call:
    """A call of somebody who came with a token."""
    return Call(Caller("somebody", token=Token(token)))
