"""Regions of the sky, in the forms that people and services use. ICRS, degrees.

Registries keep regions as base64 of ``lsst.sphgeom``'s encoding. ``s_region`` is STC-S text (IVOA note STC-S 1.33, ObsCore 1.1, section 4.12) that means
exactly the region. Every client knows its circles and polygons. The others, of which registries have hardly any, have forms of their own there, too: a box
between parallels, whose sides are no great circles, is a POSITIONINTERVAL.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise

from lsst.sphgeom import (
    DISJOINT,
    Box,
    Circle,
    CompoundRegion,
    ConvexPolygon,
    Ellipse,
    LonLat,
    Region,
    UnionRegion,
    UnitVector3d,
)

from .errors import BadUserInput, Unsupported

_SQUARE_DEGREES = (180.0 / math.pi) ** 2
_KEPT = 100_000
_MARGIN = 1e-7
"""Radians, 0.02 arcseconds: more than sphgeom lets shapes be apart that it says overlap (a squared chord of 2.5e-15, an arc sine of
1.5e-8; constants.h), which is more the smaller they are."""


@dataclass(frozen=True, slots=True)
class RegionInfo:
    """``radius`` of the bounding circle and the centre in degrees, ``vertices`` of a convex polygon only."""

    region: Region
    s_region: str
    ra: float
    dec: float
    radius: float
    vertices: tuple[tuple[float, float], ...] | None

    @property
    def area(self) -> float:
        """Square degrees. Raises Unsupported where it is not known: of an intersection, and of a union whose parts may overlap."""
        return _area(self.region) * _SQUARE_DEGREES


@lru_cache(maxsize=_KEPT)
def decode(text: str) -> Region:
    """The region behind a registry's text; kept, since many rows share one."""
    return Region.decodeBase64(text)


@lru_cache(maxsize=_KEPT)
def circle(text: str) -> tuple[float, float, float, float]:
    """A circle around a registry's region: the unit vector of its middle, and its radius in radians. Regions whose circles are
    apart do not overlap, by ``overlaps`` itself. Where sphgeom may be unable to say, it is the whole sky."""
    found = decode(text)
    bounds = found.getBoundingCircle()
    middle = bounds.getCenter()
    parts = Region.getRegions(found) if isinstance(found, UnionRegion) else [found]
    decided = all(isinstance(part, ConvexPolygon | Circle) for part in parts)
    radius = bounds.getOpeningAngle().asRadians() + _MARGIN if decided else math.pi
    return (middle.x(), middle.y(), middle.z(), radius)


_COUNTS = {"CIRCLE": (3, 3), "RANGE": (4, 4), "POLYGON": (6, 2_000)}
_FORMS = "use CIRCLE ra dec radius, RANGE ra1 ra2 dec1 dec2 or POLYGON ra1 dec1 ra2 dec2 ra3 dec3 ... (convex), in ICRS degrees"


@lru_cache(maxsize=1_000)
def parse(shape: str) -> Region:
    """IVOA POS text (SIA 2.0, section 2.1.1: CIRCLE, RANGE, POLYGON) as a region.

    Raises
    ------
    BadUserInput
        The text is no such shape, a number is out of range, or the vertices go round no convex polygon (sphgeom would silently take the
        convex hull).
    """
    words = shape.split()
    kind = words[0].upper() if words else ""
    if len(words) > 1 and words[1].upper() == "ICRS":
        del words[1]
    try:
        numbers = [float(word) for word in words[1:]]
    except ValueError:
        numbers = []
    least, most = _COUNTS.get(kind, (1, 0))
    if not least <= len(numbers) <= most or (kind == "POLYGON" and len(numbers) % 2):
        raise BadUserInput(f"'{shape[:200]}' is no region of the sky; {_FORMS}.")
    if any(math.isnan(n) or (math.isinf(n) and kind != "RANGE") for n in numbers):
        raise BadUserInput(f"'{shape[:200]}' has a coordinate that is no number; {_FORMS}.")
    latitudes = {"CIRCLE": numbers[1:2], "RANGE": numbers[2:], "POLYGON": numbers[1::2]}[kind]
    if any(abs(n) > 90 and not math.isinf(n) for n in latitudes):
        raise BadUserInput(f"'{shape[:200]}' has a declination outside of -90 to 90 degrees.")
    if kind == "CIRCLE" and not 0 <= numbers[2] <= 180:
        raise BadUserInput(f"'{shape[:200]}' has a radius outside of 0 to 180 degrees.")
    if kind == "RANGE" and numbers[2] > numbers[3]:
        raise BadUserInput(f"'{shape[:200]}' has its declinations the wrong way round.")
    try:
        region = Region.from_ivoa_pos(" ".join([kind, *words[1:]]))
    except Exception as error:  # noqa: BLE001 - sphgeom raises several kinds for what the caller wrote
        raise BadUserInput(f"'{shape[:200]}' is no region of the sky ({error}); {_FORMS}.") from None
    if isinstance(region, ConvexPolygon):
        _require_convex(shape, numbers, region)
    return region


