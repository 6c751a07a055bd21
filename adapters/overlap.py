"""How much of one region another one covers: convex polygons on the sphere, clipped exactly.

A side of a convex polygon is a great circle, so that one polygon is cut by the half-spaces of the other's sides
(Sutherland and Hodgman 1974, in three dimensions) and the area of what is left is its spherical excess.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import pairwise

from lsst.sphgeom import ConvexPolygon

from . import region

Vector = tuple[float, float, float]

_ON_EDGE = 1e-15


def fraction(whole: str, other: str) -> float | None:
    """The part of the area of ``whole`` that ``other`` covers, 0 to 1; both are regions as a registry has them (base64).
    None for other shapes than convex polygons, and for a polygon without an area."""
    inner, outer = _corners(whole), _corners(other)
    if inner is None or outer is None:
        return None
    area = _area(inner)
    if area <= 0.0:
        return None
    return min(1.0, max(0.0, _area(_clipped(inner, outer)) / area))


@lru_cache(maxsize=20_000)
def _corners(text: str) -> tuple[Vector, ...] | None:
    """Corners, anticlockwise as seen from outside (sphgeom's own order)."""
    found = region.decode(text)
    if not isinstance(found, ConvexPolygon):
        return None
    return tuple((v.x(), v.y(), v.z()) for v in found.getVertices())


def _clipped(polygon: tuple[Vector, ...], other: tuple[Vector, ...]) -> tuple[Vector, ...]:
    points = list(polygon)
    for place, begin in enumerate(other):
        if len(points) < 3:
            return ()
        points = _cut(points, _cross(begin, other[(place + 1) % len(other)]))
    return tuple(points)


def _cut(points: list[Vector], normal: Vector) -> list[Vector]:
    """What lies on the positive side of a plane through the centre."""
    heights = [_dot(point, normal) for point in points]
    kept: list[Vector] = []
    for place, point in enumerate(points):
        before = place - 1
        here, there = heights[place], heights[before]
        if (here < -_ON_EDGE) != (there < -_ON_EDGE):
            kept.append(_between(points[before], there, point, here))
        if here >= -_ON_EDGE:
            kept.append(point)
    return kept


def _between(a: Vector, height_a: float, b: Vector, height_b: float) -> Vector:
    """Where the great circle through a and b meets the plane."""
    share = height_a / (height_a - height_b)
    x, y, z = (p + share * (q - p) for p, q in zip(a, b, strict=True))
    length = math.sqrt(x * x + y * y + z * z)
    return (x / length, y / length, z / length)


def _area(points: tuple[Vector, ...]) -> float:
    """Steradians: a fan of triangles; tan(E/2) = |a.(b x c)| / (1 + a.b + b.c + c.a) (Eriksson 1990) stays exact for small ones."""
    if len(points) < 3:
        return 0.0
    a, total = points[0], 0.0
    for b, c in pairwise(points[1:]):
        triple = _dot(a, _cross(b, c))
        total += 2.0 * math.atan2(abs(triple), 1.0 + _dot(a, b) + _dot(b, c) + _dot(c, a))
    return total


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])
