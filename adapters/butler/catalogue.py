"""Questions about collections and dataset types, answered with SQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from ..answers import COLLECTION, DATASET_TYPE, LINK, PARENT
from ..caller import Call
from ..question import (
    CollectionDatasetTypes,
    CollectionLinks,
    Collections,
    CollectionsByName,
    DatasetTypes,
    DatasetTypesByName,
    Page,
)
from ..rows import Column as RowColumn
from ..rows import Kind, Row, Rows, TypeInfo
from . import glob
from .names import CODES, TYPES, CollectionRecord, Names
from .order import check
from .store import Store
from .tables import Tables


@dataclass(slots=True)
class Catalogue:
    """Collections, CollectionsByName, CollectionLinks, DatasetTypes, DatasetTypesByName and CollectionDatasetTypes."""

    store: Store
    tables: Tables
    names: Names

    # collections

    def collections(self, question: Collections, call: Call) -> Rows:
        if question.flatten:
            return self._flattened(question, call)
        table = self.tables.collection
        statement = sa.select(table.c.name, table.c.type, table.c.doc).where(*self._matching(question))
        name = self.tables.dialect.text(table.c.name)
        if question.page.after is not None:
            check([Kind.STRING], question.page.after, nulls=False)
            statement = statement.where(name > question.page.after[0])
        rows = self.store.rows(statement.order_by(name).limit(question.page.first + 1), call)
        found = [(r[0], TYPES[r[1]], r[2] or None) for r in rows]
        return _by_name(COLLECTION, found, question.page.first)

    def _matching(self, question: Collections) -> list[Any]:
        table = self.tables.collection
        clauses: list[Any] = []
        if question.match:
            clauses.append(self._matches(table.c.name, question.match))
        if question.types:
            clauses.append(table.c.type.in_([CODES[name] for name in question.types]))
        return clauses

    def _matches(self, column: Any, patterns: Sequence[str]) -> Any:
        dialect = self.tables.dialect
        return sa.or_(
            *(column == p for p in patterns),
            *(dialect.glob(column, p) for p in patterns if glob.is_glob(p)),
        )

    def count_collections(self, question: Collections, call: Call) -> int:
        if question.flatten:
            return len(self._flat_records(question, call))
        table = self.tables.collection
        statement = sa.select(sa.func.count()).select_from(table).where(*self._matching(question))
        ((number,),) = self.store.rows(statement, call)
        return int(number)

    def _flat_records(self, question: Collections, call: Call) -> list[CollectionRecord]:
        roots = self.names.collections(question.match or ("*",), call)
        leaves = self.names.flatten(roots, call)
        return [r for r in leaves if not question.types or r.type in question.types]

    def _flattened(self, question: Collections, call: Call) -> Rows:
        records = sorted(self._flat_records(question, call), key=lambda r: r.name)
        after = question.page.after
        if after is not None:
            check([Kind.STRING], after, nulls=False)
        rows = [_collection(r) for r in records if after is None or r.name > str(after[0])]
        return _by_name(COLLECTION, rows[: question.page.first + 1], question.page.first)

    def collections_by_name(self, question: CollectionsByName, call: Call) -> Rows:
        table = self.tables.collection
        statement = sa.select(table.c.name, table.c.type, table.c.doc).where(
            self.tables.dialect.within(table.c.name, list(question.names))
        )
        rows = self.store.rows(statement, call)
        return Rows(COLLECTION, [(r[0], TYPES[r[1]], r[2] or None) for r in rows])

    def links(self, question: CollectionLinks, call: Call) -> Rows:
        """One statement for all parents."""
        tables, dialect = self.tables, self.tables.dialect
        asked = dialect.upload([[name] for name in question.names], [sa.Text()])
        own, other, link = tables.collection.alias(), tables.collection.alias(), tables.chain
        down = question.direction == "children"
        here, there = (link.c.parent, link.c.child) if down else (link.c.child, link.c.parent)
        clause = (
            asked.join(own, own.c.name == asked.c.c0)
            .join(link, here == own.c.collection_id)
            .join(other, other.c.collection_id == there)
        )
        # A collection may stand in a parent twice over several steps, but once in each; its parents have no order but their names.
        place = link.c.position if down else sa.literal(0)
        inner = (
            sa.select(
                asked.c.parent.label("parent"),
                place.label("position"),
                other.c.name.label("name"),
                other.c.type.label("type"),
                other.c.doc.label("doc"),
            )
            .select_from(clause)
            .subquery()
        )
        name = dialect.text(inner.c.name)
        statement = sa.select(inner)
        if question.page.after is not None:
            check([Kind.LONG, Kind.STRING], question.page.after, nulls=False)
            position, last = question.page.after
            statement = statement.where(
                sa.or_(inner.c.position > position, sa.and_(inner.c.position == position, name > last))
            )
        number = sa.func.row_number().over(partition_by=inner.c.parent, order_by=[inner.c.position, name])
        numbered = statement.add_columns(number.label("place")).subquery()
        final = (
            sa.select(
                numbered.c.parent, numbered.c.position, numbered.c.name, numbered.c.type, numbered.c.doc
            )
            .where(numbered.c.place <= question.page.first + 1)
            .order_by(numbered.c.parent, numbered.c.place)
        )
        rows = [(r[0], r[1], r[2], TYPES[r[3]], r[4] or None) for r in self.store.rows(final, call)]
        return Rows(LINK, rows, more=len(rows) > question.page.first, key=lambda row: (row[1], row[2]))

    def count_links(self, question: CollectionLinks, call: Call) -> int:
        return len(self.links(replace(question, page=Page(call.max_rows)), call).rows)

    # dataset types

    def dataset_types(self, question: DatasetTypes, call: Call) -> Rows:
        clause = self._types_matching(question, call)
        table = self.tables.dataset_type
        name = self.tables.dialect.text(table.c.name)
        head = sa.select(table.c.id).where(clause)
        if question.page.after is not None:
            check([Kind.STRING], question.page.after, nulls=False)
            head = head.where(name > question.page.after[0])
        head = head.order_by(name).limit(question.page.first + 1)
        chosen = head.subquery()
        records = self.names.type_rows(table.c.id.in_(sa.select(chosen.c.id)), call)
        return _by_name(DATASET_TYPE, [_type(r.info) for r in records], question.page.first)

    def count_dataset_types(self, question: DatasetTypes, call: Call) -> int:
        statement = sa.select(sa.func.count()).select_from(self.tables.dataset_type)
        ((number,),) = self.store.rows(statement.where(self._types_matching(question, call)), call)
        return int(number)

    def _types_matching(self, question: DatasetTypes, call: Call) -> Any:
        table, summary = self.tables.dataset_type, self.tables.summary
        clauses: list[Any] = [sa.true()]
        if question.match:
            clauses.append(self._matches(table.c.name, question.match))
        if question.is_calibration is not None:
            calibs = table.c.calibration_association_table
            clauses.append(calibs.is_not(None) if question.is_calibration else calibs.is_(None))
        if question.collections is not None:
            path = self.names.path(question.collections, call)
            held = sa.select(summary.c.dataset_type_id).where(
                self.tables.dialect.within(summary.c.collection_id, [c.id for c in path])
            )
            clauses.append(table.c.id.in_(held))
        return sa.and_(*clauses)

    def dataset_types_by_name(self, question: DatasetTypesByName, call: Call) -> Rows:
        """Components (calexp.wcs) are found too, although no registry lists them."""
        plain = {name.partition(".")[0] for name in question.names if not glob.is_glob(name)}
        infos = {record.name: record.info for record in self.names.types(sorted(plain), call, lenient=True)}
        found = []
        for name in question.names:
            parent, _, component = name.partition(".")
            info = infos.get(parent)
            if info is not None and component:
                info = self.names.component(info, component)
            if info is not None:
                found.append(_type(info))
        return Rows(DATASET_TYPE, found)

    def count_of_collections(self, question: CollectionDatasetTypes, call: Call) -> int:
        return len(self.of_collections(replace(question, page=Page(call.max_rows)), call).rows)

    def of_collections(self, question: CollectionDatasetTypes, call: Call) -> Rows:
        """Three statements for all collections: the chains, the summaries, the types."""
        own = self.names.named(question.names, call)
        leaves = {
            name: self.names.flatten([record], call)
            for name, record in own.items()
            if record.type != "CHAINED"
        }
        chained = [record for record in own.values() if record.type == "CHAINED"]
        if chained:
            records, children = self.names.chains(chained, call)
            for record in chained:
                leaves[record.name] = [records[i] for i in _leaves(record.id, children, records)]
        summary = self.tables.summary
        everything = sorted({r.id for group in leaves.values() for r in group})
        held: dict[int, set[int]] = {}
        statement = sa.select(summary.c.collection_id, summary.c.dataset_type_id)
        clause = self.tables.dialect.within(summary.c.collection_id, everything)
        for collection, kind in self.store.rows(statement.where(clause), call) if everything else ():
            held.setdefault(collection, set()).add(kind)
        kinds = sorted(set().union(*held.values())) if held else []
        identifier = self.tables.dataset_type.c.id
        records_of = {
            r.id: r
            for r in (
                self.names.type_rows(self.tables.dialect.within(identifier, kinds), call) if kinds else ()
            )
        }
        if question.page.after is not None:
            check([Kind.STRING], question.page.after, nulls=False)
        after = None if question.page.after is None else str(question.page.after[0])
        rows: list[Row] = []
        for position, name in enumerate(question.names):
            found = {i for leaf in leaves.get(name, ()) for i in held.get(leaf.id, ())}
            types = sorted((records_of[i] for i in found), key=lambda r: r.name)
            later = [t for t in types if after is None or t.name > after]
            rows += [(position, *_type(t.info)) for t in later[: question.page.first + 1]]
        return Rows((PARENT, *DATASET_TYPE), rows, key=lambda row: (row[1],))


def _leaves(root: int, children: dict[int, list[int]], records: dict[int, CollectionRecord]) -> Iterable[int]:
    seen: dict[int, None] = {}
    stack = [root]
    while stack:
        identifier = stack.pop()
        if identifier in seen:
            continue
        seen[identifier] = None
        stack += children.get(identifier, [])
    return [i for i in seen if records[i].type != "CHAINED"]


def _collection(record: CollectionRecord) -> Row:
    return (record.name, record.type, record.doc)


def _type(info: TypeInfo) -> Row:
    return (info.name, info.required, info.dimensions, info.storage_class, info.is_calibration)


def _by_name(columns: tuple[RowColumn, ...], found: list[Row], first: int) -> Rows:
    return Rows(columns, found[:first], more=len(found) > first, key=lambda row: (row[0],))
