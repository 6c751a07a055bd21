"""What may overlap, in one statement: the regions of N parents, and those of whatever has a pixel of the universe's common
pixelisation in common with one of them. Each region is sent once, however many pairs it is in.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionGroup, SkyPixDimension

from . import sky
from .joins import Source
from .links import Column, asked_for, meet_visits
from .selection import MOST
from .tables import Tables
from .walk import in_order


@dataclass(slots=True)
class SkyCandidates:
    """``dimensions``: those of the parents' keys, with all that they imply in ``parents``, and what else they are to have: the visits of an
    exposure, the detectors of a visit. ``near`` and ``far``: where the regions of both sides come from; ``shared``: dimensions whose
    values a parent brings along, and which a candidate that has them must have too.
    """

    tables: Tables
    parents: DimensionGroup
    dimensions: tuple[str, ...]
    near: sky.Footing
    far: sky.Footing
    shared: tuple[str, ...]

    @property
    def identity(self) -> Hashable:
        """What the statement is made of."""
        near, far = ((foot.element.name, foot.through_visits) for foot in (self.near, self.far))
        return ("sky", self.dimensions, self.parents, near, far, self.shared)

    @property
    def through_visits(self) -> bool:
        """Whether exposures are seen through visits."""
        return self.near.through_visits or self.far.through_visits

    @property
    def names(self) -> tuple[str, ...]:
        """The dimensions of a far key."""
        names = self.far.element.required.names
        return tuple("exposure" if self.far.through_visits and name == "visit" else name for name in names)

    @property
    def common(self) -> tuple[str, ...]:
        """The dimensions that parents and candidates must agree in."""
        return tuple(name for name in self.shared if name in self.names)

    def statement(self) -> sa.Select[Any] | sa.CompoundSelect[Any]:
        """Rows of: 0 for a parent or 1 for a candidate, parent (index of its key), the visit that saw an exposure, region, the parent's
        shared values, the candidate's key; ``most`` in all.

        Parameters are ``keys`` and, where the parents are pixels, ``pixels``: those of the common pixelisation that they touch. The
        regions of pixels are NULL, and pixels are no candidates.
        """
        null, sql_type = self.tables.dialect.null, self.tables.sql_type
        parents = self._parents()
        values = [parents.c[f"s{place}"] for place in range(len(self.shared))]
        blank = [null(sql_type(name)) for name in self.names]
        bare = (parents.c.parent, parents.c.visit, parents.c.region)
        here = sa.select(sa.literal(0, sa.Integer()), *bare, *values, *blank)
        if isinstance(self.far.element, SkyPixDimension):
            return here.limit(MOST)
        others = self._others(self._pixels(parents), parents)
        blank = [null(sa.BigInteger()), *(null(sql_type(name)) for name in self.shared)]
        there = sa.select(
            sa.literal(1, sa.Integer()),
            blank[0],
            others.c.visit,
            others.c.region,
            *blank[1:],
            *(others.c[f"k{place}"] for place in range(len(self.names))),
        )
        return sa.union_all(here, there).limit(MOST)

    def _parents(self) -> sa.CTE:
        """Parents with their regions, shared values, and the keys of what has the region: parent, visit, region, s0 ..., k0 ..."""
        tables, element = self.tables, self.near.element
        rows, known = asked_for(tables, self.dimensions)
        source = Source(tables, self.parents, rows, known)
        visit: Column = sa.literal(0, sa.BigInteger())
        if self.near.through_visits or {"exposure", "visit"} & set(self.parents.names) - known.keys():
            meet_visits(source)
        if self.near.through_visits:
            visit = source.keys["visit"]
        region: Column = tables.dialect.null(sa.Text())
        keys: list[Column] = []
        if not isinstance(element, SkyPixDimension):
            assert source.clause is not None
            table, places = tables.element(element.name).alias(), tables.key_columns(element)
            names = element.required.names
            on = (table.c[places[name]] == source.keys[name] for name in names if name in source.keys)
            source.clause = in_order(tables, source.clause, table, sa.and_(*on))
            keys = [source.keys.setdefault(name, table.c[places[name]]) for name in names]
            source.conditions.append(table.c.region.is_not(None))
            region = table.c.region
        values = [source.dimension(name) for name in self.shared]
        return source.select(
            rows.c.parent.label("parent"),
            visit.label("visit"),
            region.label("region"),
            *(value.label(f"s{place}") for place, value in enumerate(values)),
            *(key.label(f"k{place}") for place, key in enumerate(keys)),
        ).cte("parents")

    def _pixels(self, parents: sa.CTE) -> sa.Subquery:
        """The pixels that the parents lie in, each once."""
        element = self.near.element
        if isinstance(element, SkyPixDimension):
            rows = self.tables.dialect.uploaded("pixels", [sa.BigInteger()])
            return sa.select(rows.c.c0.label("skypix_index")).subquery()
        own = self.tables.skypix_overlap(element.name).alias()
        mine = (own.c[name] == parents.c[f"k{place}"] for place, name in enumerate(element.required.names))
        clause = in_order(self.tables, parents, own, sa.and_(*mine, *self._common(own)))
        return sa.select(own.c.skypix_index).select_from(clause).distinct().subquery()

    def _others(self, pixels: sa.Subquery, parents: sa.CTE) -> sa.Subquery:
        """What lies in these pixels and has in common with a parent what it must: visit, region, k0 ..."""
        tables, element = self.tables, self.far.element
        names = tuple(element.required.names)
        overlap = tables.skypix_overlap(element.name).alias()
        on = sa.and_(overlap.c.skypix_index == pixels.c.skypix_index, *self._common(overlap))
        clause = in_order(tables, pixels, overlap, on)
        found = sa.select(*(overlap.c[name] for name in names)).select_from(clause).distinct().subquery()
        table, places = tables.element(element.name).alias(), tables.key_columns(element)
        on = sa.and_(*(table.c[places[name]] == found.c[name] for name in names))
        clause = in_order(tables, found, table, on)
        keys, visit = {name: found.c[name] for name in names}, tables.dialect.null(sa.BigInteger())
        if self.far.through_visits:
            link, visit = tables.element("visit_definition").alias(), keys["visit"]
            on = sa.and_(link.c.instrument == keys["instrument"], link.c.visit == visit)
            clause = in_order(tables, clause, link, on)
            keys["visit"] = link.c.exposure
        conditions = [table.c.region.is_not(None)]
        if self.common:
            own = dict(zip(self.names, keys.values(), strict=True))
            values = (parents.c[f"s{self.shared.index(name)}"] for name in self.common)
            conditions.append(sa.tuple_(*(own[name] for name in self.common)).in_(sa.select(*values)))
        return (
            sa.select(
                visit.label("visit"),
                table.c.region,
                *(key.label(f"k{place}") for place, key in enumerate(keys.values())),
            )
            .select_from(clause)
            .where(*conditions)
            .subquery()
        )

    def _common(self, table: sa.FromClause) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
        pixels = self.tables.universe.commonSkyPix
        return table.c.skypix_system == pixels.system.name, table.c.skypix_level == pixels.level
