"""Who belongs to whom, before anyone looks for datasets: for N parents, the dimension values that something tied to them has.

The parents' keys, or ids, are parameters of the statement, so that it is built once for a kind of question.
A link is a row of: parent (index of its key), values of dimensions, and what the kind of tie adds: the parent's time (begin, end), or the
calibration collection that ties them (collection, rank, begin, end).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionGroup

from .joins import Source
from .names import CollectionRecord, TypeRecord
from .tables import Tables
from .walk import in_order

Column = sa.ColumnElement[Any]


@dataclass(slots=True)
class Links:
    """``rows``: a table of links; ``dimensions``: which of its columns are dimensions, by name.

    ``collection`` and ``rank`` where the parents are calibrations: what certifies them from begin to end; ``earlier`` then
    says whether an earlier collection certifies another one for a target (with the table that says when it was observed).
    ``dealt``: the parent is the place of a link that many parents may share; what is found goes to them afterwards. ``own``: the dataset
    that a link leaves out. ``settled``: no parent has two values of a dimension.
    """

    rows: sa.FromClause
    parent: Column
    dimensions: dict[str, Column]
    begin: Column | None = None
    end: Column | None = None
    collection: Column | None = None
    rank: Column | None = None
    earlier: Callable[[sa.FromClause], Column] | None = None
    conditions: list[Column] = field(default_factory=list)
    dealt: bool = False
    own: Column | None = None
    settled: bool = False


def uploaded(
    tables: Tables, dimensions: Sequence[str], keys: Sequence[Sequence[Any]]
) -> tuple[sa.Subquery, dict[str, Column]]:
    """The parents' keys as a table of one parameter, and its columns by dimension."""
    rows = tables.dialect.upload(keys, [tables.sql_type(name) for name in dimensions])
    return rows, {name: rows.c[f"c{place}"] for place, name in enumerate(dimensions)}


def asked_for(tables: Tables, dimensions: Sequence[str]) -> tuple[sa.Subquery, dict[str, Column]]:
    """The same with the keys in the parameter ``keys``, given when the statement runs."""
    rows = tables.dialect.uploaded("keys", [tables.sql_type(name) for name in dimensions])
    return rows, {name: rows.c[f"c{place}"] for place, name in enumerate(dimensions)}


def by_data_id(
    tables: Tables, parents: DimensionGroup, dimensions: Sequence[str], target: DimensionGroup
) -> Links:
    """What the dimensions of both sides say together, as Butler joins them: equal where both have them, and through every element that
    relates them (an exposure and its visits by visit_definition, an exposure and its filter)."""
    both = tables.universe.conform([*parents.names, *target.names])
    rows, known = asked_for(tables, dimensions)
    source = Source(tables, both, rows, known)
    source.relate()
    for name in parents.names:
        source.dimension(name)
    values = {name: source.keys[name] for name in target.names if name in source.keys}
    return distinct(source, rows.c.parent, values)


def relate(a: DimensionGroup, b: DimensionGroup) -> bool:
    """Whether some element relates dimensions of both sides (visit_definition: visits and exposures)."""
    both = a.universe.conform([*a.names, *b.names])
    elements = (a.universe[name] for name in both.elements)
    return any(
        e.defines_relationships
        and not set(e.minimal_group.names) <= set(a.names)
        and not set(e.minimal_group.names) <= set(b.names)
        for e in elements
    )


def meet_visits(source: Source) -> None:
    """Join visit_definition on the side that is there, which gives the other side."""
    assert source.clause is not None
    link = source.tables.element("visit_definition").alias()
    own, other = ("exposure", "visit") if "exposure" in source.keys else ("visit", "exposure")
    on = sa.and_(link.c.instrument == source.keys["instrument"], link.c[own] == source.keys[own])
    source.clause = source.clause.join(link, on)
    source.keys[other] = link.c[other]


