"""What is found once is dealt to all parents that are tied to it."""

from __future__ import annotations

from base64 import b64encode

import pytest
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

from adapters.butler.sky_links import Ties
from adapters.caller import Call
from adapters.errors import TooComplex
from adapters.rows import Row


def square(ra: float, width: float = 1.0) -> str:
    corners = ((ra, 0.0), (ra + width, 0.0), (ra + width, 1.0), (ra, 1.0))
    polygon = ConvexPolygon([UnitVector3d(LonLat.fromDegrees(*corner)) for corner in corners])
    return b64encode(polygon.encode()).decode()


NEAR, FAR = [square(0.0), square(0.5), square(9.0)], [square(0.0, 0.5), square(0.5)]
PAIRS = [(0, 0), (0, 1), (1, 1)]
LINKS = {("a",): {0: 0}, ("b",): {0: 1, 1: 2}}
ROWS: list[Row] = [(1, "second", None, "x"), (0, "first", None, "y"), (1, "third", None, "z")]


def dealt(limit: int, most: int = 100, *, measure: bool = False) -> list[Row]:
    return Ties(3, NEAR, FAR, PAIRS, LINKS).deal(ROWS, 2, limit, Call(max_rows=most), measure=measure)


def test_each_parent_has_its_rows_in_their_order() -> None:
    assert [row[:2] for row in dealt(9)] == [
        (0, "second"),
        (0, "first"),
        (0, "third"),
        (1, "second"),
        (1, "third"),
    ]
    assert [row[:2] for row in dealt(1)] == [(0, "second"), (1, "second")]
    assert {row[2] for row in dealt(9)} == {None}
    assert [row[3] for row in dealt(2)] == ["x", "y", "x", "z"]


def test_the_share_is_that_of_the_pair() -> None:
    shares = [row[2] for row in dealt(2, measure=True)]
    assert shares == [pytest.approx(0.5, abs=1e-3), pytest.approx(0.5, abs=1e-3), 1.0, 1.0]


def test_more_than_a_call_may_return() -> None:
    assert len(dealt(9, most=5)) == 5
    with pytest.raises(TooComplex):
        dealt(9, most=4)
    with pytest.raises(TooComplex):
        dealt(1, most=2)
