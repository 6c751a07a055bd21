"""Times as ObsCore has them: Modified Julian Dates, UTC."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

_DAY = 86_400_000_000_000
_MJD_EPOCH = 40_587  # the MJD of 1970-01-01


def mjd(times: Sequence[int | None]) -> pa.DoubleArray:
    """Nanoseconds of TAI as MJD in UTC: the double that ``astropy.time.Time(...).utc.mjd`` is. None stays null.

    Each instant is converted once, however often it stands there.
    """
    known = pa.array(times, pa.int64())
    if known.null_count == len(known):
        return pa.nulls(len(known), pa.float64())
    encoded = known.dictionary_encode()
    instants = encoded.dictionary.to_numpy()
    return pa.array(_utc(instants)).take(encoded.indices)


def _utc(ns: np.ndarray[tuple[int], np.dtype[np.int64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    from astropy.time import Time

    days, rest = np.divmod(ns, _DAY)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "dubious year": beyond the leap seconds that are announced
        found: np.ndarray[tuple[int], np.dtype[np.float64]] = Time(
            (days + _MJD_EPOCH).astype(float), rest / _DAY, format="mjd", scale="tai"
        ).utc.mjd
        return found
