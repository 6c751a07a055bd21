"""Times are right to the nanosecond where Butler's are."""

from __future__ import annotations

import warnings
from datetime import date

import erfa
import pytest
from astropy.time import Time
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lsst.daf.butler.time_utils import TimeConverter

from adapters import instant

SECOND = 10**9
NEWEST = instant.from_text("2099-12-30T00:00:00Z")
LEAPS = [
    instant.from_text(f"{row['year']}-{row['month']:02}-01T00:00:00Z")
    for row in erfa.leap_seconds.get()
    if row["year"] >= 1973 or (row["year"], row["month"]) == (1972, 7)
]


def astropy_ns(text: str) -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return TimeConverter().astropy_to_nsec(Time(text.removesuffix("Z"), format="isot", scale="utc"))


around_leaps = st.builds(
    lambda leap, away: leap + away, st.sampled_from(LEAPS), st.integers(-3 * SECOND, SECOND)
)
since_1972 = st.integers(instant.from_text("1972-01-01T00:00:00Z"), NEWEST)


@given(st.one_of(since_1972, around_leaps))
@example(0)
@settings(max_examples=400, deadline=None)
def test_every_nanosecond_survives_text_and_back(ns: int) -> None:
    if ns >= instant.from_text("1972-01-01T00:00:00Z"):
        assert instant.from_text(instant.to_text(ns)) == ns


@given(st.one_of(since_1972, around_leaps))
@settings(max_examples=400, deadline=None)
def test_text_means_to_butler_what_it_means_here(ns: int) -> None:
    assert astropy_ns(instant.to_text(ns)) == ns


@given(st.one_of(since_1972, around_leaps))
@settings(max_examples=300, deadline=None)
def test_butlers_own_time_prints_as_the_same_text(ns: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        time = TimeConverter().nsec_to_astropy(ns).utc
        time.precision = 9
        butlers = time.isot
    text = instant.to_text(ns)
    head, _, fraction = text.removesuffix("Z").partition(".")
    assert f"{head}.{fraction.ljust(9, '0')}" == butlers


@given(st.integers(0, instant.from_text("1971-12-31T00:00:00Z")))
@settings(max_examples=100, deadline=None)
def test_before_1972_it_is_right_to_ten_nanoseconds(ns: int) -> None:
    text = instant.to_text(ns)
    assert abs(instant.from_text(text) - ns) <= 10
    assert abs(astropy_ns(text) - ns) <= 10


def test_a_leap_second_has_its_own_name() -> None:
    before = instant.from_text("2016-12-31T23:59:59.999999999Z")
    assert instant.to_text(before + 1) == "2016-12-31T23:59:60Z"
    assert instant.to_text(before + 1 + SECOND - 1) == "2016-12-31T23:59:60.999999999Z"
    assert instant.to_text(before + 1 + SECOND) == "2017-01-01T00:00:00Z"
    assert instant.from_text("2017-01-01T01:59:60+02:00") == before + 1


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("2025-12-03T07:58:30.4253639580Z"[:-2] + "Z", "2025-12-03T07:58:30.425363958Z"),
        ("2025-12-03T10:58:30+03:00", "2025-12-03T07:58:30Z"),
        ("2025-12-03T00:28:30-07:30", "2025-12-03T07:58:30Z"),
        ("2025-12-03t07:58:30.500z", "2025-12-03T07:58:30.5Z"),
        ("2024-02-28T23:30:00-01:00", "2024-02-29T00:30:00Z"),
        ("1858-11-17T00:00:00Z", "1858-11-17T00:00:00Z"),
    ],
)
def test_offsets_and_digits_are_read(text: str, same: str) -> None:
    assert instant.to_text(instant.from_text(text)) == same


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025-12-03",
        "2025-12-03T07:58:30",
        "2025-12-03 07:58:30Z",
        "2025-12-03T07:58Z",
        "2025-13-03T07:58:30Z",
        "2025-02-29T07:58:30Z",
        "2025-12-03T24:00:00Z",
        "2025-12-03T07:60:00Z",
        "2025-12-03T07:58:60Z",
        "2015-12-31T23:59:60Z",
        "2025-12-03T07:58:30.1234567890Z",
        "2025-12-03T07:58:30+25:00",
        "٢025-12-03T07:58:30Z",
        "9999-12-31T00:00:00Z",
        "0001-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ],
)
def test_what_is_no_instant_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError, match=r"instant|digits|clock"):
        instant.from_text(text)


@pytest.mark.parametrize("scale", instant.SCALES)
@given(mjd=st.floats(41_500, 80_000))
@settings(max_examples=100, deadline=None)
def test_mjd_is_what_astropy_says(scale: str, mjd: float) -> None:
    ns = instant.from_mjd(mjd, scale)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        time = Time(mjd, format="mjd", scale=scale.lower())
    assert abs(ns - TimeConverter().astropy_to_nsec(time)) <= 1
    assert instant.to_mjd(ns, scale) == pytest.approx(mjd, abs=2e-11)


def test_mjd_of_utc_on_a_day_with_a_leap_second() -> None:
    noon = instant.from_text("2016-12-31T12:00:00.500000000Z")
    assert instant.from_mjd(57753.5, "UTC") == noon


@pytest.mark.parametrize("mjd", [float("nan"), float("inf"), 1e9, -1e9, 400_000.0])
def test_what_is_no_mjd_is_refused(mjd: float) -> None:
    with pytest.raises(ValueError, match=r"MJD"):
        instant.from_mjd(mjd, "UTC")


def test_an_unknown_scale_names_those_that_exist() -> None:
    with pytest.raises(ValueError, match="UTC, TAI, TT, TDB"):
        instant.from_mjd(60000.0, "GPS")


def test_the_epoch_is_butlers() -> None:
    assert instant.from_mjd(40587.0, "TAI") == 0
    assert date.fromordinal(instant._EPOCH) == date(1970, 1, 1)
