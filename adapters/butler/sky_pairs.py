"""Which of N regions overlap which of M others: nearness by bounding circles in numpy, and lsst.sphgeom where circles meet."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import region
from ..errors import TooComplex

Pair = tuple[int, int]
Floats = np.ndarray[Any, np.dtype[np.float64]]

_ROUNDING = 1e-15


def overlapping(
    near: Sequence[str], far: Sequence[str], limit: int, undecided: Callable[[int, int], bool]
) -> list[Pair]:
    """Places in both of regions (base64) that share a point; ``undecided`` says so of a pair that sphgeom cannot decide.

    Raises
    ------
    TooComplex
        More than ``limit`` pairs of circles meet.
    """
    if not near or not far:
        return []
    here, there = [region.decode(text) for text in near], [region.decode(text) for text in far]
    found = []
    for i, j in _meeting(_circles(near), _circles(far), limit):
        shares = here[i].overlaps(there[j])
        if shares or (shares is None and undecided(i, j)):
            found.append((i, j))
    return found


def refuse(limit: int, actual: int) -> TooComplex:
    """The error for more than may be looked at."""
    return TooComplex(
        f"More than {limit} pairs of regions may overlap; ask for fewer parents, or constrain the data ID.",
        limit=limit,
        actual=actual,
        what="pairs of regions",
    )


def _circles(regions: Sequence[str]) -> Floats:
    """Rows of x, y, z, radius."""
    return np.array([region.circle(text) for text in regions])


def _meeting(near: Floats, far: Floats, limit: int) -> Iterator[Pair]:
    """Pairs of circles that share a point, or nearly."""
    if len(near) > len(far):
        for j, i in _meeting(far, near, limit):
            yield i, j
        return
    # Along the axis on which the many are spread most only those are looked at that are not too far off already.
    axis = int(np.argmax(np.ptp(far[:, :3], axis=0)))
    order = np.argsort(far[:, axis])
    places, middles, radii = order.tolist(), far[order, :3], far[order, 3]
    reach = 2.0 * np.sin(np.minimum(near[:, 3] + radii.max(), np.pi) / 2.0) + _ROUNDING
    begins = np.searchsorted(middles[:, axis], near[:, axis] - reach)
    ends = np.searchsorted(middles[:, axis], near[:, axis] + reach, side="right")
    count = 0
    for i, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
        cosines = np.cos(np.minimum(near[i, 3] + radii[begin:end], np.pi))
        (meeting,) = np.nonzero(middles[begin:end] @ near[i, :3] >= cosines - _ROUNDING)
        count += len(meeting)
        if count > limit:
            raise refuse(limit, count)
        for place in meeting.tolist():
            yield i, places[begin + place]
