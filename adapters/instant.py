"""Time: ISO 8601 text in UTC, MJD in a named scale, and Butler's integer nanoseconds of TAI.

Butler's registry counts nanoseconds of TAI since 1970-01-01T00:00:00 TAI
(``lsst.daf.butler.time_utils.TimeConverter``). Here the conversion is done with integers and the leap seconds
of the IERS (the table that astropy keeps in erfa), so that it is exact to the nanosecond, both ways, the leap
second itself (23:59:60) included. No conversion here clips: an instant outside of what 64 bits of nanoseconds
hold (1677-09-22 to 2262-04-11) is a ValueError.

UTC before 1972 was no integer number of seconds away from TAI. There erfa's formulae are used, which are
accurate to about ten nanoseconds, except on days that end in a step of UTC (the last: 1971-12-31, 0.1 s). Text
before 1960, when UTC began, is read as if TAI and UTC were the same.
Leap seconds that have not been announced do not exist yet: times in the future may move by whole seconds when
they are.
"""

from __future__ import annotations

import re
import warnings
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

SECOND = 1_000_000_000
DAY = 86_400
LOWEST, HIGHEST = -(2**63), 2**63 - 1
SCALES = ("UTC", "TAI", "TT", "TDB")

_EPOCH = date(1970, 1, 1).toordinal()
_MJD_EPOCH = 40_587  # the MJD of 1970-01-01
_TEXT = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class LeapSeconds:
    """``utc[i]``: the second of UTC (POSIX) from which TAI - UTC is ``offset[i]``; ``tai[i]``: the same
    instant on TAI. Starts in 1972."""

    utc: tuple[int, ...]
    offset: tuple[int, ...]
    tai: tuple[int, ...]


@cache
def leap_seconds() -> LeapSeconds:
    """The table, as it is when it is first asked for."""
    import astropy.time  # noqa: F401  (brings erfa's table up to date)
    import erfa

    table = [row for row in erfa.leap_seconds.get() if row["year"] >= 1972]
    utc = tuple((date(int(row["year"]), int(row["month"]), 1).toordinal() - _EPOCH) * DAY for row in table)
    offset = tuple(round(float(row["tai_utc"])) for row in table)
    return LeapSeconds(utc, offset, tuple(u + o for u, o in zip(utc, offset, strict=True)))


