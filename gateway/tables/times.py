"""Columns of times: nanoseconds of TAI, as registries keep them, in the forms that tables have."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.time import Time

from adapters import instant
from adapters.rows import Joined, Row
from gateway.tables.arrays import TIMESTAMP, placed

Integers = np.ndarray[Any, np.dtype[np.int64]]
Numbers = np.ndarray[Any, np.dtype[np.float64]]

_DAY = instant.DAY * instant.SECOND
_MJD_EPOCH = 40_587  # the MJD of 1970-01-01
_CLOSE = 1e-15
"""Days: far more than astropy's sums of two doubles are away from the truth (1e-16)."""


def spans(rows: Sequence[Row], joined: Joined) -> tuple[pa.Int64Array, pa.Int64Array]:
    """Begins and ends of the timespans that rows of datasets brought along, ns of TAI; null where there is none, or it is unbounded."""
    _, begin, end = joined.places
    return placed(rows, begin, pa.int64()), placed(rows, end, pa.int64())


def mjd(times: pa.Int64Array) -> pa.DoubleArray:
    """Modified Julian Dates, UTC, as near as a double comes (about a microsecond): the double that ``astropy.time.Time(...).utc.mjd`` is.

    Made of integers, which takes a twentieth of astropy's time. Where the two might be rounded in different ways, astropy is asked:
    within a hair's breadth of the middle between two doubles, around leap seconds (a day that ends in one has stretched MJDs), and before
    1972.
    """
    if times.null_count == len(times):
        return pa.nulls(len(times), pa.float64())
    ns = times.fill_null(0).to_numpy()
    utc, known = _utc(ns)
    days, rest = np.divmod(utc, _DAY)
    whole, part = days + float(_MJD_EPOCH), rest / _DAY
    found = whole + part
    lost = np.abs(part - (found - whole))
    asked = ~known | np.isin(days, _stretched()) | (np.abs(lost - np.spacing(found) / 2) < _CLOSE)
    if asked.any():
        found[asked] = _astropys(ns[asked])
    return pa.array(found, mask=times.is_null().to_numpy(zero_copy_only=False))


def timestamps(times: pa.Int64Array) -> pa.TimestampArray:
    """Instants of UTC, down to the microsecond. A leap second, which the type lacks, is the second after it."""
    ns = times.fill_null(0).to_numpy()
    utc, known = _utc(ns)
    for place in np.flatnonzero(~known):
        utc[place] = instant.to_unix(int(ns[place]))
    missing = times.is_null().to_numpy(zero_copy_only=False)
    return pa.array(utc // 1000, pa.int64(), mask=missing).cast(TIMESTAMP)


def _utc(ns: Integers) -> tuple[Integers, np.ndarray[Any, np.dtype[np.bool_]]]:
    """POSIX time, ns, and where it is known: since 1972, when UTC began to be whole seconds away from TAI."""
    table = instant.leap_seconds()
    place = np.searchsorted(np.array(table.tai) * instant.SECOND, ns, side="right") - 1
    return ns - (np.array(table.offset) * instant.SECOND)[place], place >= 0


@cache
def _stretched() -> Integers:
    """Days, since 1970, that end in a leap second, and those behind them: to POSIX time the leap second belongs there."""
    behind = np.array(instant.leap_seconds().utc[1:]) // instant.DAY
    return np.concatenate([behind - 1, behind])


def _astropys(ns: Integers) -> Numbers:
    days, rest = np.divmod(ns, _DAY)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "dubious year": beyond the leap seconds that are announced
        time = Time(days + float(_MJD_EPOCH), rest / _DAY, format="mjd", scale="tai")
        return np.asarray(time.utc.mjd, dtype=np.float64)
