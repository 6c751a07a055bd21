"""Links by the sky: what overlaps N parents at once.

Many parents overlap the same things. So what they are tied to is looked up once, and what is found there is dealt to the parents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from lsst.daf.butler import DimensionGroup

from .. import overlap
from ..caller import Call
from ..errors import TooComplex
from ..notes import By, noted
from ..rows import Row
from . import sky
from .joins import Source
from .links import Column, Links, distinct, relate
from .sky_candidates import SkyCandidates
from .sky_pairs import Pair, overlapping, refuse
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
    """The parents of one question, and the dimensions of what they may overlap.

    ``joined``: whether both are tied by what else Butler joins them by - equal where both have a dimension, and through every element that
    relates them, as visit_definition does exposures and visits - and not by the sky alone.

    ``ids``: the parents' own, where they are datasets of the type that is looked for. No dataset is tied to itself; but another one of the
    same data ID is, and it may be another parent's. So each parent has a link of its own to its data ID, which names what to leave out.
    """

    store: Store
    tables: Tables
    parents: DimensionGroup
    dimensions: tuple[str, ...]
    keys: Sequence[Any]
    target: DimensionGroup
    joined: bool
    ids: Sequence[str] = ()

    @property
    def candidates(self) -> SkyCandidates:
        if not self.joined:
            near, far = sky.footing(self.parents)[0], sky.footing(self.target)[0]
            return SkyCandidates(self.tables, self.parents, self.dimensions, near, far, ())
        near, far = sky.facing(self.parents, self.target)
        wide, known = self._wide(near), set(self.target.names)
        asked = SkyCandidates(self.tables, wide, self.dimensions, near, far, ())
        known |= {*asked.names, *(self.parents.names if relate(wide, self.target) else ())}
        mine = {*self.parents.names, *near.element.required.names, *({"exposure", "visit"} & known)}
        return replace(asked, shared=tuple(name for name in wide.names if name in mine & known))

    def _wide(self, near: sky.Footing) -> DimensionGroup:
        """The parents' dimensions, those of their regions, and of visits and exposures the ones that only the other side has."""
        names = set(self.parents.names)
        if not near.through_visits:
            names |= set(near.element.required.names)
            pair = {"exposure", "visit"}
            names |= pair & set(self.target.names) if names & pair else set()
        return self.parents.universe.conform(names)

    def table(self) -> Links:
        """The links, with their own places as parents, in the parameter ``links``."""
        asked = self.candidates
        names = [*(asked.names[place] for place in self._told(asked)), *_brought(asked)]
        dialect, kinds = self.tables.dialect, [self.tables.sql_type(name) for name in names]
        rows = dialect.uploaded("links", [*kinds, dialect.id_type()] if self.ids else kinds)
        columns: dict[str, Column] = {name: rows.c[f"c{n}"] for n, name in enumerate(names)}
        if self.joined and relate(asked.parents, self.target):
            both = self.parents.universe.conform([*asked.parents.names, *self.target.names])
            source = Source(self.tables, both, rows, columns)
            source.relate()
            values = {name: source.keys[name] for name in self.target.names if name in source.keys}
            return replace(distinct(source, rows.c.parent, values), dealt=True)
        own = rows.c[f"c{len(names)}"] if self.ids else None
        return Links(rows, rows.c.parent, columns, dealt=True, own=own)

    def _told(self, asked: SkyCandidates) -> list[int]:
        """The places in a candidate's key of what a link says of it: a detector that only ties the sides is none of the target's."""
        return [place for place, name in enumerate(asked.names) if name in self.target.names]

    def ties(self, call: Call) -> Ties:
        """What overlaps the parents. Raises TooComplex where there is more than may be looked at."""
        asked, limit = self.candidates, min(_MOST_CANDIDATES, call.max_rows)
        near, far = sides(asked, self.keys, limit, self.store, call)

        def undecided(i: int, j: int) -> bool:
            # Where sphgeom cannot say whether two regions overlap, Butler takes them to if they have a pixel in common.
            pixels = far.pixels or self.tables.universe.commonSkyPix
            return near.touched(i, pixels).intersects(far.touched(j, pixels))

        with noted(call.notes, By.PYTHON, "which regions overlap"):
            pairs = _pairs(asked, near, far, limit, undecided)
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
            told, brought = self._told(asked), [1 + asked.shared.index(name) for name in _brought(asked)]
            mine = [tuple(key[place] for place in brought) for key in near.keys]
            theirs = [tuple(key[place] for place in told) for key in far.keys]
            return ((*theirs[j], *mine[i]) for i, j in pairs)
        places = [self.dimensions.index(name) for name in asked.names]
        own = [tuple(key[place] for place in places) for key in self.keys]

        def link(parent: int, key: Key) -> Key:
            return (*key, self.ids[parent] if key == own[parent] else None)

        return (link(near.keys[i][0], far.keys[j]) for i, j in pairs)


def _brought(asked: SkyCandidates) -> list[str]:
    """What a link says that only the parent has."""
    return [name for name in asked.shared if name not in asked.names]


def _pairs(
    asked: SkyCandidates, near: Side, far: Side, limit: int, undecided: Callable[[int, int], bool]
) -> list[Pair]:
    """Places in both of what agrees in the common dimensions and overlaps. Raises TooComplex where more than ``limit`` may."""
    mine = [1 + asked.shared.index(name) for name in asked.common]
    theirs = [asked.names.index(name) for name in asked.common]
    alike: dict[Key, tuple[list[int], list[int]]] = {}
    for i, key in enumerate(near.keys):
        alike.setdefault(tuple(key[place] for place in mine), ([], []))[0].append(i)
    for j, key in enumerate(far.keys):
        group = alike.get(tuple(key[place] for place in theirs))
        if group is not None:
            group[1].append(j)
    found: list[Pair] = []
    for here, there in alike.values():
        regions = [near.regions[i] for i in here], [far.regions[j] for j in there]
        decide = partial(_decided, undecided, here, there)
        found += ((here[i], there[j]) for i, j in overlapping(*regions, limit, decide))
        if len(found) > limit:
            raise refuse(limit, len(found))
    return found


def _decided(
    undecided: Callable[[int, int], bool], here: Sequence[int], there: Sequence[int], i: int, j: int
) -> bool:
    return undecided(here[i], there[j])
