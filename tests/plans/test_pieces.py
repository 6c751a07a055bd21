"""Objects put together from what all have in common and what is each one's own."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.plan.pieces import Piece, alike, objects, part

from .faults import VALUES


@pytest.mark.parametrize(
    ("pieces", "count", "expected"),
    [
        (['{"a":', ["1", "2"], "}"], 2, ['{"a":1}', '{"a":2}']),
        (['{"a":', '"x"', ',"b":', "null", "}"], 2, ['{"a":"x","b":null}'] * 2),
        (['{"a":', ["1"], ',"b":', '"x"', "}"], 1, ['{"a":1,"b":"x"}']),
        ([["1", "2"], ["3", "4"]], 2, ["13", "24"]),
        (["{}"], 3, ["{}", "{}", "{}"]),
    ],
)
def test_pieces_become_objects(pieces: list[Piece], count: int, expected: list[str]) -> None:
    assert objects(pieces, count) == expected


@given(
    st.integers(1, 5).flatmap(
        lambda count: st.lists(
            st.text(max_size=2) | st.lists(st.text(max_size=2), min_size=count, max_size=count), min_size=1
        ).map(lambda pieces: (pieces, count))
    )
)
def test_each_object_has_all_pieces_in_order(case: tuple[list[Piece], int]) -> None:
    pieces, count = case
    expected = [
        "".join(piece if isinstance(piece, str) else piece[place] for piece in pieces)
        for place in range(count)
    ]
    assert objects(pieces, count) == expected
    assert objects(part(pieces, 1, count), count - 1) == expected[1:] or count == 1


def test_columns_of_another_length_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="zip"):
        objects([["1", "2"], ["3"]], 2)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["a", "a"], True),
        ([None, None], True),
        ([3, 3, 3], True),
        (["a", "b"], False),
        (["a", "b", "a"], False),
        ([1, True], False),
        ([True, True], False),
        ([1, 1.0], False),
        ([0.0, -0.0], False),
        ([None, "a"], False),
    ],
)
def test_alike(values: list[Any], expected: bool) -> None:
    assert alike(values) is expected


@given(st.lists(st.sampled_from(VALUES), min_size=1, max_size=3).map(lambda values: values * 2))
def test_what_is_alike_is_the_same(values: list[Any]) -> None:
    if alike(values):
        assert len({(type(value), repr(value)) for value in values}) == 1