def _require_convex(shape: str, numbers: list[float], hull: ConvexPolygon) -> None:
    """Refuse vertices that are not, in their order, the corners of the hull that sphgeom made of them."""
    given = [
        UnitVector3d(LonLat.fromDegrees(*pair)) for pair in zip(numbers[::2], numbers[1::2], strict=True)
    ]
    corners = list(hull.getVertices())
    places: list[int] = []
    for point in given:
        best = max(range(len(corners)), key=lambda i: corners[i].dot(point))
        if corners[best].dot(point) >= 1.0 - 1e-15:
            if not places or places[-1] != best:
                places.append(best)
        elif not _on_edge(point, corners):
            raise BadUserInput(f"'{shape[:200]}' is no convex polygon; {_FORMS}.")
    if len(places) > 1 and places[0] == places[-1]:
        places.pop()
    count = len(corners)
    steps = {(b - a) % count for a, b in zip(places, places[1:] + places[:1], strict=True)}
    if len(places) != count or steps not in ({1}, {count - 1}):
        raise BadUserInput(
            f"'{shape[:200]}' is no convex polygon: its sides cross or turn inwards; {_FORMS}."
        )


def _on_edge(point: UnitVector3d, corners: list[UnitVector3d]) -> bool:
    """Whether the point lies within a millionth of an arcsecond of a side."""
    for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
        normal = a.cross(b)
        length = math.sqrt(normal.dot(normal))
        if (
            length
            and abs(normal.x() * point.x() + normal.y() * point.y() + normal.z() * point.z()) / length < 5e-12
        ):
            return True
    return False


def _degrees(vector: UnitVector3d) -> tuple[float, float]:
    """Longitude and latitude, with the arithmetic of sphgeom's LonLat (LonLat.cc), whose objects take ten times as long."""
    x, y, z = vector.x(), vector.y(), vector.z()
    flat = x * x + y * y
    longitude = math.atan2(y, x) if flat else 0.0
    latitude = math.atan2(z, math.sqrt(flat)) if z else 0.0
    if longitude < 0.0:
        longitude += 2.0 * math.pi
    return math.degrees(longitude) % 360.0, math.degrees(latitude)


def _polygon_area(vertices: list[UnitVector3d]) -> float:
    """Steradians: the fan of triangles around the first vertex (Eriksson 1990, The Mathematics Teacher / L'Huilier's equivalent).

    tan(E/2) = a.(b x c) / (1 + a.b + b.c + c.a) stays exact for the small triangles that detectors are.
    """
    first, total = vertices[0], 0.0
    for second, third in pairwise(vertices[1:]):
        cross = second.cross(third)
        triple = first.x() * cross.x() + first.y() * cross.y() + first.z() * cross.z()
        total += 2.0 * math.atan2(abs(triple), 1.0 + first.dot(second) + second.dot(third) + third.dot(first))
    return total


def _area(region: Region) -> float:
    """Steradians. Raises Unsupported."""
    if isinstance(region, ConvexPolygon):
        return _polygon_area(list(region.getVertices()))
    if isinstance(region, Ellipse):
        return _ellipse_area(region)
    if isinstance(region, Box | Circle):
        return float(region.getArea())
    parts = Region.getRegions(region) if isinstance(region, UnionRegion) else []
    if not parts or not all(one.relate(other) & DISJOINT for one, other in combinations(parts, 2)):
        raise Unsupported(
            "The area of a region whose parts overlap is not known here: leave out 'area'.", capability="area"
        )
    return math.fsum(map(_area, parts))


