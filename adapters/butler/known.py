"""Datasets that are known by id, by data ID, or by another version of them, answered with SQL."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ..answers import DATASET, PARENT
from ..caller import Call
from ..errors import BadUserInput, NotFound, TooComplex
from ..question import Beside, Constraint, Datasets, DatasetsById, FindDataset, Op, Page, Versions
from ..rows import Column as RowColumn
from ..rows import Joined, Kind, Row, Rows, TypeInfo
from .beside import Along, along
from .datasets import DatasetQueries
from .joins import resolve
from .memory import Memory
from .names import CollectionRecord, Names, TypeRecord
from .order import check
from .ready import Ready
from .selection import implied
from .store import Store
from .tables import Tables
from .walk import in_order

_REMEMBERED = 50_000  # datasets whose type is remembered


@dataclass(frozen=True, slots=True)
class _ById:
    """How datasets of some types are looked up: statements, each with the numbers of the types that it is for."""

    statements: Sequence[tuple[sa.Select[Any], Sequence[int]]]
    columns: tuple[RowColumn, ...]
    places: Mapping[str, int]
    types: Mapping[str, TypeInfo]
    beside: Mapping[Hashable, Joined]

    def rows(self, found: list[Row]) -> Rows:
        """The answer, of the statements' rows."""
        return Rows(self.columns, found, types=self.types, beside=self.beside, _places=self.places)


