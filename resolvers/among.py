"""Data IDs that come from elsewhere: rows of somebody's table."""

from __future__ import annotations

from adapters.errors import BadUserInput, TooComplex
from adapters.question import Among

from .given import given
from .scalars import DataIdMap

MOST = 100_000


def among(maps: list[DataIdMap] | None) -> Among | None:
    """The data IDs as tuples, in the order of the first one's keys; None where the argument was left out.

    An empty list matches nothing. Raises BadUserInput where a row has other keys than the first, TooComplex for
    more than ``MOST`` rows.
    """
    maps = given(maps)
    if maps is None:
        return None
    if len(maps) > MOST:
        raise TooComplex(
            f"among has {len(maps)} data IDs; the limit is {MOST}. Ask in several parts.",
            what="among",
            limit=MOST,
            actual=len(maps),
        )
    if not maps:
        return Among((), ())
    names = tuple(maps[0])
    if not names:
        raise BadUserInput("among: the first data ID is empty; to leave nothing out, leave among out.")
    rows = []
    for place, row in enumerate(maps):
        if len(row) != len(names) or any(name not in row for name in names):
            raise BadUserInput(
                f"among: data ID {place} (counted from 0) has the keys {', '.join(sorted(row)) or 'none'}, the first one "
                f"{', '.join(sorted(names))}; all must have the same.",
                row=place,
            )
        rows.append(tuple(row[name] for name in names))
    return Among(names, tuple(rows))
