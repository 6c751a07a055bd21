"""Columns of times: nanoseconds of TAI, as registries keep them, in the forms that tables have."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from astropy.time import Time

from adapters import instant

_DAY = 86_400_000_000_000  # ns
_MJD_EPOCH = 40_587  # the MJD of 1970-01-01
TIMESTAMP = pa.timestamp("us", tz="UTC")


def mjd(values: Sequence[int | None]) -> pa.Array:
    """Modified Julian Dates, UTC, as near as a double comes (about a microsecond); just what astropy gives."""
    time, missing = _times(values)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "dubious year": beyond the leap seconds that are announced
        return pa.array(np.asarray(time.utc.mjd, dtype=np.float64), pa.float64(), mask=missing)


def timestamps(values: Sequence[int | None]) -> pa.Array:
    """Instants of UTC, down to the microsecond. A leap second, which the type lacks, is the second after it."""
    return pa.array(
        [None if value is None else instant.to_unix(value) // 1000 for value in values], pa.int64()
    ).cast(TIMESTAMP)


def _times(values: Sequence[int | None]) -> tuple[Time, np.ndarray]:
    missing = np.fromiter((value is None for value in values), dtype=bool, count=len(values))
    known = np.fromiter((value or 0 for value in values), dtype=np.int64, count=len(values))
    days, rest = np.divmod(known, _DAY)
    return Time(days + float(_MJD_EPOCH), rest / _DAY, format="mjd", scale="tai"), missing
