"""When parents were observed, and what was observed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from lsst.daf.butler import Butler, DimensionGroup

from ..question import Related
from .api_dimensions import of_keys
from .api_name import ends

_LOW, _HIGH = -(2**63), 2**63 - 1


@dataclass(slots=True)
class Spans:
    """When parents were observed: their places, and nanoseconds as two columns."""

    parents: list[int]
    begins: list[int]
    ends: list[int]

    @classmethod
    def of(cls, butler: Butler, question: Related, group: DimensionGroup, most: int) -> Spans:
        (family, *_) = group.temporal
        element = family.choose(group).name
        rows = of_keys(butler, question.dimensions, group, {element: {"timespan"}}, question.keys, most)
        known = {
            tuple(row[name] for name in question.dimensions): ends(row[f"{element}.timespan"])
            for row in rows
            if row[f"{element}.timespan"] is not None
        }
        found = [(parent, *known[key]) for parent, key in enumerate(question.keys) if key in known]
        bounded = [(p, *_bounds(span)) for p, *span in found]
        return cls(*(list(column) for column in zip(*bounded, strict=True))) if bounded else cls([], [], [])

    def merged(self, most: int) -> list[tuple[int | None, int | None]]:
        """Ranges that hold all of them, at most so many: those closest to each other become one."""
        whole: list[list[int]] = []
        for begin, end in sorted(zip(self.begins, self.ends, strict=True)):
            if whole and begin <= whole[-1][1]:
                whole[-1][1] = max(whole[-1][1], end)
            elif begin < end:
                whole.append([begin, end])
        if len(whole) > most:
            gaps = sorted(range(1, len(whole)), key=lambda n: whole[n][0] - whole[n - 1][1])
            kept = [0, *sorted(gaps[len(whole) - most :]), len(whole)]
            whole = [[whole[a][0], whole[b - 1][1]] for a, b in pairwise(kept)]
        return [(None if b == _LOW else b, None if e == _HIGH else e) for b, e in whole]

    def meeting(self, others: Sequence[tuple[int | None, int | None]]) -> Iterator[tuple[int, int]]:
        """Pairs of a parent and the place of another range that share an instant."""
        if not others:
            return
        begins, stops = (np.array(column) for column in zip(*map(_bounds, others), strict=True))
        real = begins < stops
        for parent, begin, end in zip(self.parents, self.begins, self.ends, strict=True):
            if begin < end:
                for place in np.nonzero(real & (begins < end) & (stops > begin))[0].tolist():
                    yield parent, place


def _bounds(span: Sequence[int | None]) -> tuple[int, int]:
    begin, end = span
    return (_LOW if begin is None else begin, _HIGH if end is None else end)
