"""Help for SQLite where a dimension in front of a constrained one is a wildcard.

``visit = 5`` with any detector: the unique index (..., instrument, detector, visit) is of use only once a detector, and
SQLite would scan the collection instead. So the detectors are walked in their own table, which the foreign keys make
complete, and the index is probed for each. PostgreSQL's planner finds its way by its statistics.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from ..question import Datasets, KeyValue, Op
from .joins import Source
from .names import TypeRecord


class CrossJoin(sa.Join):
    """A join whose order SQLite's planner keeps (sqlite.org/optoverview.html, section 7.3)."""

    inherit_cache = True


@compiles(CrossJoin)
def _cross_join(element: CrossJoin, compiler: SQLCompiler, **options: Any) -> str:
    options["asfrom"] = True
    left = compiler.process(element.left, **options)
    right = compiler.process(element.right, **options)
    options["asfrom"] = False
    assert element.onclause is not None
    return f"{left} CROSS JOIN {right} ON {compiler.process(element.onclause, **options)}"


def walked(
    record: TypeRecord, question: Datasets, constants: Mapping[str, KeyValue], small: Mapping[str, bool]
) -> list[str]:
    """Wildcards and ranges with short tables in front of the last constrained dimension."""
    required = record.info.required
    given = {c.name: c.op for c in question.constraints if c.op not in (Op.NE, Op.GLOB)}
    single = constants.keys() | {name for name, op in given.items() if op in (Op.EQ, Op.IN)}
    last = max(
        (place for place, name in enumerate(required) if name in given or name in constants), default=0
    )
    return [name for name in required[:last] if name not in single and small.get(name)]


def walk(
    source: Source, table: sa.FromClause, names: Sequence[str], constants: Mapping[str, KeyValue]
) -> None:
    """Put the tables of these dimensions in front of the association table, and order by them."""
    tables = source.tables
    clause: sa.FromClause | None = None
    on: list[sa.ColumnElement[Any]] = []
    for name in names:
        element = tables.universe[name]
        owner = tables.element(name).alias()
        columns = tables.key_columns(element)
        for other in element.required.names:
            if other != name and other in constants:
                source.conditions.append(owner.c[columns[other]] == constants[other])
            on.append(table.c[other] == owner.c[columns[other]])
        source.keys[name] = owner.c[columns[name]]
        clause = owner if clause is None else CrossJoin(clause, owner, sa.true())
    if clause is not None:
        source.clause = CrossJoin(clause, table, sa.and_(*on))
