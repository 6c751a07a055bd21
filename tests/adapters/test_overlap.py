"""The share of one convex polygon that another covers, against an independent clipping.

The independent one collects the corners of the intersection - corners of either polygon inside the other, and crossings of their sides - with
exact rational arithmetic, which leaves no case undecided (shared sides, shared corners, identical polygons), orders them around their middle
and adds up triangles by L'Huilier's theorem.
"""

from __future__ import annotations

import math
from base64 import b64encode
from fractions import Fraction
from itertools import product
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from lsst.sphgeom import Angle, Box, Circle, ConvexPolygon, LonLat, Region, UnionRegion, UnitVector3d

from adapters.overlap import fraction

from .test_answers import effort

Exact = tuple[Fraction, Fraction, Fraction]


def text(region: Region) -> str:
    return b64encode(region.encode()).decode()


def exactly(polygon: ConvexPolygon) -> list[Exact]:
    return [(Fraction(v.x()), Fraction(v.y()), Fraction(v.z())) for v in polygon.getVertices()]


def cross(a: Exact, b: Exact) -> Exact:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def dot(a: Any, b: Any) -> Any:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def sides(corners: list[Exact]) -> list[Exact]:
    """The normals of the planes that the sides lie in, pointing inwards."""
    return [cross(a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True)]


def inside(point: Exact, polygon: list[Exact]) -> bool:
    return all(dot(point, normal) >= 0 for normal in polygon)


def unit(a: Exact) -> tuple[float, float, float]:
    """Scaled by the largest part first: the parts may be too small for a float."""
    largest = max(abs(part) for part in a)
    x, y, z = (float(part / largest) for part in a)
    length = math.sqrt(x * x + y * y + z * z)
    return (x / length, y / length, z / length)


def distance(a: Any, b: Any) -> float:
    return 2.0 * math.asin(min(1.0, math.dist(a, b) / 2.0))


def triangle(a: Any, b: Any, c: Any) -> float:
    """Spherical excess by L'Huilier's theorem."""
    x, y, z = sorted((distance(b, c), distance(c, a), distance(a, b)), reverse=True)
    s = (x + y + z) / 2.0
    parts = (s, (y + z - x) / 2.0, (x + z - y) / 2.0, (x + y - z) / 2.0)
    return 4.0 * math.atan(math.sqrt(math.prod(max(0.0, math.tan(part / 2.0)) for part in parts)))


def area(points: list[tuple[float, float, float]]) -> float:
    """Of the convex polygon with these corners, in any order."""
    if len(points) < 3:
        return 0.0
    total = tuple(math.fsum(axis) for axis in zip(*points, strict=True))
    length = math.sqrt(dot(total, total))
    middle = tuple(part / length for part in total)
    axis = min(range(3), key=lambda i: abs(middle[i]))
    east = _unit_cross(middle, tuple(float(i == axis) for i in range(3)))
    north = _unit_cross(middle, east)

    def angle(point: Any) -> float:
        away = tuple(p - m for p, m in zip(point, middle, strict=True))
        return math.atan2(dot(away, north), dot(away, east))

    around = sorted(points, key=angle)
    return math.fsum(triangle(middle, a, b) for a, b in zip(around, around[1:] + around[:1], strict=True))


def _unit_cross(a: Any, b: Any) -> tuple[float, float, float]:
    return unit(cross(tuple(map(Fraction, a)), tuple(map(Fraction, b))))


def share(whole: ConvexPolygon, other: ConvexPolygon) -> float:
    a, b = exactly(whole), exactly(other)
    mine, theirs = sides(a), sides(b)
    corners = [point for point in a if inside(point, theirs)] + [point for point in b if inside(point, mine)]
    for normal, others in product(mine, theirs):
        meet = cross(normal, others)
        if meet == (0, 0, 0):
            continue
        both = (meet, (-meet[0], -meet[1], -meet[2]))
        corners += [point for point in both if inside(point, mine) and inside(point, theirs)]
    return area([unit(point) for point in corners]) / area([unit(point) for point in a])


def ring(centre: UnitVector3d, radius: float, turns: list[float], reach: list[float]) -> ConvexPolygon:
    """A convex polygon around a point: the hull of points at these directions and parts of the radius (degrees)."""
    east = UnitVector3d.orthogonalTo(centre)
    points = []
    for turn, part in zip(turns, reach, strict=True):
        direction = east.rotatedAround(centre, Angle.fromDegrees(turn))
        axis = UnitVector3d(centre.cross(direction))
        points.append(centre.rotatedAround(axis, Angle.fromDegrees(radius * part)))
    return ConvexPolygon(points)


def point(ra: float, dec: float) -> UnitVector3d:
    return UnitVector3d(LonLat.fromDegrees(ra % 360.0, dec))


CENTRES = st.sampled_from(
    [(0.0, 0.0), (359.999, -30.0), (123.4, 5.0), (10.0, 90.0), (200.0, -90.0), (77.0, 89.99), (0.001, -89.9)]
) | st.tuples(st.floats(0, 359), st.floats(-90, 90))
SIZES = st.sampled_from([3e-6, 0.01, 0.2, 1.7, 10.0, 60.0])


