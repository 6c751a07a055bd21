"""How much of one region another one covers: convex polygons on the sphere, clipped exactly.

A side of a convex polygon is a great circle, so that one polygon is cut by the half-spaces of the other's sides
(Sutherland and Hodgman 1974, in three dimensions) and the area of what is left is its spherical excess.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from lsst.sphgeom import ConvexPolygon

from . import region

Vector = tuple[float, float, float]

_ON_EDGE = 1e-15  # radians


@dataclass(frozen=True, slots=True)
class _Polygon:
    """Corners, anticlockwise as seen from outside (sphgeom's own order), and for each side the unit vector at right angles to it that
    points inwards. The area is in steradians."""

    corners: Sequence[Vector]
    sides: Sequence[Vector]
    area: float


def fraction(whole: str, other: str) -> float | None:
    """The part of the area of ``whole`` that ``other`` covers, 0 to 1; both are regions as a registry has them (base64).
    None for other shapes than convex polygons, and for a polygon without an area."""
    inner, outer = _polygon(whole), _polygon(other)
    if inner is None or outer is None or inner.area <= 0.0:
        return None
    points = inner.corners
    for side in outer.sides:
        points = _cut(points, side)
    return min(1.0, max(0.0, _area(points) / inner.area))


@lru_cache(maxsize=20_000)
def _polygon(text: str) -> _Polygon | None:
    found = region.decode(text)
    if not isinstance(found, ConvexPolygon):
        return None
    corners = [(v.x(), v.y(), v.z()) for v in found.getVertices()]
    sides = [_side(a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True)]
    return _Polygon(corners, sides, _area(corners))


def _side(a: Vector, b: Vector) -> Vector:
    """(a + b) x (b - a) = 2 a x b, and keeps its digits where a and b are close."""
    total, step = (a[0] + b[0], a[1] + b[1], a[2] + b[2]), (b[0] - a[0], b[1] - a[1], b[2] - a[2])
    return _unit(*_cross(total, step))


def _cut(points: Sequence[Vector], side: Vector) -> Sequence[Vector]:
    """What lies on the inner side of a plane through the centre."""
    u, v, w = side
    heights = [x * u + y * v + z * w for x, y, z in points]
    if not heights or min(heights) >= -_ON_EDGE:
        return points
    kept: list[Vector] = []
    before, there = points[-1], heights[-1]
    for point, here in zip(points, heights, strict=True):
        if (here < -_ON_EDGE) is not (there < -_ON_EDGE):
            kept.append(_between(before, there, point, here))
        if here >= -_ON_EDGE:
            kept.append(point)
        before, there = point, here
    return kept


def _between(a: Vector, height_a: float, b: Vector, height_b: float) -> Vector:
    """Where the great circle through a and b meets the plane."""
    share = height_a / (height_a - height_b)
    return _unit(a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), a[2] + share * (b[2] - a[2]))


def _area(points: Sequence[Vector]) -> float:
    """Steradians: a fan of triangles; tan(E/2) = |a.(b x c)| / (1 + a.b + b.c + c.a) (Eriksson 1990), of which a.((b - a) x (c - a)) is
    the same and exact for small ones."""
    if len(points) < 3:
        return 0.0
    (x, y, z), total = points[0], 0.0
    spokes = [(p - x, q - y, r - z) for p, q, r in points[1:]]
    for (b, to_b), (c, to_c) in pairwise(zip(points[1:], spokes, strict=True)):
        u, v, w = _cross(to_b, to_c)
        around = x * (b[0] + c[0]) + y * (b[1] + c[1]) + z * (b[2] + c[2])
        around += b[0] * c[0] + b[1] * c[1] + b[2] * c[2]
        total += 2.0 * math.atan2(abs(x * u + y * v + z * w), 1.0 + around)
    return total


def _cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _unit(x: float, y: float, z: float) -> Vector:
    # Two corners in one place have no side between them: what is at right angles to it stays nothing, and cuts nothing.
    length = math.sqrt(x * x + y * y + z * z) or 1.0
    return (x / length, y / length, z / length)
