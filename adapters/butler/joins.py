"""A FROM clause that grows as dimensions and fields are asked of it, by the rules that Butler's own queries follow.

A dimension that is not there comes from the table that implies it (visit -> physical_filter -> band), a field from its element's table, and an exposure meets a
visit through visit_definition. Joins are inner: the registry's foreign keys let no dataset lack its records.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionElement, DimensionGroup

from ..errors import BadUserInput, shortened
from ..rows import Kind
from .tables import Tables
from .universe import fields, no_name

Column = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Name:
    """What a name in a constraint or an order means.

    ``role``: dimension, field (of ``element``), begin or end (of the element's timespan), run, ingest_date, or outside: known to the universe, but not
    to the dimensions at hand.
    """

    role: str
    kind: Kind
    element: str = ""
    field: str = ""


def resolve(name: str, group: DimensionGroup, tables: Tables, *, dataset: bool = False) -> Name:
    """Find what a name means for these dimensions.

    Raises
    ------
    BadUserInput
        The universe knows no such dimension or field, or several elements have it; the message has the nearest names.
    """
    universe, name = tables.universe, shortened(name)
    if dataset and name == "run":
        return Name("run", Kind.STRING)
    if dataset and name == "ingest_date":
        return Name("ingest_date", Kind.TIME)
    head, _, tail = name.partition(".")
    if not tail and head in universe.dimensions:
        role = "dimension" if head in group.names else "outside"
        return Name(role, tables.kind(head), head)
    if tail and head in universe.elements.names and (found := _of_element(universe[head], tail, tables)):
        return found if head in group.elements else Name("outside", found.kind, found.element, found.field)
    if head == "timespan" and tail in ("begin", "end"):
        owners = [universe[e] for e in group.elements if universe[e].temporal is not None]
        if group.temporal:
            (family, *_) = group.temporal
            return Name(tail, Kind.TIME, family.choose(group).name)
        if owners:
            return Name(tail, Kind.TIME, owners[0].name)
    if not tail:
        owners = [universe[e] for e in group.elements if head in fields(universe[e])]
        if len(owners) == 1:
            return Name("field", fields(owners[0])[head], owners[0].name, head)
        if owners:
            choices = " or ".join(f"{owner.name}.{head}" for owner in owners)
            raise BadUserInput(f"'{head}' is a field of several dimensions here; say {choices}.")
        if any(head in fields(element) for element in universe.elements):
            element = next(element for element in universe.elements if head in fields(element))
            return Name("outside", fields(element)[head], element.name, head)
    raise no_name(name, universe, ["run", "ingest_date"] if dataset else [])


def _of_element(element: DimensionElement, tail: str, tables: Tables) -> Name | None:
    known = fields(element)
    if tail in known:
        return Name("field", known[tail], element.name, tail)
    if tail in element.dimensions.names:
        return Name("dimension", tables.kind(tail), tail)
    if tail in ("timespan.begin", "timespan.end", "begin", "end") and element.temporal is not None:
        return Name(tail.rpartition(".")[2], Kind.TIME, element.name)
    if element.name in tables.universe.dimensions.names:
        dimension = tables.universe.dimensions[element.name]
        if tail == dimension.primary_key.name:
            return Name("dimension", tables.kind(element.name), element.name)
    return None


class Source:
    """A FROM clause and what it offers.

    Parameters
    ----------
    origin
        Where the rows start, or None to start from dimension tables.
    keys
        Columns that hold dimensions there.
    """

    def __init__(
        self, tables: Tables, group: DimensionGroup, origin: sa.FromClause | None, keys: dict[str, Column]
    ) -> None:
        self.tables = tables
        self.group = group
        self.clause = origin
        self.keys = dict(keys)
        self.conditions: list[Column] = []
        self.outer = False  # whether rows stay that the tables joined from now on know nothing of
        self._joined: dict[str, sa.FromClause] = {}

    def dimension(self, name: str) -> Column:
        """The column of a dimension of the group, joining what implies it."""
        if name not in self.keys:
            universe = self.tables.universe
            owners = [d for d in self.group.names if name in universe.dimensions[d].implied.names]
            if not owners:
                self.element(name)
            else:
                # One that is at hand already saves a table; any other has to be there before what it implies.
                owner = next((o for o in owners if o in self.keys), owners[0])
                self.dimension(owner)
                self.element(owner)
        return self.keys[name]

    def field(self, element: str, field: str) -> Column:
        column: Column = self.element(element).c[field]
        return column

    def element(self, name: str) -> sa.FromClause:
        """The table of an element, joined on its required dimensions."""
        if name in self._joined:
            return self._joined[name]
        element = self.tables.universe[name]
        if not element.has_own_table:
            return self._values(element)
        table = self.tables.element(name).alias()
        columns = self.tables.key_columns(element)
        required = [n for n in element.required.names if n != name]
        if self.clause is not None and not any(n in self.keys for n in columns):
            # Nothing in common yet: what it hangs on first, so that no product is wider than it must be.
            for dimension in required:
                if dimension in self.group.names:
                    self.dimension(dimension)
        on = [
            table.c[column] == self.keys[dimension]
            for dimension, column in columns.items()
            if dimension in self.keys
        ]
        self._join(table, on)
        for dimension, column in columns.items():
            self.keys.setdefault(dimension, table.c[column])
        self._joined[name] = table
        return table

    def has(self, name: str, table: sa.FromClause) -> None:
        """Know an element's table that the origin has already."""
        for dimension, column in self.tables.key_columns(self.tables.universe[name]).items():
            self.keys.setdefault(dimension, table.c[column])
        self._joined[name] = table

    def _values(self, element: DimensionElement) -> sa.FromClause:
        """A dimension without a table: the values that its implying table has (band: those of physical_filter)."""
        target = element.implied_union_target
        if target is None:
            raise BadUserInput(f"Dimension '{element.name}' has no records to list.")
        table = self.tables.element(target.name)
        values = sa.select(table.c[element.name]).distinct().subquery()
        on = [values.c[element.name] == self.keys[element.name]] if element.name in self.keys else []
        self._join(values, on)
        self.keys.setdefault(element.name, values.c[element.name])
        self._joined[element.name] = values
        return values

    def _join(self, table: sa.FromClause, on: list[Column]) -> None:
        if self.clause is None:
            self.clause = table
        else:
            self.clause = self.clause.join(table, sa.and_(*on) if on else sa.true(), isouter=self.outer)

    def relate(self, given: frozenset[str] = frozenset()) -> None:
        """Join every element that defines relationships among the group's dimensions, as Butler does; ``given``: dimensions whose relationships
        the origin already has."""
        universe = self.tables.universe
        for name in self.group.elements:
            element = universe[name]
            if element.defines_relationships and not element.minimal_group.names <= given:
                self.element(name)

    def complete(self) -> None:
        """Join whatever is needed for every dimension of the group to be there."""
        for name in self.group.names:
            self.dimension(name)

    def timespan(self, element: str) -> tuple[Column, Column]:
        return self.tables.dialect.timespan(self.element(element))

    def select(self, *columns: Column) -> sa.Select[Any]:
        statement = sa.select(*columns)
        if self.clause is not None:
            statement = statement.select_from(self.clause)
        return statement.where(*self.conditions) if self.conditions else statement
