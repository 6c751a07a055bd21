"""Where the two databases of Butler registries differ: ids, timespans, uploaded keys, globs, and the order of strings.

Everything else is the same SQLAlchemy Core for both. Values come back in the plain forms of ``adapters.rows``: ids as 32 hex digits, times as
integers, an unbounded end as None.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from ..question import Span
from . import glob

Column = sa.ColumnElement[Any]

_MIN_NSEC = 0
_MAX_NSEC = 4_102_444_800_000_000_000
"""What SQLite registries hold for an unbounded end (2100-01-01 TAI; lsst.daf.butler.time_utils.TimeConverter)."""

_SMALL = 60  # values in an IN list that are bound one by one; more travel as one JSON parameter


class Dialect:
    """SQLite; what PostgreSQL does otherwise is in the subclass below."""

    name = "sqlite"
    timespan_columns: tuple[str, ...] = ("timespan_begin", "timespan_end")

    def __init__(self, strings_by_code_point: bool = True) -> None:
        self.sorts_by_code_point = strings_by_code_point

    # ids -----------------------------------------------------------------------------------------------------------

    def hex(self, column: Column) -> Column:
        """An id column as the driver gives it as 32 hex digits; PostgreSQL's does so of each uuid, which costs the server nothing."""
        return column

    def id_type(self) -> sa.types.TypeEngine[Any]:
        return sa.CHAR(32)

    def id_value(self, value: str) -> Column:
        """32 hex digits as something to compare an id column with."""
        return sa.literal(value, sa.CHAR(32))

    # timespans -----------------------------------------------------------------------------------------------------

    def timespan(self, table: sa.FromClause) -> tuple[Column, Column]:
        """Begin and end as integers, None where unbounded (or where there is no timespan)."""
        begin, end = table.c.timespan_begin, table.c.timespan_end
        return sa.func.nullif(begin, _MIN_NSEC), sa.func.nullif(end, _MAX_NSEC)

    def has_timespan(self, table: sa.FromClause) -> Column:
        return table.c.timespan_begin.is_not(None)

    def overlaps(self, table: sa.FromClause, span: Span) -> Column:
        """Whether the timespan shares an instant with a half-open span."""
        begin = _MIN_NSEC if span.begin is None else span.begin
        end = _MAX_NSEC if span.end is None else span.end
        return sa.and_(table.c.timespan_begin < end, table.c.timespan_end > begin)

    def meets(self, table: sa.FromClause, begin: Column, end: Column) -> Column:
        """Whether the timespan shares an instant with a range given by columns, None where unbounded."""
        first, last = sa.func.coalesce(begin, _MIN_NSEC), sa.func.coalesce(end, _MAX_NSEC)
        return sa.and_(table.c.timespan_begin < last, table.c.timespan_end > first)

    def coincide(self, one: sa.FromClause, other: sa.FromClause) -> Column:
        """Whether the timespans of two tables share an instant; NULL where one has none."""
        return sa.and_(
            one.c.timespan_begin < other.c.timespan_end, one.c.timespan_end > other.c.timespan_begin
        )

    # strings -------------------------------------------------------------------------------------------------------

    def text(self, column: Column) -> Column:
        """A string column as it is ordered and compared: by code point."""
        return column

    def number(self, column: Column) -> Column:
        """A column of floats, with NULL where it holds NaN: SQLite stores none."""
        return column

    def glob(self, column: Column, pattern: str) -> Column:
        return column.op("GLOB", is_comparison=True)(glob.to_sqlite(pattern))

    # uploads -------------------------------------------------------------------------------------------------------

    def packed(self, name: str, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        """Rows as the values of the parameters that ``uploaded`` has."""
        return {name: _json(rows)}

    def upload(self, rows: Sequence[Sequence[Any]], kinds: Sequence[sa.types.TypeEngine[Any]]) -> sa.Subquery:
        """A table of keys: columns ``parent`` (position of the row), ``c0``, ``c1`` ..."""
        (value,) = self.packed("rows", rows).values()
        return self._unpacked(sa.bindparam(None, value, sa.Text()), kinds)

    def uploaded(self, name: str, kinds: Sequence[sa.types.TypeEngine[Any]]) -> sa.Subquery:
        """The same with the rows in parameters that are given when the statement runs, ``packed`` under this name."""
        return self._unpacked(sa.bindparam(name, "[]", sa.Text()), kinds)

    def _unpacked(self, packed: Column, kinds: Sequence[sa.types.TypeEngine[Any]]) -> sa.Subquery:
        each = sa.func.json_each(packed).table_valued("key", "value")
        columns: list[Column] = [sa.cast(each.c.key, sa.Integer()).label("parent")]
        for position, kind in enumerate(kinds):
            value = sa.func.json_extract(each.c.value, sa.literal_column(f"'$[{position}]'"), type_=kind)
            columns.append(value.label(f"c{position}"))
        return sa.select(*columns).subquery()

    def within(self, column: Column, values: Sequence[Any]) -> Column:
        """``column IN (values)``, however many."""
        if len(values) <= _SMALL:
            return column.in_(list(values))
        each = sa.func.json_each(sa.bindparam(None, _json(values), sa.Text())).table_valued("value")
        return column.in_(sa.select(each.c.value))

    def ids_within(self, column: Column, values: Sequence[str]) -> Column:
        return self.within(column, values)

    def null(self, kind: sa.types.TypeEngine[Any]) -> Column:
        return sa.cast(sa.null(), kind)


def _json(values: Sequence[Any]) -> str:
    try:
        return orjson.dumps(values).decode()
    except TypeError:  # lone surrogates, integers past 64 bits: they match nothing, but are no fault
        return json.dumps(values)


class PostgreSQL(Dialect):
    name = "postgresql"
    timespan_columns = ("timespan",)

    def id_type(self) -> sa.types.TypeEngine[Any]:
        return postgresql.UUID(as_uuid=False)

    def id_value(self, value: str) -> Column:
        return sa.cast(sa.literal(value, sa.Text()), postgresql.UUID(as_uuid=False))

    def timespan(self, table: sa.FromClause) -> tuple[Column, Column]:
        return sa.func.lower(table.c.timespan), sa.func.upper(table.c.timespan)

    def has_timespan(self, table: sa.FromClause) -> Column:
        return table.c.timespan.is_not(None)

    def overlaps(self, table: sa.FromClause, span: Span) -> Column:
        wanted = sa.func.int8range(
            sa.cast(sa.literal(span.begin), sa.BigInteger()), sa.cast(sa.literal(span.end), sa.BigInteger())
        )
        return table.c.timespan.op("&&", is_comparison=True)(wanted)

    def meets(self, table: sa.FromClause, begin: Column, end: Column) -> Column:
        return table.c.timespan.op("&&", is_comparison=True)(sa.func.int8range(begin, end))

    def coincide(self, one: sa.FromClause, other: sa.FromClause) -> Column:
        return one.c.timespan.op("&&", is_comparison=True)(other.c.timespan)

    def text(self, column: Column) -> Column:
        # Where the database itself sorts by code point a COLLATE would only keep its indices from being used.
        return column if self.sorts_by_code_point else column.collate("C")

    def number(self, column: Column) -> Column:
        # To PostgreSQL NaN is equal to itself, and larger than all others.
        return sa.func.nullif(column, sa.cast(sa.literal_column("'NaN'"), sa.Double()), type_=sa.Double())

    def glob(self, column: Column, pattern: str) -> Column:
        return column.op("~", is_comparison=True)(glob.to_postgres(pattern))

    def packed(self, name: str, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
        # An array for each column: the planner knows how long they are, and guesses of JSON that it has 100 rows.
        return {f"{name}_{place}": list(column) for place, column in enumerate(zip(*rows, strict=True))}

    def upload(self, rows: Sequence[Sequence[Any]], kinds: Sequence[sa.types.TypeEngine[Any]]) -> sa.Subquery:
        columns = list(zip(*rows, strict=True)) or [()] * len(kinds)
        return self._unnested([(None, list(c)) for c in columns], kinds)

    def uploaded(self, name: str, kinds: Sequence[sa.types.TypeEngine[Any]]) -> sa.Subquery:
        return self._unnested([(f"{name}_{place}", []) for place in range(len(kinds))], kinds)

    @staticmethod
    def _unnested(
        columns: Sequence[tuple[str | None, list[Any]]], kinds: Sequence[sa.types.TypeEngine[Any]]
    ) -> sa.Subquery:
        arrays = []
        for (name, values), kind in zip(columns, kinds, strict=True):
            sent = sa.Text() if isinstance(kind, postgresql.UUID | sa.String) else kind
            array = sa.bindparam(name, values, postgresql.ARRAY(sent))
            arrays.append(sa.cast(array, postgresql.ARRAY(kind)))
        names = [f"c{place}" for place in range(len(kinds))]
        each = sa.func.unnest(*arrays).table_valued(*names, with_ordinality="place").render_derived()
        found = (
            sa.type_coerce(each.c[name], kind).label(name) for name, kind in zip(names, kinds, strict=True)
        )
        return sa.select((each.c.place - 1).label("parent"), *found).subquery()

    def within(self, column: Column, values: Sequence[Any]) -> Column:
        if len(values) <= _SMALL:
            return column.in_(list(values))
        return column == sa.func.any(sa.cast(list(values), postgresql.ARRAY(column.type)))

    def ids_within(self, column: Column, values: Sequence[str]) -> Column:
        kind = postgresql.ARRAY(postgresql.UUID(as_uuid=False))
        return column == sa.func.any(
            sa.cast(sa.bindparam(None, list(values), postgresql.ARRAY(sa.Text())), kind)
        )
