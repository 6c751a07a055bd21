"""Rows of many parents: at most so many of each."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from adapters.butler.parents import first_of_each


@given(st.lists(st.integers(0, 5), max_size=8), st.integers(1, 4))
def test_each_parent_has_its_first_rows(counts: list[int], limit: int) -> None:
    rows: list[tuple[Any, ...]] = [(parent, n) for parent, count in enumerate(counts) for n in range(count)]
    assert first_of_each(rows, limit) == [row for row in rows if row[1] < limit]
