"""Lists that have not been read yet.

The resolver of a connection converts its arguments and makes a listing: it carries the question and does no
input or output. What is selected below decides what is asked: a page once, however many of edges, nodes and
pageInfo want it; a count only for totalCount.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from adapters.errors import SILENT, AdapterError, TooComplex
from adapters.question import Question
from adapters.rows import Facets, Row, Rows

from . import cursor
from .asked import Asked
from .context import Scope
from .given import given
from .loader import Loader, begun

if TYPE_CHECKING:
    from adapters.caller import Caller

    from .table import Link, Tables

N = TypeVar("N")
T = TypeVar("T")
COUNTED = 1_000
Many = Callable[[tuple[Any, ...]], Question]
Build = Callable[[Scope, Rows], Awaitable[Sequence[N]]]


@dataclass(slots=True)
class Leaf(Generic[N]):
    """One page. ``cursor`` gives the cursor of the node at a place; ``resumed``: something came before."""

    nodes: Sequence[N]
    cursor: Callable[[int], str]
    more: bool
    resumed: bool
    overflow: str | None = None
    unavailable: tuple[str, ...] = ()
    unsaved: tuple[str, ...] = ()  # repositories that did not answer when this was saved
    notes: tuple[str, ...] = ()  # what is unknown to the backend, for explain
    gone: str | None = None  # what belongs here and is not to be had any more, for completeness


def keyed(rows: Rows, row: Row) -> cursor.Key:
    """The place of a row in the order of its question, as the adapter says."""
    if rows.key is None:
        raise AdapterError(
            "The adapter gave no key of its rows; without one there are no cursors and no merging."
        )
    return rows.key(row)


class Listing(ABC, Generic[N]):
    """A list that is read when it is looked at."""

    __slots__ = ("_leaf", "_read", "_shown", "_told")

    def __init__(self) -> None:
        self._leaf: asyncio.Task[Leaf[N]] | None = None
        self._read: Leaf[N] | None = None
        self._shown = False
        self._told: set[str] = set()

    async def leaf(self) -> Leaf[N]:
        """The page; fetched once."""
        if self._read is not None:
            return self._read
        if self._leaf is None:
            if self.alone():
                self._read = await self.fetch()
                return self._read
            self._leaf = begun(self.fetch())
        return await self._leaf

    def alone(self) -> bool:
        """Whether nobody else can ask for the page while it is fetched."""
        return False

    def forget(self) -> None:
        """Hold no page any more: it holds its list, for the cursors."""
        self._leaf = self._read = None

    async def page(self) -> Leaf[N]:
        """The page, for a field of the answer that cannot be null: it tells what is wrong with the list."""
        self._shown = True
        return await self.leaf()

    async def beside(self, value: Awaitable[T]) -> T | None:
        """What is said beside the page, for a field that can be null: it is, without an error of its own, where
        another field of this list tells the same mistake."""
        try:
            return await value
        except AdapterError as mistake:
            await asyncio.sleep(0)  # every field of the list has begun by then
            if mistake.message in self._told or await self._shows(mistake):
                return None
            self._told.add(mistake.message)
            raise

    async def _shows(self, mistake: AdapterError) -> bool:
        """Whether a field of the page tells this mistake."""
        if not self._shown:
            return False
        try:
            await self.leaf()
        except AdapterError as told:
            return told.message == mistake.message
        return False

    @abstractmethod
    def asked(self) -> Asked:
        """The whole list, not only this page, as somebody else may ask it."""
        ...

    async def link(self, tables: Tables, format: str, obscore: bool, caller: Caller, base_url: str) -> Link:
        """Where the whole list is as a table. Raises what is wrong with the list: whoever follows the address is told in a file, if at all."""
        with suppress(*SILENT):  # a repository may answer when the table is asked for
            await self.check()
        return await tables.link(self.asked(), format, obscore, caller, base_url)

    async def check(self) -> None:
        """Ask for no row, where that costs one question and the page is not asked for anyway."""

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

    __slots__ = ("_bare", "_digest", "_question", "after", "build", "field", "first", "scope")

    def __init__(
        self,
        scope: Scope,
        question: Question | None,
        field: str,
        first: int,
        after: str | None,
        build: Build[N],
    ) -> None:
        super().__init__()
        after = given(after)
        self.scope = scope
        self.field = field
        self.first = scope.context.first(first)
        self.build = build
        self._bare = question
        self._digest: str | None = None
        self._question: Question | None = None
        self.after = None if after is None else cursor.key(cursor.read(after, self.digest))

    def bare(self) -> Question:
        """The question, whatever the page."""
        assert self._bare is not None
        return self._bare

    @property
    def question(self) -> Question:
        if self._question is None:
            self._question = self.bare().paged(self.first, self.after, turned=self.scope.context.alone())
        return self._question

    @property
    def digest(self) -> str:
        """What its cursors are bound to; worked out where there is one."""
        if self._digest is None:
            self._digest = self.bound(self.bare())
        return self._digest

    def asked(self) -> Asked:
        return Asked((self.scope.label,), (self.bare(),))

    async def check(self) -> None:
        if self._read is None and self._leaf is None:
            await self.scope.ask(self.bare().paged(0), 1, 0)

    def bound(self, question: Question) -> str:
        return cursor.bound(question, self.field, self.scope.label)

    def alone(self) -> bool:
        return self.scope.context.alone()

    async def rows(self) -> Rows:
        return await self.scope.ask(self.question, 1, self.first)

    async def fetch(self) -> Leaf[N]:
        return await self.page_of(await self.rows())

    async def page_of(self, rows: Rows) -> Leaf[N]:
        """The page that an answer is."""
        self.scope.read.append(self)
        if len(rows.rows) > self.first:
            rows = rows.of(rows.rows[: self.first], more=True)
        return Leaf(
            nodes=await self.build(self.scope, rows),
            cursor=lambda place: self.cursor_at(rows, place),
            more=rows.more,
            resumed=self.after is not None,
            overflow=rows.overflow,
            notes=rows.notes,
        )

    def cursor_at(self, rows: Rows, place: int) -> str:
        return cursor.write(self.digest, keyed(rows, rows.rows[place]))

    async def count(self) -> int:
        return await self.scope.count(self.bare())

    async def explain(self) -> list[str]:
        return await self.scope.explain(self.bare())

    async def facets(self, by: Sequence[str], first: int) -> Facets:
        return await self.scope.facets(self.bare(), by, first)


class Nested(Single[N]):
    """The part of one parent in the answer to a question with many: ``many`` makes that question for N parents.

    From the first page on, all parents of a level are one question. A cursor belongs to one parent and goes on
    with that one alone.
    """

    __slots__ = ("_kind", "counted", "many", "parent")

    def __init__(
        self,
        scope: Scope,
        many: Many,
        parent: Hashable,
        field: str,
        first: int,
        after: str | None,
        build: Build[N],
        kind: Hashable = None,
    ) -> None:
        self.parent = parent
        self.many = many
        self.counted = many  # what is asked where only the number of rows matters
        self._kind = kind
        super().__init__(scope, None, field, first, after, build)

    def bare(self) -> Question:
        return self.many((self.parent,))

    async def check(self) -> None:
        """Nothing: the lists of all parents would be asked about one by one."""

    @property
    def unread(self) -> bool:
        return self._read is None and self._leaf is None

    async def take(self, rows: Rows) -> None:
        """Take rows that were fetched for it as its page."""
        self._read = await self.page_of(rows)

    @property
    def kind(self) -> tuple[Hashable, ...]:
        """What all parents of a level have in common: the question without them."""
        if self._kind is None:
            self._kind = self.many(())
        return (self.field, self.first, self._kind)

    async def rows(self) -> Rows:
        if self.after is not None:
            return await super().rows()
        return _part(await self.pages().load(self.parent))

    def pages(self) -> Loader[Any, Part]:
        """The first pages of all parents of this level."""
        return self.scope.loader(self.kind, self._fetch, _NOTHING)

    async def count(self) -> int:
        """Counted for all parents of the level together, up to ``COUNTED`` items each; beyond, one by one."""
        _, own = await self.scope.loader(("count", *self.kind), self._few, _NOTHING).load(self.parent)
        return len(own) if len(own) <= COUNTED else await super().count()

    async def _few(self, parents: list[Hashable]) -> dict[Hashable, Part]:
        try:
            return await self._ask(self.counted, parents, COUNTED)
        except TooComplex as refused:
            if refused.details.get("what") != "cost":
                raise
            # Its words are of a page, and nobody asked for one.
            limit, actual = refused.details["limit"], refused.details["actual"]
            raise TooComplex(
                f"totalCount counts up to {COUNTED} items of each of {len(parents)} lists here, and with them this query asks for up to "
                f"{actual} rows; the limit max_cost is {limit}. Count fewer lists at once, or leave totalCount out.",
                **refused.details,
            ) from refused

    async def _fetch(self, parents: list[Hashable]) -> dict[Hashable, Part]:
        return await self._ask(self.many, parents, self.first)

    async def _ask(self, many: Many, parents: list[Hashable], first: int) -> dict[Hashable, Part]:
        rows = await self.scope.ask(many(tuple(parents)).paged(first), len(parents), first)
        notes = rows.notes
        if len(parents) > 1:
            notes = tuple(f"Of {len(parents)} lists together: {note}" for note in notes)
        whole = replace(rows, rows=[], more=False, notes=notes)
        found: list[list[Row]] = [[] for _ in parents]
        if rows.rows:
            for place, own in groupby(rows.rows, itemgetter(rows.index("parent"))):
                found[place] += own
        return {parent: (whole, own) for parent, own in zip(parents, found, strict=True)}


Part = tuple[Rows, list[Row]]
"""What the answer to a question with many parents says of all of them, and the rows of one."""

_NOTHING: Part = (Rows((), []), [])


def _part(part: Part) -> Rows:
    whole, own = part
    return whole.of(own)


async def read(listings: Sequence[Listing[Any]]) -> None:
    """Fetch the pages of many lists: the first pages of one level are one question, without a task for each."""
    levels: dict[Hashable, list[Nested[Any]]] = {}
    others: list[Listing[Any]] = []
    for listing in listings:
        if isinstance(listing, Nested) and listing.after is None:
            if listing.unread:
                levels.setdefault((listing.scope, listing.kind), []).append(listing)
        else:
            others.append(listing)

    async def level(own: list[Nested[Any]]) -> None:
        parts = await own[0].pages().load_many([listing.parent for listing in own])
        for listing, part in zip(own, parts, strict=True):
            await listing.take(_part(part))

    waiting = [*map(level, levels.values()), *(listing.leaf() for listing in others)]
    if len(waiting) == 1:
        await waiting[0]
    else:
        await asyncio.gather(*waiting)
