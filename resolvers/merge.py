"""Several sorted lists as one.

Rows are compared by the keys that their repositories give them: the order terms first, each in its direction
and with null last, then what the repositories add to make the order complete. Where all of that is equal, the
search order decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import total_ordering
from typing import Any, Generic, TypeVar

from adapters.question import KeyValue, Order

Key = tuple[KeyValue, ...]
T = TypeVar("T")


@dataclass(slots=True)
class Window(Generic[T]):
    """Items of one list that are here, with their keys; ``more``: others follow behind the last one."""

    items: list[T] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    more: bool = False
    place: int = 0

    @property
    def empty(self) -> bool:
        return self.place >= len(self.items)


@total_ordering
class _Down:
    """A value in descending order."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Down) and bool(self.value == other.value)

    def __lt__(self, other: _Down) -> bool:
        return bool(other.value < self.value)


def rank(key: Key, order: Sequence[Order]) -> tuple[Any, ...]:
    """A key as something to compare with ``<``.

    Numbers come before strings, where two repositories disagree about what a name is; inside one repository
    they never do.
    """
    found: list[Any] = []
    for place, value in enumerate(key):
        if value is None:
            found.append((1,))
            continue
        plain = (isinstance(value, str), value)
        down = place < len(order) and order[place].descending
        found.append((0, _Down(plain) if down else plain))
    return tuple(found)


def merged(windows: Sequence[Window[T]], order: Sequence[Order]) -> Iterator[tuple[int, T, Key]]:
    """The items in their common order, each with the index of its list, as far as it is certain.

    It ends as soon as a list has no item left here while others follow: they might come first. What was given
    out is taken off its window.
    """
    heads = [None if window.empty else rank(window.keys[window.place], order) for window in windows]
    while True:
        if any(window.empty and window.more for window in windows):
            return
        waiting = [(head, index) for index, head in enumerate(heads) if head is not None]
        if not waiting:
            return
        _, index = min(waiting)
        window = windows[index]
        item, key = window.items[window.place], window.keys[window.place]
        window.place += 1
        heads[index] = None if window.empty else rank(window.keys[window.place], order)
        yield index, item, key
