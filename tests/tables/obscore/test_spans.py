"""Times are the doubles that astropy gives."""

from __future__ import annotations

import warnings

from hypothesis import given
from hypothesis import strategies as st
from lsst.daf.butler.time_utils import TimeConverter

from adapters import instant
from gateway.tables.obscore.spans import mjd

LEAP = instant.from_text("2016-12-31T23:59:60Z")


def astropys(ns: int) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(TimeConverter().nsec_to_astropy(ns).utc.mjd)


@given(
    st.lists(
        st.none() | st.integers(0, 4_102_444_800 * 10**9) | st.integers(LEAP - 2 * 10**9, LEAP + 2 * 10**9)
    )
)
def test_times_are_astropys_to_the_last_bit(times: list[int | None]) -> None:
    assert mjd(times).to_pylist() == [None if ns is None else astropys(ns) for ns in times]


def test_times_are_utc() -> None:
    # 2017-01-01 began 37 s of TAI after what TAI calls so (IERS Bulletin C 52).
    assert mjd([instant.from_text("2017-01-01T00:00:00Z")]).to_pylist() == [57754.0]
