"""A mistake in the arguments of a list is told once for that list, and different mistakes each."""

from __future__ import annotations

import pytest

from adapters.errors import TooComplex

from .conftest import Gateway


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ("totalCount explain nodes { uuid } completeness { state }", {"nodes", "completeness"}),
        ("edges { kind } pageInfo { hasNextPage } explain totalCount", {"edges", "pageInfo"}),
        ("explain totalCount more: totalCount", {"explain", "totalCount", "more"}),
    ],
)
def test_once_a_list(demo: Gateway, fields: str, told: set[str]) -> None:
    """At a field that cannot be null, if one is selected: it is what makes the list null."""
    document = """{ repository(name: "hsc") { datasets(query: {type: "demo_coadd"}, first: 2) {
        nodes { related(type: ["flat"]) { FIELDS } } } } }"""
    answer = demo(document.replace("FIELDS", fields))
    paths = [error.path for error in answer.errors]
    assert sorted(path[3] for path in paths) == [0, 1]
    assert {path[-1] for path in paths} <= told


def test_a_mistake_of_one_field_stands_beside_that_of_the_list(demo: Gateway) -> None:
    answer = demo(
        """{ repository(name: "hsc") { datasets(query: {type: "rwa"}) {
             totalCount explain nodes { uuid } facets(by: []) { complete } } } }"""
    )
    assert sorted(str(error.path[-1]) for error in answer.errors) == ["facets", "nodes"]


def test_what_only_counting_meets_is_told(demo: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page is whole; its number is not known."""

    async def refused(*_: object) -> int:
        raise TooComplex("too many to count", limit=1, actual=2)

    monkeypatch.setattr(demo.repositories["hsc"], "count", refused)
    answer = demo(
        '{ repository(name: "hsc") { datasets(query: {type: "raw"}) { totalCount nodes { uuid } } } }'
    )
    assert answer.codes == ["QUERY_TOO_COMPLEX"]
    found = answer.data["repository"]["datasets"]
    assert found["totalCount"] is None and len(found["nodes"]) == 33
