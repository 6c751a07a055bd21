"""Sorted lists merge into one sorted list, and no further than is certain."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adapters.question import Order
from resolvers.merge import Key, Window, merged, rank

values = st.one_of(st.none(), st.integers(-3, 3), st.sampled_from(["", "a", "b", "é", "\U0001f600"]))
keys = st.tuples(values, values, st.integers(0, 5))
orders = st.lists(st.builds(Order, st.just("x"), st.booleans()), max_size=2)


@given(st.lists(st.lists(keys, max_size=6), min_size=1, max_size=4), orders)
def test_the_merge_is_the_sort(lists: list[list[Key]], order: list[Order]) -> None:
    windows = []
    for found in lists:
        found.sort(key=lambda key: rank(key, order))
        windows.append(Window(list(found), list(found)))
    merge = [(index, key) for index, key, _ in merged(windows, order)]
    everything = [(index, key) for index, found in enumerate(lists) for key in found]
    assert merge == sorted(everything, key=lambda one: (rank(one[1], order), one[0]))


def test_null_is_last_in_either_direction() -> None:
    for order in ([Order("x")], [Order("x", True)]):
        assert max([(1,), (None,), (9,)], key=lambda key: rank(key, order)) == (None,)


def test_it_stops_where_a_list_may_go_on_before_the_others() -> None:
    windows: list[Window[str]] = [
        Window(["a", "c"], [("a",), ("c",)], more=True),
        Window(["b", "d", "e"], [("b",), ("d",), ("e",)]),
    ]
    assert [item for _, item, _ in merged(windows, [])] == ["a", "b", "c"]
    windows[0] = Window(["f"], [("f",)])
    assert [item for _, item, _ in merged(windows, [])] == ["d", "e", "f"]
