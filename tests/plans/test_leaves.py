"""A column of scalars or enums is written as each of its values would be, or refused where one would be."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
import pytest
from graphql import GraphQLLeafType, is_enum_type, is_leaf_type
from hypothesis import given
from hypothesis import strategies as st

from resolvers.plan import leaves
from resolvers.plan.leaves import Refused, writer

from .both import SCHEMA, effort
from .faults import VALUES

LEAVES = {
    name: type
    for name, type in SCHEMA._schema.type_map.items()
    if is_leaf_type(type) and not name.startswith("__")
}
OWN = {
    "DateTime": st.integers(-(2**62), 2**62),
    "Long": st.integers(-(2**54), 2**54),
    "Int": st.integers(-(2**32), 2**32),
    "Float": st.floats(),
    "Boolean": st.booleans(),
    "UUID": st.uuids().map(lambda one: one.hex),
}


def one_by_one(type: GraphQLLeafType, values: list[Any]) -> list[bytes] | None:
    """As graphql-core writes them, and orjson then; None where either refuses one."""
    try:
        written = [None if value is None else type.serialize(value) for value in values]
        if any(new is None and old is not None for new, old in zip(written, values, strict=True)):
            return None
        return [orjson.dumps(value) for value in written]
    except Exception:  # noqa: BLE001  whatever it is
        return None


@pytest.mark.parametrize("name", LEAVES)
@effort(30)
@given(data=st.data())
def test_a_column_is_written_as_its_values_are(name: str, data: st.DataObject) -> None:
    type: Any = LEAVES[name]
    usual = OWN.get(name, st.text())
    if is_enum_type(type):
        usual = st.sampled_from([value.value for value in type.values.values()])
    strange = st.sampled_from(VALUES)
    some = data.draw(st.sampled_from([usual, usual | st.none(), usual | strange]))
    values = data.draw(st.lists(some, max_size=6)) * data.draw(st.sampled_from([1, 1, 7]))
    expected = one_by_one(type, values)
    try:
        written = [text.encode() for text in writer(type)(list(values))]
    except (Refused, TypeError):  # unhashable values: a plan is given up for either
        assert expected is None or not _hashable(values)
        return
    assert written == expected


def _hashable(values: list[Any]) -> bool:
    try:
        return bool(set(values)) or True
    except TypeError:
        return False


@given(st.lists(st.uuids(), min_size=1, max_size=60))
def test_many_uuids_are_written_as_each_is(ids: list[UUID]) -> None:
    assert writer(LEAVES["UUID"])([one.hex for one in ids]) == [f'"{one}"' for one in ids]


@pytest.mark.parametrize(
    "wrong", ["0" * 31, "0" * 33, "0" * 31 + ",", "0" * 31 + " ", '"' * 32, "\u0660" * 32]
)
def test_one_id_that_is_none_among_many(wrong: str) -> None:
    values = ["ab" * 16] * 40 + [wrong]
    assert [one.encode() for one in writer(LEAVES["UUID"])(values)] == one_by_one(LEAVES["UUID"], values)


def test_instants_are_remembered_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def serialize(value: int) -> str:
        asked.append(value)
        return str(value)

    monkeypatch.setattr(leaves, "_MOST_INSTANTS", 3)
    write = leaves._instants(serialize)
    assert write([1, 2, 1, None]) == ['"1"', '"2"', '"1"', "null"]
    assert write([2, 1]) == ['"2"', '"1"']
    assert asked == [1, 2]
    assert write([3, 4, 1, 4]) == ['"3"', '"4"', '"1"', '"4"']
    assert asked == [1, 2, 3, 4, 1]
    write([1, True])  # equal, and not the same: each asked for itself
    assert asked[-2:] == [1, True]
    leaves._instants.cache_clear()
