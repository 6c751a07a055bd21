"""The two sides of a question about overlaps: N parents, and whatever may overlap them, with the regions of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lsst.daf.butler import SkyPixDimension
from lsst.sphgeom import RangeSet

from ..caller import Call
from . import sky_pixels
from .sky_candidates import SkyCandidates
from .sky_pairs import refuse
from .store import Store

Key = tuple[Any, ...]


@dataclass(slots=True)
class Side:
    """Keys and their regions (base64), parallel. ``pixels``: what the regions are pixels of, ``indices`` then says which."""

    pixels: SkyPixDimension | None = None
    keys: list[Key] = field(default_factory=list)
    regions: list[str] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)

    def add(self, key: Key, shape: str) -> None:
        self.keys.append(key)
        self.regions.append(shape)

    def add_pixel(self, key: Key, index: int) -> None:
        assert self.pixels is not None
        self.add(key, sky_pixels.shape(self.pixels, index))
        self.indices.append(index)

    def touched(self, place: int, pixels: SkyPixDimension) -> RangeSet:
        """The pixels that a region may overlap."""
        if self.pixels is not None:
            return sky_pixels.spread(self.pixels, self.indices[place], pixels)
        return sky_pixels.touched(pixels, self.regions[place])


def sides(
    asked: SkyCandidates, keys: Sequence[Any], limit: int, store: Store, call: Call
) -> tuple[Side, Side]:
    """Parents, whose keys are the index in ``keys`` and the shared values, and candidates. Of an exposure that several visits saw
    there is one for each, the lowest visit first.

    Raises
    ------
    TooComplex
        There are more than ``limit`` in all.
    """
    near, far = Side(_pixels(asked.near.element)), Side(_pixels(asked.far.element))
    common, packed = asked.tables.universe.commonSkyPix, asked.tables.dialect.packed
    pixels, touched = [], RangeSet()
    if near.pixels is not None:
        place = list(asked.dimensions).index(near.pixels.name)
        pixels = [int(key[place]) for key in keys]
        for index in pixels:
            touched |= sky_pixels.spread(near.pixels, index, common)
    values = {
        **packed("keys", keys),
        **packed("pixels", [[index] for index in sky_pixels.members(touched)]),
        "most": limit + 1,
    }
    rows = store.rows(store.statements.once(asked.identity, asked.statement), call, values)
    if len(rows) > limit:
        raise refuse(limit, len(rows))
    if asked.through_visits:
        rows.sort(key=lambda row: row[:3])
    values_end = 4 + len(asked.shared)
    for row in rows:
        if row[0]:
            far.add(tuple(row[values_end:]), row[3])
        elif near.pixels is not None:
            near.add_pixel((row[1], *row[4:values_end]), pixels[row[1]])
        else:
            near.add((row[1], *row[4:values_end]), row[3])
    if far.pixels is not None:
        _add_pixels(far, near, limit)
    return near, far


def _pixels(element: Any) -> SkyPixDimension | None:
    return element if isinstance(element, SkyPixDimension) else None


def _add_pixels(far: Side, near: Side, limit: int) -> None:
    assert far.pixels is not None
    ranges = RangeSet()
    for text in dict.fromkeys(near.regions):
        ranges |= sky_pixels.touched(far.pixels, text)
        if ranges.cardinality() > limit:
            raise refuse(limit, ranges.cardinality())
    for index in sky_pixels.members(ranges):
        far.add_pixel((index,), index)
