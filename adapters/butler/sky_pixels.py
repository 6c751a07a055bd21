"""Pixelisations (htm7), which have no records: their regions, and what touches them, are computed."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain

from lsst.daf.butler import SkyPixDimension
from lsst.sphgeom import RangeSet

from .. import region


@lru_cache(maxsize=20_000)
def shape(pixels: SkyPixDimension, index: int) -> str:
    """The region of a pixel, as a registry would have it."""
    return base64.b64encode(pixels.pixelization.pixel(index).encode()).decode()


def touched(pixels: SkyPixDimension, text: str) -> RangeSet:
    """The pixels that a region (base64) may overlap: what a registry keeps of its records."""
    found: RangeSet = pixels.pixelization.envelope(region.decode(text))
    return found


def spread(pixels: SkyPixDimension, index: int, others: SkyPixDimension) -> RangeSet:
    """The pixels of another pixelisation that a pixel may overlap."""
    return RangeSet(index) if pixels == others else touched(others, shape(pixels, index))


def members(ranges: RangeSet) -> Iterator[int]:
    return chain.from_iterable(range(begin, end) for begin, end in ranges)
