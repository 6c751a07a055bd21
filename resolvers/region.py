"""Regions of the sky, as they are answered: ICRS, degrees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import strawberry

from adapters.question import Regions

from .context import Scope, by_parent
from .loader import Loader
from .noun import noun
from .timespan import Values

if TYPE_CHECKING:
    from adapters.region import RegionInfo


@noun
class SkyPoint:
    """A position, ICRS."""

    __slots__ = ("_dec", "_ra")

    def __init__(self, ra: float, dec: float) -> None:
        self._ra = ra
        self._dec = dec

    @strawberry.field
    def ra(self) -> float:
        """Right ascension, degrees."""
        return self._ra

    @strawberry.field
    def dec(self) -> float:
        """Declination, degrees."""
        return self._dec


@noun
class Region:
    """A region of the sky, ICRS."""

    __slots__ = ("_info", "_source", "_text")

    def __init__(self, source: str, text: str) -> None:
        self._source = source
        self._text = text
        self._info: RegionInfo | None = None

    def _described(self) -> RegionInfo:
        if self._info is None:
            self._info = describe(self._text)
        return self._info

    @strawberry.field
    def source(self) -> str:
        """The dimension element that supplied it: visit_detector_region, visit, patch ..."""
        return self._source

    @strawberry.field
    def s_region(self) -> str:
        """ObsCore s_region, ICRS, degrees: STC-S text that means exactly this region. POLYGON or CIRCLE; where it is none, ELLIPSE, POSITIONINTERVAL (a box
        between parallels), UNION or INTERSECTION. Empty where the region is."""
        return self._described().s_region

    @strawberry.field
    def ra(self) -> float:
        """Right ascension of the centre, degrees."""
        return self._described().ra

    @strawberry.field
    def dec(self) -> float:
        """Declination of the centre, degrees."""
        return self._described().dec

    @strawberry.field
    def radius(self) -> float:
        """Radius of the bounding circle, degrees."""
        return self._described().radius

    @strawberry.field
    def area(self) -> float:
        """Square degrees, of the region itself. Of an intersection, and of a union whose parts overlap, it is not known: UNSUPPORTED."""
        return self._described().area

    @strawberry.field
    def vertices(self) -> list[SkyPoint] | None:
        """Vertices of a convex polygon, in order; null for other shapes."""
        vertices = self._described().vertices
        return None if vertices is None else [SkyPoint(ra, dec) for ra, dec in vertices]


def describe(text: str) -> RegionInfo:
    """What a registry's encoded region looks like. The geometry library is loaded when one is first needed."""
    from adapters import region

    return region.describe(text)


def regions(scope: Scope, dimensions: tuple[str, ...]) -> Loader[Values, Region | None]:
    """Where data IDs of these dimensions lie; None where one has no region."""

    async def fetch(keys: list[Values]) -> dict[Values, Region | None]:
        rows = await scope.ask(Regions(dimensions, tuple(keys)), len(keys), 1)
        if not rows.rows:
            return {}
        source, text = rows.index("source"), rows.index("region")
        return {
            key: Region(found[0][source], found[0][text])
            for key, found in by_parent(rows, keys).items()
            if found[0][text] is not None
        }

    return scope.loader(("regions", dimensions), fetch, None)
