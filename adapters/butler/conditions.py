"""A question's constraints as SQL conditions on a Source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionGroup

from ..errors import BadUserInput
from ..question import Among, Constraint, Op
from ..rows import Kind
from .joins import Name, Source, resolve
from .mistakes import lacking
from .tables import Tables

Column = sa.ColumnElement[Any]

_WORDS = {
    Kind.STRING: (str, "a string"),
    Kind.LONG: (int, "an integer"),
    Kind.FLOAT: ((int, float), "a number"),
    Kind.BOOL: (bool, "true or false"),
    Kind.TIME: (int, "a time"),
}


@dataclass(slots=True)
class DatasetColumns:
    """The dataset's own columns, joined only when a constraint or an order names them."""

    tables: Tables
    source: Source
    id_column: Column
    _dataset: sa.FromClause | None = None
    _run: sa.FromClause | None = None

    def dataset(self) -> sa.FromClause:
        if self._dataset is None:
            assert self.source.clause is not None
            self._dataset = self.tables.dataset.alias()
            self.source.clause = self.source.clause.join(self._dataset, self._dataset.c.id == self.id_column)
        return self._dataset

    def run(self) -> Column:
        dataset = self.dataset()
        if self._run is None:
            assert self.source.clause is not None
            self._run = self.tables.collection.alias()
            self.source.clause = self.source.clause.join(
                self._run, self._run.c.collection_id == dataset.c.run_id
            )
        column: Column = self._run.c.name
        return column


def expression(name: Name, source: Source, dataset: DatasetColumns | None) -> Column:
    """The SQL expression behind a resolved name. What is no number (NaN) is taken for NULL, as answers have it."""
    if name.role == "dimension":
        return source.dimension(name.element)
    if name.role == "field":
        column: Column = source.field(name.element, name.field)
        return source.tables.dialect.number(column) if name.kind is Kind.FLOAT else column
    if name.role in ("begin", "end"):
        begin, end = source.timespan(name.element)
        return begin if name.role == "begin" else end
    assert dataset is not None
    if name.role == "run":
        return dataset.run()
    date: Column = dataset.dataset().c.ingest_date
    return date


def check(constraint: Constraint, kind: Kind) -> None:
    """Refuse a value of the wrong kind before a database is asked. Raises BadUserInput."""
    accepted, words = _WORDS.get(kind, (object, "a value"))
    values = constraint.value if isinstance(constraint.value, tuple) else (constraint.value,)
    for value in values:
        wrong = not isinstance(value, accepted) or (isinstance(value, bool) and kind is not Kind.BOOL)  # type: ignore[arg-type]
        if wrong:
            raise BadUserInput(
                f"'{constraint.name}' is {words}, not {value!r}.",
                name=constraint.name,
            )
    if constraint.op is Op.GLOB and kind is not Kind.STRING:
        raise BadUserInput(
            f"A glob needs a string, and '{constraint.name}' is {words}.", name=constraint.name
        )


def condition(constraint: Constraint, column: Column, kind: Kind, tables: Tables) -> Column:
    """The constraint on one column; NULL satisfies none."""
    dialect, value = tables.dialect, constraint.value
    if constraint.op is Op.IN:
        assert isinstance(value, tuple)
        return dialect.within(column, list(value)) if value else sa.false()
    if constraint.op is Op.GLOB:
        return dialect.glob(column, str(value))
    compared = dialect.text(column) if kind is Kind.STRING and constraint.op not in (Op.EQ, Op.NE) else column
    match constraint.op:
        case Op.EQ:
            return column == value
        case Op.NE:
            return column != value
        case Op.GE:
            return compared >= value
        case Op.GT:
            return compared > value
        case Op.LE:
            return compared <= value
        case _:
            return compared < value


def apply(
    constraints: Iterable[Constraint],
    source: Source,
    dataset: DatasetColumns | None,
) -> None:
    """Add every constraint that the source's dimensions know; those outside of them are not for SQL."""
    for constraint in constraints:
        name = resolve(constraint.name, source.group, source.tables, dataset=dataset is not None)
        check(constraint, name.kind)
        if name.role != "outside":
            column = expression(name, source, dataset)
            source.conditions.append(condition(constraint, column, name.kind, source.tables))


def among(given: Among, source: Source) -> None:
    """Keep the rows whose data ID matches one of an uploaded list: one parameter, one semi-join."""
    names = [resolve(name, source.group, source.tables) for name in given.names]
    for label, name in zip(given.names, names, strict=True):
        if name.role == "outside":
            dimensions = ", ".join(source.group.names)
            raise BadUserInput(f"'{label}' in among is no dimension here; there are {dimensions}.")
    if not given.rows:
        source.conditions.append(sa.false())
        return
    for place, row in enumerate(given.rows):
        for label, name, value in zip(given.names, names, row, strict=True):
            accepted, words = _WORDS.get(name.kind, (object, "a value"))
            if not isinstance(value, accepted):  # type: ignore[arg-type]
                raise BadUserInput(f"'{label}' is {words}, and among[{place}] has {value!r}.", name=label)
    kinds = [sa.Text() if name.kind is Kind.STRING else sa.BigInteger() for name in names]
    uploaded = source.tables.dialect.upload(given.rows, kinds)
    columns = [expression(name, source, None) for name in names]
    wanted = sa.select(*(uploaded.c[f"c{position}"] for position in range(len(names))))
    source.conditions.append(sa.tuple_(*columns).in_(wanted) if len(columns) > 1 else columns[0].in_(wanted))


def require_inside(constraints: Iterable[Constraint], group: DimensionGroup, tables: Tables) -> None:
    """Refuse constraints on dimensions that the rows do not have. Raises BadUserInput."""
    for constraint in constraints:
        if resolve(constraint.name, group, tables, dataset=True).role == "outside":
            raise lacking(constraint.name, group.names)


def tied(name: str, group: DimensionGroup, tables: Tables) -> bool:
    """Whether anything joins what a name stands for to datasets of these dimensions: they have it, share a dimension besides an instrument or a sky
    map, both lie on the sky or in time, or an element says which goes with which (visit_definition). Otherwise every dataset goes with
    every value, and a constraint leaves out none or all."""
    found = resolve(name, group, tables, dataset=True)
    universe = tables.universe
    governors = {*universe.governor_dimensions.names}  # which others that are named need besides
    if found.role != "outside" or found.element is None or found.element in governors:
        return True
    other = universe[found.element].minimal_group
    if {*group.names} & {*other.names} - governors:
        return True
    if (group.spatial and other.spatial) or (group.temporal and other.temporal):
        return True
    both = universe.conform([*group.names, *other.names])
    return any(
        universe[element].defines_relationships
        for element in both.elements
        if element not in group.elements and element not in other.elements
    )


def within_keys(source: Source, names: Sequence[str], keys: Sequence[tuple[Any, ...]]) -> None:
    """Keep the rows whose dimensions have one of these combinations of values."""
    if not keys:
        source.conditions.append(sa.false())
        return
    tables = source.tables
    uploaded = tables.dialect.upload(keys, [tables.sql_type(name) for name in names])
    wanted = sa.select(*(uploaded.c[f"c{place}"] for place in range(len(names))))
    source.conditions.append(sa.tuple_(*(source.dimension(name) for name in names)).in_(wanted))
