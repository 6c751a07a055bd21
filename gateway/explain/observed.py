"""A repository that remembers what it was asked, and what each question cost."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from adapters.caller import Call
from adapters.errors import AdapterError
from adapters.notes import Work
from adapters.protocol import Repository
from adapters.question import Question
from adapters.rows import Facets, Rows

T = TypeVar("T")


@dataclass(slots=True)
class Asked:
    """One question. ``what``: rows, count, facets or explain; ``rows`` is None where it failed, and ``failed`` then says with what.
    ``opening``: the seconds until the repository was open, which ``seconds`` do not have in them."""

    label: str
    what: str
    question: Question
    work: list[Work] = field(default_factory=list)
    rows: int | None = None
    opening: float = 0.0
    seconds: float = 0.0
    failed: str = ""


class Observed:
    """A repository as it is, but for its memory. ``asked``: where it is kept, in the order in which questions come."""

    def __init__(self, label: str, repository: Repository, asked: list[Asked]) -> None:
        self._label = label
        self._repository = repository
        self._asked = asked

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repository, name)

    async def ask(self, question: Question, call: Call) -> Rows:
        return await self._kept(
            "rows", question, call, lambda own: self._repository.ask(question, own), lambda a: len(a.rows)
        )

    async def count(self, question: Question, call: Call) -> int:
        return await self._kept(
            "count", question, call, lambda own: self._repository.count(question, own), lambda _: 1
        )

    async def facets(self, question: Question, by: Sequence[str], first: int, call: Call) -> Facets:
        return await self._kept(
            "facets",
            question,
            call,
            lambda own: self._repository.facets(question, by, first, own),
            lambda a: len(a.rows),
        )

    async def explain(self, question: Question, call: Call) -> list[str]:
        return await self._kept(
            "explain", question, call, lambda own: self._repository.explain(question, own), len
        )

    async def _kept(
        self,
        what: str,
        question: Question,
        call: Call,
        answer: Callable[[Call], Awaitable[T]],
        rows: Callable[[T], int],
    ) -> T:
        asked = Asked(self._label, what, question)
        self._asked.append(asked)
        began = time.perf_counter()
        try:
            await self._repository.universe(call)
            asked.opening = time.perf_counter() - began
            found = await answer(replace(call, notes=asked.work.append))
            asked.rows = rows(found)
            return found
        except AdapterError as error:
            asked.failed = error.code
            raise
        finally:
            asked.seconds = time.perf_counter() - began - asked.opening
