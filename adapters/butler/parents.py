"""Rows of many parents, grouped by the parent in their first column: what they say, in one order, and at most so many of each."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from operator import eq
from typing import Any

from ..answers import DATASET, PARENT, UNDATED
from ..question import Related
from ..rows import Column as RowColumn
from ..rows import Row, Rows, TypeInfo
from .beside import EDGE
from .reach import Reach

_LOW = -(2**63)


def shaped(question: Related, reached: Sequence[Reach], names: Sequence[str]) -> Rows:
    """The answer to a question without its rows. What they have in common, or with their parents, is not read, and put behind each of them.
    ``names``: its dimensions."""
    kinds = {name: reach.tables.kind(name) for reach in reached for name in names}
    columns = (
        PARENT,
        *(DATASET if all(reach.dated for reach in reached) else UNDATED),
        *(RowColumn(name, kinds[name], dimension=True) for name in names),
        *EDGE,
    )
    alone = reached[0] if len(reached) == 1 else None
    behind = () if alone is None else (*alone.same, *alone.shared)
    along = None if alone is None else alone.along
    read = [column.name for column in columns if column.name not in behind]
    extras = range(len(read), len(read) + len(question.order))
    width = extras.stop + (0 if along is None else along.width)
    places = {name: place for place, name in enumerate(read)}
    places |= {name: width + place for place, name in enumerate(behind)}
    types = {reach.record.name: reach.record.info for reach in reached}
    shape = Rows(columns, [], key=_key(places, types, extras), types=types, _places=places)
    if along is not None:
        shape.beside, _ = along.told(extras.stop, places, width)
    return shape


def _key(
    places: Mapping[str, int], types: Mapping[str, TypeInfo], extras: Sequence[int]
) -> Callable[[Row], tuple[Any, ...]]:
    """Where a row stands in its parent's list."""
    required = {name: [places[d] for d in info.required] for name, info in types.items()}
    kind, begin, rank = places["type"], places["valid_begin"], places["rank"]

    def key(row: Row) -> tuple[Any, ...]:
        low = _LOW if row[begin] is None else row[begin]
        own = (row[place] for place in required[row[kind]])
        return (*(row[place] for place in extras), row[kind], *own, row[1], low, row[rank])

    return key


def first_of_each(rows: Sequence[Row], limit: int) -> Sequence[Row]:
    """At most so many rows a parent; they come grouped."""
    parents = [row[0] for row in rows]
    if not any(map(eq, parents, parents[limit:])):
        return rows
    before: list[Any] = [None] * limit + parents
    return [row for row, parent, earlier in zip(rows, parents, before, strict=False) if parent != earlier]


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
