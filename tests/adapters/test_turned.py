"""Rows that are kept as columns are the same rows."""

from __future__ import annotations

import pytest

from adapters.turned import Turned, column, taken

ROWS = [(place, f"name {place}", None if place % 3 else 0.5) for place in range(1_234)]


@pytest.fixture
def turned() -> Turned:
    found = Turned()
    for begin in (0, 500, 1_001):
        found.extend(ROWS[begin : {0: 500, 500: 1_001, 1_001: None}[begin]])
    return found


def test_whoever_reads_by_rows_gets_tuples_in_their_order(turned: Turned) -> None:
    assert list(turned) == ROWS
    assert len(turned) == len(ROWS)
    assert [turned[0], turned[-1]] == [ROWS[0], ROWS[-1]]
    with pytest.raises(IndexError):
        turned[len(ROWS)]


def test_a_part_is_rows_again(turned: Turned) -> None:
    assert list(turned[:10]) == ROWS[:10]
    assert list(turned[1_230:2_000]) == ROWS[1_230:]
    assert list(turned[: len(ROWS)]) == ROWS
    assert list(taken(turned, [7, 3, 3])) == list(taken(ROWS, [7, 3, 3])) == [ROWS[7], ROWS[3], ROWS[3]]


def test_a_column_is_what_stands_at_one_place(turned: Turned) -> None:
    assert column(turned, 1) == column(ROWS, 1)


def test_what_is_the_same_in_every_row_stands_behind_each(turned: Turned) -> None:
    assert list(turned.with_same(["calexp", None])) == [(*row, "calexp", None) for row in ROWS]


def test_there_may_be_no_rows() -> None:
    nothing = Turned().with_same(["calexp"])
    assert not nothing
    assert list(nothing) == list(nothing[:5]) == nothing.column(3) == []
    with pytest.raises(IndexError):
        nothing[0]
