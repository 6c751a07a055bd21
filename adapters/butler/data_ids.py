"""Questions about data IDs and dimension records, answered with SQL on the registry's dimension tables."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionElement, DimensionGroup, SkyPixDimension

from ..answers import PARENT, REGION, TIMESPAN
from ..caller import Call
from ..errors import BadUserInput, TooComplex, nearest
from ..question import DataIds, KeyValue, Order, Page, Records, RecordsByKey, Regions, Sky, Span, Timespans
from ..rows import Column as RowColumn
from ..rows import Kind, Row, Rows
from . import conditions, sky
from .joins import Name, Source, resolve
from .names import Names, TypeRecord
from .order import Term, behind, check, sorting
from .store import Store
from .tables import Tables
from .universe import fields, require_listable


class DataIdQueries:
    """DataIds, Records, RecordsByKey, Regions and Timespans."""

    def __init__(self, store: Store, tables: Tables, names: Names) -> None:
        self._store = store
        self._tables = tables
        self._names = names

    # what SQL covers

    def covers(self, question: DataIds | Records, call: Call) -> bool:
        """Whether the question needs no join that Butler makes by itself: sky overlap, visits of exposures, validity."""
        group = self.group(question)
        if question.where is not None or len(group.spatial) > 1:
            return False
        if any(resolve(c.name, group, self._tables).role == "outside" for c in question.constraints):
            return False
        if isinstance(question, Records):
            return True
        return all(
            self._joins_plainly(record, group, question.collections, call)
            for record in self._names.types((*question.having, *question.lacking), call)
        )

    def _joins_plainly(
        self, record: TypeRecord, group: DimensionGroup, collections: tuple[str, ...] | None, call: Call
    ) -> bool:
        universe = self._tables.universe
        wider = universe.conform([*group.names, *record.info.required])
        new = set(wider.elements) - set(group.elements) - set(record.group.elements)
        if any(universe[name].defines_relationships for name in new) or len(wider.spatial) > 1:
            return False
        if record.info.is_calibration and group.temporal:
            return all(c.type != "CALIBRATION" for c in self._names.path(collections, call))
        return True

    def group(self, question: DataIds | Records) -> DimensionGroup:
        """The dimensions a question spans. Raises BadUserInput for unknown ones and for pixels of the sky, which have no records."""
        universe = self._tables.universe
        if isinstance(question, Records):
            return self.element(question.element).minimal_group
        require_listable(question.dimensions, universe)
        return universe.conform(question.dimensions)

    def element(self, name: str) -> DimensionElement:
        universe = self._tables.universe
        plain = [e for e in universe.elements.names if e not in universe.skypix_dimensions]
        if name not in plain:
            near = nearest(name, plain)
            hint = f"; did you mean {' or '.join(repr(n) for n in near)}?" if near else "."
            what = (
                "is a pixelisation of the sky: it has no records"
                if name in universe.elements.names
                else "is no dimension element"
            )
            raise BadUserInput(f"'{name}' {what}{hint}", unknown=name, nearest=near)
        return universe[name]

    # answers

    def page(self, question: DataIds | Records, call: Call) -> Rows:
        source, selected, columns = self._select(question, call)
        terms = self._order(question.order, source)
        page = question.page
        if page.after is not None:
            self._after(source, terms, page)
        extras = [term.column for term in terms[: len(question.order)]]
        statement = (
            source.select(*selected, *extras)
            .order_by(*sorting(terms, self._tables.dialect))
            .limit(page.first + 1)
        )
        found = _plain(self._store.rows(statement, call), columns)
        places = [
            i for n in source.group.required for i, c in enumerate(columns) if c.name == n and c.dimension
        ]
        trailing = range(len(columns), len(columns) + len(extras))

        def key(row: Row) -> tuple[KeyValue, ...]:
            return (*(row[p] for p in trailing), *(row[p] for p in places))

        return Rows(columns, found[: page.first], more=len(found) > page.first, key=key)

    def count(self, question: DataIds | Records, call: Call) -> int:
        source, selected, _ = self._select(question, call)
        for part in question.order:
            self._term(part.name, source)  # what makes no sense is told, though nothing is put in order
        bounded = source.select(selected[0]).limit(call.max_rows + 1).subquery()
        ((number,),) = self._store.rows(sa.select(sa.func.count()).select_from(bounded), call)
        if number > call.max_rows:
            raise TooComplex(
                f"More than {call.max_rows} rows: counting them passes the limit.",
                limit=call.max_rows,
                actual=number,
                what="rows counted",
            )
        return int(number)

    def _select(
        self, question: DataIds | Records, call: Call
    ) -> tuple[Source, list[Any], tuple[RowColumn, ...]]:
        group = self.group(question)
        tables = self._tables
        source = Source(tables, group, None, {})
        element = self.element(question.element) if isinstance(question, Records) else None
        if element is not None:
            source.element(element.name)
        else:
            source.relate()
        source.complete()
        conditions.apply(question.constraints, source, None)
        if question.sky is not None:
            self._sky(question.sky, source, element, call)
        if question.time is not None:
            self._time(question.time, source, element)
        if isinstance(question, DataIds):
            if question.among is not None:
                conditions.among(question.among, source)
            for names, wanted in ((question.having, True), (question.lacking, False)):
                for record in self._names.types(names, call, each=True):
                    held = self._held(record, question.collections, source, call)
                    source.conditions.append(held if wanted else sa.not_(held))
        selected, columns = _dimensions(source, tables)
        if element is not None:
            more, described = self._fields(element, source)
            selected += more
            columns += described
        return source, selected, tuple(columns)

    def _sky(self, shape: Sky, source: Source, element: DimensionElement | None, call: Call) -> None:
        what = f"records of '{element.name}'" if element is not None else "these dimensions"
        group = source.group
        feet = sky.require(group, what)
        if element is not None and element.spatial is not None:
            feet = [sky.Footing(element)]
        for foot in feet:
            names, keys = sky.matching(foot, shape, self._store, self._tables, call)
            conditions.within_keys(source, names, keys)

    def _time(self, span: Span, source: Source, element: DimensionElement | None) -> None:
        if element is not None and element.temporal is not None:
            owner = element
        elif source.group.temporal:
            (family, *_) = source.group.temporal
            owner = family.choose(source.group)  # type: ignore[assignment]
        else:
            raise BadUserInput(
                f"time is refused here: the dimensions ({', '.join(source.group.required)}) were not observed at a time."
            )
        source.conditions.append(self._tables.dialect.overlaps(source.element(owner.name), span))

    def _held(
        self, record: TypeRecord, collections: tuple[str, ...] | None, source: Source, call: Call
    ) -> sa.ColumnElement[bool]:
        """EXISTS a dataset of this type with the dimensions that it shares with the data ID."""
        path = self._names.path(collections, call)
        tables = self._tables
        shared = [name for name in record.info.dimensions if name in source.group.names]
        tests: list[sa.ColumnElement[bool]] = []
        for calibration in (False, True):
            ids = [c.id for c in path if (c.type == "CALIBRATION") is calibration]
            name = record.calibs if calibration else record.tags
            if not ids or name is None:
                continue
            table = tables.association(name, record.info.required, calibration).alias()
            inner = Source(tables, record.group, table, {d: table.c[d] for d in record.info.required})
            inner.conditions = [
                table.c.dataset_type_id == record.id,
                tables.dialect.within(table.c.collection_id, ids),
                *(inner.dimension(d) == source.dimension(d) for d in shared),
            ]
            assert inner.clause is not None
            tests.append(
                sa.select(sa.literal(1))
                .select_from(inner.clause)
                .where(*inner.conditions)
                .correlate(*_froms(source))
                .exists()
            )
        return sa.or_(*tests) if tests else sa.false()

    def _fields(self, element: DimensionElement, source: Source) -> tuple[list[Any], list[RowColumn]]:
        selected: list[Any] = []
        columns: list[RowColumn] = []
        for name, kind in fields(element).items():
            selected.append(source.field(element.name, name))
            columns.append(RowColumn(name, kind))
        if element.temporal is not None:
            selected += source.timespan(element.name)
            columns += [RowColumn("timespan.begin", Kind.TIME), RowColumn("timespan.end", Kind.TIME)]
        if element.spatial is not None:
            selected.append(source.field(element.name, "region"))
            columns.append(RowColumn("region", Kind.REGION))
        return selected, columns

    def _order(self, order: Sequence[Order], source: Source) -> list[Term]:
        terms = []
        for part in order:
            name = self._term(part.name, source)
            column = conditions.expression(name, source, None)
            terms.append(Term(column, name.kind, part.descending, nullable=name.role != "dimension"))
        return terms + [Term(source.dimension(d), self._tables.kind(d)) for d in source.group.required]

    def _term(self, name: str, source: Source) -> Name:
        """What a name in an order means. Raises BadUserInput."""
        found = resolve(name, source.group, self._tables)
        if found.role == "outside":
            raise BadUserInput(
                f"'{name}' cannot order these rows: it is no dimension or field of {', '.join(source.group.names)}."
            )
        return found

    def _after(self, source: Source, terms: Sequence[Term], page: Page) -> None:
        assert page.after is not None
        check([term.kind for term in terms], page.after)
        later = behind(terms, page.after, self._tables.dialect)
        source.conditions.append(later if not isinstance(later, bool) else sa.literal(later))

    # looked up for keys

    def records_by_key(self, question: RecordsByKey, call: Call) -> Rows:
        element = self.element(question.element)
        tables = self._tables
        names = element.required.names
        uploaded = tables.dialect.upload(question.keys, [tables.sql_type(n) for n in names])
        keys: dict[str, Any] = {name: uploaded.c[f"c{n}"] for n, name in enumerate(names)}
        source = Source(tables, element.minimal_group, uploaded, keys)
        source.element(element.name)
        source.complete()
        selected, columns = _dimensions(source, tables)
        more, described = self._fields(element, source)
        described = [PARENT, *columns, *described]
        statement = source.select(uploaded.c.parent, *selected, *more)
        return Rows(tuple(described), _plain(self._store.rows(statement, call), described))

    def regions(self, question: Regions, call: Call) -> Rows:
        group = self._tables.universe.conform(question.dimensions)
        feet = sky.footing(group)
        if not feet or not question.keys:
            return Rows(REGION, [])
        foot = feet[0]
        element, tables = foot.element, self._tables
        if isinstance(element, SkyPixDimension):
            place = question.dimensions.index(element.name)
            found = [
                (
                    parent,
                    element.name,
                    base64.b64encode(element.pixelization.pixel(int(key[place])).encode()).decode(),
                )
                for parent, key in enumerate(question.keys)
            ]
            return Rows(REGION, found)
        uploaded = tables.dialect.upload(question.keys, [tables.sql_type(n) for n in question.dimensions])
        keys = {name: uploaded.c[f"c{n}"] for n, name in enumerate(question.dimensions)}
        clause: sa.FromClause = uploaded
        if foot.through_visits:
            link = tables.element("visit_definition").alias()
            on = sa.and_(link.c.instrument == keys["instrument"], link.c.exposure == keys["exposure"])
            clause = clause.join(link, on)
            keys["visit"] = link.c.visit
        table = tables.element(element.name).alias()
        places = tables.key_columns(element)
        clause = clause.join(table, sa.and_(*(table.c[places[n]] == keys[n] for n in element.required.names)))
        statement = sa.select(uploaded.c.parent, sa.literal(element.name, sa.Text()), table.c.region)
        statement = statement.select_from(clause).where(table.c.region.is_not(None))
        order = [uploaded.c.parent, keys["visit"]] if foot.through_visits else [uploaded.c.parent]
        first: dict[int, Row] = {}
        for row in self._store.rows(statement.order_by(*order), call):
            first.setdefault(row[0], row)
        return Rows(REGION, list(first.values()))

    def timespans(self, question: Timespans, call: Call) -> Rows:
        tables = self._tables
        group = tables.universe.conform(question.dimensions)
        if not group.temporal or not question.keys:
            return Rows(TIMESPAN, [])
        (family, *_) = group.temporal
        element = family.choose(group)
        uploaded = tables.dialect.upload(question.keys, [tables.sql_type(n) for n in question.dimensions])
        keys = {name: uploaded.c[f"c{n}"] for n, name in enumerate(question.dimensions)}
        source = Source(tables, group, uploaded, dict(keys))
        begin, end = source.timespan(element.name)
        table = source.element(element.name)
        source.conditions.append(tables.dialect.has_timespan(table))
        statement = source.select(uploaded.c.parent, sa.literal(element.name, sa.Text()), begin, end)
        return Rows(TIMESPAN, list(self._store.rows(statement, call)))


def _dimensions(source: Source, tables: Tables) -> tuple[list[Any], list[RowColumn]]:
    names = source.group.names
    columns = [RowColumn(name, tables.kind(name), dimension=True) for name in names]
    return [source.dimension(name) for name in names], columns


def _froms(source: Source) -> list[sa.FromClause]:
    """The tables of a FROM clause, for a subquery to refer to."""
    assert source.clause is not None
    found: list[sa.FromClause] = []
    stack = [source.clause]
    while stack:
        clause = stack.pop()
        if isinstance(clause, sa.Join):
            stack += [clause.left, clause.right]
        else:
            found.append(clause)
    return found


def _plain(rows: list[Row], columns: Sequence[RowColumn]) -> list[Row]:
    """SQLite's 0 and 1 as booleans; hashes, which registries hold as base64, as bytes."""
    changes: dict[int, Callable[[Any], Any]] = {
        place: bool if column.kind is Kind.BOOL else base64.b64decode
        for place, column in enumerate(columns)
        if column.kind in (Kind.BOOL, Kind.HASH)
    }
    if not changes or not rows:
        return rows
    out = []
    for row in rows:
        values = list(row)
        for place, change in changes.items():
            values[place] = None if values[place] is None else change(values[place])
        out.append(tuple(values))
    return out
