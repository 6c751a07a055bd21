"""From links to datasets: of N parents, those of one type that stand where their links lead, a page of each, in one statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal

import sqlalchemy as sa
from lsst.daf.butler import DimensionElement

from ..question import Kinship, Related
from ..rows import Kind
from . import conditions
from .beside import Along, observed
from .homes import Homes
from .joins import Source, resolve
from .links import Links
from .names import CollectionRecord, TypeRecord
from .order import Term, behind, check, sorting
from .selection import MOST, implied
from .tables import Tables
from .walk import in_order

Column = sa.ColumnElement[Any]

EACH = sa.bindparam("each", type_=sa.Integer(), required=True)


class Cut(Enum):
    """How the first ``each`` rows are told: of each parent by a window over all that it has, or of each link by reading no more; a parent
    with several links may then have more."""

    PARENTS = 1
    LINKS = 2


@dataclass(slots=True)
class Reach:
    """One target type of a question.

    ``path``: the collections that may hold it, with their places in the search order. ``find_first``: of each parent and data ID
    only what the first of them has (with validity: every one that is valid there, for an ambiguity to be seen). ``tying``: the
    collections that certify the parents, where it is they that tie, with their places; ``same``: columns of the answer that are not read
    from the database, for every row has the same there; ``shared``: dimensions that are not, for a row has there what its parent has.
    """

    tables: Tables
    question: Related
    record: TypeRecord
    kinship: Kinship
    path: Sequence[tuple[int, CollectionRecord]]
    find_first: bool
    names: tuple[str, ...]  # dimensions of the answer, those of all its types
    along: Along | None = None
    tying: tuple[tuple[int, CollectionRecord], ...] = ()
    same: Mapping[str, Any] = field(default_factory=dict)
    shared: tuple[str, ...] = ()

    @property
    def mixed(self) -> bool:
        """Whether collections that certify nothing are searched for calibrations too: what they have goes by its data ID, at any time."""
        forward = self.kinship is Kinship.CALIBRATION and not self.tying
        return forward and any(c.type != "CALIBRATION" for _, c in self.path)

    def alike(self) -> dict[str, Any]:
        """The columns that have the same value in every row."""
        found = {"type": self.record.name, "overlap": None}
        if not self.mixed:
            found["kind"] = self.kinship.value
        run = Homes(c for _, c in self.path).only
        if run is not None:
            found["run"] = run
        (place, first), *others = self.tying or self.path
        return found if others else {**found, "collection": first.name, "rank": place}

    def statement(
        self, links: Links, *, cut: Cut | Literal[False], own: bool = False
    ) -> sa.Select[Any] | None:
        """Rows of parent, dataset, edge but for what is the ``same``, then the values that the question orders by, parent after parent (where
        they are dealt, in one order), ``most`` (a parameter) in all; ``cut``: of each parent ``each`` (another one). ``own``: the parents'
        ``ids`` are left out."""
        found = (self._part(links, calibration, cut) for calibration in (False, True))
        parts = [part for part in found if part is not None]
        if not parts:
            return None
        rows = self._once(parts[0].subquery() if len(parts) == 1 else sa.union_all(*parts).subquery())
        # Where a parent is the first of its data ID none that stands behind it takes its place.
        if own or links.own is not None:
            rows = self._others(rows)
        return self._page(rows, links, cut=cut).limit(MOST)

    def _others(self, rows: sa.Subquery) -> sa.Subquery:
        """The rows that are not their own parents."""
        if "own" in rows.c:
            return sa.select(rows).where(rows.c.dataset_id.is_distinct_from(rows.c.own)).subquery()
        dialect = self.tables.dialect
        ids = dialect.uploaded("ids", [dialect.id_type()])
        joined = rows.join(ids, sa.and_(ids.c.parent == rows.c.parent, ids.c.c0 != rows.c.dataset_id))
        return sa.select(*rows.c).select_from(joined).subquery()

    def _part(self, links: Links, calibration: bool, cut: Cut | Literal[False]) -> sa.Select[Any] | None:
        """Links joined to one association table, through the dimensions that both have."""
        tables, dialect, record = self.tables, self.tables.dialect, self.record
        own = [(place, c) for place, c in self.path if (c.type == "CALIBRATION") is calibration]
        name = record.calibs if calibration else record.tags
        if not own or name is None:
            return None
        table = tables.association(name, record.info.required, calibration).alias()
        direct = [d for d in record.info.required if d in links.dimensions]
        pairs = [table.c.dataset_type_id == record.id, *(table.c[d] == links.dimensions[d] for d in direct)]
        clause, seen = links.rows, None
        settled = {*direct}
        element = self._element(links)
        if element is not None:
            # What was observed then first, and then its datasets: a validity range has few of all that a detector ever saw.
            seen, on = self._seen(element, links)
            if cut is Cut.LINKS:
                clause = seen = self._in_turn(element, seen, on, links)
            else:
                clause = in_order(tables, clause, seen, on)
            columns_of = tables.key_columns(element)
            pairs += [table.c[d] == seen.c[columns_of[d]] for d in element.required.names if d not in direct]
            settled |= columns_of.keys()
        if len(own) == 1:
            ((place, only),) = own
            turn: Column = sa.literal_column(str(place), sa.Integer())
            clause = in_order(tables, clause, table, sa.and_(*pairs, table.c.collection_id == only.id))
        else:
            ranks = dialect.upload([[c.id, place] for place, c in own], [sa.BigInteger(), sa.BigInteger()])
            turn = ranks.c.c1
            clause = in_order(tables, clause, ranks, sa.true())
            clause = in_order(tables, clause, table, sa.and_(*pairs, ranks.c.c0 == table.c.collection_id))
        source = Source(tables, record.group, clause, {d: table.c[d] for d in record.info.required})
        if element is not None and seen is not None:
            source.has(element.name, seen)
        dataset = conditions.DatasetColumns(tables, source, table.c.dataset_id)
        source.conditions += links.conditions
        source.conditions += [
            source.dimension(d) == value for d, value in links.dimensions.items() if d not in settled
        ]
        conditions.apply(self.question.constraints, source, dataset)
        begin = end = dialect.null(sa.BigInteger())
        collection: Column = table.c.collection_id
        rank = turn
        if calibration:
            begin, end = dialect.timespan(table)
        if links.begin is not None and links.end is not None and calibration and seen is None:
            source.conditions.append(dialect.meets(table, links.begin, links.end))
        if links.collection is not None and links.rank is not None:
            assert links.begin is not None and links.end is not None
            collection, rank, begin, end = links.collection, links.rank, links.begin, links.end
            if links.earlier is not None and seen is not None:
                source.conditions.append(~links.earlier(seen))
        columns: dict[str, Column] = {
            "parent": links.parent,
            "dataset_id": table.c.dataset_id,
            "home": table.c.collection_id,
            "collection_id": collection,
            "rank": rank,
            "turn": turn,
            "valid_begin": begin,
            "valid_end": end,
            "overlap": dialect.null(sa.Float()),
            **{d: table.c[d] for d in record.info.required},
        }
        if links.own is not None:
            columns["own"] = links.own
        if element is not None and seen is not None:
            columns |= {name: seen.c[name] for name in self._carried(element)}
        if self.mixed:
            kinship = self.kinship if calibration else Kinship.DATA_ID
            columns["kind"] = sa.literal(kinship.value, sa.Text())
        for place, term in enumerate(self.question.order):
            columns[f"x{place}"] = self._ordered(term.name, source, dataset)
        statement = source.select(*(column.label(label) for label, column in columns.items()))
        return statement.correlate(links.rows) if cut is Cut.LINKS else statement

    def _element(self, links: Links) -> DimensionElement | None:
        """What says when the target was observed, where links are met by that."""
        timed = links.begin is not None and (links.collection is not None or self.kinship is Kinship.TEMPORAL)
        return observed(self.record.group) if timed else None

    def _seen(self, element: DimensionElement, links: Links) -> tuple[sa.FromClause, Column]:
        """The table of what says when the target was observed, and the condition that it goes with a link: at its time, of its dimensions."""
        table = self.tables.element(element.name).alias()
        columns = self.tables.key_columns(element)
        names = [name for name in columns if name in links.dimensions]
        alike = (table.c[columns[name]] == links.dimensions[name] for name in names)
        if links.collection is not None:
            return table, sa.and_(*alike, self.tables.dialect.coincide(table, links.rows))
        assert links.begin is not None and links.end is not None
        return table, sa.and_(*alike, self.tables.dialect.meets(table, links.begin, links.end))

    def _in_turn(
        self, element: DimensionElement, seen: sa.FromClause, on: Column, links: Links
    ) -> sa.FromClause:
        """What was observed at the time of one link. Where the datasets are wanted in its order it is sorted before they are looked up, so that
        no more of them are looked up than are wanted."""
        keys = self.tables.key_columns(element)
        rows = sa.select(*seen.c).where(on).correlate(links.rows)
        wanted = [d for d in self.record.info.required if d not in links.dimensions]
        alike = wanted == [d for d in element.required.names if d in wanted]
        if wanted and alike and not self.question.order:
            terms = [Term(seen.c[keys[d]], self.tables.kind(d)) for d in wanted]
            # With an offset the planner keeps to it.
            rows = rows.order_by(*sorting(terms, self.tables.dialect)).offset(sa.literal_column("0"))
        return rows.subquery()

    def _carried(self, element: DimensionElement) -> list[str]:
        """Columns of what says when the target was observed that the answer may need: its table is not joined again."""
        lying = self.along is not None and self.along.lying == element
        return [
            *(name for name in element.implied.names if name not in self.record.info.required),
            *self.tables.dialect.timespan_columns,
            *(["region"] if lying else []),
            *(name for owner, name in (self.along.fields if self.along else ()) if owner == element),
        ]

    def _ordered(self, name: str, source: Source, dataset: conditions.DatasetColumns) -> Column:
        found = resolve(name, self.record.group, self.tables, dataset=True)
        if found.role == "outside":
            kind: sa.types.TypeEngine[Any] = sa.Text() if found.kind is Kind.STRING else sa.BigInteger()
            return self.tables.dialect.null(kind)
        return conditions.expression(found, source, dataset)

    def _once(self, rows: sa.Subquery) -> sa.Subquery:
        """Each dataset once a parent (once a validity range, where validity ties them), by its first collection; with find-first what the
        first collection has."""
        ((_, only), *others) = self.path
        if not others and (only.type != "CALIBRATION" or self.kinship is Kinship.CALIBRATION):
            return rows  # one collection has a data ID, or a range of one, only once
        if self.find_first:
            partition = [rows.c.parent, *(rows.c[d] for d in self.record.info.required)]
            place = sa.func.rank().over(partition_by=partition, order_by=rows.c.turn).label("first")
            ranked = sa.select(rows, place).subquery()
            rows = sa.select(*(ranked.c[c.name] for c in rows.c)).where(ranked.c.first == 1).subquery()
            if all(c.type != "CALIBRATION" for _, c in self.path):
                return rows
        partition = [rows.c.parent, rows.c.dataset_id]
        order = [rows.c.turn, rows.c.rank, sa.func.coalesce(rows.c.valid_begin, -(2**63))]
        if self.kinship is Kinship.CALIBRATION:
            partition += [rows.c.collection_id, rows.c.valid_begin, rows.c.valid_end]
        number = sa.func.row_number().over(partition_by=partition, order_by=order).label("again")
        numbered = sa.select(rows, number).subquery()
        return sa.select(*(numbered.c[c.name] for c in rows.c)).where(numbered.c.again == 1).subquery()

    def terms(self, rows: sa.FromClause) -> list[Term]:
        """The order within a parent: the question's own, type, data ID, id, and for validity the range and its rank."""
        kinds = [
            resolve(t.name, self.record.group, self.tables, dataset=True).kind for t in self.question.order
        ]
        found = [
            Term(rows.c[f"x{place}"], kind, term.descending, nullable=True)
            for place, (term, kind) in enumerate(zip(self.question.order, kinds, strict=True))
        ]
        found.append(Term(sa.null(), Kind.STRING, constant=self.record.name))
        found += [Term(rows.c[d], self.tables.kind(d)) for d in self.record.info.required]
        found.append(Term(rows.c.dataset_id, Kind.UUID))
        low = sa.func.coalesce(rows.c.valid_begin, -(2**63))
        return [*found, Term(low, Kind.LONG), Term(rows.c.rank, Kind.LONG)]

    def _sorted(self, rows: sa.FromClause, links: Links) -> list[Column]:
        """The same for ORDER BY: without what follows from what stands before it, or is the same in all rows of a parent."""
        *others, identifier, begin, rank = self.terms(rows)
        if links.settled:
            required = self.record.info.required
            fixed = {
                len(self.question.order) + 1 + n for n, d in enumerate(required) if d in links.dimensions
            }
            others = [term for place, term in enumerate(others) if place not in fixed]
        certified = any(c.type == "CALIBRATION" for _, c in self.path)
        if certified or len(self.path) > 1:  # otherwise a data ID has one dataset
            others.append(identifier)
        if certified or links.collection is not None:
            others.append(begin)
        if "rank" not in self.same:
            others.append(rank)
        return sorting(others, self.tables.dialect)

    def _page(self, rows: sa.Subquery, links: Links, *, cut: Cut | Literal[False]) -> sa.Select[Any]:
        """The rows of each parent in order, with runs, ingest dates and implied dimensions."""
        tables, dialect = self.tables, self.tables.dialect
        terms = self.terms(rows)
        statement = sa.select(rows)
        after = self.question.page.after
        if after is not None:
            place = len(self.question.order)
            values = list(after)
            if after[place] == self.record.name:
                check([Kind.STRING if t.constant is not None else t.kind for t in terms], after)
            else:
                check([*(t.kind for t in terms[:place]), Kind.STRING], after[: place + 1])
                values = [*after[: place + 1], *([None] * (len(terms) - place - 1))]
            later = behind(terms, values, dialect)
            statement = statement.where(sa.literal(later) if isinstance(later, bool) else later)
        numbered: sa.FromClause
        if cut is Cut.LINKS:
            numbered = statement.order_by(*self._sorted(rows, links)).limit(EACH).lateral()
            clause: sa.FromClause = links.rows.join(numbered, sa.true())
        else:
            if cut is Cut.PARENTS:
                order = self._sorted(rows, links) or [rows.c.dataset_id]
                number = sa.func.row_number().over(partition_by=rows.c.parent, order_by=order)
                statement = statement.add_columns(number.label("place"))
            clause = numbered = statement.subquery()
        run, date, clause = Homes(c for _, c in self.path).join(
            tables, clause, numbered.c.dataset_id, numbered.c.home, dated=self.dated
        )
        held, clause = self._held(clause, numbered.c.collection_id, links)
        mine = [name for name in self.names if name in self.record.info.dimensions]
        known = {d: numbered.c[d] for d in self.record.info.required}
        element = self._element(links)
        joined: dict[str, sa.FromClause] = {} if element is None else {element.name: numbered}
        values_of, clause = implied(tables, mine, dict(known), clause, joined)
        along: list[Column] = []
        if self.along is not None:
            along, clause = self.along.join(values_of, joined, clause)
        columns: dict[str, Column] = {
            "parent": numbered.c.parent,
            "id": dialect.hex(numbered.c.dataset_id),
            "type": sa.literal(self.record.name, sa.Text()),
            "run": run,
            **({} if date is None else {"ingest_date": date}),
            **{n: values_of[n] if n in mine else dialect.null(tables.sql_type(n)) for n in self.names},
            "kind": numbered.c.kind if self.mixed else sa.literal(self.kinship.value, sa.Text()),
            "collection": held,
            "rank": numbered.c.rank,
            "valid_begin": numbered.c.valid_begin,
            "valid_end": numbered.c.valid_end,
            "overlap": numbered.c.overlap,
        }
        final = sa.select(
            *(column for name, column in columns.items() if name not in {*self.same, *self.shared}),
            *(numbered.c[f"x{place}"] for place in range(len(self.question.order))),
            *along,
        ).select_from(clause)
        if cut is Cut.PARENTS:
            return final.where(numbered.c.place <= EACH).order_by(numbered.c.parent, numbered.c.place)
        parent = [] if links.dealt else [numbered.c.parent]
        return final.order_by(*parent, *self._sorted(numbered, links))

    @property
    def dated(self) -> bool:
        """Whether rows have an ingest date: those that are dealt to parents by the sky always do."""
        return self.along is None or self.along.dated or self.kinship is Kinship.SPATIAL

    def _held(self, clause: sa.FromClause, number: Column, links: Links) -> tuple[Column, sa.FromClause]:
        """The name of the collection that ties a row to its parent."""
        (_, first), *others = self.tying if links.collection is not None else self.path
        if not others:
            return sa.literal(first.name, sa.Text()), clause
        held = self.tables.collection.alias()
        return held.c.name, clause.join(held, held.c.collection_id == number)
