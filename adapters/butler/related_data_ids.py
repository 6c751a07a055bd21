"""Data IDs joined to N others: a visit to its exposures, a visit and detector to the patches they overlap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionGroup

from ..caller import Call
from ..errors import BadCursor, BadUserInput, TooComplex
from ..question import Among, RelatedDataIds
from ..rows import Column as RowColumn
from ..rows import Kind, Row, Rows
from . import conditions, links
from .api import ButlerApi
from .joins import Source
from .order import Term, behind, check, sorting
from .related import first_of_each
from .sky_links import SkyLinks
from .store import Store
from .tables import Tables


@dataclass(slots=True)
class RelatedDataIdQueries:
    """RelatedDataIds. What Butler joins in more than one way at once is asked of ``api``."""

    store: Store
    tables: Tables
    api: ButlerApi

    def page(self, question: RelatedDataIds, call: Call) -> Rows:
        tables = self.tables
        universe = tables.universe
        for name in question.wanted:
            if name not in universe.dimensions or name in universe.skypix_dimensions:
                raise BadUserInput(f"'{name}' is no dimension that has data IDs.", unknown=name)
        here, target = universe.conform(question.dimensions), universe.conform(question.wanted)
        if len(target.spatial) > 1 or (
            not here.spatial and len(universe.conform([*here.names, *target.names]).spatial) > 1
        ):
            return self._crossed(question, target, call)
        source, parent, share = self._joined(question, here, target, call)
        conditions.require_inside(question.constraints, target, tables)
        conditions.apply(question.constraints, source, None)
        rows = (
            source.select(
                parent.label("parent"),
                share.label("overlap"),
                *(source.dimension(name).label(name) for name in target.names),
            )
            .distinct()
            .subquery()
        )
        terms = [Term(rows.c[d], tables.kind(d)) for d in target.required]
        statement = sa.select(rows)
        if question.page.after is not None:
            check([term.kind for term in terms], question.page.after)
            if None in question.page.after:
                raise BadCursor("after is damaged: a data ID has no empty places.")
            later = behind(terms, question.page.after, tables.dialect)
            statement = statement.where(sa.literal(later) if isinstance(later, bool) else later)
        place = sa.func.row_number().over(partition_by=rows.c.parent, order_by=sorting(terms, tables.dialect))
        numbered = statement.add_columns(place.label("place")).subquery()
        final = (
            sa.select(numbered.c.parent, *(numbered.c[n] for n in target.names), numbered.c.overlap)
            .where(numbered.c.place <= question.page.first + 1)
            .order_by(numbered.c.parent, numbered.c.place)
        )
        columns = (
            RowColumn("parent", Kind.LONG),
            *(RowColumn(name, tables.kind(name), dimension=True) for name in target.names),
            RowColumn("overlap", Kind.FLOAT),
        )
        places = [1 + list(target.names).index(d) for d in target.required]
        found = self.store.rows(final, call)
        return Rows(columns, found, key=lambda row: tuple(row[p] for p in places))

    def _joined(
        self, question: RelatedDataIds, here: DimensionGroup, target: DimensionGroup, call: Call
    ) -> tuple[Source, sa.ColumnElement[Any], sa.ColumnElement[Any]]:
        """Both sides in one FROM clause, as Butler joins them; the parent, and how much of its region is covered."""
        tables = self.tables
        both = tables.universe.conform([*here.names, *target.names])
        rows, known = links.uploaded(tables, question.dimensions, question.keys)
        share: sa.ColumnElement[Any] = tables.dialect.null(sa.Float())
        if len(both.spatial) < 2 or len(here.spatial) > 1:
            source = Source(tables, both, rows, known)
        else:
            given = (question.dimensions, question.keys)
            tied = SkyLinks(self.store, tables, here, *given, target, call).links(
                (), measure=question.overlap
            )
            if not _relate(here, target):
                alone = Source(tables, target, tied.rows, tied.dimensions)
                alone.relate()
                alone.complete()
                return alone, tied.parent, share if tied.overlap is None else tied.overlap
            clause = rows.join(tied.rows, tied.parent == rows.c.parent)
            source = Source(tables, both, clause, {**known, **tied.dimensions})
            share = share if tied.overlap is None else tied.overlap
        source.relate()
        source.complete()
        return source, rows.c.parent, share

    def _crossed(self, question: RelatedDataIds, target: DimensionGroup, call: Call) -> Rows:
        """Data IDs that themselves cross observations and sky maps: Butler's own query, the parents uploaded."""
        universe = self.tables.universe
        both = universe.conform([*question.dimensions, *question.wanted])
        among = Among(question.dimensions, question.keys)
        constraints = question.constraints
        found = self.api.data_ids(tuple(both.required), call, constraints=constraints, among=among)
        place = {name: n for n, name in enumerate(both.names)}
        parents = {key: n for n, key in enumerate(question.keys)}
        names, required = tuple(target.names), [1 + list(target.names).index(d) for d in target.required]

        def key(row: Row) -> tuple[Any, ...]:
            return tuple(row[p] for p in required)

        rows = {
            (
                parents[tuple(row[place[d]] for d in question.dimensions)],
                *(row[place[n]] for n in names),
                None,
            )
            for row in found
        }
        after = question.page.after
        if after is not None:
            check([self.tables.kind(d) for d in target.required], after)
        ordered = sorted(rows, key=lambda row: (row[0], key(row)))
        later = [row for row in ordered if after is None or key(row) > tuple(after)]
        columns = (
            RowColumn("parent", Kind.LONG),
            *(RowColumn(name, self.tables.kind(name), dimension=True) for name in names),
            RowColumn("overlap", Kind.FLOAT),
        )
        return Rows(columns, first_of_each(later, question.page.first + 1), key=key)

    def count(self, question: RelatedDataIds, call: Call) -> int:
        """Counted for one parent. Raises TooComplex past the limit."""
        number = len(self.page(replace(question, overlap=False).paged(call.max_rows), call).rows)
        if number > call.max_rows:
            raise TooComplex(
                f"More than {call.max_rows} data IDs: counting them passes the limit.",
                limit=call.max_rows,
                actual=number,
                what="data IDs counted",
            )
        return number


def _relate(a: DimensionGroup, b: DimensionGroup) -> bool:
    """Whether some element relates dimensions of both sides (visit_definition: visits and exposures)."""
    universe = a.universe
    both = universe.conform([*a.names, *b.names])
    elements = (universe[name] for name in both.elements)
    return any(
        e.defines_relationships
        and not set(e.minimal_group.names) <= set(a.names)
        and not set(e.minimal_group.names) <= set(b.names)
        for e in elements
    )
