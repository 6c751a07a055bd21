"""A column of scalars or enums is written as each of its values would be, or refused where one would be."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from graphql import GraphQLLeafType, is_enum_type, is_leaf_type
from hypothesis import given
from hypothesis import strategies as st

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
    values = data.draw(st.lists(some, max_size=6))
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
