"""Errors of wrong documents say what would have been right."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import parse, specified_rules, validate
from graphql.execution.values import get_variable_values
from graphql.language.ast import OperationDefinitionNode

from gateway.http.hints import hinted
from resolvers.schema import build_schema

SCHEMA = build_schema()._schema
DATASETS = '{ repository(name: "hsc") { datasets(query: {type: "raw", %s}) { totalCount } } }'


def told(document: str) -> list[str]:
    return [hinted(error, SCHEMA).message for error in validate(SCHEMA, parse(document), specified_rules)]


@pytest.mark.parametrize(
    ("document", "hint"),
    [
        (DATASETS % "dataId: {patch: 69}", "Write {eq: 69}."),
        (DATASETS % 'dataId: {band: {like: "r%"}}', "There are eq, ne, in, glob."),
        (DATASETS % "sky: {cone: {ra: 1}}", "There are point, circle, polygon, box, shape."),
        (DATASETS % 'sky: {point: {ra: "21:23:00", dec: 1}}', "Positions are in decimal degrees."),
        (
            '{ repository(name: "hsc") { datasets(query: {type: "raw"}) { uuid } } }',
            "Its items have it: nodes { uuid }.",
        ),
        (
            'query($t: String!) { repository(name: "hsc") { datasets(query: {type: $t}) { totalCount } } }',
            "Declare it as $t: [String!]!.",
        ),
    ],
)
def test_what_would_have_been_right(document: str, hint: str) -> None:
    (message,) = told(document)
    assert message.endswith(hint)


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ({"type": "raw", "dataId": {"patch": 69}}, "Write {eq: 69}."),
        (
            {"type": "raw", "dataId": {"other": [{"name": "visit.seeing", "eq": 1}]}},
            "There are name, string, long, float, bool.",
        ),
    ],
)
def test_of_variables_too(query: Any, hint: str) -> None:
    document = parse(
        'query($q: DatasetQuery!) { repository(name: "hsc") { datasets(query: $q) { totalCount } } }'
    )
    (operation,) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    errors = get_variable_values(SCHEMA, operation.variable_definitions, {"q": query})
    assert isinstance(errors, list)
    assert any(hinted(error, SCHEMA).message.endswith(hint) for error in errors)


def test_what_nobody_can_guess_stays_as_it_is() -> None:
    (message,) = told("{ nothing }")
    assert message == "Cannot query field 'nothing' on type 'Query'."
