"""Where a row stands in the order of its question: keys, orders with NULLs last, and the page behind a key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cmp_to_key
from typing import Any

from ..errors import BadCursor
from ..question import KeyValue, Page
from ..rows import Column, Kind, Row, Rows
from .order import check

Key = tuple[KeyValue, ...]


class Place:
    """Compares keys term by term; None is last either way, terms beyond ``descending``, which are those of an order, ascend.

    ``kinds``: of a key's values. In a list of datasets the last of these is their type's name, and ``types`` say by that name what kinds
    of values stand behind it.
    """

    def __init__(
        self,
        kinds: Sequence[Kind],
        descending: Sequence[bool] = (),
        types: Mapping[str, Sequence[Kind]] | None = None,
    ) -> None:
        self.kinds, self.descending, self.types = tuple(kinds), tuple(descending), types

    def check(self, after: Key) -> None:
        """Refuse a page key that no row of this list can have. Raises BadCursor."""
        kinds, count = self.kinds, len(self.kinds)
        if self.types is not None:
            check(kinds, after[:count])
            named = self.types.get(str(after[count - 1]))
            if named is None:
                raise BadCursor("after is damaged: its key names no dataset type of this list.")
            kinds = (*kinds, *named)
        check(kinds, after)
        if None in after[len(self.descending) :]:
            raise BadCursor("after is damaged: only what a list is ordered by may be empty.")
        for kind, value in zip(kinds, after, strict=True):
            if kind is Kind.UUID and not re.fullmatch(r"[0-9a-f]{32}", str(value)):
                raise BadCursor("after is damaged: it has no dataset id.")

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
        """Rows in order behind ``page.after``, ``page.first`` of them, and whether more follow. Raises BadCursor."""
        ordered = self.cut(keyed, Page(page.first + 1, page.after))
        cut = ordered[: page.first]
        keys = {id(row): key for key, row in cut}
        found = [row for _, row in cut]
        return Rows(tuple(columns), found, more=len(ordered) > len(cut), key=_lookup(keys, found), **rows)

    def cut(self, keyed: Sequence[tuple[Key, Row]], page: Page) -> list[tuple[Key, Row]]:
        """The same with their keys, of which a single one needs no order."""
        if page.after is not None:
            after = tuple(page.after)
            self.check(after)
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
