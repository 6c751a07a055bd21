"""Times are the doubles that astropy gives."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st
from lsst.daf.butler.time_utils import TimeConverter

from adapters import instant
from gateway.tables.times import mjd, timestamps

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
    assert mjd(pa.array(times, pa.int64())).to_pylist() == [
        None if ns is None else astropys(ns) for ns in times
    ]


def test_times_are_utc() -> None:
    # 2017-01-01 began 37 s of TAI after what TAI calls so (IERS Bulletin C 52).
    assert mjd(pa.array([instant.from_text("2017-01-01T00:00:00Z")])).to_pylist() == [57754.0]


def test_very_many_times_are_astropys_to_the_last_bit() -> None:
    """Among so many are some that lie between two doubles."""
    random = np.random.default_rng(0)
    for step in (1, 10**6, 10**9):
        ns = random.integers(63_072_010, 2_208_988_800, 200_000) * 10**9 + random.integers(0, 10**9, 200_000)
        ns = ns // step * step
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            days, rest = np.divmod(ns, 86_400 * 10**9)
            expected = Time(days + 40_587.0, rest / (86_400 * 10**9), format="mjd", scale="tai").utc.mjd
        assert np.array_equal(mjd(pa.array(ns)).to_numpy(), expected)


@given(st.lists(st.none() | st.integers(-(2**61), 2**62) | st.integers(LEAP - 2 * 10**9, LEAP + 2 * 10**9)))
def test_timestamps_are_utc_to_the_microsecond(times: list[int | None]) -> None:
    found = timestamps(pa.array(times, pa.int64())).cast(pa.int64()).to_pylist()
    assert found == [None if ns is None else instant.to_unix(ns) // 1000 for ns in times]
