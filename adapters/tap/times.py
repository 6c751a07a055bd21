"""t_min and t_max: Modified Julian Dates in the service's time scale, as Butler's nanoseconds of TAI.

ObsCore 1.1 leaves the scale to the service; UTC is what Rubin's has. A double holds today's MJD to 0.6 microseconds.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from .. import instant

_UNIX = 2_440_587.5  # the Julian Date of 1970-01-01
_NS = 86_400 * instant.SECOND
_LEAST, _MOST = -94_000.0, 119_000.0  # MJD: what 64 bits of nanoseconds hold


def nanoseconds(spans: Sequence[Sequence[Any]], scale: str) -> list[tuple[int | None, ...]]:
    """Many spans at once: what ``instant.from_mjd`` gives for each end, None where there is none or it is out of range."""
    import numpy as np
    from astropy.time import Time

    given = np.array(
        [[np.nan if one is None else one for one in span] for span in spans], dtype=float
    ).ravel()
    known = np.flatnonzero((given > _LEAST) & (given < _MOST))
    found: list[int | None] = [None] * len(given)
    if len(known):
        mjd = given[known]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "dubious year"
            tai = Time(np.floor(mjd), mjd % 1, format="mjd", scale=scale.lower()).tai
        days, part = np.divmod(tai.jd1 - _UNIX, 1)
        for place, day, rest in zip(known.tolist(), days.tolist(), (part + tai.jd2).tolist(), strict=True):
            found[place] = int(day) * _NS + round(rest * _NS)
    width = len(spans[0]) if spans else 1
    return [tuple(found[n : n + width]) for n in range(0, len(found), width)]
