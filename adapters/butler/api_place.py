"""Where a row stands in the order of its question: keys, orders with NULLs last, and the page behind a key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cmp_to_key
from typing import Any

from ..question import KeyValue, Page
from ..rows import Column, Row, Rows

Key = tuple[KeyValue, ...]


class Place:
    """Compares keys term by term; None is last either way, terms beyond ``descending`` ascend."""

    def __init__(self, descending: Sequence[bool] = ()) -> None:
        self.descending = tuple(descending)

    def compare(self, a: Key, b: Key) -> int:
        for position, (left, right) in enumerate(zip(a, b, strict=False)):
            if left == right:
                continue
            if left is None or right is None:
                return 1 if left is None else -1
            less = left < right  # type: ignore[operator]
            down = position < len(self.descending) and self.descending[position]
            return -1 if less is not down else 1
        return len(a) - len(b)

    def page(
        self, columns: Sequence[Column], keyed: Sequence[tuple[Key, Row]], page: Page, **rows: Any
    ) -> Rows:
        """Rows in order behind ``page.after``, ``page.first`` of them, and whether more follow."""
        ordered = self.cut(keyed, Page(page.first + 1, page.after))
        cut = ordered[: page.first]
        keys = {id(row): key for key, row in cut}
        found = [row for _, row in cut]
        return Rows(tuple(columns), found, more=len(ordered) > len(cut), key=_lookup(keys, found), **rows)

    def cut(self, keyed: Sequence[tuple[Key, Row]], page: Page) -> list[tuple[Key, Row]]:
        """The same with their keys, of which a single one needs no order."""
        if page.after is not None:
            after = tuple(page.after)
            keyed = [one for one in keyed if self.compare(one[0], after) > 0]
        if len(keyed) < 2:
            return list(keyed[: page.first])
        by_key = cmp_to_key(self.compare)
        return sorted(keyed, key=lambda one: by_key(one[0]))[: page.first]


def _lookup(keys: dict[int, Key], rows: list[Row]) -> Any:
    """A row's key by the row: the very object, or an equal one."""

    def key(row: Row) -> Key:
        found = keys.get(id(row))
        if found is None:
            found = next(keys[id(one)] for one in rows if one == row)
        return found

    return key
