"""Forms of other standards by themselves: s_region, shapes in ADQL, times, VOTables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import instant, region
from adapters.errors import BadUserInput
from adapters.tap import shapes, times, votable

from .documents import error
from .documents import votable as written


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Polygon ICRS 10 10 11 10 11 11", "POLYGON"),
        ("POLYGON ICRS TOPOCENTER 10. 10. 11. 10. 11. 11.", "POLYGON"),
        ("polygon 10 10 11 10 11 11", "POLYGON"),
        ("10 10 11 10 11 11", "POLYGON"),
        ("Circle ICRS 10 -10 0.5", "CIRCLE"),
        ("10 -10 5e-1", "CIRCLE"),
        ("RANGE 10 11 -1 1", "POSITIONINTERVAL ICRS 10.0 -1.0 11.0 1.0"),
    ],
)
def test_regions_of_services_are_read(text: str, kind: str) -> None:
    found = shapes.encoded(text)
    assert found is not None and region.describe(found).s_region.startswith(kind)


@pytest.mark.parametrize(
    "text",
    ["", "Union ICRS (Circle 1 2 3 Circle 4 5 6)", "Polygon GALACTIC 10 10 11 10 11 11", "Circle ICRS 1 2", "10 10 11", "Box 1 2 3 4",
     "Polygon ICRS 0 0 1 1 1 0 0 1", "x"],
)  # fmt: skip
def test_regions_that_lsst_sphgeom_has_not_are_none(text: str) -> None:
    if text == "10 10 11":
        assert shapes.encoded(text) is not None, "a circle"
        return
    assert shapes.encoded(text) is None


@pytest.mark.parametrize(
    ("shape", "condition", "exact"),
    [
        ("CIRCLE 10 -5 0.5", "1 = INTERSECTS(CIRCLE('ICRS', 10.0, -5.0, 0.5), s_region)", True),
        ("circle ICRS 10 -5 0", "1 = CONTAINS(POINT('ICRS', 10.0, -5.0), s_region)", True),
        ("CIRCLE 10 -5 120", "s_region IS NOT NULL", False),
        ("RANGE -inf +inf -90 90", "s_region IS NOT NULL", False),
    ],
)
def test_shapes_become_geometry(shape: str, condition: str, exact: bool) -> None:
    found = shapes.footprint(shape, "s_region")
    assert found.condition == condition and (found.exact is None) is exact


def test_a_polygon_has_its_corners_and_a_range_is_looked_at() -> None:
    polygon = shapes.footprint("POLYGON 10 10 11 10 11 11", "s_region")
    assert (
        polygon.condition is not None
        and polygon.condition.startswith("1 = INTERSECTS(POLYGON('ICRS', ")
        and polygon.exact is None
    )
    box = shapes.footprint("RANGE 10 11 -1 1", "s_region")
    assert box.condition is not None and "CIRCLE" in box.condition
    assert (
        box.takes("Circle ICRS 10.5 0 0.1")
        and not box.takes("Circle ICRS 11.2 1.2 0.1")
        and not box.takes(None)
    )


@pytest.mark.parametrize(
    "shape", ["", "CIRCLE 1 2", "CIRCLE 0 0 1) OR (1=1", "POLYGON 0 0 1 1 1 0 0 1", "CIRCLE 0 0 nan"]
)
def test_what_is_no_shape_is_refused(shape: str) -> None:
    with pytest.raises(BadUserInput):
        shapes.footprint(shape, "s_region")


@given(st.floats(45_000, 65_000), st.sampled_from(instant.SCALES))
def test_times_are_those_of_one_by_one(mjd: float, scale: str) -> None:
    ((begin, end),) = times.nanoseconds([(mjd, None)], scale)
    assert end is None and begin is not None and abs(begin - instant.from_mjd(mjd, scale)) <= 1


def test_times_out_of_range_are_none() -> None:
    assert times.nanoseconds([(float("inf"), 1e9), (-1e9, float("nan"))], "UTC") == [
        (None, None),
        (None, None),
    ]
    assert times.nanoseconds([], "TAI") == []


def test_a_votable_is_read_with_its_nulls() -> None:
    document = written({"a": "char*", "b": "double", "c": "long"}, [("x", 1.5, 3), (None, "NaN", 4)])
    answer = votable.read(document)
    assert answer.rows == [("x", 1.5, 3), (None, None, 4)] and not answer.overflow
    assert [(one.name, one.whole, one.real) for one in answer.fields] == [
        ("a", False, False),
        ("b", False, True),
        ("c", True, False),
    ]
    assert votable.read(written({"a": "int"}, [(1,)], overflow=True)).overflow
    assert votable.read(written({"a": "int"}, [])).rows == []


def test_a_votable_may_hold_arrays_for_regions() -> None:
    document = (
        written({"a": "char*"}, [("p",)])
        .replace(
            b'<FIELD name="a" ID="a" datatype="char" arraysize="*"/>',
            b'<FIELD name="a" ID="a" datatype="double" arraysize="*" xtype="polygon"/>',
        )
        .replace(b"<TD>p</TD>", b"<TD>10 10 11 10 11 11</TD>")
    )
    ((text,),) = votable.read(document).rows
    assert shapes.encoded(text) is not None


def test_an_error_in_a_votable_is_its_text() -> None:
    with pytest.raises(votable.QueryError, match="bad <query>"):
        votable.read(error("bad <query>"))
    for content in (b"", b"<html/>", b"{}", b'<?xml version="1.0"?><!DOCTYPE a []><VOTABLE/>'):
        with pytest.raises(votable.NoVotable):
            votable.read(content)