def _ellipse_area(ellipse: Ellipse) -> float:
    """Steradians."""
    if ellipse.isEmpty() or ellipse.isFull():
        return 4.0 * math.pi if ellipse.isFull() else 0.0
    one, other = ellipse.getAlpha().asRadians(), ellipse.getBeta().asRadians()
    if ellipse.isCircle():
        return 4.0 * math.pi * math.sin(0.5 * one) ** 2
    if one > 0.5 * math.pi:  # what is left of the sphere is an ellipse, too
        return 4.0 * math.pi - _cone(math.pi - one, math.pi - other)
    return _cone(one, other)


def _cone(one: float, other: float) -> float:
    """Steradians of an elliptic cone with these half axes, less than 90 degrees: 1 - cos of how far it reaches, all around.

    With x = tan(one) cos(t), y = tan(other) sin(t) on the plane that touches the sphere in its middle, that is a smooth wave of t, whose mean over equal steps
    is exact to the last digits once there are some more of them than the longer half axis has (as a tangent).
    """
    a, b = math.tan(one), math.tan(other)
    steps = min(100_000, math.ceil(40.0 * (1.0 + max(a, b))))

    def part(step: int) -> float:
        turn = 2.0 * math.pi * step / steps
        root = math.sqrt(1.0 + (a * math.cos(turn)) ** 2 + (b * math.sin(turn)) ** 2)
        return a * b / (root * (1.0 + root))

    return 2.0 * math.pi / steps * math.fsum(map(part, range(steps)))


@lru_cache(maxsize=20_000)
def describe(text: str) -> RegionInfo:
    """What the schema's ``Region`` says of a registry's region."""
    region = decode(text)
    circle = region.getBoundingCircle()
    ra, dec = _degrees(circle.getCenter())
    radius = min(max(0.0, circle.getOpeningAngle().asDegrees()), 180.0)
    vertices = None
    if isinstance(region, ConvexPolygon):
        vertices = tuple(map(_degrees, region.getVertices()))
        s_region = "POLYGON ICRS " + " ".join(f"{lon!r} {lat!r}" for lon, lat in vertices)
    elif _is_nothing(region):
        s_region = ""
    elif isinstance(region, Circle) or _is_everything(region):
        s_region = f"CIRCLE ICRS {ra!r} {dec!r} {radius!r}"
    elif isinstance(region, Ellipse) and region.isCircle():
        s_region = f"CIRCLE ICRS {ra!r} {dec!r} {region.getAlpha().asDegrees()!r}"
    else:
        kind, rest = _written(region)
        s_region = f"{kind} ICRS {rest}"
    return RegionInfo(region, s_region, ra, dec, radius, vertices)


def _is_nothing(region: Region) -> bool:
    return isinstance(region, Box | Circle | Ellipse) and bool(region.isEmpty())


def _is_everything(region: Region) -> bool:
    return isinstance(region, Box | Circle | Ellipse) and bool(region.isFull())


def _written(region: Region) -> tuple[str, str]:
    """The word of STC-S for a shape, and what stands behind it."""
    if isinstance(region, CompoundRegion):
        word = "UNION" if isinstance(region, UnionRegion) else "INTERSECTION"
        return word, f"( {' '.join(' '.join(_written(part)) for part in Region.getRegions(region))} )"
    if isinstance(region, Box):
        lon, lat = region.getLon(), region.getLat()
        corners = (lon.getA(), lat.getA(), lon.getB(), lat.getB())
        return "POSITIONINTERVAL", " ".join(repr(one.asDegrees()) for one in corners)
    kind, _, rest = region.to_ivoa_stcs().partition(" ICRS ")
    return kind.upper(), rest


def overlaps(a: Region, b: Region) -> bool:
    """Whether two regions share a point; exact for the pairs of shapes that sphgeom can decide, and true where it cannot say."""
    answer = a.overlaps(b)
    return answer is not False
