"""The shape of documents: what is counted, what is refused, and that measuring is linear."""

from __future__ import annotations

import time

import pytest
from gql.utilities import get_introspection_query_ast
from graphql import GraphQLError, get_introspection_query, parse

from adapters.errors import BadUserInput, TooComplex
from gateway.limits import Limits, Shape, check_shape, measure


def shape(text: str) -> Shape:
    return measure(parse(text))


def bomb(links: int) -> str:
    """Each fragment spreads the next one twice."""
    chain = "".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(links))
    return f"{{ ...F0 }} {chain} fragment F{links} on Query {{ a: hello @skip(if: false) }}"


@pytest.mark.parametrize("links", [20, 40, 80, 150])
def test_a_fragment_bomb_is_refused_in_linear_time(links: int) -> None:
    document = parse(bomb(links))
    began = time.perf_counter()
    with pytest.raises(TooComplex) as refused:
        check_shape(measure(document), Limits(max_definitions=1000))
    assert time.perf_counter() - began < 10
    assert refused.value.details["actual"] == min(2**links, 1_000_000_000)


def test_counts_are_those_after_fragments_are_expanded() -> None:
    found = shape(
        """
        query ($x: Boolean = true @a) @b { one: hello ...F ...F ... on Query @skip(if: $x) { tree { name } } }
        fragment F on Query @c { two: hello tree { three: child { name } } }
        """
    )
    assert (found.fields, found.depth) == (1 + 2 + 2 * 4, 3)
    assert found.aliases == 1 + 2 * 2
    assert found.directives == 1 + 1 + 1 + 2 * 1
    assert found.definitions == 2


def test_a_spread_counts_from_where_it_stands() -> None:
    deep = "tree { child { child { ...F } } }"
    assert shape(f"{{ {deep} }} fragment F on Tree {{ child {{ name }} }}").depth == 5


def test_fragments_that_spread_themselves_end() -> None:
    found = shape(
        "{ ...A } fragment A on Query { hello ...B } fragment B on Query { hello ...A ...B ...Missing }"
    )
    assert found.fields == 2


def test_a_long_chain_of_fragments_needs_no_recursion() -> None:
    chain = "".join(f"fragment F{i} on T {{ t {{ ...F{i + 1} }} }}" for i in range(5000))
    assert shape(f"{{ ...F0 }} {chain} fragment F5000 on T {{ a }}").depth == 5001


def test_introspection_has_numbers_of_its_own() -> None:
    found = shape("{ hello __schema { types { name } } ...F } fragment F on Query { __type(name: \"Q\") { ...T } }"
                  " fragment T on __Type { fields { type { name } } }")  # fmt: skip
    assert (found.fields, found.depth) == (1, 1)
    assert (found.introspection_fields, found.introspection_depth) == (3 + 1 + 3, 4)


def test_the_introspection_queries_of_graphiql_and_gql_pass() -> None:
    graphiql = get_introspection_query(
        specified_by_url=True,
        directive_is_repeatable=True,
        schema_description=True,
        input_value_deprecation=True,
    )
    found = shape(graphiql)
    assert found.introspection_depth == 15
    check_shape(found, Limits())
    check_shape(measure(get_introspection_query_ast()), Limits())
    check_shape(measure(get_introspection_query_ast(type_recursion_level=10)), Limits())


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("depth", "{ " + "tree { " * 20 + "name" + " }" * 20 + " }"),
        ("fields", "{ " + " ".join(f"f{i}" for i in range(1001)) + " }"),
        ("aliases", "{ " + " ".join(f"a{i}: hello" for i in range(201)) + " }"),
        ("directives", "{ hello " + "@aa" * 51 + " }"),
        ("repeated fields", "{ " + "hello " * 60 + "}"),
        ("definitions", " ".join(f"query Q{i} {{ hello }}" for i in range(51))),
        ("values depth", "{ echo(value: " + "[" * 60 + "]" * 60 + ") }"),
        ("values depth", "query ($x: JSON = " + '{a: ' * 60 + "1" + "}" * 60 + ") { hello }"),
        ("introspection depth", "{ __schema { types { " + "ofType { " * 20 + "name" + " }" * 23),
        ("introspection fields", "{ " + " ".join(f"a{i}: __typename" for i in range(5)) + " __schema { types { "
         + " ".join(f"f{i}" for i in range(500)) + " } } }"),
    ],
)  # fmt: skip
def test_a_document_past_a_limit_is_refused_by_the_name_of_the_limit(what: str, text: str) -> None:
    with pytest.raises(TooComplex) as refused:
        check_shape(shape(text), Limits())
    details = refused.value.details
    assert details["what"] == what
    assert details["actual"] > details["limit"]
    assert str(details["limit"]) in refused.value.message
    assert "max_" in refused.value.message


def test_a_generous_honest_query_passes() -> None:
    leaves = " ".join(f"leaf{i}" for i in range(40))
    nested = f"{{ {leaves} raws(first: 10) {{ edges {{ node {{ {leaves} flat {{ {leaves} }} }} }} }} }}"
    aliases = " ".join(f'd{i}: dataset(id: "{i}") {{ id type }}' for i in range(150))
    check_shape(shape(f'{{ repository(name: "hsc") {nested} {aliases} }}'), Limits())


@pytest.mark.parametrize(
    "text",
    [
        '{ hello(name: "a\\u0000b") }',
        '{ box(box: {inner: {text: ["\\u0000"]}}) }',
        'query ($a: String = "\\u0000") { hello(name: $a) }',
        '{ hello @skip(if: "\\u0000") }',
    ],
)
def test_a_nul_in_a_literal_is_refused(text: str) -> None:
    with pytest.raises(BadUserInput):
        check_shape(shape(text), Limits())


def test_half_a_surrogate_pair_is_no_literal() -> None:
    with pytest.raises(GraphQLError):
        parse('{ hello(name: "\\ud800") }')


def test_a_limit_must_be_positive() -> None:
    with pytest.raises(ValueError, match="max_depth must be positive"):
        Limits(max_depth=0)
