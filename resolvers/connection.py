"""Relay's connections, over listings that are read only as far as they are looked at."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

import strawberry

from .listing import Leaf, Listing
from .noun import noun
from .scalars import Long

N = TypeVar("N")

First = Annotated[
    int,
    strawberry.argument(
        description="Most items of this page, from 0 to Service.maxFirst; more is BAD_USER_INPUT."
    ),
]
After = Annotated[
    str | None,
    strawberry.argument(
        description="A cursor of the same list: what comes behind it. Left out: from the beginning. One of another question is BAD_CURSOR."
    ),
]


@noun
class PageInfo:
    """Where this page stands in its list."""

    __slots__ = ("_leaf",)

    def __init__(self, leaf: Leaf[object]) -> None:
        self._leaf = leaf

    @strawberry.field
    def has_next_page(self) -> bool:
        """Whether more follows behind this page; exact."""
        return self._leaf.more

    @strawberry.field
    def has_previous_page(self) -> bool:
        """Whether this page was asked for with a cursor, so that something came before."""
        return self._leaf.resumed

    @strawberry.field
    def start_cursor(self) -> str | None:
        """Cursor of the first item; null where the page is empty."""
        return self._leaf.cursor(0) if self._leaf.nodes else None

    @strawberry.field
    def end_cursor(self) -> str | None:
        """Cursor of the last item, to ask for the next page with; null where the page is empty."""
        return self._leaf.cursor(len(self._leaf.nodes) - 1) if self._leaf.nodes else None


@noun
class Placed:
    """A place in a list: what can be said of it whatever stands there."""

    __slots__ = ("_leaf", "_place")

    def __init__(self, leaf: Leaf[Any], place: int) -> None:
        self._leaf = leaf
        self._place = place

    @strawberry.field
    def cursor(self) -> str:
        """Where this item stands, to go on behind it; opaque."""
        return self._leaf.cursor(self._place)


@noun
class Edge(Placed, Generic[N]):
    """An item and its place in the list."""

    __slots__ = ()

    @strawberry.field
    def node(self) -> N:
        """The item."""
        item: N = self._leaf.nodes[self._place]
        return item


@noun
class Paged:
    """A page of a list: what can be said of it whatever its items are."""

    __slots__ = ("listing",)

    def __init__(self, listing: Listing[Any]) -> None:
        self.listing = listing

    @strawberry.field
    async def page_info(self) -> PageInfo:
        """Where this page stands."""
        return PageInfo(await self.listing.page())

    @strawberry.field
    async def total_count(self) -> Long | None:
        """Length of the whole list, whatever the page. Counted only when asked for; null, with an error that says so, where
        counting would pass the limits."""
        count = await self.listing.beside(self.listing.count())
        return None if count is None else Long(count)


@noun
class Connection(Paged, Generic[N]):
    """A page of a list."""

    __slots__ = ()

    @strawberry.field
    async def edges(self) -> list[Edge[N]]:
        """The items of this page, each with its cursor."""
        leaf = await self.listing.page()
        return [Edge(leaf, place) for place in range(len(leaf.nodes))]

    @strawberry.field
    async def nodes(self) -> list[N]:
        """The items of this page."""
        # graphql-core takes any sequence for a list, and datasets may still be rows.
        return (await self.listing.page()).nodes  # type: ignore[return-value]
