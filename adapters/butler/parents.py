"""Rows of many parents, grouped by the parent in their first column: in one order, and at most so many of each."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from ..rows import Row, Rows


def first_of_each(rows: list[Row], limit: int) -> list[Row]:
    """At most so many rows a parent; they come grouped."""
    out: list[Row] = []
    parent, count = None, 0
    for row in rows:
        parent, count = row[0], (count + 1 if row[0] == parent else 1)
        if count <= limit:
            out.append(row)
    return out


def in_one_order(rows: Rows, directions: Sequence[bool]) -> list[Row]:
    """The rows of several types in one order within each parent: by their key, whose first parts may descend."""
    key = rows.key
    assert key is not None

    def compare(a: Row, b: Row) -> int:
        if a[0] != b[0]:
            return -1 if a[0] < b[0] else 1
        return _compared(key(a), key(b), directions)

    return sorted(rows.rows, key=functools.cmp_to_key(compare))


def _compared(a: tuple[Any, ...], b: tuple[Any, ...], directions: Sequence[bool]) -> int:
    """Two keys: each in its direction, None last in both."""
    for place, (x, y) in enumerate(zip(a, b, strict=False)):
        if x == y:
            continue
        if x is None or y is None:
            return 1 if x is None else -1
        down = place < len(directions) and directions[place]
        return -1 if (x < y) is not down else 1
    return 0
