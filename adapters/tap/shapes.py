"""Regions of the sky between ADQL, ObsCore's s_region and lsst.sphgeom. ICRS, degrees."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from functools import lru_cache

from lsst.sphgeom import Circle, ConvexPolygon, LonLat, Region

from .. import region
from ..errors import BadUserInput
from . import adql

_MARGIN = 1e-4  # degrees: more than two ways to work out the same circle differ
_FULL = 89.0  # degrees: services disagree on circles of more than half the sky
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_COUNTS = {3: "CIRCLE", 4: "RANGE"}


@dataclass(frozen=True, slots=True)
class Footprint:
    """A shape as a condition on s_region. ``exact`` None: the condition is the answer; otherwise it lets more rows through, and those that
    share a point with this region are the answer: ADQL has no range of right ascension and declination."""

    condition: str | None
    exact: Region | None = None

    def takes(self, s_region: str | None) -> bool:
        """Whether a row that came is part of the answer."""
        if self.exact is None:
            return True
        found = None if s_region is None else encoded(s_region)
        return found is not None and region.overlaps(region.decode(found), self.exact)


def footprint(shape: str, column: str) -> Footprint:
    """A shape of the schema (``adapters.region``) for a column with regions. Raises BadUserInput as ``region.parse`` does."""
    found = region.parse(shape)
    words = shape.split()
    kind = words[0].upper()
    numbers = [float(word) for word in words[1:] if word.upper() != "ICRS"]
    if kind == "CIRCLE" and numbers[2] <= _FULL:
        ra, dec, radius = numbers
        if radius == 0:
            return Footprint(f"1 = CONTAINS({_point(ra, dec)}, {column})")
        return Footprint(f"1 = INTERSECTS({_circle(ra, dec, radius)}, {column})")
    if isinstance(found, ConvexPolygon):
        corners = [LonLat(vertex) for vertex in found.getVertices()]
        listed = [
            adql.number(one)
            for corner in corners
            for one in (corner.getLon().asDegrees() % 360.0, corner.getLat().asDegrees())
        ]
        return Footprint(f"1 = INTERSECTS(POLYGON('ICRS', {', '.join(listed)}), {column})")
    bounds: Circle = found.getBoundingCircle()
    radius = bounds.getOpeningAngle().asDegrees() + _MARGIN
    if radius > _FULL:
        return Footprint(f"{column} IS NOT NULL", found)
    middle = LonLat(bounds.getCenter())
    around = _circle(middle.getLon().asDegrees() % 360.0, middle.getLat().asDegrees(), radius)
    return Footprint(f"1 = INTERSECTS({around}, {column})", found)


def _point(ra: float, dec: float) -> str:
    return f"POINT('ICRS', {adql.number(ra)}, {adql.number(dec)})"


def _circle(ra: float, dec: float, radius: float) -> str:
    return f"CIRCLE('ICRS', {adql.number(ra)}, {adql.number(dec)}, {adql.number(radius)})"


@lru_cache(maxsize=20_000)
def encoded(s_region: str) -> str | None:
    """An s_region as a registry would keep it (base64): STC-S text with a frame (``Polygon ICRS 1 2 3 ...``, ObsCore 1.1, section 4.12) or
    the bare numbers of DALI 1.1. None for what lsst.sphgeom has no region for: other frames, unions, polygons that are not convex."""
    words = s_region.replace(",", " ").split()
    kind = words[0].upper() if words else ""
    if _NUMBER.fullmatch(kind):
        kind = _COUNTS.get(len(words), "POLYGON")
        words.insert(0, kind)
    if kind not in ("CIRCLE", "POLYGON", "RANGE"):
        return None
    # STC-S may name where the frame is seen from, and how many coordinates there are, behind the frame.
    said = [word.upper() for word in words[1:] if not _NUMBER.fullmatch(word)]
    if said and said[0] not in ("ICRS", "UNKNOWNFRAME"):
        return None
    numbers = [word for word in words[1:] if _NUMBER.fullmatch(word)]
    try:
        found = region.parse(" ".join([kind, *numbers]))
    except BadUserInput:
        return None
    return b64encode(found.encode()).decode("ascii")
