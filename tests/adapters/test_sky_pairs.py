"""Pairs found by circles are the pairs that lsst.sphgeom says overlap: none is lost where shapes only touch, at the poles, across RA 0, among
shapes of any kind and size.

And what overlaps has a pixel of htm7 in common, by the envelopes that a registry keeps: looking among those alone loses nothing.
"""

from __future__ import annotations

from base64 import b64encode
from itertools import product

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from lsst.sphgeom import (
    Angle,
    Box,
    Circle,
    ConvexPolygon,
    Ellipse,
    HtmPixelization,
    IntersectionRegion,
    LonLat,
    Region,
    UnionRegion,
    UnitVector3d,
)

from adapters.butler.sky_pairs import overlapping
from adapters.errors import TooComplex

from .test_answers import effort

HTM7 = HtmPixelization(7)
MIDDLES = [(0.0, 0.0), (359.999, -30.0), (123.4, 5.0), (10.0, 90.0), (200.0, -90.0), (77.0, 89.99)]
SIZES = [0.0, 1e-9, 1e-6, 0.01, 0.5, 3.0]


def point(ra: float, dec: float) -> UnitVector3d:
    return UnitVector3d(LonLat.fromDegrees(ra % 360.0, max(-90.0, min(90.0, dec))))


def text(region: Region) -> str:
    return b64encode(region.encode()).decode()


@st.composite
def regions(draw: st.DrawFn, sizes: list[float]) -> Region:
    """On a grid around one of a few places, so that sides, corners and rims meet exactly or nearly."""
    size, (ra, dec) = draw(st.sampled_from(sizes)), draw(st.sampled_from(MIDDLES))
    centre = point(ra + size * draw(st.integers(-3, 3)), dec + size * draw(st.integers(-3, 3)))
    kind = draw(
        st.sampled_from(["polygon"] * 4 + ["circle", "circle", "box", "ellipse", "union", "both", "sky"])
    )
    event(kind)
    if kind == "sky":
        return draw(st.sampled_from([Circle.full(), Circle.empty(), Box.full(), Box.empty()]))
    if kind == "circle" or size == 0.0:
        return Circle(centre, Angle.fromDegrees(size * draw(st.sampled_from([0.5, 1.0, 2.0]))))
    if kind == "box":
        at = LonLat(centre)
        half = Angle.fromDegrees(size / 2)
        return Box(at, half, half)
    if kind == "ellipse":
        return Ellipse(Circle(centre, Angle.fromDegrees(size)))
    if kind in ("union", "both"):
        parts = (draw(regions(sizes)), draw(regions(sizes)))
        return UnionRegion(*parts) if kind == "union" else IntersectionRegion(*parts)
    axis = UnitVector3d.orthogonalTo(centre)
    start, count = draw(st.sampled_from([0.0, 45.0, 30.0])), draw(st.sampled_from([3, 4, 6]))
    corners = []
    for turn in range(count):
        side = axis.rotatedAround(centre, Angle.fromDegrees(start + 360.0 / count * turn))
        corners.append(centre.rotatedAround(side, Angle.fromDegrees(max(size, 1e-6))))
    return ConvexPolygon(corners)


def pixels_in_common(a: Region, b: Region) -> bool:
    return bool(HTM7.envelope(a).intersects(HTM7.envelope(b)))


@effort(200)
@given(data=st.data())
def test_circles_lose_nothing(data: st.DataObject) -> None:
    sizes = data.draw(st.sampled_from([[size] for size in SIZES] + [SIZES, [40.0], [120.0], [0.01, 60.0]]))
    near = data.draw(st.lists(regions(sizes), min_size=1, max_size=12))
    far = data.draw(st.lists(regions(sizes), min_size=1, max_size=12))
    asked = []

    def undecided(i: int, j: int) -> bool:
        asked.append((i, j))
        return (i + j) % 2 == 0

    found = overlapping([text(r) for r in near], [text(r) for r in far], 1_000, undecided)
    answers = {(i, j): a.overlaps(b) for (i, a), (j, b) in product(enumerate(near), enumerate(far))}
    unknown = {pair for pair, answer in answers.items() if answer is None}
    assert set(asked) == unknown
    assert len(found) == len(set(found))
    assert set(found) == {pair for pair, answer in answers.items() if answer} | {
        (i, j) for i, j in unknown if (i + j) % 2 == 0
    }
    event("overlapping" if found else "apart")


@effort(150)
@given(data=st.data())
def test_what_overlaps_has_a_pixel_in_common(data: st.DataObject) -> None:
    sizes = data.draw(st.sampled_from([[1e-9], [1e-6], [0.01], [0.5], [0.01, 0.5, 3.0]]))
    a, b = data.draw(regions(sizes)), data.draw(regions(sizes))
    if a.overlaps(b):
        assert pixels_in_common(a, b)


def test_more_pairs_than_may_be_looked_at() -> None:
    near = [text(Circle(point(10.0 + n / 100, 0.0), Angle.fromDegrees(1.0))) for n in range(10)]
    assert len(overlapping(near, near, 100, lambda _i, _j: False)) == 100
    with pytest.raises(TooComplex):
        overlapping(near, near, 99, lambda _i, _j: False)
    assert overlapping(near, [], 0, lambda _i, _j: False) == []