class KnownDatasets:
    """DatasetsById, FindDataset and Versions."""

    def __init__(self, store: Store, tables: Tables, names: Names, datasets: DatasetQueries) -> None:
        self._store = store
        self._tables = tables
        self._names = names
        self._datasets = datasets
        self._type_of = Memory(_REMEMBERED)

    def by_id(self, question: DatasetsById, call: Call) -> Rows:
        """One statement for each table of data IDs that they are spread over, and one for their types if these are not known."""
        ids_of: dict[int, list[list[str]]] = {}
        for identifier, kind in self._types(question.ids, call):
            ids_of.setdefault(kind, []).append([identifier])
        kinds = tuple(sorted(ids_of))
        if not kinds:
            return Rows(DATASET, [])
        records = self._names.types_by_id(kinds, call)
        asked: _ById = self._store.statements.once(
            ("by id", kinds, question.beside), lambda: self._asked_by_id(records, question.beside)
        )
        found: list[Row] = []
        for statement, members in asked.statements:
            own = [identifier for kind in members for identifier in ids_of[kind]]
            found += self._store.rows(statement, call, self._tables.dialect.packed("ids", own))
        return asked.rows(found)

    def ready(self, question: DatasetsById) -> Ready | None:
        """One dataset that was looked up before in this way: the statement, without anything else to ask or to build."""
        if len(question.ids) != 1:
            return None
        kind = self._type_of.get(question.ids[0])
        asked: _ById | None = self._store.statements.get(("by id", (kind,), question.beside))
        if asked is None:
            return None
        ((statement, _),) = asked.statements
        return Ready(statement, self._tables.dialect.packed("ids", [question.ids]), asked.rows)

    def _asked_by_id(self, records: Sequence[TypeRecord], beside: Beside | None) -> _ById:
        tables = self._tables
        group = tables.universe.conform({d for r in records for d in r.info.required})
        taken = along(beside, records[0], (), tables) if beside and len(records) == 1 else None
        names = tuple(group.names) if taken is None else taken.shown
        by_table: dict[str, list[TypeRecord]] = {}
        for record in records:
            by_table.setdefault(record.tags, []).append(record)
        statements = [
            (self._by_id(members, names, taken), tuple(record.id for record in members))
            for members in by_table.values()
        ]
        columns = (*DATASET, *(RowColumn(n, tables.kind(n), dimension=True) for n in names))
        places = {column.name: place for place, column in enumerate(columns)}
        types = {record.name: record.info for record in records}
        came = {} if taken is None else taken.told(len(columns), places, 0)[0]
        return _ById(statements, columns, places, types, came)

    def _types(self, ids: Sequence[str], call: Call) -> list[tuple[str, int]]:
        """Datasets that exist, each with its type: which never changes, so that it is remembered. One that was removed since then has no
        row in its type's table."""
        known = [(identifier, self._type_of.get(identifier)) for identifier in dict.fromkeys(ids)]
        if any(kind is None for _, kind in known):
            packed = self._tables.dialect.packed("ids", [[identifier] for identifier, _ in known])
            known = self._store.rows(
                self._store.statements.once("types of ids", self._types_of), call, packed
            )
            for identifier, kind in known:
                self._type_of.keep(identifier, kind)
        return known

    def _types_of(self) -> sa.Select[Any]:
        dialect, dataset = self._tables.dialect, self._tables.dataset
        ids = dialect.uploaded("ids", [dialect.id_type()])
        joined = in_order(self._tables, ids, dataset, dataset.c.id == ids.c.c0)
        return sa.select(dialect.hex(dataset.c.id), dataset.c.dataset_type_id).select_from(joined).distinct()

    def _by_id(
        self, records: Sequence[TypeRecord], names: Sequence[str], taken: Along | None
    ) -> sa.Select[Any]:
        """Rows in a dataset's columns, read from its run's association (every dataset has exactly one), of types with one table."""
        tables, dialect, info = self._tables, self._tables.dialect, records[0].info
        own = set(info.dimensions)
        ids = dialect.uploaded("ids", [dialect.id_type()])
        dataset, run = tables.dataset.alias(), tables.collection.alias()
        tags = tables.association(records[0].tags, info.required, False).alias()
        clause = in_order(tables, ids, dataset, dataset.c.id == ids.c.c0)
        clause = clause.join(
            tags, sa.and_(tags.c.dataset_id == dataset.c.id, tags.c.collection_id == dataset.c.run_id)
        )
        clause = clause.join(run, run.c.collection_id == dataset.c.run_id)
        if len(records) == 1:
            name: sa.ColumnElement[str] = sa.literal(records[0].name, sa.Text())
        else:
            kind = tables.dataset_type.alias()
            clause, name = clause.join(kind, kind.c.id == dataset.c.dataset_type_id), kind.c.name
        mine = [name for name in names if name in own]
        joined: dict[str, sa.FromClause] = {}
        values, clause = implied(tables, mine, {d: tags.c[d] for d in info.required}, clause, joined)
        more: list[sa.ColumnElement[Any]] = []
        if taken is not None:
            more, clause = taken.join(values, joined, clause)
        return sa.select(
            dialect.hex(dataset.c.id),
            name,
            run.c.name,
            dataset.c.ingest_date,
            *(values[n] if n in own else dialect.null(tables.sql_type(n)) for n in names),
            *more,
        ).select_from(clause)

    def find(self, question: FindDataset, call: Call) -> Rows:
        """See FindDataset. Components are looked up as their parents, which have the same ids."""
        parent, _, component = question.type.partition(".")
        record = self._names.type(parent, call)
        info = self._names.component(record.info, component) if component else record.info
        if info is None:
            raise NotFound(
                f"Dataset type '{parent}' has no component '{component}' that this server knows.",
                unknown=question.type,
            )
        path = self._names.path(question.collections, call)
        holdings = self._names.holdings([record], path, call)
        own = [c for c in path if (record.id, c.id) in holdings]
        self._require_complete(record, question)
        ranges = record.info.is_calibration and any(c.type == "CALIBRATION" for c in own)
        if ranges and question.validity is None:
            names = ", ".join(c.name for c in own if c.type == "CALIBRATION")
            raise BadUserInput(
                f"'{record.name}' is a calibration and the search path holds CALIBRATION collections ({names}): say with validity when it must be valid."
            )
        # Dimensions that the type lacks do not identify it: Butler's find_dataset looks past them too.
        identifying = {
            name
            for name, _ in question.data_id
            if resolve(name, record.group, self._tables).role != "outside"
        }
        constraints = tuple(
            Constraint(name, Op.EQ, value) for name, value in question.data_id if name in identifying
        )
        for collection in own:
            certified = collection.type == "CALIBRATION"
            asked = Datasets(
                types=(record.name,),
                collections=(collection.name,),
                constraints=constraints,
                validity=question.validity if certified else None,
                ingested_before=question.ingested_before,
                find_first=False,
            ).paged(2)
            rows = self._datasets.page(asked, call, [collection])
            if len(rows.rows) > 1:
                raise BadUserInput(
                    f"More than one '{record.name}' in collection '{collection.name}' (place {path.index(collection) + 1} of the search "
                    f"order) is valid then: {', '.join(str(UUID(r[0])) for r in rows.rows)}; ask for a shorter validity."
                )
            if rows.rows:
                return rows if info is record.info else _renamed(rows, info)
        return Rows((), [])

    def _require_complete(self, record: TypeRecord, question: FindDataset) -> None:
        """A find needs one data ID: every required dimension, or alternate keys that stand for it."""
        given = {name for name, _ in question.data_id}
        owners = {resolve(name, record.group, self._tables).element for name in given}
        missing = [d for d in record.info.required if d not in given and d not in owners]
        if missing:
            raise BadUserInput(
                f"The data ID lacks {', '.join(missing)}: a dataset of type '{record.name}' is found by {', '.join(record.info.required)}.",
                missing=missing,
            )

    def versions(self, question: Versions, call: Call) -> Rows:
        """One statement for each dataset type among the keys."""
        tables = self._tables
        first = question.page.first
        by_type: dict[str, list[tuple[int, tuple[Any, ...]]]] = {}
        for position, key in enumerate(question.keys):
            by_type.setdefault(str(key[0]), []).append((position, key[1:]))
        records = self._names.types(tuple(by_type), call)
        group = tables.universe.conform({d for r in records for d in r.info.required})
        names = tuple(group.names)
        path = None if question.collections is None else self._names.path(question.collections, call)
        found: list[Row] = []
        for record in records:
            statement = self._versions(record, by_type[record.name], path, names, question)
            found += self._store.rows(statement, call)
        columns = (
            PARENT,
            *DATASET,
            *(RowColumn(n, tables.kind(n), dimension=True) for n in names),
        )
        found.sort(key=lambda row: row[0])
        rows = Rows(columns, found, types={r.name: r.info for r in records})
        rows.key = lambda row: (row[4], row[1])
        rows.more = len(found) > first
        return rows

    def count_versions(self, question: Versions, call: Call) -> int:
        """Counted by reading, since few datasets have more versions than a page."""
        rows = self.versions(replace(question, page=Page(call.max_rows)), call)
        if len(rows.rows) > call.max_rows:
            raise TooComplex(
                f"More than {call.max_rows} versions: counting them passes the limit.",
                limit=call.max_rows,
                actual=len(rows.rows),
                what="versions counted",
            )
        return len(rows.rows)

    def _versions(
        self,
        record: TypeRecord,
        keys: Sequence[tuple[int, tuple[Any, ...]]],
        path: Sequence[CollectionRecord] | None,
        names: Sequence[str],
        question: Versions,
    ) -> sa.Select[Any]:
        tables, dialect = self._tables, self._tables.dialect
        required = record.info.required
        kinds = [sa.BigInteger(), *(tables.sql_type(d) for d in required)]
        uploaded = dialect.upload([[position, *values] for position, values in keys], kinds)
        tags = tables.association(record.tags, required, False).alias()
        dataset = tables.dataset.alias()
        on = sa.and_(
            tags.c.dataset_type_id == record.id,
            *(tags.c[d] == uploaded.c[f"c{n + 1}"] for n, d in enumerate(required)),
        )
        # Its run's association tells of a dataset once, however many collections hold it.
        statement = (
            sa.select(
                uploaded.c.c0.label("parent"),
                dataset.c.id,
                dataset.c.run_id,
                dataset.c.ingest_date,
                *(tags.c[d] for d in required),
            )
            .select_from(uploaded.join(tags, on).join(dataset, dataset.c.id == tags.c.dataset_id))
            .where(tags.c.collection_id == dataset.c.run_id)
        )
        if path is not None:
            statement = statement.where(self._held(record, dataset.c.id, path))
        if question.page.after is not None:
            check([Kind.TIME, Kind.UUID], question.page.after, nulls=False)
            date, identifier = question.page.after
            bound = dialect.id_value(str(identifier))
            statement = statement.where(
                sa.or_(
                    dataset.c.ingest_date < date,
                    sa.and_(dataset.c.ingest_date == date, dataset.c.id > bound),
                )
            )
        rows = statement.subquery()
        place = sa.func.row_number().over(
            partition_by=rows.c.parent, order_by=[rows.c.ingest_date.desc(), rows.c.id]
        )
        numbered = sa.select(rows, place.label("place")).subquery()
        run = tables.collection.alias()
        clause2: sa.FromClause = numbered.join(run, run.c.collection_id == numbered.c.run_id)
        mine = [name for name in names if name in record.info.dimensions]
        values, clause2 = implied(tables, mine, {d: numbered.c[d] for d in required}, clause2)
        return (
            sa.select(
                numbered.c.parent,
                dialect.hex(numbered.c.id),
                sa.literal(record.name, sa.Text()),
                run.c.name,
                numbered.c.ingest_date,
                *(values[n] if n in mine else dialect.null(tables.sql_type(n)) for n in names),
            )
            .select_from(clause2)
            .where(numbered.c.place <= question.page.first + 1)
            .order_by(numbered.c.parent, numbered.c.place)
        )

    def _held(
        self, record: TypeRecord, identifier: sa.ColumnElement[Any], path: Sequence[CollectionRecord]
    ) -> sa.ColumnElement[bool]:
        """Whether any of these collections holds a dataset, or certifies it."""
        tables, ids = self._tables, [c.id for c in path]
        names = [(record.tags, False)] + ([(record.calibs, True)] if record.calibs is not None else [])
        tests = []
        for name, calibration in names:
            table = tables.association(name, record.info.required, calibration).alias()
            member = tables.dialect.within(table.c.collection_id, ids)
            tests.append(sa.exists().where(table.c.dataset_id == identifier, member))
        return sa.or_(*tests)


def _renamed(rows: Rows, info: TypeInfo) -> Rows:
    """The same datasets as of another type: a component of their own."""
    place = rows.index("type")
    found = [(*row[:place], info.name, *row[place + 1 :]) for row in rows.rows]
    return Rows(rows.columns, found, types={info.name: info}, _places=rows.places)
