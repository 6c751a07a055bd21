"""Links by the sky: regions that share a point, of N parents at once.

Candidates are what has a pixel of the universe's common pixelisation in common with a parent; the regions decide, each read and decoded
once, however many pairs it is in. Pixelisations (htm7) have no records and are computed.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionElement, DimensionGroup, SkyPixDimension

from .. import overlap as sky_overlap
from .. import region
from ..caller import Call
from ..errors import TooComplex
from . import sky
from .joins import Source
from .links import Column, Links, meet_visits, uploaded
from .store import Store
from .tables import Tables
from .walk import in_order

_MOST_CANDIDATES = 1_000_000

Key = tuple[Any, ...]
Pair = tuple[str, str, int, Key]
"""Both regions (base64), the parent's index, the other's key."""


@dataclass(slots=True)
class SkyLinks:
    """The parents of one question, and the dimensions of what they may overlap."""

    store: Store
    tables: Tables
    parents: DimensionGroup
    dimensions: Sequence[str]
    keys: Sequence[Any]
    target: DimensionGroup
    call: Call

    def links(self, shared: Sequence[str], *, measure: bool) -> Links:
        """Links that also have the parents' values of ``shared`` dimensions; ``measure``: the share of a parent's region is worked
        out. Raises TooComplex where there are more candidates than may be looked at."""
        near, far = sky.footing(self.parents)[0], sky.footing(self.target)[0]
        found: dict[tuple[int, Key], float | None] = {}
        for here, there, parent, key in self._pairs(near, far):
            if (parent, key) not in found and region.overlaps(region.decode(here), region.decode(there)):
                found[parent, key] = sky_overlap.fraction(here, there) if measure else None
        names = list(far.element.required.names)
        if far.through_visits:
            found = self._as_exposures(names, found)
            names[names.index("visit")] = "exposure"
        values = self._shared(shared)
        rows = [
            [parent, *key, *values.get(parent, [None] * len(shared)), share]
            for (parent, key), share in found.items()
        ]
        everything = (*names, *shared)
        kinds = [sa.BigInteger(), *(self.tables.sql_type(n) for n in everything), sa.Float()]
        table = self.tables.dialect.upload(rows, kinds)
        columns: dict[str, Column] = {name: table.c[f"c{n + 1}"] for n, name in enumerate(everything)}
        return Links(table, table.c.c0, columns, overlap=table.c[f"c{len(everything) + 1}"])

    # candidates

    def _pairs(self, near: sky.Footing, far: sky.Footing) -> Iterable[Pair]:
        limit = min(_MOST_CANDIDATES, self.call.max_rows)
        if isinstance(far.element, SkyPixDimension):
            found: list[Pair] = list(islice(self._with_pixels(near, far.element), limit + 1))
        elif isinstance(near.element, SkyPixDimension):
            found = self._of_pixels(near.element, far, limit + 1)
        else:
            found = self._of_records(near, far, limit + 1)
        if len(found) > limit:
            raise TooComplex(
                f"More than {limit} pairs of regions may overlap; ask for fewer parents, or constrain the data ID.",
                limit=limit,
                actual=len(found),
                what="pairs of regions",
            )
        return found

    def _of_records(self, near: sky.Footing, far: sky.Footing, limit: int) -> list[Pair]:
        source, parent = self._source(near)
        assert source.clause is not None
        own = self.tables.skypix_overlap(near.element.name).alias()
        mine = sa.and_(
            *(own.c[name] == source.keys[name] for name in near.element.required.names), *self._common(own)
        )
        clause = in_order(self.tables, source.clause, own, mine)
        statement = self._others(clause, far, own.c.skypix_index, parent, source.keys.get("visit"), near)
        rows = self.store.rows(statement.where(*source.conditions).limit(limit), self.call)
        # Of an exposure seen through several visits the lowest one decides, as everywhere.
        rows.sort(key=lambda row: (row[0], row[1]))
        own_keys = [self._own_key(near, row[0], row[1]) for row in rows]
        regions = self._regions(near.element, own_keys)
        others = self._regions(far.element, [tuple(row[2:]) for row in rows])
        return [
            (regions[key], others[tuple(row[2:])], row[0], tuple(row[2:]))
            for key, row in zip(own_keys, rows, strict=True)
            if key in regions and tuple(row[2:]) in others
        ]

    def _of_pixels(self, element: SkyPixDimension, far: sky.Footing, limit: int) -> list[Pair]:
        """Parents that are pixels."""
        common = self.tables.universe.commonSkyPix
        place = list(self.dimensions).index(element.name)
        pixels = [int(key[place]) for key in self.keys]
        spread: list[list[int]] = []
        for parent, pixel in enumerate(pixels):
            if element == common:
                spread.append([parent, pixel])
            else:
                ranges = common.pixelization.envelope(element.pixelization.pixel(pixel))
                spread += [[parent, index] for begin, end in ranges for index in range(begin, end)]
        rows = self.tables.dialect.upload(spread, [sa.BigInteger(), sa.BigInteger()])
        statement = self._others(rows, far, rows.c.c1, rows.c.c0, None, None)
        found = self.store.rows(statement.limit(limit), self.call)
        others = self._regions(far.element, [tuple(row[2:]) for row in found])
        return [
            (_pixel(element, pixels[row[0]]), others[tuple(row[2:])], row[0], tuple(row[2:]))
            for row in found
            if tuple(row[2:]) in others
        ]

    def _with_pixels(self, near: sky.Footing, element: SkyPixDimension) -> Iterator[Pair]:
        """What pixels of another pixelisation lie in the envelope of each parent's region."""
        for parent, text in self._own_regions(near):
            for begin, end in element.pixelization.envelope(region.decode(text)):
                for index in range(begin, end):
                    yield (text, _pixel(element, index), parent, (index,))

    def _own_regions(self, near: sky.Footing) -> list[tuple[int, str]]:
        if isinstance(near.element, SkyPixDimension):
            place = list(self.dimensions).index(near.element.name)
            return [(n, _pixel(near.element, int(key[place]))) for n, key in enumerate(self.keys)]
        source, parent = self._source(near)
        visit = source.keys["visit"] if near.through_visits else sa.literal(0)
        rows = self.store.rows(source.select(parent, visit).distinct(), self.call)
        keys = [self._own_key(near, row[0], row[1]) for row in rows]
        regions = self._regions(near.element, keys)
        return sorted((row[0], regions[key]) for row, key in zip(rows, keys, strict=True) if key in regions)

    def _source(self, near: sky.Footing) -> tuple[Source, Column]:
        """The parents, with every dimension of the element that says where they are."""
        rows, known = uploaded(self.tables, self.dimensions, self.keys)
        source = Source(self.tables, self.parents, rows, known)
        if near.through_visits:
            meet_visits(source)
        return source, rows.c.parent

    def _own_key(self, near: sky.Footing, parent: int, visit: Any) -> Key:
        values = dict(zip(self.dimensions, self.keys[parent], strict=True))
        if near.through_visits:
            values["visit"] = visit
        return tuple(values[name] for name in near.element.required.names)

    def _others(
        self,
        clause: sa.FromClause,
        far: sky.Footing,
        pixel: Column,
        parent: Column,
        visit: Column | None,
        near: sky.Footing | None,
    ) -> sa.Select[Any]:
        """The parent, its visit where it is seen through one, and the keys of what has a pixel in common with it."""
        others = self.tables.skypix_overlap(far.element.name).alias()
        theirs = sa.and_(others.c.skypix_index == pixel, *self._common(others))
        joined = in_order(self.tables, clause, others, theirs)
        through = visit if near is not None and near.through_visits and visit is not None else sa.literal(0)
        keys = (others.c[name] for name in far.element.required.names)
        return sa.select(parent, through, *keys).select_from(joined).distinct()

    def _common(self, table: sa.FromClause) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
        pixels = self.tables.universe.commonSkyPix
        return table.c.skypix_system == pixels.system.name, table.c.skypix_level == pixels.level

    # looked up once

    def _regions(self, element: DimensionElement, keys: Iterable[Key]) -> dict[Key, str]:
        distinct = list(dict.fromkeys(keys))
        if not distinct:
            return {}
        names = tuple(element.required.names)
        rows, known = uploaded(self.tables, names, distinct)
        table = self.tables.element(element.name).alias()
        places = self.tables.key_columns(element)
        on = sa.and_(*(table.c[places[n]] == known[n] for n in names))
        statement = sa.select(rows.c.parent, table.c.region)
        statement = statement.select_from(in_order(self.tables, rows, table, on))
        found = self.store.rows(statement.where(table.c.region.is_not(None)), self.call)
        return {distinct[place]: text for place, text in found}

    def _shared(self, names: Sequence[str]) -> dict[int, list[Any]]:
        if not names:
            return {}
        rows, known = uploaded(self.tables, self.dimensions, self.keys)
        source = Source(self.tables, self.parents, rows, known)
        columns = [source.dimension(name) for name in names]
        return {
            row[0]: list(row[1:])
            for row in self.store.rows(source.select(rows.c.parent, *columns), self.call)
        }

    def _as_exposures(
        self, names: Sequence[str], found: dict[tuple[int, Key], float | None]
    ) -> dict[tuple[int, Key], float | None]:
        """Keys with a visit as keys with its exposures."""
        visit, instrument = list(names).index("visit"), list(names).index("instrument")
        visits = list({(key[instrument], key[visit]) for _, key in found})
        if not visits:
            return {}
        rows, known = uploaded(self.tables, ("instrument", "visit"), visits)
        link = self.tables.element("visit_definition").alias()
        on = sa.and_(link.c.instrument == known["instrument"], link.c.visit == known["visit"])
        statement = sa.select(rows.c.parent, link.c.exposure).select_from(
            in_order(self.tables, rows, link, on)
        )
        exposures: dict[Any, list[Any]] = {}
        for place, exposure in self.store.rows(statement, self.call):
            exposures.setdefault(visits[place], []).append(exposure)
        out: dict[tuple[int, Key], float | None] = {}
        for (parent, key), share in sorted(found.items(), key=lambda item: (item[0][0], item[0][1][visit])):
            for exposure in exposures.get((key[instrument], key[visit]), ()):
                out.setdefault((parent, (*key[:visit], exposure, *key[visit + 1 :])), share)
        return out


@lru_cache(maxsize=20_000)
def _pixel(element: SkyPixDimension, index: int) -> str:
    """The region of a pixel, as a registry would have it."""
    return base64.b64encode(element.pixelization.pixel(index).encode()).decode()
