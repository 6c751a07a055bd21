"""A question about datasets, made ready: which types, which collections, in which branches, under which restrictions.

Answers are exact by this argument: each branch is ordered by what the answer is ordered by, so the first n data IDs of the whole are among the first n of
each branch; a union of the branches' first n rows, with every data ID (or dataset) kept once by its rank, therefore begins with the first n of
the answer. Where the order depends on the dataset and not on its data ID alone, a find-first search has to look at everything first, and does.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ..errors import BadCursor, BadUserInput, TooComplex
from ..question import Datasets, KeyValue
from ..rows import Column as RowColumn
from ..rows import Kind, Row, Rows
from .beside import Along
from .branch import Branch, Extra, Limit, Piece, Restriction, build, key_values
from .joins import resolve
from .names import CollectionRecord, TypeRecord
from .order import Term, behind, check, sorting
from .tables import Tables

Column = sa.ColumnElement[Any]

MOST: Limit = sa.bindparam("most", type_=sa.Integer(), required=True)
"""A limit that is said when the statement runs."""

_NARROW_COLLECTIONS = 40  # more collections than this are searched in one wide branch
_GOVERNOR_VALUES = 8  # likewise for instruments and sky maps of one collection
_STATEMENT_BRANCHES = 80
_MOST_BRANCHES = 400


@dataclass(slots=True)
class Candidate:
    """One dataset type of the question: where to look for it, and by which rule."""

    type: TypeRecord
    branches: list[Branch]
    find_first: bool
    restriction: Restriction = field(default_factory=Restriction)

    @property
    def identity(self) -> Hashable:
        """What its SQL is made of; None where that is of one question only, keys and ids found beforehand."""
        if self.restriction.keys or self.restriction.ids is not None:
            return None
        shapes = tuple((b.collections, b.calibration, tuple(b.fixed.items())) for b in self.branches)
        return (self.type.id, self.type.info, self.find_first, shapes)

    @property
    def single(self) -> bool:
        """No data ID and no dataset can come twice: there is nothing to sort out."""
        rows_once = all(branch.distinct for branch in self.branches)
        first, *others = self.branches
        apart = all(b.collections == first.collections and b.fixed != first.fixed for b in others)
        return rows_once and apart


def branches(
    record: TypeRecord,
    path: Sequence[CollectionRecord],
    governors: dict[str, dict[int, list[str]]],
    constrained: frozenset[str],
    *,
    certified_only: bool,
) -> list[Branch]:
    """The branches of one type over the collections of a search path that may hold it (already filtered).

    ``governors``: values a collection has of each governor dimension; ``constrained``: governors that the question fixes itself.
    ``certified_only``: CALIBRATION collections only, since a validity is asked for.
    """
    plain = [(n, c) for n, c in enumerate(path) if c.type != "CALIBRATION" and not certified_only]
    certified = [(n, c) for n, c in enumerate(path) if c.type == "CALIBRATION"] if record.calibs else []
    found: list[Branch] = []
    for group, calibration in ((plain, False), (certified, True)):
        if len(group) > _NARROW_COLLECTIONS:
            found.append(Branch(record, tuple(group), calibration, {}))
            continue
        for place in group:
            choices = _fixed(record, place[1], governors, constrained)
            found += [Branch(record, (place,), calibration, fixed) for fixed in choices]
    return found


def _fixed(
    record: TypeRecord,
    collection: CollectionRecord,
    governors: dict[str, dict[int, list[str]]],
    constrained: frozenset[str],
) -> Iterator[dict[str, str]]:
    names = [d for d in record.info.required if d in governors and d not in constrained]
    values = [sorted(governors[name].get(collection.id, ())) for name in names]
    if any(len(v) > _GOVERNOR_VALUES for v in values):
        yield {}
        return
    for combination in itertools.product(*values):
        yield dict(zip(names, combination, strict=True))


class Selection:
    """The datasets of a question as SQL: a page of them, all of them counted, or counted by value."""

    def __init__(
        self,
        question: Datasets,
        candidates: Sequence[Candidate],
        tables: Tables,
        extras: Sequence[Extra] = (),
        along: Along | None = None,
    ) -> None:
        self.along = along
        self.question = question
        self.candidates = list(candidates)
        self.tables = tables
        self.extras = [*(Extra(term.name, term.descending) for term in question.order), *extras]
        groups = [candidate.type.group for candidate in candidates]
        universe = tables.universe
        self.group = universe.conform(itertools.chain.from_iterable(g.required for g in groups))
        self.shown = tuple(self.group.names) if along is None else along.shown
        wanted = set(itertools.chain.from_iterable(g.required for g in groups))
        self.stored = tuple(name for name in self.group.names if name in wanted)
        self._kinds = self._extra_kinds()
        if question.page.after is not None:
            self._check_key(question.page.after)

    def _check_key(self, after: Sequence[KeyValue]) -> None:
        """A key is the order's values, a type's name, its data ID and an id. Raises BadCursor."""
        kinds = [*self._kinds, Kind.STRING]
        check(kinds, after[: len(kinds)])
        record = next((c.type for c in self.candidates if c.type.name == after[len(self._kinds)]), None)
        if record is not None:
            dimensions = [self.tables.kind(name) for name in record.info.required]
            check([*kinds, *dimensions, Kind.UUID], after)
            if None in after[len(self._kinds) :]:
                raise BadCursor("after is damaged: a data ID has no empty places.")
        check([Kind.UUID], after[-1:])
        if not re.fullmatch(r"[0-9a-f]{32}", str(after[-1])):
            raise BadCursor("after is damaged: it ends in no dataset id.")

    def _extra_kinds(self) -> list[Kind]:
        kinds = []
        for extra in self.extras:
            if extra.name == "type":
                kinds.append(Kind.STRING)
                continue
            known = [resolve(extra.name, c.type.group, self.tables, dataset=True) for c in self.candidates]
            missing = [
                c.type.name
                for c, n in zip(self.candidates, known, strict=True)
                if n.role == "outside" and c.type.exact
            ]
            if missing or all(n.role == "outside" for n in known):
                raise BadUserInput(
                    f"'{extra.name}' is no dimension or field of {', '.join(missing or [c.type.name for c in self.candidates])}."
                )
            kinds.append(known[0].kind)
        return kinds

    def _by_dataset(self) -> bool:
        """Whether the order depends on more than the data ID."""
        return any(extra.name in ("run", "ingest_date") for extra in self.extras)

    def chunks(self) -> Iterator[list[Candidate]]:
        """The types in order, as many at a time as one statement may hold; one chunk where the order mixes types.

        Raises
        ------
        TooComplex
            An order over more than a statement can hold.
        """
        if self.question.order:
            total = sum(len(c.branches) for c in self.candidates)
            if total > _MOST_BRANCHES:
                raise TooComplex(
                    f"orderBy over {total} combinations of dataset type and collection passes the limit of "
                    f"{_MOST_BRANCHES}; name fewer, or leave orderBy out.",
                    limit=_MOST_BRANCHES,
                    actual=total,
                    what="combinations of dataset type and collection",
                )
            yield self.candidates
            return
        chunk: list[Candidate] = []
        size = 0
        for candidate in self.candidates:
            if chunk and size + len(candidate.branches) > _STATEMENT_BRANCHES:
                yield chunk
                chunk, size = [], 0
            chunk.append(candidate)
            size += len(candidate.branches)
        if chunk:
            yield chunk

    def page(self, chunk: Sequence[Candidate], limit: Limit = MOST) -> sa.Select[Any] | None:
        """The first ``limit`` datasets of these types behind the page key, with runs, ingest dates and implied
        dimensions, which are looked up for these only."""
        if len(chunk) == 1 and chunk[0].single:
            pieces = list(self._pieces(chunk[0], limit))
            if len(pieces) == 1:
                (piece,) = pieces
                if self.along is not None and self.tables.dialect.name == "postgresql":
                    # Its planner does better with a page that is there than with one that it may still turn round.
                    kept = piece.select().cte("page").prefix_with("MATERIALIZED")
                    terms = self._terms(kept, chunk[0].type)
                    order = sorting(terms, self.tables.dialect)
                    return self._dressed(kept, dict(kept.c.items()), order, limit)
                assert piece.source.clause is not None
                statement = self._dressed(piece.source.clause, piece.columns, piece.order, limit)
                return statement.where(*piece.source.conditions)
        rows = self._union([part for c in chunk if (part := self._of_type(c, limit)) is not None])
        if rows is None:
            return None
        if len(chunk) == 1:
            terms = self._terms(rows, chunk[0].type)
        else:
            terms = self._terms(rows, None)
            cut = sa.select(rows).order_by(*sorting(terms, self.tables.dialect)).limit(limit)
            rows = cut.subquery("page")
            terms = self._terms(rows, None)
        return self._dressed(rows, dict(rows.c.items()), sorting(terms, self.tables.dialect), limit)

    def everything(self, chunk: Sequence[Candidate]) -> sa.Subquery | None:
        """Every dataset of these types, once, bare: type, dataset_id, the stored dimensions and the extras."""
        return self._union([part for c in chunk if (part := self._of_type(c, None)) is not None])

    @staticmethod
    def _union(parts: Sequence[sa.Subquery]) -> sa.Subquery | None:
        if not parts:
            return None
        if len(parts) == 1:
            return parts[0]
        return sa.union_all(*(sa.select(part) for part in parts)).subquery()

    def _of_type(self, candidate: Candidate, limit: Limit | None) -> sa.Subquery | None:
        """The datasets of one type, each once, the first ones where there is a limit."""
        rows = self._union([piece.select().subquery() for piece in self._pieces(candidate, limit)])
        if rows is None:
            return None
        if candidate.single:
            return rows
        return self._once(rows, candidate, limit)

    def _pieces(self, candidate: Candidate, limit: Limit | None) -> Iterator[Piece]:
        after_all = candidate.find_first and self._by_dataset() and not candidate.single
        for branch in candidate.branches:
            yield from build(
                branch,
                self.question,
                self.stored,
                self.extras,
                candidate.restriction,
                self.tables,
                limit=limit if branch.distinct and not after_all else None,
                find_first=candidate.find_first,
            )

    def _once(self, rows: sa.Subquery, candidate: Candidate, limit: Limit | None) -> sa.Subquery:
        """Of each data ID (or of each dataset) the row of the first collection."""
        dimensions = [rows.c[d] for d in candidate.type.info.required]
        partition = dimensions if candidate.find_first else [rows.c.dataset_id]
        # A type without dimensions has one data ID only: then the window is the whole.
        over: dict[str, Any] = {"order_by": [rows.c.rank, rows.c.dataset_id]}
        if partition:
            over["partition_by"] = partition
        number = sa.func.row_number().over(**over).label("place")
        numbered = sa.select(rows, number).subquery()
        statement = sa.select(*(numbered.c[c.name] for c in rows.c)).where(numbered.c.place == 1)
        if limit is not None:
            terms = self._terms(numbered, candidate.type)
            values = self.question.page.after
            if values is not None:
                keyed = key_values(values, candidate.type, len(self.extras), candidate.find_first)
                later = behind(terms[: len(keyed)], keyed, self.tables.dialect)
                statement = statement.where(later if not isinstance(later, bool) else sa.literal(later))
            statement = statement.order_by(*sorting(terms, self.tables.dialect)).limit(limit)
        return statement.subquery()

    def _terms(self, rows: sa.FromClause, record: TypeRecord | None) -> list[Term]:
        """The whole order: the question's own, then type, data ID and id."""
        terms = [
            Term(rows.c[f"x{n}"], kind, extra.descending, nullable=True)
            for n, (extra, kind) in enumerate(zip(self.extras, self._kinds, strict=True))
        ]
        if record is None:
            terms.append(Term(rows.c.type, Kind.STRING))
            names: Sequence[str] = self.stored
        else:
            terms.append(Term(rows.c.type, Kind.STRING, constant=record.name))
            names = record.info.required
        terms += [Term(rows.c[name], self.tables.kind(name)) for name in names]
        terms.append(Term(rows.c.dataset_id, Kind.UUID))
        return terms

    # the outermost select

    def columns(self) -> tuple[RowColumn, ...]:
        plain = [RowColumn("id", Kind.UUID), RowColumn("type", Kind.STRING), RowColumn("run", Kind.STRING)]
        if self.dated:
            plain.append(RowColumn("ingest_date", Kind.TIME))
        return (*plain, *(RowColumn(n, self.tables.kind(n), dimension=True) for n in self.shown))

    @property
    def dated(self) -> bool:
        return self.along is None or self.along.dated

    def _dressed(
        self, clause: sa.FromClause, found: Mapping[str, Column], order: Sequence[Column], limit: Limit
    ) -> sa.Select[Any]:
        """Rows in the order of ``columns()``, then the extras, from what was ``found``."""
        tables = self.tables
        dataset, run = tables.dataset.alias(), tables.collection.alias()
        clause = clause.join(dataset, dataset.c.id == found["dataset_id"])
        clause = clause.join(run, run.c.collection_id == dataset.c.run_id)
        stored = {name: found[name] for name in self.stored}
        joined: dict[str, sa.FromClause] = {}
        values, clause = implied(tables, self.shown, stored, clause, joined)
        along: list[Column] = []
        if self.along is not None:
            along, clause = self.along.join(values, joined, clause)
        return (
            sa.select(
                tables.dialect.hex(found["dataset_id"]),
                found["type"],
                run.c.name,
                *([dataset.c.ingest_date] if self.dated else []),
                *(values[name] for name in self.shown),
                *(found[f"x{n}"] for n in range(len(self.extras))),
                *along,
            )
            .select_from(clause)
            .order_by(*order)
            .limit(limit)
        )

    def rows(self, found: list[Row], more: bool) -> Rows:
        """Rows with the key that cursors are made of."""
        columns = self.columns()
        places = {column.name: place for place, column in enumerate(columns)}
        types = {c.type.name: c.type.info for c in self.candidates}
        required = {name: [places[d] for d in info.required] for name, info in types.items()}
        extras = range(len(columns), len(columns) + len(self.extras))

        def key(row: Row) -> tuple[Any, ...]:
            return (*(row[p] for p in extras), row[1], *(row[p] for p in required[row[1]]), row[0])

        rows = Rows(columns, found, more=more, key=key, types=types)
        if self.along is not None:
            rows.rows, rows.beside = self.along.told(found, len(columns) + len(self.extras), places)
        return rows


