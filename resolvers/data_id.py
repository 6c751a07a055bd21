"""Data IDs: which values of which dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from adapters.rows import Rows, UniverseInfo

from .connection import Connection
from .context import Scope
from .noun import noun
from .region import Region, region_of
from .scalars import DataIdMap, Long
from .timespan import Timespan, timespan_of

if TYPE_CHECKING:
    from .record import DimensionRecord

RecordType = Annotated["DimensionRecord", strawberry.lazy(".record")]


@noun
class DataId:
    """A data ID. The typed fields are the dimensions of Butler's standard universe, null where the data ID lacks one;
    map holds every dimension of any universe."""

    __slots__ = ("_required", "_scope", "_values")

    def __init__(self, scope: Scope, values: dict[str, Any], required: tuple[str, ...]) -> None:
        self._scope = scope
        self._values = values
        self._required = required

    @strawberry.field
    def map(self) -> DataIdMap:
        """Every dimension that has a value, the implied ones too."""
        return DataIdMap({name: value for name, value in self._values.items() if value is not None})

    @strawberry.field
    def required(self) -> DataIdMap:
        """Required dimensions only: what identifies it."""
        return DataIdMap({name: self._values[name] for name in self._required})

    @strawberry.field
    def instrument(self) -> str | None:
        """Short name of the instrument: HSC, LSSTCam ..."""
        return self._text("instrument")

    @strawberry.field
    def detector(self) -> Long | None:
        """Number of the detector within its instrument."""
        return self._number("detector")

    @strawberry.field
    def physical_filter(self) -> str | None:
        """The filter in the instrument."""
        return self._text("physical_filter")

    @strawberry.field
    def band(self) -> str | None:
        """The band of the filter: g, r, i ..."""
        return self._text("band")

    @strawberry.field
    def group(self) -> str | None:
        """Group of exposures taken together."""
        return self._text("group")

    @strawberry.field
    def day_obs(self) -> Long | None:
        """Day of observation, YYYYMMDD."""
        return self._number("day_obs")

    @strawberry.field
    def exposure(self) -> Long | None:
        """Id of the exposure; passes 2^31."""
        return self._number("exposure")

    @strawberry.field
    def visit(self) -> Long | None:
        """Id of the visit; passes 2^31."""
        return self._number("visit")

    @strawberry.field
    def skymap(self) -> str | None:
        """Name of the sky map."""
        return self._text("skymap")

    @strawberry.field
    def tract(self) -> Long | None:
        """Number of the tract within its sky map."""
        return self._number("tract")

    @strawberry.field
    def patch(self) -> Long | None:
        """Number of the patch within its tract."""
        return self._number("patch")

    @strawberry.field
    async def record(
        self,
        element: Annotated[
            str,
            strawberry.argument(
                description="A dimension element: exposure, visit, visit_detector_region ..."
            ),
        ],
    ) -> RecordType | None:
        """The record of a dimension element behind the dimensions. Null where the data ID lacks a dimension that identifies
        such a record, or the repository has none. An unknown element is BAD_USER_INPUT."""
        from .record import record_of

        return await record_of(self._scope, element, self._values)

    @strawberry.field
    async def region(self) -> Region | None:
        """Where it lies: the region of the finest element that the dimensions have, an exposure's from its visit. Null where
        the dimensions have no region, or no one recorded it."""
        key = self.key()
        return None if key is None else await region_of(self._scope, self._required, key)

    @strawberry.field
    async def timespan(self) -> Timespan | None:
        """When it was observed. Null where the dimensions have no time, or no one recorded it."""
        key = self.key()
        return None if key is None else await timespan_of(self._scope, self._required, key)

    def key(self) -> tuple[str | int, ...] | None:
        """Values of the required dimensions, in order; None without any dimension."""
        return tuple(self._values[name] for name in self._required) or None

    def _text(self, name: str) -> str | None:
        return self._values.get(name)

    def _number(self, name: str) -> Long | None:
        return self._values.get(name)


@noun
class DataIdConnection(Connection[DataId]):
    """A page of data IDs."""

    __slots__ = ()


def identifying(universe: UniverseInfo, dimensions: tuple[str, ...]) -> tuple[str, ...]:
    """The dimensions that identify a data ID of all of these: those that no other one implies."""
    implied: set[str] = set()
    for name in dimensions:
        element = universe.elements.get(name)
        if element is not None:
            implied.update(element.implied)
    return tuple(name for name in dimensions if name not in implied)


async def data_ids(scope: Scope, rows: Rows) -> list[DataId]:
    """The data IDs of an answer: every column is a dimension. Behind them a row may hold what it was ordered by."""
    names = tuple(column.name for column in rows.columns)
    required = identifying(await scope.universe(), names)
    return [DataId(scope, dict(zip(names, row, strict=False)), required) for row in rows.rows]


def values_of(names: Mapping[str, int], row: tuple[Any, ...]) -> dict[str, Any]:
    """The values of some columns of a row, by name."""
    return {name: row[place] for name, place in names.items()}