@st.composite
def polygons(draw: st.DrawFn, centre: UnitVector3d, radius: float) -> ConvexPolygon:
    count = draw(st.integers(3, 8))
    step = 360.0 / count
    start = draw(st.floats(0, 359))
    turns = [start + step * (i + draw(st.floats(-0.3, 0.3))) for i in range(count)]
    return ring(centre, radius, turns, [draw(st.floats(0.6, 1.0)) for _ in range(count)])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[ConvexPolygon, ConvexPolygon]:
    """Two polygons whose middles are anything from nothing to three radii apart, of sizes from a sixtieth to sixty times one another's."""
    centre, size = point(*draw(CENTRES)), draw(SIZES)
    other = min(60.0, size * draw(st.sampled_from([1.0, 1.0, 0.3, 3.0, 1 / 60, 60.0])))
    axis = UnitVector3d.orthogonalTo(centre).rotatedAround(centre, Angle.fromDegrees(draw(st.floats(0, 359))))
    apart = draw(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.1, 1.8, 3.0])) * max(size, other)
    there = centre.rotatedAround(axis, Angle.fromDegrees(min(apart, 150.0)))
    return draw(polygons(centre, size)), draw(polygons(there, other))


@effort(300)
@given(pair=pairs())
def test_any_two(pair: tuple[ConvexPolygon, ConvexPolygon]) -> None:
    whole, other = pair
    expected, found = share(whole, other), fraction(text(whole), text(other))
    event("apart" if expected == 0.0 else "covered" if expected > 1 - 1e-9 else "partly")
    assert found == pytest.approx(expected, abs=1e-6)
    back = fraction(text(other), text(whole))
    assert found is not None and back is not None
    mine, others = (area([unit(p) for p in exactly(one)]) for one in pair)
    assert found * mine == pytest.approx(back * others, abs=1e-6 * max(mine, others))


@effort(100)
@given(data=st.data())
def test_what_touches(data: st.DataObject) -> None:
    """Identical polygons, neighbours along a side or at a corner, halves, and one within the other that shares sides with it."""
    centre, size = point(*data.draw(CENTRES)), data.draw(SIZES)
    whole = data.draw(polygons(centre, size))
    corners = list(whole.getVertices())
    assert fraction(text(whole), text(whole)) == pytest.approx(1.0, abs=1e-6)
    half = ConvexPolygon(corners[: len(corners) // 2 + 1]) if len(corners) > 3 else whole
    for other in (half, ConvexPolygon([*corners[:2], centre]), _mirrored(corners[0], corners[1], centre)):
        expected = share(whole, other)
        assert fraction(text(whole), text(other)) == pytest.approx(expected, abs=1e-6)
        assert fraction(text(other), text(whole)) == pytest.approx(share(other, whole), abs=1e-6)


def _mirrored(a: UnitVector3d, b: UnitVector3d, centre: UnitVector3d) -> ConvexPolygon:
    """A triangle on the other side of the side from a to b."""
    normal = UnitVector3d.orthogonalTo(a, b)
    height = 2.0 * (normal.x() * centre.x() + normal.y() * centre.y() + normal.z() * centre.z())
    x, y, z = (
        p - height * n
        for p, n in zip(
            (centre.x(), centre.y(), centre.z()), (normal.x(), normal.y(), normal.z()), strict=True
        )
    )
    return ConvexPolygon([b, a, UnitVector3d(x, y, z)])


def box(ra: float, dec: float, width: float, height: float) -> ConvexPolygon:
    return ConvexPolygon(
        [point(ra + x * width, dec + y * height) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))]
    )


@pytest.mark.parametrize("scale", [3e-7, 3e-4, 0.01, 1.0])
@pytest.mark.parametrize(("ra", "dec"), [(-0.5, 0.0), (120.0, 45.0), (0.0, 88.0)])
def test_boxes_side_by_side(ra: float, dec: float, scale: float) -> None:
    """Neighbours along a meridian, down to milliarcseconds; sides at the same declination are different great circles."""
    whole = box(ra * scale, dec, scale, scale)
    left = box(ra * scale, dec, scale / 2, scale)
    right = box((ra + 0.5) * scale, dec, scale / 2, scale)
    for half in (left, right):
        assert fraction(text(whole), text(half)) == pytest.approx(share(whole, half), abs=1e-6)
        assert fraction(text(whole), text(half)) == pytest.approx(0.5, abs=1e-3)
    assert fraction(text(left), text(right)) == pytest.approx(0.0, abs=1e-6)
    assert fraction(text(whole), text(box(ra * scale + 3 * scale, dec, scale, scale))) == pytest.approx(
        0.0, abs=1e-12
    )


def test_on_the_other_side_of_the_sky() -> None:
    for ra, dec, radius in ((0.0, 0.0, 0.01), (10.0, 80.0, 60.0), (0.0, -90.0, 30.0)):
        here = ring(point(ra, dec), radius, [0, 90, 180, 270], [1, 1, 1, 1])
        there = ring(point(ra + 180.0, -dec), radius, [0, 90, 180, 270], [1, 1, 1, 1])
        assert fraction(text(here), text(there)) == pytest.approx(share(here, there), abs=1e-6)


def test_an_octant_is_an_eighth() -> None:
    axes = [UnitVector3d(1, 0, 0), UnitVector3d(0, 1, 0), UnitVector3d(0, 0, 1)]
    octant = ConvexPolygon(axes)
    middle = UnitVector3d(1, 1, 0)
    assert fraction(text(octant), text(ConvexPolygon([axes[0], middle, axes[2]]))) == pytest.approx(
        0.5, abs=1e-12
    )
    assert share(octant, ConvexPolygon([axes[0], middle, axes[2]])) == pytest.approx(0.5, abs=1e-12)


def test_other_shapes_have_none() -> None:
    square = text(box(10, 10, 1, 1))
    circle = text(Circle(point(10, 10), Angle.fromDegrees(1)))
    flat = text(Box.fromDegrees(9, 9, 11, 11))
    union = text(UnionRegion(box(10, 10, 1, 1), box(12, 10, 1, 1)))
    for shape in (circle, flat, union):
        assert fraction(square, shape) is None
        assert fraction(shape, square) is None