def from_text(text: str) -> int:
    """Nanoseconds of TAI of an ISO 8601 instant such as ``2025-12-03T07:58:30.425363958Z``.

    Either a trailing Z or an offset from UTC (``+03:00``) is needed, and at most nine digits of a second.
    Raises ValueError with a message for whoever wrote the text.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is no instant: write it as 2025-12-03T07:58:30Z or 2025-12-03T07:58:30.425363958Z (UTC, "
            "with a trailing Z or an offset such as +03:00)."
        )
    fraction = match[7] or ""
    if len(fraction) > 9:
        raise ValueError(f"{text!r} has more than nine digits of a second; Butler counts nanoseconds.")
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    try:
        days = date(year, month, day).toordinal() - _EPOCH
    except ValueError as error:
        raise ValueError(f"{text!r} is no instant: {error}.") from None
    if hour > 23 or minute > 59 or second > 60:
        raise ValueError(
            f"{text!r} is no instant: hours go to 23, minutes to 59, seconds to 59 (60 in a leap second)."
        )
    minutes = hour * 60 + minute
    if match[8] not in "Zz":
        hours_off, minutes_off = int(match[8][1:3]), int(match[8][4:6])
        if hours_off > 23 or minutes_off > 59:
            raise ValueError(f"{text!r} is no instant: {match[8]} is no offset from UTC.")
        away = hours_off * 60 + minutes_off
        minutes += away if match[8][0] == "-" else -away
    days, minutes = days + minutes // 1440, minutes % 1440
    if abs(days) > HIGHEST // (DAY * SECOND):
        raise ValueError(_outside(text))
    nanoseconds = int(fraction.ljust(9, "0"))
    return _within(_from_utc(days, minutes, second, nanoseconds, text), text)


def _from_utc(days: int, minutes: int, second: int, nanoseconds: int, text: str) -> int:
    table = leap_seconds()
    utc = days * DAY + minutes * 60 + second
    if second == 60:
        # Written after the last second of the day: the instant before the table's next step. It must be one.
        if utc not in table.utc[1:]:
            raise ValueError(f"{text!r} is no instant: there was no leap second then.")
        return (utc + table.offset[table.utc.index(utc) - 1]) * SECOND + nanoseconds
    if utc < table.utc[0]:
        return _from_old_utc(days, minutes, second, nanoseconds)
    return (utc + table.offset[bisect_right(table.utc, utc) - 1]) * SECOND + nanoseconds


def to_text(ns: int) -> str:
    """ISO 8601 text in UTC with a trailing Z, without trailing zeros in the fraction; exact."""
    table = leap_seconds()
    seconds, nanoseconds = divmod(ns, SECOND)
    place = bisect_right(table.tai, seconds) - 1
    if place < 0:
        days, second_of_day, nanoseconds = _to_old_utc(ns)
    else:
        utc = seconds - table.offset[place]
        # The step at its end belongs to the day before: 23:59:60.
        leap = place + 1 < len(table.utc) and utc >= table.utc[place + 1]
        days, second_of_day = divmod(utc - leap, DAY)
        second_of_day += leap
    minutes, second = divmod(second_of_day, 60)
    if second_of_day == DAY:
        minutes, second = 1439, 60
    text = f"{date.fromordinal(_EPOCH + days).isoformat()}T{minutes // 60:02}:{minutes % 60:02}:{second:02}"
    if nanoseconds:
        text += f".{nanoseconds:09}".rstrip("0")
    return text + "Z"


def to_unix(ns: int) -> int:
    """Nanoseconds of POSIX time, of days that have 86,400 seconds: a leap second is the second behind it."""
    table = leap_seconds()
    seconds, nanoseconds = divmod(ns, SECOND)
    place = bisect_right(table.tai, seconds) - 1
    if place < 0:
        days, second_of_day, nanoseconds = _to_old_utc(ns)
        return (days * DAY + second_of_day) * SECOND + nanoseconds
    return (seconds - table.offset[place]) * SECOND + nanoseconds


def from_mjd(mjd: float, scale: str) -> int:
    """Nanoseconds of TAI of a Modified Julian Date in one of ``SCALES``.

    A double holds today's MJD to about a microsecond: what it holds is converted, nothing is rounded to a
    nicer number. Raises ValueError for a number that is none, and for a scale that is unknown.
    """
    if scale not in SCALES:
        raise ValueError(f"{scale!r} is no time scale here; there are {', '.join(SCALES)}.")
    if not -1_000_000 < mjd < 1_000_000:
        raise ValueError(f"{mjd!r} is no MJD that can be converted (today's are near 60000).")
    time = _astropy(float(mjd // 1), float(mjd % 1), "mjd", scale)
    return _within(_nanoseconds(time), f"MJD {mjd!r}")


def to_mjd(ns: int, scale: str) -> float:
    """The Modified Julian Date in one of ``SCALES``, as near as a double comes (about a microsecond)."""
    if scale not in SCALES:
        raise ValueError(f"{scale!r} is no time scale here; there are {', '.join(SCALES)}.")
    days, rest = divmod(ns, DAY * SECOND)
    time = _astropy(float(_MJD_EPOCH + days), rest / (DAY * SECOND), "mjd", "TAI")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "dubious year": beyond the leap seconds that are announced
        return float(getattr(time, scale.lower()).mjd)


def _astropy(first: float, second: float, form: str, scale: str) -> Any:
    from astropy.time import Time

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Time(first, second, format=form, scale=scale.lower())


def _nanoseconds(time: Any) -> int:
    """Of a time of any scale: its two doubles taken apart into whole days and nanoseconds, as Butler does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tai = time.tai
    return _join(float(tai.jd1), float(tai.jd2))


def _join(jd1: float, jd2: float) -> int:
    whole, part = divmod(jd1 - 2_440_587.5, 1)
    return int(whole) * DAY * SECOND + round((part + jd2) * (DAY * SECOND))


def _from_old_utc(days: int, minutes: int, second: int, nanoseconds: int) -> int:
    import erfa

    day = date.fromordinal(_EPOCH + days)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        utc = erfa.dtf2d(
            "UTC", day.year, day.month, day.day, minutes // 60, minutes % 60, second + nanoseconds / SECOND
        )
        tai = erfa.utctai(*utc)
    return _join(float(tai[0]), float(tai[1]))


def _to_old_utc(ns: int) -> tuple[int, int, int]:
    import erfa

    days, rest = divmod(ns, DAY * SECOND)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        utc = erfa.taiutc(2_440_587.5 + days, rest / (DAY * SECOND))
        year, month, day, clock = erfa.d2dtf("UTC", 9, *utc)
    hour, minute, second, fraction = (int(clock[name]) for name in ("h", "m", "s", "f"))
    ordinal = date(int(year), int(month), int(day)).toordinal() - _EPOCH
    return ordinal, hour * 3600 + minute * 60 + second, fraction


def _within(ns: int, text: str) -> int:
    if not LOWEST <= ns <= HIGHEST:
        raise ValueError(_outside(text))
    return ns


def _outside(text: str) -> str:
    return (
        f"{text!r} is outside of Butler's clock (years 1678 to 2261); leave an end out where it is unbounded."
    )
