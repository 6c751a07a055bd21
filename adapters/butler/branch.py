"""One SELECT over one association table: the datasets of one type in one collection, or in many.

The narrow form (one collection, governors fixed) follows the table's own unique index (dataset_type_id, collection_id, required dimensions), so that a page
costs the same wherever it lies. The wide form (many collections at once) sorts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ..question import Datasets, KeyValue, Op
from ..rows import Kind
from . import conditions
from .joins import Name, Source, resolve
from .names import CollectionRecord, TypeRecord
from .order import Term, behind, sorting
from .tables import Tables

Column = sa.ColumnElement[Any]


_NULLS: Mapping[Kind, type[sa.types.TypeEngine[Any]]] = {Kind.STRING: sa.Text, Kind.FLOAT: sa.Float}


@dataclass(frozen=True, slots=True)
class Extra:
    """A value beside the data ID that an order or a facet needs; null in types that lack it."""

    name: str
    descending: bool = False


@dataclass(slots=True)
class Restriction:
    """What was found out beforehand about one dataset type: keys that lie in the sky shape, ids that satisfy an expression."""

    keys: list[tuple[tuple[str, ...], list[tuple[Any, ...]]]] = field(default_factory=list)
    ids: list[str] | None = None
    small: Mapping[str, bool] = field(default_factory=dict)  # dimension -> its table is short enough to walk


@dataclass(frozen=True, slots=True)
class Branch:
    """``collections`` with their ranks in the search order; ``fixed``: governor values; ``calibration``: the table with validity ranges."""

    type: TypeRecord
    collections: tuple[tuple[int, CollectionRecord], ...]
    calibration: bool
    fixed: Mapping[str, str]

    @property
    def narrow(self) -> bool:
        return len(self.collections) == 1

    @property
    def distinct(self) -> bool:
        """Whether every data ID, and so every dataset, comes once."""
        return self.narrow and not self.calibration


def build(
    branch: Branch,
    question: Datasets,
    columns: Sequence[str],
    extras: Sequence[Extra],
    restriction: Restriction,
    tables: Tables,
    *,
    limit: int | None,
    find_first: bool,
) -> sa.Select[Any] | None:
    """The SELECT: type, dataset_id, rank, then ``columns`` (dimensions of all types, null where this one lacks them), then the extras.

    With a ``limit`` its rows are the first ones behind the question's page key, ordered; None: it can have no row.
    """
    dialect, record = tables.dialect, branch.type
    name = record.calibs if branch.calibration else record.tags
    assert name is not None
    table = tables.association(name, record.info.required, branch.calibration).alias()
    source = Source(tables, record.group, table, {d: table.c[d] for d in record.info.required})
    dataset = conditions.DatasetColumns(tables, source, table.c.dataset_id)

    source.conditions.append(table.c.dataset_type_id == record.id)
    if branch.narrow:
        ((rank, collection),) = branch.collections
        source.conditions.append(table.c.collection_id == collection.id)
        place: Column = sa.literal_column(str(rank), sa.Integer())
    else:
        pairs = [(collection.id, rank) for rank, collection in branch.collections]
        ranks = dialect.upload(pairs, [sa.BigInteger(), sa.BigInteger()])
        assert source.clause is not None
        source.clause = source.clause.join(ranks, ranks.c.c0 == table.c.collection_id)
        place = ranks.c.c1
    for dimension, governor in branch.fixed.items():
        source.conditions.append(table.c[dimension] == governor)

    conditions.apply(question.constraints, source, dataset)
    if question.among is not None:
        conditions.among(question.among, source)
    if question.time is not None:
        element = timed(record).name
        source.conditions.append(dialect.overlaps(source.element(element), question.time))
    if question.validity is not None:
        source.conditions.append(dialect.overlaps(table, question.validity))
    if question.ingested_before is not None:
        source.conditions.append(dataset.dataset().c.ingest_date < question.ingested_before)
    for names, keys in restriction.keys:
        _within_keys(source, names, keys)
    if restriction.ids is not None:
        source.conditions.append(dialect.ids_within(table.c.dataset_id, restriction.ids))

    constants = _constants(branch, question)
    if dialect.name == "sqlite":
        _walk_short_tables(source, record, question, constants, restriction.small, table)

    terms: list[Term] = []
    selected: list[Column] = [
        sa.literal(record.name, sa.Text()).label("type"),
        table.c.dataset_id.label("dataset_id"),
        place.label("rank"),
    ]
    for dimension in columns:
        own = dimension in record.info.required
        value: Column = table.c[dimension] if own else dialect.null(tables.sql_type(dimension))
        selected.append(value.label(dimension))
    for position, extra in enumerate(extras):
        column, kind, nullable = _extra(extra, record, source, dataset, tables)
        selected.append(column.label(f"x{position}"))
        terms.append(Term(column, kind, extra.descending, nullable))
    terms.append(Term(sa.null(), Kind.STRING, constant=record.name))
    for dimension in record.info.required:
        terms.append(Term(table.c[dimension], tables.kind(dimension), constant=constants.get(dimension)))
    if not find_first:
        terms.append(Term(table.c.dataset_id, Kind.UUID))

    if limit is None:
        return source.select(*selected)
    if question.page.after is not None:
        later = behind(terms, key_values(question.page.after, record, len(extras), find_first), dialect)
        if later is False:
            return None
        if not isinstance(later, bool):
            source.conditions.append(later)
    statement = source.select(*selected)
    if branch.calibration:
        # Certified for several ranges, a dataset stands here several times.
        statement = statement.distinct()
    order = sorting(terms if not branch.distinct or find_first else terms[:-1], dialect)
    return statement.order_by(*order).limit(limit)


def key_values(
    after: Sequence[KeyValue], record: TypeRecord, extras: int, find_first: bool
) -> list[KeyValue]:
    """The page key's values as they stand against this type's terms; keys of other types end at the type's name."""
    count = len(record.info.required)
    values = list(after[: extras + 1 + count])
    values += [None] * (extras + 1 + count - len(values))
    if after[extras] != record.name:
        values = [*after[: extras + 1], *([None] * count)]
    return values if find_first else [*values, after[-1]]


