"""schemathesis makes documents and values of its own from the schema: whatever they are, no fault of the service answers them."""

from __future__ import annotations

import math
import re
from typing import Any

import schemathesis
from graphql import (
    BooleanValueNode,
    FloatValueNode,
    IntValueNode,
    ListValueNode,
    NameNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from gateway.http.refusal import STATUS
from resolvers.schema import sdl


def value_node(value: Any) -> ValueNode:
    """A value as it stands in a document. What GraphQL cannot write is written as text."""
    match value:
        case None:
            return NullValueNode()
        case bool():
            return BooleanValueNode(value=value)
        case int():
            return IntValueNode(value=str(value))
        case float() if math.isfinite(value):
            return FloatValueNode(value=repr(value))
        case list():
            return ListValueNode(values=tuple(map(value_node, value)))
        case dict():
            fields = {key: one for key, one in value.items() if re.fullmatch("[A-Za-z_][A-Za-z_0-9]*", key)}
            return ObjectValueNode(
                fields=tuple(
                    ObjectFieldNode(name=NameNode(value=key), value=value_node(one))
                    for key, one in fields.items()
                )
            )
    return StringValueNode(value=str(value))


_ANY = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text())
for _name, _values in {
    "DataIdMap": st.dictionaries(st.text(), _ANY),
    "JSON": st.recursive(
        _ANY, lambda below: st.lists(below) | st.dictionaries(st.text(), below), max_leaves=8
    ),
    "Long": st.one_of(st.integers(), st.text()),
    "URL": st.text(),
    "UUID": st.one_of(st.uuids().map(str), st.text()),
    "DateTime": st.one_of(st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"), st.text()),
}.items():
    schemathesis.graphql.scalar(_name, _values.map(value_node))

SCHEMA = schemathesis.graphql.from_file(sdl())
_HOW = settings(
    max_examples=60,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def answered(client: TestClient, body: Any) -> None:
    """Whatever was asked: an answer in GraphQL's shape, and no fault of ours."""
    answer = client.post("/graphql", json=body)
    assert answer.status_code in {200, *STATUS.values()} - {500}, answer.text
    found = answer.json()
    assert found.keys() <= {"data", "errors", "extensions"}
    for error in found.get("errors", ()):
        assert error["extensions"]["code"] in STATUS.keys() - {"INTERNAL"}, error


def test_documents_of_a_stranger_never_find_a_fault(client: TestClient) -> None:
    fields = list(SCHEMA.get_all_operations())
    assert len(fields) > 5

    for one in fields:

        @_HOW
        @given(case=one.ok().as_strategy())
        def ask(case: Any) -> None:
            body = case.body if isinstance(case.body, dict) else {"query": case.body}
            answered(client, body)

        ask()