def implied(
    tables: Tables,
    names: Sequence[str],
    known: dict[str, Column],
    clause: sa.FromClause,
    joined: dict[str, sa.FromClause] | None = None,
) -> tuple[dict[str, Column], sa.FromClause]:
    """Implied dimensions looked up for rows that have the required ones: LEFT JOINs on primary keys, kept in ``joined`` by element.

    Rows of several types may have a dimension from several places (a flat its own filter, a raw that of its exposure): the first that is there.
    """
    universe = tables.universe
    values = dict(known)
    owners: dict[str, list[str]] = {}
    for owner in universe.conform(known).names:
        for name in universe.dimensions[owner].implied.names:
            owners.setdefault(name, []).append(owner)
    joined = {} if joined is None else joined

    def table(owner: str) -> sa.FromClause:
        nonlocal clause
        if owner not in joined:
            element = universe[owner]
            alias = tables.element(owner).alias()
            columns = tables.key_columns(element)
            on = sa.and_(*(alias.c[columns[d]] == value(d) for d in element.required.names))
            clause = clause.outerjoin(alias, on)
            joined[owner] = alias
        return joined[owner]

    def value(name: str) -> Column:
        if name in owners and not (name in values and name not in known):
            sources: list[Column] = [known[name]] if name in known else []
            sources += [table(owner).c[name] for owner in owners[name]]
            values[name] = sources[0] if len(sources) == 1 else sa.func.coalesce(*sources)
        return values[name]

    for name in names:
        value(name)
    return values, clause