def by_time(
    tables: Tables, parents: DimensionGroup, dimensions: Sequence[str], shared: Sequence[str]
) -> Links:
    """The parents' timespans, with the dimensions that the other side must share."""
    rows, known = asked_for(tables, dimensions)
    source = Source(tables, parents, rows, known)
    (family, *_) = parents.temporal
    element = family.choose(parents)
    # PostgreSQL takes an inner join of uploaded keys for a few rows, however many they are, and then plans for few.
    source.outer = tables.dialect.name == "postgresql"
    begin, end = source.timespan(element.name)
    timed = tables.dialect.has_timespan(source.element(element.name))
    values = {name: source.dimension(name) for name in shared}
    statement = source.select(
        rows.c.parent.label("parent"),
        begin.label("begin"),
        end.label("end"),
        *(value.label(name) for name, value in values.items()),
    )
    bare: sa.FromClause
    conditions: list[Column] = []
    if source.outer:
        bare = statement.add_columns(timed.label("timed")).cte().prefix_with("MATERIALIZED")
        conditions.append(bare.c.timed)
    else:
        bare = statement.where(timed).subquery()
    columns: dict[str, Column] = {name: bare.c[name] for name in values}
    return Links(
        bare, bare.c.parent, columns, begin=bare.c.begin, end=bare.c.end, conditions=conditions, settled=True
    )


def by_certification(
    tables: Tables,
    record: TypeRecord,
    calibrations: Sequence[tuple[int, CollectionRecord]],
) -> Links:
    """The validity ranges of calibrations, whose ids are in the parameter ``ids``: what they are valid for is found by its own time and
    data ID."""
    assert record.calibs is not None
    dialect = tables.dialect
    rows = dialect.uploaded("ids", [dialect.id_type()])
    table = tables.association(record.calibs, record.info.required, True).alias()
    clause = in_order(tables, rows, table, table.c.dataset_id == rows.c.c0)
    if len(calibrations) == 1:
        ((place, only),) = calibrations
        rank: Column = sa.literal_column(str(place), sa.Integer())
        certified = table.c.collection_id == only.id
    else:
        ranks = dialect.upload(
            [[c.id, place] for place, c in calibrations], [sa.BigInteger(), sa.BigInteger()]
        )
        rank, certified = ranks.c.c1, sa.true()
        clause = in_order(tables, clause, ranks, ranks.c.c0 == table.c.collection_id)
    begin, end = dialect.timespan(table)
    bare = (
        sa.select(
            rows.c.parent.label("parent"),
            table.c.collection_id.label("collection"),
            rank.label("rank"),
            begin.label("begin"),
            end.label("end"),
            *(table.c[name] for name in dialect.timespan_columns),
            *(table.c[d].label(d) for d in record.info.required),
        )
        .select_from(clause)
        .where(certified)
        .subquery()
    )

    def earlier(observed: sa.FromClause) -> Column:
        other = tables.association(record.calibs or "", record.info.required, True).alias()
        before = dialect.upload(
            [[c.id, place] for place, c in calibrations], [sa.BigInteger(), sa.BigInteger()]
        )
        observation = dialect.timespan(observed)
        return (
            sa.exists()
            .select_from(other.join(before, before.c.c0 == other.c.collection_id))
            .where(
                other.c.dataset_type_id == record.id,
                before.c.c1 < bare.c.rank,
                *(other.c[d] == bare.c[d] for d in record.info.required),
                dialect.meets(other, *observation),
            )
            .correlate(bare, observed)
        )

    return Links(
        bare,
        bare.c.parent,
        {d: bare.c[d] for d in record.info.required},
        begin=bare.c.begin,
        end=bare.c.end,
        collection=bare.c.collection,
        rank=bare.c.rank,
        earlier=earlier if len(calibrations) > 1 else None,
        settled=True,
    )


def distinct(source: Source, parent: Column, values: dict[str, Column]) -> Links:
    """Each link once: several ways (visits of an exposure) may lead to it."""
    rows = (
        source.select(parent.label("parent"), *(value.label(name) for name, value in values.items()))
        .distinct()
        .subquery()
    )
    return Links(rows, rows.c.parent, {name: rows.c[name] for name in values})
