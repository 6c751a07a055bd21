"""One SELECT over one association table: the datasets of one type in one collection, or in many.

The narrow form (one collection, governors fixed) follows the table's own unique index (dataset_type_id,
collection_id, required dimensions), so that a page costs the same wherever it lies. The wide form (many
collections at once) sorts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from ..question import Constraint, Datasets, KeyValue, Op
from ..rows import Kind
from . import conditions
from .joins import Name, Source, resolve
from .names import CollectionRecord, TypeRecord
from .order import Term, behind, sorting
from .tables import Tables
from .walk import walk, walked

Column = sa.ColumnElement[Any]
Limit = int | sa.BindParameter[int]

_NULLS: Mapping[Kind, type[sa.types.TypeEngine[Any]]] = {Kind.STRING: sa.Text, Kind.FLOAT: sa.Float}


@dataclass(frozen=True, slots=True)
class Extra:
    """A value beside the data ID that an order or a facet needs; null in types that lack it."""

    name: str
    descending: bool = False


@dataclass(slots=True)
class Restriction:
    """What was found out beforehand about one dataset type: keys that lie in the sky shape, ids that satisfy an
    expression; for SQLite which dimensions have a table short enough to walk, and the name of the unique index."""

    keys: list[tuple[tuple[str, ...], list[tuple[Any, ...]]]] = field(default_factory=list)
    ids: list[str] | None = None
    small: Mapping[str, bool] = field(default_factory=dict)
    index: str | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """``collections`` with their ranks in the search order; ``fixed``: values of dimensions, as of governors;
    ``calibration``: the table with validity ranges."""

    type: TypeRecord
    collections: tuple[tuple[int, CollectionRecord], ...]
    calibration: bool
    fixed: Mapping[str, KeyValue]

    @property
    def narrow(self) -> bool:
        return len(self.collections) == 1

    def distinct(self, extras: Sequence[Extra]) -> bool:
        """Whether every dataset comes once, and without ``calibration`` every data ID."""
        return self.narrow and not (self.calibration and extras)

    def constants(self, question: Datasets) -> dict[str, KeyValue]:
        """Dimensions with one value throughout the branch: no order and no key needs them."""
        found: dict[str, KeyValue] = dict(self.fixed)
        for constraint in question.constraints:
            if constraint.op is Op.EQ and constraint.name in self.type.info.required:
                assert not isinstance(constraint.value, tuple)
                found.setdefault(constraint.name, constraint.value)
        return found


@dataclass(slots=True)
class Piece:
    """A SELECT in the making: where its rows come from, what it gives by name, and in which order."""

    source: Source
    columns: dict[str, Column]
    order: list[Column] = field(default_factory=list)
    limit: Limit | None = None
    once: Sequence[Column] = ()
    """What tells rows apart where some come again, as datasets of several validity ranges do."""

    def select(self) -> sa.Select[Any]:
        statement = self.source.select(*(column.label(name) for name, column in self.columns.items()))
        statement = statement.group_by(*self.once)
        return statement if self.limit is None else statement.order_by(*self.order).limit(self.limit)


def build(
    branch: Branch,
    question: Datasets,
    columns: Sequence[str],
    extras: Sequence[Extra],
    restriction: Restriction,
    tables: Tables,
    *,
    limit: Limit | None,
    find_first: bool,
    homes: bool = False,
) -> list[Piece]:
    """SELECTs of type, dataset_id, rank, then ``columns`` (dimensions of all types, null where this one lacks
    them), then the extras (x0, x1 ...) and, where ``homes`` are wanted, the collection's number (home).

    With a ``limit`` (for a distinct branch only) each has its first rows behind the question's page key, ordered. They share no row; none:
    there can be none behind the key.
    """
    parts = [(branch, question)]
    split = limit is not None and tables.dialect.name == "sqlite" and not extras
    if split and walked(branch.type, question, branch.constants(question), restriction.small):
        parts = _pieces(branch, question, find_first)
    pieces = (
        _piece(
            own, asked, columns, extras, restriction, tables, limit=limit, find_first=find_first, homes=homes
        )
        for own, asked in parts
    )
    return [piece for piece in pieces if piece is not None]


def _pieces(branch: Branch, question: Datasets, find_first: bool) -> list[tuple[Branch, Datasets]]:
    """What lies behind a page key, as ranges that an index answers one by one.

    Behind (3, 50) are detector 3 with a visit past 50, and the detectors past 3; together they would be a condition
    that SQLite answers by looking at every visit of detector 3.
    """
    after = question.page.after
    if after is None or after[0] != branch.type.name:
        return [(branch, question)]
    open_ended = replace(question, page=replace(question.page, after=None))
    constants = branch.constants(question)
    fixed: dict[str, KeyValue] = dict(branch.fixed)
    pieces: list[tuple[Branch, Datasets]] = []
    for name, value in zip(branch.type.info.required, after[1:], strict=False):
        if name in constants:
            if value is not None and constants[name] != value:
                later = constants[name] > value  # type: ignore[operator]
                return [*pieces, (replace(branch, fixed=fixed), open_ended)] if later else pieces
            continue
        assert value is not None
        further = Constraint(name, Op.GT, value)
        # A lower bound of the question's own that lies behind us goes: SQLite would enter the index there.
        kept = (c for c in question.constraints if not _below(c, further))
        constraints = (*kept, further)
        pieces.append((replace(branch, fixed=dict(fixed)), replace(open_ended, constraints=constraints)))
        fixed[name] = value
    if not find_first:
        # The same data ID again, under another id.
        pieces.append((replace(branch, fixed=fixed), question))
    return pieces


def _below(constraint: Constraint, further: Constraint) -> bool:
    """Whether a lower bound is implied by a later one."""
    if constraint.name != further.name or constraint.op not in (Op.GE, Op.GT):
        return False
    return type(constraint.value) is type(further.value) and constraint.value <= further.value  # type: ignore[operator]


def _piece(
    branch: Branch,
    question: Datasets,
    columns: Sequence[str],
    extras: Sequence[Extra],
    restriction: Restriction,
    tables: Tables,
    *,
    limit: Limit | None,
    find_first: bool,
    homes: bool,
) -> Piece | None:
    dialect, record = tables.dialect, branch.type
    name = record.calibs if branch.calibration else record.tags
    assert name is not None
    table = tables.association(name, record.info.required, branch.calibration).alias()
    constants = branch.constants(question)
    source = Source(tables, record.group, table, {d: table.c[d] for d in record.info.required})
    if dialect.name == "sqlite":
        names = walked(record, question, constants, restriction.small)
        walk(source, table, names, constants, None if branch.calibration else restriction.index)
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
    for dimension, value in branch.fixed.items():
        source.conditions.append(table.c[dimension] == value)
    _constrain(source, table, dataset, question, restriction)

    terms: list[Term] = []
    selected: dict[str, Column] = {
        "type": sa.literal(record.name, sa.Text()),
        "dataset_id": table.c.dataset_id,
        "rank": place,
    }
    for dimension in columns:
        own = dimension in record.info.required
        selected[dimension] = table.c[dimension] if own else dialect.null(tables.sql_type(dimension))
    for position, extra in enumerate(extras):
        column, kind, nullable = _extra(extra, record, source, dataset, tables)
        selected[f"x{position}"] = column
        terms.append(Term(column, kind, extra.descending, nullable))
    if homes:
        selected["home"] = table.c.collection_id
    terms.append(Term(sa.null(), Kind.STRING, constant=record.name))
    for dimension in record.info.required:
        key = source.keys[dimension]
        terms.append(Term(key, tables.kind(dimension), constant=constants.get(dimension)))
    if not find_first:
        terms.append(Term(table.c.dataset_id, Kind.UUID))

    again = branch.calibration and branch.distinct(extras)
    once = [table.c.dataset_id, *(table.c[d] for d in record.info.required)] if again else []
    if limit is None:
        return Piece(source, selected, once=once)
    if question.page.after is not None:
        values = key_values(question.page.after, record, len(extras), find_first)
        later = behind(terms, values, dialect)
        if later is False:
            return None
        if not isinstance(later, bool):
            source.conditions.append(later)
    # Where a data ID comes once its dataset's id decides nothing, and an index need not know of it.
    order = sorting(terms if find_first or branch.calibration else terms[:-1], dialect)
    return Piece(source, selected, order, limit, once)


def _constrain(
    source: Source,
    table: sa.FromClause,
    dataset: conditions.DatasetColumns,
    question: Datasets,
    restriction: Restriction,
) -> None:
    """Every constraint of the question that this type's rows can meet, as conditions."""
    dialect = source.tables.dialect
    conditions.apply(question.constraints, source, dataset)
    if question.among is not None:
        conditions.among(question.among, source)
    if question.time is not None:
        (family, *_) = source.group.temporal
        element = family.choose(source.group)
        source.conditions.append(dialect.overlaps(source.element(element.name), question.time))
    if question.validity is not None:
        source.conditions.append(dialect.overlaps(table, question.validity))
    if question.ingested_before is not None:
        source.conditions.append(dataset.dataset().c.ingest_date < question.ingested_before)
    for names, keys in restriction.keys:
        conditions.within_keys(source, names, keys)
    if restriction.ids is not None:
        source.conditions.append(dialect.ids_within(table.c.dataset_id, restriction.ids))


def key_values(
    after: Sequence[KeyValue], record: TypeRecord, extras: int, find_first: bool
) -> list[KeyValue]:
    """The page key's values as they stand against this type's terms; keys of other types end at the type's name."""
    count = len(record.info.required)
    dimensions = list(after[extras + 1 : -1])
    if after[extras] != record.name:
        dimensions = [None] * count
    values = [*after[: extras + 1], *dimensions]
    return values if find_first else [*values, after[-1]]


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
