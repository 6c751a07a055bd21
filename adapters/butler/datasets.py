"""Questions about datasets, answered with SQL on the registry's own tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from ..caller import Call
from ..errors import BadUserInput, TooComplex
from ..question import Constraint, Datasets, DatasetsById, FindDataset, Op, Versions
from ..rows import Column as RowColumn
from ..rows import Facets, Kind, Row, Rows
from . import glob, sky
from .api import ButlerApi
from .branch import Extra, Restriction
from .joins import resolve
from .names import CollectionRecord, Names, TypeRecord
from .selection import Candidate, Selection, branches, implied
from .store import Store
from .tables import Tables

_WALKABLE = 2_000  # a dimension table that SQLite may walk for each page


class DatasetQueries:
    """Datasets, DatasetsById, FindDataset and Versions. What SQL does not cover is asked of ``api`` for ids."""

    def __init__(self, store: Store, tables: Tables, names: Names, api: ButlerApi) -> None:
        self._store = store
        self._tables = tables
        self._names = names
        self._api = api
        self._small: dict[str, bool] = {}
        self._indices: dict[str, str | None] = {}

    # a question made ready

    def prepare(self, question: Datasets, call: Call) -> tuple[list[Candidate], tuple[str, ...]]:
        """Candidates that may have rows, by type name, and notes on what was left out.

        Raises
        ------
        NotFound
            A named dataset type or collection does not exist.
        BadUserInput
            The question makes no sense for a named type (sky for flats, validity for no calibration, findFirst among validity ranges).
        """
        types = self._names.types(question.types, call)
        path = self._names.path(question.collections, call)
        holdings = self._names.holdings(types, path, call)
        notes: list[str] = []
        for pattern in question.types:
            if glob.is_glob(pattern) and not any(glob.matches(t.name, pattern) for t in types):
                notes.append(f"No dataset type of repository '{self._store.name}' matches '{pattern}'.")
        constraints = self._settled(question)
        held: list[tuple[TypeRecord, list[CollectionRecord]]] = []
        for record in types:
            if not self._applies(record, question, notes):
                continue
            own = [c for c in path if (record.id, c.id) in holdings]
            if question.validity is not None:
                own = [c for c in own if c.type == "CALIBRATION"]
            if own:
                held.append((record, own))
            else:
                notes.append(f"None of the collections searched holds datasets of type '{record.name}'.")
        governors = self._governors(held, call)
        candidates = []
        for record, own in held:
            find_first = self._find_first(record, own, question)
            found = branches(
                record, own, governors, constraints, certified_only=question.validity is not None
            )
            if found:
                restriction = self._restriction(record, own, question, call)
                candidates.append(Candidate(record, found, find_first, restriction))
        return candidates, tuple(notes)

    @staticmethod
    def _settled(question: Datasets) -> frozenset[str]:
        """Governors that the question fixes to one value."""
        return frozenset(c.name for c in question.constraints if c.op is Op.EQ and "." not in c.name)

    def _applies(self, record: TypeRecord, question: Datasets, notes: list[str]) -> bool:
        """Whether sky, time, validity and among make sense for a type: refused for a named one, noted for one that a glob brought in."""
        try:
            if question.sky is not None:
                sky.require(record.group, f"dataset type '{record.name}'")
            if question.time is not None and not record.group.temporal:
                raise BadUserInput(
                    f"time is refused for dataset type '{record.name}': its dimensions "
                    f"({', '.join(record.info.required) or 'none'}) were not observed at a time"
                    + ("; for calibrations ask with validity." if record.info.is_calibration else ".")
                )
            if question.validity is not None and not record.info.is_calibration:
                raise BadUserInput(
                    f"validity is refused for dataset type '{record.name}': it is no calibration type; "
                    "for when something was observed ask with time."
                )
            for name in question.among.names if question.among else ():
                if resolve(name, record.group, self._tables).role == "outside":
                    raise BadUserInput(
                        f"'{name}' in among is no dimension of dataset type '{record.name}', which has "
                        f"{', '.join(record.info.dimensions) or 'none'}."
                    )
            for constraint in question.constraints:
                resolve(constraint.name, record.group, self._tables, dataset=True)
        except BadUserInput as error:
            if record.exact or not isinstance(error, BadUserInput) or error.details.get("unknown"):
                raise
            notes.append(error.message)
            return False
        return True

    @staticmethod
    def _find_first(record: TypeRecord, path: Sequence[CollectionRecord], question: Datasets) -> bool:
        ranges = record.info.is_calibration and any(c.type == "CALIBRATION" for c in path)
        if question.find_first is None:
            globs = any(glob.is_glob(c) for c in question.collections or ())
            return not globs and not ranges
        if question.find_first and ranges:
            raise BadUserInput(
                f"findFirst has no answer for '{record.name}' in CALIBRATION collections, where several are valid at different times; "
                "leave it out and ask with validity, or find the one for an exposure."
            )
        return question.find_first

    def _governors(
        self, held: Sequence[tuple[TypeRecord, list[CollectionRecord]]], call: Call
    ) -> dict[str, dict[int, list[str]]]:
        universe = self._tables.universe
        wanted = {d for record, _ in held for d in record.info.required} & set(
            universe.governor_dimensions.names
        )
        collections = {c.id: c for _, path in held for c in path}
        return {
            name: self._names.governors(name, list(collections.values()), call) for name in sorted(wanted)
        }

    def _restriction(
        self, record: TypeRecord, path: Sequence[CollectionRecord], question: Datasets, call: Call
    ) -> Restriction:
        restriction = Restriction(
            small=self._short_tables(record, call), index=self._unique_index(record, call)
        )
        if question.sky is not None:
            for foot in sky.footing(record.group):
                restriction.keys.append(
                    sky.matching(foot, question.sky, record.group, self._store, self._tables, call)
                )
        beyond = [
            c
            for c in question.constraints
            if resolve(c.name, record.group, self._tables, dataset=True).role == "outside"
        ]
        if question.where is not None or beyond:
            # What Butler joins by itself (sky, visits of exposures, validity) and its own language are Butler's to answer.
            own = [c.name for c in path]
            found = self._api.dataset_ids(record.name, own, call, constraints=beyond, where=question.where)
            restriction.ids = sorted(found)
        return restriction

    def _short_tables(self, record: TypeRecord, call: Call) -> dict[str, bool]:
        """Which dimensions have few values; only SQLite needs to know. Counted once a process: the answer only steers a plan."""
        if not self._store.sqlite:
            return {}
        for name in record.info.required:
            element = self._tables.universe[name]
            if name not in self._small and element.has_own_table:
                table = self._tables.element(name)
                head = sa.select(sa.literal(1)).select_from(table).limit(_WALKABLE + 1).subquery()
                ((count,),) = self._store.rows(sa.select(sa.func.count()).select_from(head), call)
                self._small[name] = count <= _WALKABLE
        return self._small

    def _unique_index(self, record: TypeRecord, call: Call) -> str | None:
        """The name that SQLite gave the index on (dataset_type_id, collection_id, required dimensions)."""
        if not self._store.sqlite:
            return None
        if record.tags not in self._indices:
            wanted = ["dataset_type_id", "collection_id", *record.info.required]
            statement = sa.text(
                "SELECT list.name, info.name FROM pragma_index_list(:table) AS list, pragma_index_info(list.name) AS info "
                "WHERE list.origin = 'u' ORDER BY list.name, info.seqno"
            ).bindparams(table=record.tags)
            columns: dict[str, list[str]] = {}
            for index, column in self._store.rows(statement, call):
                columns.setdefault(index, []).append(column)
            self._indices[record.tags] = next((i for i, c in columns.items() if c == wanted), None)
        return self._indices[record.tags]

    # answers

    def page(self, question: Datasets, call: Call) -> Rows:
        candidates, notes = self.prepare(question, call)
        if not candidates:
            return Rows((), [], notes=notes, key=lambda row: row)
        selection = Selection(question, candidates, self._tables)
        wanted = question.page.first + 1
        found: list[Row] = []
        for chunk in selection.chunks():
            statement = selection.page(chunk, wanted - len(found))
            if statement is not None:
                found += self._store.rows(statement, call)
            if len(found) >= wanted:
                break
        more = len(found) > question.page.first
        rows = selection.rows(found[: question.page.first], more)
        rows.notes = notes
        return rows

    def count(self, question: Datasets, call: Call) -> int:
        candidates, _ = self.prepare(replace(question, order=()), call)
        if not candidates:
            return 0
        selection = Selection(replace(question, order=()), candidates, self._tables)
        total = 0
        for chunk in selection.chunks():
            rows = selection.everything(chunk)
            if rows is None:
                continue
            bounded = sa.select(sa.literal(1)).select_from(rows).limit(call.max_rows + 1 - total).subquery()
            ((number,),) = self._store.rows(sa.select(sa.func.count()).select_from(bounded), call)
            total += number
            if total > call.max_rows:
                raise TooComplex(
                    f"More than {call.max_rows} datasets: counting them passes the limit.",
                    limit=call.max_rows,
                    actual=total,
                    what="datasets counted",
                )
        return total

    def facets(self, question: Datasets, by: Sequence[str], first: int, call: Call) -> Facets:
        plain = replace(question, order=())
        candidates, _ = self.prepare(plain, call)
        if not candidates:
            return Facets(tuple(by), [], True)
        if not by:
            raise BadUserInput("facets needs at least one dimension or field to count by.")
        selection = Selection(plain, candidates, self._tables, [Extra(name) for name in by])
        counts: dict[tuple[Any, ...], int] = {}
        for chunk in selection.chunks():
            rows = selection.everything(chunk)
            if rows is None:
                continue
            values = [rows.c[f"x{n}"] for n in range(len(by))]
            statement = sa.select(*values, sa.func.count()).group_by(*values).limit(call.max_rows + 1)
            for *key, number in self._store.rows(statement, call):
                counts[tuple(key)] = counts.get(tuple(key), 0) + number
            if len(counts) > call.max_rows:
                raise TooComplex(
                    f"More than {call.max_rows} different values; count by fewer dimensions.",
                    limit=call.max_rows,
                    actual=len(counts),
                    what="values",
                )
        ordered = sorted(counts.items(), key=lambda item: (-item[1], [(v is None, v) for v in item[0]]))
        return Facets(tuple(by), [(*key, number) for key, number in ordered[:first]], len(ordered) <= first)

    def by_id(self, question: DatasetsById, call: Call) -> Rows:
        """Two statements for the types, then one for each table of data IDs that the ids are spread over."""
        tables, dialect = self._tables, self._tables.dialect
        dataset = tables.dataset
        clause = dialect.ids_within(dataset.c.id, list(question.ids))
        pairs = self._store.rows(
            sa.select(dialect.hex(dataset.c.id), dataset.c.dataset_type_id).where(clause), call
        )
        ids_of: dict[int, list[str]] = {}
        for identifier, kind in pairs:
            ids_of.setdefault(kind, []).append(identifier)
        kinds = tables.dataset_type.c.id
        records = self._names.type_rows(dialect.within(kinds, sorted(ids_of)), call) if ids_of else []
        group = tables.universe.conform({d for r in records for d in r.info.required})
        by_table: dict[str, list[TypeRecord]] = {}
        for record in records:
            by_table.setdefault(record.tags, []).append(record)
        found: list[Row] = []
        for name, members in by_table.items():
            ids = [i for record in members for i in ids_of[record.id]]
            found += self._store.rows(self._by_id(name, members, ids, tuple(group.names)), call)
        columns = (
            RowColumn("id", Kind.UUID),
            RowColumn("type", Kind.STRING),
            RowColumn("run", Kind.STRING),
            RowColumn("ingest_date", Kind.TIME),
            *(RowColumn(n, tables.kind(n), dimension=True) for n in group.names),
        )
        return Rows(columns, found, types={r.name: r.info for r in records})

    def _by_id(
        self, table_name: str, records: Sequence[TypeRecord], ids: Sequence[str], names: Sequence[str]
    ) -> sa.Select[Any]:
        """Rows in a dataset's columns, read from its run's association (every dataset has exactly one)."""
        tables, dialect = self._tables, self._tables.dialect
        required = records[0].info.required
        own = set(records[0].info.dimensions)
        dataset, run = tables.dataset.alias(), tables.collection.alias()
        tags = tables.association(table_name, required, False).alias()
        kind = tables.dataset_type.alias()
        clause: sa.FromClause = dataset.join(
            tags, sa.and_(tags.c.dataset_id == dataset.c.id, tags.c.collection_id == dataset.c.run_id)
        )
        clause = clause.join(run, run.c.collection_id == dataset.c.run_id)
        clause = clause.join(kind, kind.c.id == dataset.c.dataset_type_id)
        mine = [name for name in names if name in own]
        values, clause = implied(tables, mine, {d: tags.c[d] for d in required}, clause)
        return (
            sa.select(
                dialect.hex(dataset.c.id),
                kind.c.name,
                run.c.name,
                dataset.c.ingest_date,
                *(values[n] if n in own else dialect.null(tables.sql_type(n)) for n in names),
            )
            .select_from(clause)
            .where(dialect.ids_within(dataset.c.id, list(ids)))
        )

    def find(self, question: FindDataset, call: Call) -> Rows:
        """See FindDataset. Components are looked up as their parents, which have the same ids."""
        parent, _, component = question.type.partition(".")
        (record,) = self._names.types((parent,), call)
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
        constraints = tuple(Constraint(name, Op.EQ, value) for name, value in question.data_id)
        for place, collection in enumerate(own):
            certified = collection.type == "CALIBRATION"
            asked = Datasets(
                types=(record.name,),
                collections=(collection.name,),
                constraints=constraints,
                validity=question.validity if certified else None,
                ingested_before=question.ingested_before,
                find_first=False,
            ).paged(2)
            rows = self.page(asked, call)
            if len(rows.rows) > 1:
                raise BadUserInput(
                    f"More than one '{record.name}' in collection '{collection.name}' (place {place} of the search order) is valid then: "
                    f"{', '.join(r[0] for r in rows.rows)}; ask for a shorter validity."
                )
            if rows.rows:
                return rows
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
        tables, dialect = self._tables, self._tables.dialect
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
            RowColumn("parent", Kind.LONG),
            RowColumn("id", Kind.UUID),
            RowColumn("type", Kind.STRING),
            RowColumn("run", Kind.STRING),
            RowColumn("ingest_date", Kind.TIME),
            *(RowColumn(n, tables.kind(n), dimension=True) for n in names),
        )
        found.sort(key=lambda row: row[0])
        rows = Rows(columns, found, types={r.name: r.info for r in records})
        rows.key = lambda row: (row[4], row[1])
        rows.more = len(found) > first
        return rows

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
        # Its run's association alone tells of a dataset once; named collections may hold it several times.
        clause = uploaded.join(tags, on).join(dataset, dataset.c.id == tags.c.dataset_id)
        held = tags.c.collection_id == dataset.c.run_id
        statement = sa.select(
            uploaded.c.c0.label("parent"),
            dataset.c.id,
            dataset.c.run_id,
            dataset.c.ingest_date,
            *(tags.c[d] for d in required),
        ).select_from(clause)
        if path is None:
            statement = statement.where(held)
        else:
            member = dialect.within(tags.c.collection_id, [c.id for c in path])
            statement = statement.where(member).distinct()
        if question.page.after is not None:
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
