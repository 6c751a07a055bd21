"""Data IDs: which values of which dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET

from adapters.errors import BadUserInput
from adapters.question import Kinship, Related

from .arguments import FindFirst, Partial, Searched, Types
from .association_kind import AssociationKind
from .beside import beside_each
from .connection import After, First
from .context import Info, Scope
from .filters import constraints
from .given import given, names
from .noun import noun
from .region import Region, regions
from .scalars import DataIdMap, Long
from .selection import selects
from .timespan import Timespan, timespans

if TYPE_CHECKING:
    from .association_connection import AssociationConnection
    from .data_id_connection import DataIdConnection
    from .record import DimensionRecord

Associations = Annotated["AssociationConnection", strawberry.lazy(".association_connection")]
DataIds = Annotated["DataIdConnection", strawberry.lazy(".data_id_connection")]
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
        return None if key is None else await regions(self._scope, self._required).load(key)

    @strawberry.field
    async def timespan(self) -> Timespan | None:
        """When it was observed. Null where the dimensions have no time, or no one recorded it."""
        key = self.key()
        return None if key is None else await timespans(self._scope, self._required).load(key)

    @strawberry.field
    def related(
        self,
        info: Info,
        type: Types,
        by: Annotated[
            AssociationKind | None,
            strawberry.argument(description="Left out: what the dimensions say, as in Dataset.related."),
        ] = UNSET,
        collections: Searched = UNSET,
        data_id: Partial = UNSET,
        find_first: FindFirst = UNSET,
        first: First = 100,
        after: After = UNSET,
    ) -> Associations | None:
        """Datasets tied to this data ID: of it, of a superset of its dimensions, or joined by sky, time or validity as in
        Dataset.related. PROVENANCE is of datasets: BAD_USER_INPUT."""
        from .kinship import Tie
        from .kinship import related as tied

        asked = Related(
            dimensions=self._required,
            keys=(),
            types=tuple(type),
            by=Kinship[by.name] if by else None,
            collections=names(collections),
            constraints=constraints(data_id),
            find_first=given(find_first),
            overlap=selects(info._raw_info, "edges", "overlap"),
            beside=beside_each(info._raw_info),
        )
        return tied(Tie(self._scope, asked, None), (self.key() or (), ""), first, after)

    @strawberry.field
    def data_ids(
        self,
        dimensions: Annotated[
            list[str], strawberry.argument(description="Butler's names; what they require comes with them.")
        ],
        data_id: Partial = UNSET,
        first: First = 100,
        after: After = UNSET,
    ) -> DataIds | None:
        """Data IDs of other dimensions joined to this one: visit to exposures, visit and detector to patches, patch to
        visits. Where the sky joins them the edge says how much overlaps."""
        from .data_id_connection import joined

        if not dimensions:
            raise BadUserInput("dataIds: dimensions names at least one.")
        wanted, demanded = tuple(dimensions), constraints(data_id)
        return joined(self._scope, self._required, self.key() or (), wanted, demanded, first, after)

    def key(self) -> tuple[str | int, ...] | None:
        """Values of the required dimensions, in order; None without any dimension."""
        return tuple(self._values[name] for name in self._required) or None

    def _text(self, name: str) -> str | None:
        return self._values.get(name)

    def _number(self, name: str) -> Long | None:
        return self._values.get(name)


def values_of(names: Mapping[str, int], row: tuple[Any, ...]) -> dict[str, Any]:
    """The values of some columns of a row, by name."""
    return {name: row[place] for name, place in names.items()}
