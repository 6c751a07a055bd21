"""Rows of a saved result, as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from adapters.errors import BadCursor, Unsupported
from adapters.rows import Facets

from . import cursor
from .asked import Asked
from .connection import Paged, Placed
from .context import Context
from .given import given
from .listing import Leaf, Listing
from .noun import noun
from .results import Found, Kept, Phase, Results, Selected
from .scalars import JSON, Long


def place_of(after: str | None, digest: str) -> int | None:
    """The place of the row that a cursor is of; None without a cursor. Raises BadCursor."""
    after = given(after)
    if after is None:
        return None
    key = cursor.read(after, digest)
    if len(key) != 1 or type(key[0]) is not int or not 0 <= key[0] < 2**63:
        raise BadCursor(
            "after is damaged: it has no place of a row; take endCursor, or the cursor of an edge, as it is."
        )
    return key[0]


async def facets_of(
    context: Context, store: Results, selected: Selected, by: Sequence[str], first: int
) -> Facets:
    """Counts by value, asked and paid for once."""

    async def facets() -> Facets:
        context.budget.spend(1, context.first(first))
        return await store.facets(selected, by, first, context.call.deadline)

    return await context.once(("facets", selected, tuple(by), first), facets())


class ResultRows(Listing[JSON]):
    """Rows of one result that satisfy a condition, in an order."""

    __slots__ = ("_after", "_context", "_digest", "_first", "_kept", "_selected", "_store")

    def __init__(
        self,
        context: Context,
        store: Results,
        kept: Kept,
        selected: Selected,
        first: int,
        after: str | None,
    ) -> None:
        super().__init__()
        self._context = context
        self._store = store
        self._kept = kept
        self._selected = selected
        self._first = context.first(first)
        self._digest = cursor.bound(selected, "SavedResult.rows")
        self._after = place_of(after, self._digest)

    @property
    def completed(self) -> bool:
        return self._kept.phase is Phase.COMPLETED

    def asked(self) -> Asked:
        raise Unsupported("The rows of a saved result are no list of a repository; ask SavedResult.table.")

    async def fetch(self) -> Leaf[JSON]:
        return await self._context.once(("rows", self._selected, self._first, self._after), self._fetch())

    async def _fetch(self) -> Leaf[JSON]:
        self._context.budget.spend(1, self._first)
        found = Found([], [], False)
        if self.completed:
            found = await self._store.rows(
                self._selected, self._first, self._after, self._context.call.deadline
            )
        return Leaf(
            nodes=found.rows,
            cursor=lambda place: cursor.write(self._digest, [found.places[place]]),
            more=found.more,
            resumed=self._after is not None,
        )

    async def count(self) -> int:
        if self._selected.where is None and not self._selected.order:
            return self._kept.rows or 0

        async def count() -> int:
            self._context.budget.spend(1, 1)
            return await self._store.count(self._selected, self._context.call.deadline)

        return await self._context.once(("count", self._selected), count())

    async def explain(self) -> list[str]:
        return []

    async def facets(self, by: Sequence[str], first: int) -> Facets:
        return await facets_of(self._context, self._store, self._selected, by, first)


@noun
class ResultRowEdge(Placed):
    """A row and its place in the list."""

    __slots__ = ()

    @strawberry.field
    def node(self) -> JSON:
        """The row: a JSON object from the names of columns to values; instants are text."""
        return JSON(self._leaf.nodes[self._place])


@noun
class ResultRowConnection(Paged):
    """A page of rows of a saved result."""

    __slots__ = ()

    @strawberry.field
    async def edges(self) -> list[ResultRowEdge]:
        """The rows of this page, each with its cursor."""
        leaf = await self.listing.page()
        return [ResultRowEdge(leaf, place) for place in range(len(leaf.nodes))]

    @strawberry.field
    async def nodes(self) -> list[JSON]:
        """The rows of this page."""
        return list((await self.listing.page()).nodes)

    @strawberry.field
    async def total_count(self) -> Long | None:
        """Rows that satisfy the condition, whatever the page. Counted only when asked for; null until the result is COMPLETED."""
        assert isinstance(self.listing, ResultRows)
        if not self.listing.completed:
            return None
        count = await self.listing.beside(self.listing.count())
        return None if count is None else Long(count)