def timed(record: TypeRecord) -> Any:
    """The finest temporal element of a type's dimensions; the caller has seen to it that there is one."""
    (family, *_) = record.group.temporal
    return family.choose(record.group)


def _constants(branch: Branch, question: Datasets) -> dict[str, KeyValue]:
    """Dimensions with one value throughout the branch: no order and no key needs them."""
    found: dict[str, KeyValue] = dict(branch.fixed)
    for constraint in question.constraints:
        if constraint.op is Op.EQ and constraint.name in branch.type.info.required:
            assert not isinstance(constraint.value, tuple)
            found.setdefault(constraint.name, constraint.value)
    return found


def _within_keys(source: Source, names: tuple[str, ...], keys: list[tuple[Any, ...]]) -> None:
    if not keys:
        source.conditions.append(sa.false())
        return
    tables = source.tables
    uploaded = tables.dialect.upload(keys, [tables.sql_type(name) for name in names])
    wanted = sa.select(*(uploaded.c[f"c{position}"] for position in range(len(names))))
    source.conditions.append(sa.tuple_(*(source.dimension(name) for name in names)).in_(wanted))


def _walk_short_tables(
    source: Source,
    record: TypeRecord,
    question: Datasets,
    constants: Mapping[str, KeyValue],
    small: Mapping[str, bool],
    table: sa.FromClause,
) -> None:
    """Help SQLite use the unique index when a dimension in front of a constrained one is a wildcard.

    ``visit = 5`` with any detector: without this SQLite scans the collection; with ``detector IN (SELECT ...)``, which the foreign keys make true of every row,
    it probes the index once a detector.
    """
    required = record.info.required
    equal = {
        c.name for c in question.constraints if c.op in (Op.EQ, Op.IN) and c.name in required
    } | constants.keys()
    last = max((position for position, name in enumerate(required) if name in equal), default=-1)
    for name in required[:last]:
        if name in equal or not small.get(name):
            continue
        element = source.tables.universe[name]
        owner = source.tables.element(name).alias()
        columns = source.tables.key_columns(element)
        own = [
            owner.c[columns[other]] == constants[other]
            for other in element.required.names
            if other != name and other in constants
        ]
        source.conditions.append(table.c[name].in_(sa.select(owner.c[columns[name]]).where(*own)))


def _extra(
    extra: Extra,
    record: TypeRecord,
    source: Source,
    dataset: conditions.DatasetColumns,
    tables: Tables,
) -> tuple[Column, Kind, bool]:
    if extra.name == "type":
        return sa.literal(record.name, sa.Text()), Kind.STRING, False
    name: Name = resolve(extra.name, record.group, tables, dataset=True)
    if name.role == "outside":
        return tables.dialect.null(_NULLS.get(name.kind, sa.BigInteger)()), name.kind, True
    column = conditions.expression(name, source, dataset)
    # Dimensions and the dataset's own columns are never NULL; fields of records may be.
    return column, name.kind, name.role in ("field", "begin", "end")
