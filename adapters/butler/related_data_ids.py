"""Data IDs joined to N others: a visit to its exposures, a visit and detector to the patches they overlap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionGroup

from ..caller import Call
from ..errors import BadCursor, BadUserInput, TooComplex
from ..notes import By, noted
from ..question import Among, RelatedDataIds
from ..rows import Column as RowColumn
from ..rows import Kind, Row, Rows
from . import conditions, links, sky
from .api import ButlerApi
from .joins import Column, Source
from .order import Term, behind, check, sorting
from .parents import first_of_each
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
        both = universe.conform([*here.names, *target.names])
        finest = _finest(both)
        apart = finest <= _finest(here) | _finest(target)
        # Parents of both kinds (visit and patch) whose regions the others would be finer than: Butler compares the finer ones.
        finer = len(here.spatial) == len(both.spatial) == 2 and not finest <= _finest(here)
        if len(both.spatial) > 1 and (len(target.spatial) > 1 or not here.spatial or not apart or finer):
            return self._crossed(question, target, call)
        if len(both.spatial) > 1 and len(here.spatial) == 1:
            found = self._overlapping(question, here, target, call)
        else:
            rows, known = links.uploaded(tables, question.dimensions, question.keys)
            source = Source(tables, both, rows, known)
            found = self._of_each(question, source, rows.c.parent, target, call)
        columns = (
            RowColumn("parent", Kind.LONG),
            *(RowColumn(name, tables.kind(name), dimension=True) for name in target.names),
            RowColumn("overlap", Kind.FLOAT),
        )
        places = [1 + list(target.names).index(d) for d in target.required]
        return Rows(columns, found, key=lambda row: tuple(row[p] for p in places))

    def _overlapping(
        self, question: RelatedDataIds, here: DimensionGroup, target: DimensionGroup, call: Call
    ) -> list[Row]:
        """What the sky ties the parents to: looked up once, then dealt to them."""
        tables = self.tables
        near = SkyLinks(self.store, tables, here, question.dimensions, question.keys, target, joined=True)
        tied = near.table()
        source = Source(tables, target, tied.rows, tied.dimensions)
        rows, terms = self._listed(question, source, tied.parent, target)
        ties, limit = near.ties(call), question.page.first + 1
        if not ties.links:
            return []
        statement = rows.order_by(*sorting(terms, tables.dialect)).limit(ties.most(limit, call))
        found = self.store.rows(statement, call, tables.dialect.packed("links", list(ties.links)))
        with noted(call.notes, By.PYTHON, "what overlaps each parent, and how much"):
            return ties.deal(found, 1 + len(target.names), limit, call, measure=question.overlap)

    def _of_each(
        self, question: RelatedDataIds, source: Source, parent: Column, target: DimensionGroup, call: Call
    ) -> list[Row]:
        """What Butler joins to the parents, of each a page."""
        rows, terms = self._listed(question, source, parent, target)
        order = sorting(terms, self.tables.dialect)
        place = sa.func.row_number().over(partition_by=rows.selected_columns.parent, order_by=order)
        numbered = rows.add_columns(place.label("place")).subquery()
        final = (
            sa.select(*(numbered.c[name] for name in ("parent", *target.names, "overlap")))
            .where(numbered.c.place <= question.page.first + 1)
            .order_by(numbered.c.parent, numbered.c.place)
        )
        return self.store.rows(final, call)

    def _listed(
        self, question: RelatedDataIds, source: Source, parent: Column, target: DimensionGroup
    ) -> tuple[sa.Select[Any], list[Term]]:
        """Each parent's data IDs behind the page's beginning, no overlap, and their order."""
        tables = self.tables
        conditions.require_inside(question.constraints, target, tables)
        source.relate()
        source.complete()
        conditions.apply(question.constraints, source, None)
        values = (source.dimension(name).label(name) for name in target.names)
        rows = source.select(parent.label("parent"), *values).distinct().subquery()
        terms = [Term(rows.c[d], tables.kind(d)) for d in target.required]
        overlap = tables.dialect.null(sa.Float()).label("overlap")
        statement = sa.select(rows.c.parent, *(rows.c[n] for n in target.names), overlap)
        if question.page.after is None:
            return statement, terms
        check([term.kind for term in terms], question.page.after)
        if None in question.page.after:
            raise BadCursor("after is damaged: a data ID has no empty places.")
        later = behind(terms, question.page.after, tables.dialect)
        return statement.where(sa.literal(later) if isinstance(later, bool) else later), terms

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


def _finest(group: DimensionGroup) -> set[str]:
    """The elements whose regions are those of these dimensions, one a family: of visit and detector visit_detector_region."""
    return {foot.element.name for foot in sky.footing(group) if not foot.through_visits}
