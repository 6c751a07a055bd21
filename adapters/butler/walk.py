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
from sqlalchemy.sql.elements import UnaryExpression
from sqlalchemy.sql.operators import custom_op

from ..question import Datasets, KeyValue, Op
from .joins import Source
from .names import TypeRecord
from .tables import Tables


class CrossJoin(sa.Join):
    """A join whose order SQLite's planner keeps (sqlite.org/optoverview.html, section 7.3), into a named index."""

    inherit_cache = True
    index: str | None = None


@compiles(CrossJoin)
def _cross_join(element: CrossJoin, compiler: SQLCompiler, **options: Any) -> str:
    options["asfrom"] = True
    left = compiler.process(element.left, **options)
    right = compiler.process(element.right, **options)
    options["asfrom"] = False
    assert element.onclause is not None
    # Without statistics the planner prefers (instrument, visit) to the unique index; sqlite.org/lang_indexedby.html.
    by = "" if element.index is None else f" INDEXED BY {compiler.preparer.quote(element.index)}"
    return f"{left} CROSS JOIN {right}{by} ON {compiler.process(element.onclause, **options)}"


def in_order(
    tables: Tables, left: sa.FromClause, right: sa.FromClause, on: sa.ColumnElement[bool]
) -> sa.FromClause:
    """An inner join that SQLite makes from left to right: without statistics it would rather scan a small uploaded table once for
    every row of a large one. PostgreSQL decides for itself."""
    return CrossJoin(left, right, on) if tables.dialect.name == "sqlite" else left.join(right, on)


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
    source: Source,
    table: sa.FromClause,
    names: Sequence[str],
    constants: Mapping[str, KeyValue],
    index: str | None,
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
            on.append(table.c[other] == _opaque(owner.c[columns[other]]))
        source.keys[name] = owner.c[columns[name]]
        clause = owner if clause is None else CrossJoin(clause, owner, sa.true())
    if clause is not None:
        joined = CrossJoin(clause, table, sa.and_(*on))
        joined.index = index
        source.clause = joined


def _opaque(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """A column behind a unary plus: a range of it must not become one of its equal, in place of the equality."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)
