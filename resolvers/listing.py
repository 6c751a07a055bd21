"""Lists that have not been read yet.

The resolver of a connection converts its arguments and makes a listing: it carries the question and does no
input or output. What is selected below decides what is asked: a page once, however many of edges, nodes and
pageInfo want it; a count only for totalCount.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from adapters.errors import AdapterError
from adapters.question import Question
from adapters.rows import Facets, Row, Rows

from . import cursor
from .context import Scope, by_parent
from .given import given

N = TypeVar("N")
COUNTED = 1_000
Many = Callable[[tuple[Any, ...]], Question]
Build = Callable[[Scope, Rows], Awaitable[list[N]]]


@dataclass(slots=True)
class Leaf(Generic[N]):
    """One page. ``cursor`` gives the cursor of the node at a place; ``resumed``: something came before."""

    nodes: list[N]
    cursor: Callable[[int], str]
    more: bool
    resumed: bool
    overflow: str | None = None
    unavailable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # what is unknown to the backend, for explain


def keyed(rows: Rows, row: Row) -> cursor.Key:
    """The place of a row in the order of its question, as the adapter says."""
    if rows.key is None:
        raise AdapterError(
            "The adapter gave no key of its rows; without one there are no cursors and no merging."
        )
    return rows.key(row)


class Listing(ABC, Generic[N]):
    """A list that is read when it is looked at."""

    __slots__ = ("_leaf",)

    def __init__(self) -> None:
        self._leaf: asyncio.Task[Leaf[N]] | None = None

    async def leaf(self) -> Leaf[N]:
        """The page; fetched once."""
        if self._leaf is None:
            self._leaf = asyncio.ensure_future(self.fetch())
        return await self._leaf

    @abstractmethod
    async def fetch(self) -> Leaf[N]: ...

    @abstractmethod
    async def count(self) -> int: ...

    @abstractmethod
    async def explain(self) -> list[str]: ...

    @abstractmethod
    async def facets(self, by: Sequence[str], first: int) -> Facets: ...


class Single(Listing[N]):
    """The answer of one repository to one question."""

    __slots__ = ("after", "build", "digest", "first", "question", "scope")

    def __init__(
        self, scope: Scope, question: Question, field: str, first: int, after: str | None, build: Build[N]
    ) -> None:
        super().__init__()
        after = given(after)
        self.scope = scope
        self.first = scope.context.first(first)
        self.digest = self.bound(question, field)
        self.after = None if after is None else cursor.key(cursor.read(after, self.digest))
        self.question = question.paged(first, self.after)
        self.build = build

    def bound(self, question: Question, field: str) -> str:
        """What its cursors are bound to."""
        return cursor.bound(question, field, self.scope.label)

    async def rows(self) -> Rows:
        return await self.scope.ask(self.question, 1, self.first)

    async def fetch(self) -> Leaf[N]:
        rows = await self.rows()
        if len(rows.rows) > self.first:
            rows = replace(rows, rows=rows.rows[: self.first], more=True)
        return Leaf(
            nodes=await self.build(self.scope, rows),
            cursor=lambda place: self._cursor(rows, place),
            more=rows.more,
            resumed=self.after is not None,
            overflow=rows.overflow,
            notes=rows.notes,
        )

    def _cursor(self, rows: Rows, place: int) -> str:
        return cursor.write(self.digest, keyed(rows, rows.rows[place]))

    async def count(self) -> int:
        self.scope.context.budget.spend(1, 1)
        return await self.scope.repository.count(self.question, self.scope.context.call)

    async def explain(self) -> list[str]:
        self.scope.context.budget.spend(1, 1)
        return await self.scope.repository.explain(self.question, self.scope.context.call)

    async def facets(self, by: Sequence[str], first: int) -> Facets:
        self.scope.context.budget.spend(1, self.scope.context.first(first))
        return await self.scope.repository.facets(self.question, by, first, self.scope.context.call)


class Nested(Single[N]):
    """The part of one parent in the answer to a question with many: ``many`` makes that question for N parents.

    From the first page on, all parents of a level are one question. A cursor belongs to one parent and goes on
    with that one alone.
    """

    __slots__ = ("counted", "kind", "many", "parent")

    def __init__(
        self,
        scope: Scope,
        many: Many,
        parent: Hashable,
        field: str,
        first: int,
        after: str | None,
        build: Build[N],
    ) -> None:
        super().__init__(scope, many((parent,)), field, first, after, build)
        self.parent = parent
        self.many = many
        self.counted = many  # what is asked where only the number of rows matters
        # What all parents have in common: the question without them.
        self.kind: tuple[Hashable, ...] = (field, first, repr(many(())))

    async def rows(self) -> Rows:
        if self.after is not None:
            return await super().rows()
        return await self.scope.loader(self.kind, self._fetch, Rows((), [])).load(self.parent)

    async def count(self) -> int:
        """Counted for all parents of the level together, up to ``COUNTED`` items each; beyond, one by one."""
        rows = await self.scope.loader(("count", *self.kind), self._few, Rows((), [])).load(self.parent)
        return len(rows.rows) if len(rows.rows) <= COUNTED else await super().count()

    async def _few(self, parents: list[Hashable]) -> dict[Hashable, Rows]:
        return await self._ask(self.counted, parents, COUNTED)

    async def _fetch(self, parents: list[Hashable]) -> dict[Hashable, Rows]:
        return await self._ask(self.many, parents, self.first)

    async def _ask(self, many: Many, parents: list[Hashable], first: int) -> dict[Hashable, Rows]:
        rows = await self.scope.ask(many(tuple(parents)).paged(first), len(parents), first)
        found = by_parent(rows, parents)
        notes = rows.notes
        if len(parents) > 1:
            notes = tuple(f"Of {len(parents)} lists together: {note}" for note in notes)
        return {
            parent: replace(rows, rows=found.get(parent, []), more=False, notes=notes) for parent in parents
        }
