"""Footprints are those of lsst.daf.butler's own plugin, one region at a time."""

from __future__ import annotations

import base64
import math
from contextlib import suppress
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsst.daf.butler.registry.obscore.default_spatial import DefaultSpatialObsCorePlugin
from lsst.sphgeom import Angle, Box, Circle, ConvexPolygon, LonLat, Region, UnionRegion, UnitVector3d

from gateway.tables.obscore.footprints import Footprints, _six_digits, footprints

PLUGIN = DefaultSpatialObsCorePlugin(name="default", config={})


def text(region: Region) -> str:
    return base64.b64encode(region.encode()).decode()


def made(texts: list[str | None]) -> Footprints:
    return footprints(pa.array(texts, pa.string()))


def around(ra: float, dec: float, radius: float, turns: list[float]) -> ConvexPolygon | None:
    """A polygon with corners on a circle; None where the corners are too close for one."""
    middle = UnitVector3d(LonLat.fromDegrees(ra, dec))
    east = UnitVector3d.orthogonalTo(middle)
    reach = math.tan(math.radians(radius))
    points = []
    for turn in turns:
        point = middle + east.rotatedAround(middle, Angle.fromDegrees(turn)) * reach
        points.append(UnitVector3d(point))
    try:
        return ConvexPolygon(points)
    except (ValueError, RuntimeError):
        return None


REGIONS = st.builds(
    around,
    st.floats(0, 360),
    st.floats(-90, 90),
    st.floats(0.001, 60),
    st.lists(st.floats(0, 359), min_size=3, max_size=9),
)


@given(st.lists(st.none() | REGIONS, max_size=20))
def test_polygons_are_as_the_plugin_has_them(regions: list[ConvexPolygon | None]) -> None:
    columns = made([one and text(one) for one in regions]).columns
    for place, region in enumerate(regions):
        expected: dict[str, Any] = dict.fromkeys(columns)
        with suppress(RuntimeError):  # sphgeom gives half a sphere no middle
            expected |= PLUGIN.make_records(region) or {}
        for name, column in columns.items():
            found, value = column[place].as_py(), expected[name]
            if isinstance(value, float):
                # Degrees, to 0.4 milliarcseconds: a thin triangle loses half of its digits, and not the same ones in both.
                assert math.isclose(found, value, rel_tol=0, abs_tol=1e-7)
            elif value is None:
                assert found is None
            else:
                assert found.split()[:2] == value.split()[:2]
                numbers = [[float(word) for word in one.split()[2:]] for one in (found, value)]
                assert numbers[0] == pytest.approx(numbers[1], rel=0, abs=1.01e-6)


def test_a_region_that_stands_in_many_rows() -> None:
    first, second = around(10, 20, 0.1, [0, 90, 200]), around(10, 20, 0.1, [0, 80, 200, 300])
    assert first is not None
    assert second is not None
    rows = [text(first), None, text(second), text(first)]
    found = made(rows).outline.to_pylist()
    assert found[0] == found[3] != found[2]
    assert found[1] is None


@pytest.mark.parametrize(
    ("region", "outline"),
    [
        (
            Circle(UnitVector3d(LonLat.fromDegrees(350, -10)), Angle.fromDegrees(2)),
            "CIRCLE ICRS 350.000000 -10.000000 2.000000",
        ),
        (Box.fromDegrees(1, 2, 3, 4), None),
        (UnionRegion(Box.fromDegrees(1, 2, 3, 4), Box.fromDegrees(3, 2, 5, 4)), None),
    ],
)
def test_other_shapes_have_a_middle_and_the_outline_that_there_is_a_word_for(
    region: Region, outline: str | None
) -> None:
    with pytest.raises(TypeError, match="Unexpected region type"):
        PLUGIN.make_records(region)
    found = made([text(region)])
    circle = region.getBoundingCircle()
    assert found.outline.to_pylist() == [outline]
    assert found.fov.to_pylist() == [2 * circle.getOpeningAngle().asDegrees()]
    assert found.ra.to_pylist() == [LonLat(circle.getCenter()).getLon().asDegrees()]


@pytest.mark.parametrize("broken", ["", "nonsense", "cAAA", "é", base64.b64encode(b"p" + bytes(72)).decode()])
def test_a_broken_region_is_none(broken: str) -> None:
    assert [column.to_pylist() for column in made([broken]).columns.values()] == [[None]] * 4


def test_no_region_at_all() -> None:
    assert made([]).columns["s_ra"].to_pylist() == []
    assert made([None, None]).columns["s_region"].to_pylist() == [None, None]


def test_very_many_polygons_have_the_digits_that_python_gives() -> None:
    """Half-way between two last digits, and below zero but not by a millionth, among them."""
    random = np.random.default_rng(0)
    degrees = np.concatenate([random.uniform(-90, 360, 200_000), random.integers(-90, 360, 10_000) + 0.5e-6])
    degrees = np.concatenate(
        [degrees, np.round(degrees, 6), [0.0, -0.0, -1e-7, -4.9e-7, -5e-7, -5.1e-7, 5e-7]]
    )
    assert _six_digits(degrees).to_pylist() == [f"{one:.6f}" for one in degrees]


def test_a_broken_region_among_others_spoils_none_of_them() -> None:
    whole = around(10, 20, 0.1, [0, 90, 200])
    assert whole is not None
    good = text(whole)
    texts = [good, "!" * len(good), "é" + good[1:], good[:-2] + "AA", "c" + good[1:]]
    outlines = made(texts).outline.to_pylist()
    assert outlines[0] == made([good]).outline.to_pylist()[0] is not None
    assert outlines[1:3] == [None, None]
