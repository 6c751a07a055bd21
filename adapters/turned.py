"""Rows kept as columns. Who makes a table of a page wants it by columns, and 10,000 tuples cost more than the values in them: each is made, watched by the
collector, and gone through once for each column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from .rows import Row

_AT_ONCE = 500  # rows that are turned together: they are still in the processor's cache


class Turned(Sequence[Row]):
    """A sequence of tuples to whoever reads it by rows; these are made then."""

    __slots__ = ("_columns", "_count")

    def __init__(self, columns: Sequence[list[Any]] = (), count: int = 0) -> None:
        self._columns = columns
        self._count = count

    def extend(self, rows: Sequence[Row]) -> None:
        if rows and not self._columns:
            self._columns = [[] for _ in rows[0]]
        for begin in range(0, len(rows), _AT_ONCE):
            part = zip(*rows[begin : begin + _AT_ONCE], strict=True)
            for column, values in zip(self._columns, part, strict=True):
                column += values
        self._count += len(rows)

    def column(self, place: int) -> list[Any]:
        """What stands at one place of every row; not to be changed."""
        return self._columns[place] if self._count else []

    def with_same(self, values: Sequence[Any]) -> Turned:
        """The rows with these values behind each of them."""
        return Turned([*self._columns, *([value] * self._count for value in values)], self._count)

    def taken(self, places: Sequence[int]) -> Turned:
        """The rows at these places."""
        return Turned([[column[place] for place in places] for column in self._columns], len(places))

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        return zip(*self._columns, strict=True)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Turned: ...
    def __getitem__(self, place: int | slice) -> Row | Turned:
        if isinstance(place, slice):
            left = range(self._count)[place]
            if left == range(self._count):
                return self
            return Turned([column[place] for column in self._columns], len(left))
        place = range(self._count)[place]  # raises IndexError
        return tuple(column[place] for column in self._columns)


def column(rows: Sequence[Row], place: int) -> list[Any]:
    """What stands at one place of every row."""
    return rows.column(place) if isinstance(rows, Turned) else [row[place] for row in rows]


def taken(rows: Sequence[Row], places: Sequence[int]) -> Sequence[Row]:
    """The rows at these places."""
    return rows.taken(places) if isinstance(rows, Turned) else [rows[place] for place in places]
