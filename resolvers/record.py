"""Records of dimension elements: exposures with their times, detectors, patches with their regions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import strawberry

from adapters import instant
from adapters.errors import BadUserInput, unknown
from adapters.question import RecordsByKey
from adapters.rows import ElementInfo, Kind, Row, Rows

from .connection import Connection
from .context import Info, Scope, by_parent
from .data_id import DataId, values_of
from .listing import Build
from .noun import noun
from .region import Region, describe
from .scalars import JSON, uuid_out
from .table import Form, TableFormat, TableLink, table
from .timespan import Timespan

BEGIN, END = "timespan.begin", "timespan.end"


class Layout:
    """Which columns of an answer are what."""

    __slots__ = ("dimensions", "element", "fields", "places", "scope")

    def __init__(self, scope: Scope, element: ElementInfo, rows: Rows) -> None:
        self.scope = scope
        self.element = element
        self.places = rows.places
        self.dimensions = {
            column.name: self.places[column.name] for column in rows.columns if column.dimension
        }
        self.fields = {
            column.name: column.kind
            for column in rows.columns
            if column.name != "parent" and not column.dimension and column.name not in (BEGIN, END)
        }


@noun
class DimensionRecord:
    """What a repository records about one value of a dimension element."""

    __slots__ = ("_layout", "_row")

    def __init__(self, layout: Layout, row: Row) -> None:
        self._layout = layout
        self._row = row

    @strawberry.field
    def element(self) -> str:
        """The dimension element: exposure, visit, detector ..."""
        return self._layout.element.name

    @strawberry.field
    def data_id(self) -> DataId:
        """The data ID that identifies it, with what it implies."""
        values = values_of(self._layout.dimensions, self._row)
        return DataId(self._layout.scope, values, self._layout.element.required)

    @strawberry.field
    def fields(self) -> JSON:
        """Every field by its Butler name, the values of its dimensions under their names too. A time is {"begin", "end"}, each
        ISO 8601 text in UTC or null; a region is s_region text (ICRS, degrees); a hash is hexadecimal."""
        layout = self._layout
        found: dict[str, Any] = values_of(layout.dimensions, self._row)
        for name in layout.fields:
            found[name] = self._value(name)
        if BEGIN in layout.places:
            found["timespan"] = self._times()
        return JSON(found)

    @strawberry.field
    def field(
        self, name: Annotated[str, strawberry.argument(description="Name of a field, as in fields.")]
    ) -> JSON | None:
        """One field, in the form it has in fields. An unknown name is BAD_USER_INPUT."""
        layout = self._layout
        if name in layout.dimensions:
            return JSON(self._row[layout.dimensions[name]])
        if name in layout.fields:
            return JSON(self._value(name))
        if name == "timespan" and BEGIN in layout.places:
            return JSON(self._times())
        known = [*layout.dimensions, *layout.fields, *(["timespan"] if BEGIN in layout.places else [])]
        message, details = unknown(f"field of {layout.element.name}", name, known)
        raise BadUserInput(message, **details)

    @strawberry.field
    def region(self) -> Region | None:
        """The region of this record; null where the element has none, or it was left out."""
        place = self._layout.places.get("region")
        text = None if place is None else self._row[place]
        return None if text is None else Region(self._layout.element.name, text)

    @strawberry.field
    def timespan(self) -> Timespan | None:
        """The timespan of this record; null where the element has none, or it was left out."""
        begin, end = self._ends()
        return None if begin is None and end is None else Timespan(begin, end)

    def _ends(self) -> tuple[int | None, int | None]:
        places = self._layout.places
        return (self._row[places[BEGIN]], self._row[places[END]]) if BEGIN in places else (None, None)

    def _times(self) -> dict[str, str | None] | None:
        begin, end = self._ends()
        if begin is None and end is None:
            return None
        return {
            "begin": None if begin is None else instant.to_text(begin),
            "end": None if end is None else instant.to_text(end),
        }

    def _value(self, name: str) -> Any:
        return plain(self._row[self._layout.places[name]], self._layout.fields[name])


def plain(value: Any, kind: Kind) -> Any:
    """A value of a column as JSON."""
    if value is None:
        return None
    if kind is Kind.TIME:
        return instant.to_text(value)
    if kind is Kind.REGION:
        return describe(value).s_region
    if kind is Kind.HASH:
        return value.hex()
    if kind is Kind.UUID:
        return uuid_out(value)
    if kind is Kind.NAMES:
        return list(value)
    if kind is Kind.FLOAT and not math.isfinite(value):
        return None  # JSON has no such number
    return value


@noun
class DimensionRecordConnection(Connection[DimensionRecord]):
    """A page of dimension records."""

    __slots__ = ()

    @strawberry.field
    async def table(self, info: Info, format: Form = TableFormat.VOTABLE) -> TableLink | None:
        """The whole selection, not only this page, as a table to download."""
        return await table(info, self.listing, format)


async def element_of(scope: Scope, name: str) -> ElementInfo:
    """An element of the repository's universe; BadUserInput with the nearest names."""
    universe = await scope.universe()
    found = universe.elements.get(name)
    if found is None:
        message, details = unknown("dimension element", name, universe.elements)
        raise BadUserInput(message, **details)
    return found


def records(name: str) -> Build[DimensionRecord]:
    """How the records of this element in an answer become objects."""

    async def build(scope: Scope, rows: Rows) -> list[DimensionRecord]:
        layout = Layout(scope, await element_of(scope, name), rows)
        return [DimensionRecord(layout, row) for row in rows.rows]

    return build


async def record_of(scope: Scope, name: str, values: Mapping[str, Any]) -> DimensionRecord | None:
    """The record that these values identify; None where one is missing, or there is no record."""
    element = await element_of(scope, name)
    key = tuple(values.get(dimension) for dimension in element.required)
    if None in key:
        return None

    async def fetch(keys: list[tuple[Any, ...]]) -> dict[tuple[Any, ...], DimensionRecord | None]:
        rows = await scope.ask(RecordsByKey(name, tuple(keys)), len(keys), 1)
        layout = Layout(scope, element, rows)
        return {key: DimensionRecord(layout, found[0]) for key, found in by_parent(rows, keys).items()}

    return await scope.loader(("records", name), fetch, None).load(key)
