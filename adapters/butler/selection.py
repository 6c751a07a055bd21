"""A question about datasets, made ready: which types, which collections, in which branches, under which restrictions.

Answers are exact by this argument: each branch is ordered by what the answer is ordered by, so the first n data IDs of the whole are among the first n of
each branch; a union of the branches' first n rows, with every data ID (or dataset) kept once by its rank, therefore begins with the first n of
the answer. Where the order depends on the dataset and not on its data ID alone, a find-first search has to look at everything first, and does.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ..answers import DATASET, UNDATED
from ..errors import BadCursor, BadUserInput, TooComplex
from ..question import Datasets, KeyValue
from ..rows import Column as RowColumn
from ..rows import Kind, Row, Rows
from ..turned import Turned
from .beside import Along
from .branch import Extra, Limit, Piece, build, key_values
from .candidates import Candidate
from .homes import Homes
from .joins import resolve
from .names import TypeRecord
from .order import Term, behind, check, sorting
from .tables import Tables

Column = sa.ColumnElement[Any]

MOST: Limit = sa.bindparam("most", type_=sa.Integer(), required=True)
"""A limit that is said when the statement runs."""

_STATEMENT_BRANCHES = 80
_MOST_BRANCHES = 400


def check_name(name: str, types: Sequence[TypeRecord], tables: Tables) -> None:
    """Raise BadUserInput where a type that was asked for by its name lacks what its datasets are to be ordered or counted by."""
    lacking = [
        one for one in types if one.exact and resolve(name, one.group, tables, dataset=True).role == "outside"
    ]
    if lacking:
        raise _nameless(name, lacking)


def _nameless(name: str, types: Sequence[TypeRecord]) -> BadUserInput:
    dimensions = dict.fromkeys(itertools.chain.from_iterable(one.group.names for one in types))
    return BadUserInput(
        f"'{name}' is no dimension or field of {', '.join(one.name for one in types)}; there are {', '.join(dimensions)} and the fields of their records."
    )


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
        self._homes = Homes(
            [c for one in candidates for branch in one.branches for _, c in branch.collections]
        )
        self._same = self._alike()
        self._shape = self._shaped()
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
            check_name(extra.name, [c.type for c in self.candidates], self.tables)
            if all(n.role == "outside" for n in known):
                raise _nameless(extra.name, [c.type for c in self.candidates])
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
        if len(chunk) == 1 and chunk[0].single(self.extras):
            pieces = list(self._pieces(chunk[0], limit))
            if len(pieces) == 1:
                return self._of_piece(pieces[0], chunk[0], limit)
        rows = self._union([part for c in chunk if (part := self._of_type(c, limit)) is not None])
        if rows is None:
            return None
        if len(chunk) == 1:
            return self._dressed(rows, dict(rows.c.items()), limit, chunk[0])
        terms = self._terms(dict(rows.c.items()), None)
        rows = sa.select(rows).order_by(*sorting(terms, self.tables.dialect)).limit(limit).subquery("page")
        # Not by what is looked up: a type may lack a dimension of the order and yet imply it.
        order = sorting(self._terms(dict(rows.c.items()), None), self.tables.dialect)
        return self._dressed(rows, dict(rows.c.items()), limit, None, order)

    def _of_piece(self, piece: Piece, candidate: Candidate, limit: Limit) -> sa.Select[Any]:
        along = self.along if self.tables.dialect.name == "postgresql" else None
        if along is None and not piece.once:
            assert piece.source.clause is not None
            statement = self._dressed(piece.source.clause, piece.columns, limit, candidate, piece.order)
            return statement.where(*piece.source.conditions)
        bare = piece.select()
        if along is None or along.valid:
            page: sa.FromClause = bare.subquery("page")
        else:
            # PostgreSQL's planner does better with a page that is there than with one that it may still turn round.
            page = bare.cte("page").prefix_with("MATERIALIZED")
        return self._dressed(page, dict(page.c.items()), limit, candidate)

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
        if candidate.single(self.extras):
            return rows
        return self._once(rows, candidate, limit)

    def _pieces(self, candidate: Candidate, limit: Limit | None) -> Iterator[Piece]:
        after_all = candidate.find_first and self._by_dataset() and not candidate.single(self.extras)
        for branch in candidate.branches:
            yield from build(
                branch,
                self.question,
                self.stored,
                self.extras,
                candidate.restriction,
                self.tables,
                limit=limit if branch.distinct(self.extras) and not after_all else None,
                find_first=candidate.find_first,
                homes=self._homes.told and self._homes.only is None,
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
            terms = self._terms(dict(numbered.c.items()), candidate)
            values = self.question.page.after
            if values is not None:
                keyed = key_values(values, candidate.type, len(self.extras), candidate.find_first)
                later = behind(terms[: len(keyed)], keyed, self.tables.dialect)
                statement = statement.where(later if not isinstance(later, bool) else sa.literal(later))
            statement = statement.order_by(*sorting(terms, self.tables.dialect)).limit(limit)
        return statement.subquery()

    def _terms(self, rows: Mapping[str, Column], only: Candidate | None) -> list[Term]:
        """The whole order: the question's own, then type, data ID and id."""
        terms = [
            Term(rows[f"x{n}"], kind, extra.descending, nullable=True)
            for n, (extra, kind) in enumerate(zip(self.extras, self._kinds, strict=True))
        ]
        names: Sequence[str] = self.stored if only is None else only.type.info.required
        constants = {} if only is None else only.constants(self.question, self.tables)
        terms.append(Term(rows["type"], Kind.STRING, constant=only.type.name if only else None))
        terms += [Term(rows[name], self.tables.kind(name), constant=constants.get(name)) for name in names]
        terms.append(Term(rows["dataset_id"], Kind.UUID))
        return terms

    # the outermost select

    def _alike(self) -> dict[str, Any]:
        """The columns that have the same value in every row of a page: they are not read from the database."""
        (first, *others) = self.candidates
        if others:
            return {}
        run = {} if self._homes.only is None else {"run": self._homes.only}
        return {"type": first.type.name, **run, **first.constants(self.question, self.tables)}

    def _columns(self) -> tuple[RowColumn, ...]:
        own = DATASET if self.dated else UNDATED
        return (*own, *(RowColumn(n, self.tables.kind(n), dimension=True) for n in self.shown))

    @property
    def dated(self) -> bool:
        return self.along is None or self.along.dated

    def _dressed(
        self,
        clause: sa.FromClause,
        found: Mapping[str, Column],
        limit: Limit,
        only: Candidate | None,
        order: Sequence[Column] | None = None,
    ) -> sa.Select[Any]:
        """Rows in the order of ``columns()``, then the extras, from what was ``found``, in this order or in that of the answer. What is the
        same in all rows of the ``only`` type is said and not looked up."""
        tables = self.tables
        run, date, clause = self._homes.join(
            tables, clause, found["dataset_id"], found.get("home"), dated=self.dated
        )
        constants = {} if only is None else only.constants(self.question, self.tables)
        stored = {
            name: sa.literal(constants[name], sa.Text()) if name in constants else found[name]
            for name in self.stored
        }
        joined: dict[str, sa.FromClause] = {}
        values, clause = implied(tables, self.shown, stored, clause, joined)
        columns: dict[str, Column] = {
            "dataset_id": found["dataset_id"],
            "type": found["type"] if only is None else sa.literal(only.type.name, sa.Text()),
            "run": run,
            **({} if date is None else {"ingest_date": date}),
            **{name: values[name] for name in self.shown},
            **{f"x{n}": found[f"x{n}"] for n in range(len(self.extras))},
        }
        along: list[Column] = []
        if self.along is not None:
            columns, along, clause = self.along.beside(columns, values, joined, clause)
        if order is None:
            order = sorting(self._terms(columns, only), tables.dialect)
        others = (column for name, column in columns.items() if name not in {"dataset_id", *self._same})
        return (
            sa.select(tables.dialect.hex(columns["dataset_id"]), *others, *along)
            .select_from(clause)
            .order_by(*order)
            .limit(limit)
        )

    def _shaped(self) -> tuple[Rows, tuple[Any, ...]]:
        """An answer without rows, with the key that cursors are made of, and what is put behind each row."""
        columns = self._columns()
        read = [column.name for column in columns if column.name not in self._same]
        extras = range(len(read), len(read) + len(self.extras))
        width = extras.stop + (0 if self.along is None else self.along.width)
        places = {name: place for place, name in enumerate(read)}
        places |= {name: width + place for place, name in enumerate(self._same)}
        types = {c.type.name: c.type.info for c in self.candidates}
        required = {name: [places[d] for d in info.required] for name, info in types.items()}
        kind = places["type"]

        def key(row: Row) -> tuple[Any, ...]:
            return (*(row[p] for p in extras), row[kind], *(row[p] for p in required[row[kind]]), row[0])

        shape = Rows(columns, [], key=key, types=types, _places=places)
        same = tuple(self._same.values())
        if self.along is not None:
            shape.beside, more = self.along.told(extras.stop, places, width + len(same))
            same += more
        return shape, same

    def rows(self, found: list[Row] | Turned, more: bool) -> Rows:
        """The answer that rows of a page are."""
        shape, same = self._shape
        if isinstance(found, Turned):
            return shape.of(found.with_same(same), more=more)
        return shape.of([(*row, *same) for row in found] if same else found, more=more)


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
