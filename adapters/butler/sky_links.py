"""Links by the sky: what overlaps N parents at once.

Many parents overlap the same things. So what they are tied to is looked up once, and what is found there is dealt to the parents.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from lsst.daf.butler import DimensionGroup

from .. import overlap
from ..caller import Call
from ..errors import TooComplex
from ..notes import By, noted
from ..rows import Row
from . import sky
from .links import Column, Links
from .sky_candidates import SkyCandidates
from .sky_pairs import overlapping
from .sky_sides import Key, Side, sides
from .store import Store
from .tables import Tables

_MOST_CANDIDATES = 1_000_000


@dataclass(slots=True)
class Ties:
    """What ``count`` parents are tied to: every link once, with the parents that have it, and for each which of the ``pairs`` of
    regions it is, by their places in ``near`` and ``far``."""

    count: int
    near: list[str]
    far: list[str]
    pairs: list[tuple[int, int]]
    links: dict[Key, dict[int, int]] = field(default_factory=dict)

    def most(self, limit: int, call: Call) -> int:
        """How many rows are needed for the first ``limit`` of each parent: one more than the call allows where that cannot be said."""
        return min(limit, call.max_rows + 1) if self.count == 1 else call.max_rows + 1

    def deal(self, rows: Sequence[Row], place: int, limit: int, call: Call, *, measure: bool) -> list[Row]:
        """Rows that begin with the place of a link, as rows of the parents tied to it: of each the first ``limit`` in the order in which
        they come. ``place``: the column of the share of the parent's region, which is worked out where ``measure`` says so.

        Raises
        ------
        TooComplex
            More rows than the call allows.
        """
        if len(rows) > call.max_rows:
            raise _too_many(call, len(rows))
        ties = list(self.links.values())
        dealt: list[list[Row]] = [[] for _ in range(self.count)]
        total = 0
        for row in rows:
            for parent, pair in ties[row[0]].items():
                if len(dealt[parent]) < limit:
                    share = self._share(pair) if measure else None
                    dealt[parent].append((parent, *row[1:place], share, *row[place + 1 :]))
                    total += 1
            if total > call.max_rows:
                raise _too_many(call, total)
        return [row for mine in dealt for row in mine]

    def _share(self, pair: int) -> float | None:
        """How much of the parent's region is covered."""
        near, far = self.pairs[pair]
        return overlap.fraction(self.near[near], self.far[far])


def _too_many(call: Call, actual: int) -> TooComplex:
    return TooComplex(
        f"More than {call.max_rows} associations; ask for fewer parents or a smaller first.",
        limit=call.max_rows,
        actual=actual,
        what="associations",
    )


@dataclass(slots=True)
class SkyLinks:
    """The parents of one question, and the dimensions of what they may overlap; of the ``shared`` ones that has the parent's values.

    ``ids``: the parents' own, where they are datasets of the type that is looked for. No dataset is tied to itself; but another one of the
    same data ID is, and it may be another parent's. So each parent has a link of its own to its data ID, which names what to leave out.
    """

    store: Store
    tables: Tables
    parents: DimensionGroup
    dimensions: tuple[str, ...]
    keys: Sequence[Any]
    target: DimensionGroup
    shared: tuple[str, ...]
    ids: Sequence[str] = ()

    @property
    def candidates(self) -> SkyCandidates:
        near, far = sky.footing(self.parents)[0], sky.footing(self.target)[0]
        return SkyCandidates(self.tables, self.parents, self.dimensions, near, far, self.shared)

    def table(self) -> Links:
        """The links, with their own places as parents, in the parameter ``links``."""
        names = (*self.candidates.names, *self.shared)
        dialect, kinds = self.tables.dialect, [self.tables.sql_type(name) for name in names]
        rows = dialect.uploaded("links", [*kinds, dialect.id_type()] if self.ids else kinds)
        columns: dict[str, Column] = {name: rows.c[f"c{n}"] for n, name in enumerate(names)}
        own = rows.c[f"c{len(names)}"] if self.ids else None
        return Links(rows, rows.c.parent, columns, dealt=True, own=own)

    def ties(self, call: Call) -> Ties:
        """What overlaps the parents. Raises TooComplex where there is more than may be looked at."""
        asked, limit = self.candidates, min(_MOST_CANDIDATES, call.max_rows)
        near, far = sides(asked, self.keys, limit, self.store, call)

        def undecided(i: int, j: int) -> bool:
            # Where sphgeom cannot say whether two regions overlap, Butler takes them to if they have a pixel in common.
            pixels = far.pixels or self.tables.universe.commonSkyPix
            return near.touched(i, pixels).intersects(far.touched(j, pixels))

        with noted(call.notes, By.PYTHON, "which regions overlap"):
            pairs = overlapping(near.regions, far.regions, limit, undecided)
        if asked.through_visits:
            # Of an exposure that several visits saw the lowest one decides, as everywhere: both sides are in their order.
            pairs.sort(key=lambda pair: pair[::-1])
        found = Ties(len(self.keys), near.regions, far.regions, pairs)
        for pair, link in enumerate(self._linked(asked, near, far, pairs)):
            parent = near.keys[pairs[pair][0]][0]
            found.links.setdefault(link, {}).setdefault(parent, pair)
        return found

    def _linked(
        self, asked: SkyCandidates, near: Side, far: Side, pairs: Sequence[tuple[int, int]]
    ) -> Iterable[Key]:
        """The link that each pair is."""
        if not self.ids:
            return ((*far.keys[j], *near.keys[i][1:]) for i, j in pairs)
        places = [self.dimensions.index(name) for name in asked.names]
        own = [tuple(key[place] for place in places) for key in self.keys]

        def link(parent: int, key: Key) -> Key:
            return (*key, self.ids[parent] if key == own[parent] else None)

        return (link(near.keys[i][0], far.keys[j]) for i, j in pairs)
