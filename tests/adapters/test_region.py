"""What is said of regions is true of the region itself, whatever its shape; judged by sphgeom's own ``contains``."""

from __future__ import annotations

import math
from base64 import b64encode

import pytest
from lsst.sphgeom import (
    Angle,
    Box,
    Circle,
    ConvexPolygon,
    Ellipse,
    IntersectionRegion,
    LonLat,
    Region,
    UnionRegion,
    UnitVector3d,
)

from adapters.errors import Unsupported
from adapters.region import RegionInfo, describe
from gateway.tables.columns import sky


def at(ra: float, dec: float) -> UnitVector3d:
    return UnitVector3d(LonLat.fromDegrees(ra, dec))


def ellipse(one: float, other: float) -> Ellipse:
    return Ellipse(at(10, 20), *map(Angle.fromDegrees, (one, other, 30)))


def text(region: Region) -> str:
    return b64encode(region.encode()).decode()


def said(region: Region) -> RegionInfo:
    return describe(text(region))


CIRCLE = Circle(at(10, 20), Angle.fromDegrees(1))
SQUARE = ConvexPolygon([at(0, 0), at(1, 0), at(1, 1), at(0, 1)])
BOX = Box.fromDegrees(358, -5, 2, 5)
SKY = 4 * math.pi * (180 / math.pi) ** 2


def measured(shape: Ellipse, steps: int = 1_000) -> float:
    """Square degrees, from how far it reaches in each direction, which is found by halving."""
    middle = shape.getCenter()
    east = UnitVector3d.orthogonalTo(middle)
    edge = []
    for step in range(steps):
        way = east.rotatedAround(middle, Angle(2 * math.pi * step / steps))

        def point(far: float, way: UnitVector3d = way) -> UnitVector3d:
            near, off = math.cos(far), math.sin(far)
            return UnitVector3d(*(near * m + off * w for m, w in zip(parts(middle), parts(way), strict=True)))

        low, high = 0.0, math.pi
        for _ in range(45):
            half = (low + high) / 2
            low, high = (half, high) if shape.contains(point(half)) else (low, half)
        edge.append(2 * math.sin(low / 2) ** 2)
    return math.fsum(edge) * math.tau / steps * (180 / math.pi) ** 2


def parts(vector: UnitVector3d) -> tuple[float, float, float]:
    return vector.x(), vector.y(), vector.z()


@pytest.mark.parametrize(
    ("one", "other"), [(2, 1), (1, 2), (0.2, 0.1), (60, 25), (5, 5), (89, 30), (120, 100)]
)
def test_the_area_of_an_ellipse_is_its_own(one: float, other: float) -> None:
    assert said(ellipse(one, other)).area == pytest.approx(measured(ellipse(one, other)), rel=1e-6)


def test_the_area_of_other_shapes_is_their_own() -> None:
    assert said(ellipse(2, 1)).area == pytest.approx(2 * math.pi, rel=1e-3)  # nearly flat
    assert said(ellipse(2, 1e-4)).area == pytest.approx(2e-4 * math.pi, rel=1e-3)
    assert said(ellipse(90, 90)).area == pytest.approx(SKY / 2)
    assert said(CIRCLE).area == pytest.approx(SKY / 2 * (1 - math.cos(math.radians(1))))
    assert said(BOX).area == pytest.approx(SKY * 4 / 360 * math.sin(math.radians(5)))
    assert said(SQUARE).area == pytest.approx(1, rel=1e-3)
    apart = UnionRegion(UnionRegion(SQUARE, ConvexPolygon([at(9, 0), at(9.5, 0), at(9, 1)])), CIRCLE)
    assert said(apart).area == pytest.approx(1 + 0.25 + math.pi, rel=1e-3)
    for whole in (Box.full(), Circle.full(), Ellipse.full()):
        assert said(whole).area == pytest.approx(SKY)
    for nothing in (Box.empty(), Circle.empty(), Ellipse.empty()):
        assert said(nothing).area == 0.0


@pytest.mark.parametrize("shape", [UnionRegion(BOX, SQUARE), IntersectionRegion(CIRCLE, ellipse(2, 1))])
def test_an_area_that_is_not_known_is_none_of_another_shape(shape: Region) -> None:
    with pytest.raises(Unsupported, match="area"):
        said(shape).area  # noqa: B018


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (CIRCLE, "CIRCLE ICRS 10.0 20.0 1.0"),
        (SQUARE, "POLYGON ICRS 0.0 0.0 1.0 0.0 1.0 1.0 0.0 1.0"),
        (BOX, "POSITIONINTERVAL ICRS 358.0 -5.0 2.0 5.0"),
        (ellipse(2, 1), "ELLIPSE ICRS 10 20 2.0 1.0 30.0"),
        (ellipse(3, 3), "CIRCLE ICRS 10.0 20.0 3.0"),
        (ellipse(90, 90), "CIRCLE ICRS 10.0 20.0 90.0"),
        (UnionRegion(BOX, CIRCLE), "UNION ICRS ( POSITIONINTERVAL 358.0 -5.0 2.0 5.0 CIRCLE 10 20 1 )"),
        (IntersectionRegion(CIRCLE, CIRCLE), "INTERSECTION ICRS ( CIRCLE 10 20 1 CIRCLE 10 20 1 )"),
        (Box.full(), "CIRCLE ICRS 0.0 90.0 180.0"),
    ],
)
def test_s_region_means_exactly_the_region(shape: Region, words: str) -> None:
    found = said(shape).s_region
    for one, wanted in zip(found.split(), words.split(), strict=True):
        assert one == wanted or float(one) == pytest.approx(float(wanted))
    assert sky([text(shape)])[3].to_pylist() == [found]


@pytest.mark.parametrize("shape", [Box.empty(), Circle.empty(), Ellipse.empty()])
def test_nothing_has_no_text(shape: Region) -> None:
    assert (said(shape).s_region, said(shape).radius) == ("", 0.0)
    assert sky([text(shape), None])[3].to_pylist() == [None, None]
