"""Lists of data IDs, and what ties one to the data ID that it was joined to."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import Any, NamedTuple

import strawberry

from adapters.errors import BadUserInput, unknown
from adapters.question import Constraint, RelatedDataIds
from adapters.rows import Rows, UniverseInfo

from .connection import Paged, Placed
from .context import Info, Scope
from .data_id import DataId, values_of
from .listing import Leaf, Many, Nested, Part
from .noun import noun
from .table import Form, TableFormat, TableLink, table


class Joined(NamedTuple):
    """A data ID, and how much of the region it was joined from it covers."""

    data_id: DataId
    overlap: float | None


@noun
class DataIdEdge(Placed):
    """A data ID and its place in the list."""

    __slots__ = ()

    @strawberry.field
    def node(self) -> DataId:
        """The item."""
        joined: Joined = self._leaf.nodes[self._place]
        return joined.data_id

    @strawberry.field
    def overlap(self) -> float | None:
        """How much of the region it was joined from this one covers, 0 to 1 (convex polygons); null where the sky has no part
        in it, and for other shapes."""
        joined: Joined = self._leaf.nodes[self._place]
        return joined.overlap


@noun
class DataIdConnection(Paged):
    """A page of data IDs."""

    __slots__ = ()

    @strawberry.field
    async def edges(self) -> list[DataIdEdge]:
        """The items of this page, each with its cursor."""
        leaf: Leaf[Joined] = await self.listing.page()
        return [DataIdEdge(leaf, place) for place in range(len(leaf.nodes))]

    @strawberry.field
    async def nodes(self) -> list[DataId]:
        """The items of this page."""
        leaf: Leaf[Joined] = await self.listing.page()
        return [joined.data_id for joined in leaf.nodes]

    @strawberry.field
    async def table(self, info: Info, format: Form = TableFormat.VOTABLE) -> TableLink | None:
        """The whole selection, not only this page, as a table to download."""
        return await table(info, self.listing, format)


def identifying(universe: UniverseInfo, dimensions: tuple[str, ...]) -> tuple[str, ...]:
    """The dimensions that identify a data ID of all of these: those that no other one implies."""
    implied: set[str] = set()
    for name in dimensions:
        element = universe.elements.get(name)
        if element is not None:
            implied.update(element.implied)
    return tuple(name for name in dimensions if name not in implied)


async def data_ids(scope: Scope, rows: Rows) -> list[Joined]:
    """The data IDs of an answer. Behind its columns a row may hold what it was ordered by."""
    places = dict(rows.places)
    overlap = places.pop("overlap", None)
    places.pop("parent", None)
    required = identifying(await scope.universe(), tuple(places))
    return [
        Joined(DataId(scope, values_of(places, row), required), None if overlap is None else row[overlap])
        for row in rows.rows
    ]


class JoinedDataIds(Nested[Joined]):
    """The list of one parent. A name that the universe does not know is BadUserInput with the nearest dimensions."""

    __slots__ = ()

    async def _ask(self, many: Many, parents: list[Hashable], first: int) -> dict[Hashable, Part]:
        known = (await self.scope.universe()).elements
        asked = many(tuple(parents))
        assert isinstance(asked, RelatedDataIds)
        for name in asked.wanted:
            if name not in known:
                dimensions = [name for name, one in known.items() if one.dimension and not one.skypix]
                message, details = unknown("dimension", name, dimensions)
                raise BadUserInput(message, **details)
        return await super()._ask(many, parents, first)


def joined(
    scope: Scope,
    dimensions: tuple[str, ...],
    key: tuple[Any, ...],
    wanted: tuple[str, ...],
    constraints: tuple[Constraint, ...],
    first: int,
    after: str | None,
) -> DataIdConnection:
    """Data IDs of ``wanted`` dimensions that belong to this one; all of a level are one question."""
    many = partial(_many, dimensions, wanted, constraints)
    return DataIdConnection(JoinedDataIds(scope, many, key, "dataIds", first, after, data_ids))


def _many(
    dimensions: tuple[str, ...],
    wanted: tuple[str, ...],
    constraints: tuple[Constraint, ...],
    keys: tuple[tuple[Any, ...], ...],
) -> RelatedDataIds:
    return RelatedDataIds(dimensions, keys, wanted, constraints)
