"""Pages of any size make the same list: whole, once, in order, with exact ends."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.asking import Asker

LIST = """query List($repositories: [String!]!, $query: DatasetQuery!, $first: Int!, $after: String) {
  datasets(repositories: $repositories, query: $query, first: $first, after: $after) { ...Page }
}
fragment Page on DatasetConnection {
  totalCount nodes { uuid } pageInfo { hasNextPage hasPreviousPage endCursor } completeness { state }
}"""
ONE = LIST.replace("query List($repositories: [String!]!, ", "query One(").replace(
    "datasets(repositories: $repositories, query: $query, first: $first, after: $after) { ...Page }",
    'repository(name: "hsc") { datasets(query: $query, first: $first, after: $after) { ...Page } }',
)


def walk(asker: Asker, query: dict[str, Any], first: int, *repositories: str) -> list[str]:
    """All ids, page by page; what each page says of its place is checked on the way."""
    found: list[str] = []
    after = None
    while True:
        variables = {"query": query, "first": first, "after": after}
        if repositories:
            page = asker.data(LIST, repositories=list(repositories), **variables)["datasets"]
        else:
            page = asker.data(ONE, **variables)["repository"]["datasets"]
        info = page["pageInfo"]
        found += [node["uuid"] for node in page["nodes"]]
        assert page["completeness"]["state"] == "COMPLETE"
        assert info["hasPreviousPage"] == (after is not None)
        assert info["hasNextPage"] == (len(found) < page["totalCount"])
        if not info["hasNextPage"]:
            assert len(found) == page["totalCount"]
            return found
        assert len(page["nodes"]) == first
        after = info["endCursor"]


@pytest.mark.parametrize(
    "query",
    [
        {"type": ["*"]},
        {"type": ["*"], "findFirst": False},
        {"type": ["demo_*", "calexp", "raw"], "findFirst": True},
        {"type": ["*"], "collections": ["*"]},
        {"type": ["*"], "orderBy": ["-run", "type"], "collections": ["HSC/*"]},
    ],
    ids=["left out", "every match", "find first", "globs", "ties in the order"],
)
def test_any_page_size_gives_the_same_list_without_duplicates(asker: Asker, query: dict[str, Any]) -> None:
    whole = walk(asker, query, 10_000)
    assert len(whole) == len(set(whole)) > 100
    assert walk(asker, query, 150) == whole
    assert walk(asker, query, len(whole)) == whole
    assert walk(asker, query, len(whole) - 1) == whole


def test_a_list_over_two_repositories_pages_as_one(asker: Asker) -> None:
    runs = {"hsc": "HSC/calib/bias/2013-06", "small": "HSC/calib/gen/e0"}
    query = {"type": ["bias"], "collections": list(runs.values()), "orderBy": ["-detector"]}
    whole = walk(asker, query, 10_000, "hsc", "small")
    assert len(whole) == len(set(whole))
    assert walk(asker, query, 5, "hsc", "small") == whole
    assert walk(asker, query, 1, "hsc", "small") == whole
    apart = [
        one
        for label, run in runs.items()
        for one in walk(asker, {**query, "collections": [run]}, 10_000, label)
    ]
    assert set(whole) < set(apart)  # both have biases of HSC's detectors; find first keeps one of each
    every = walk(asker, {**query, "findFirst": False}, 7, "hsc", "small")
    assert sorted(every) == sorted(apart)


def test_types_of_two_repositories_page_as_one(asker: Asker) -> None:
    query = {"type": ["raw", "calexp", "flat"], "findFirst": False}
    whole = walk(asker, query, 10_000, "hsc", "small")
    assert len(whole) == len(set(whole)) > 200
    assert walk(asker, query, 60, "hsc", "small") == whole


def test_one_at_a_time_is_the_same_too(asker: Asker) -> None:
    query = {"type": ["raw"], "orderBy": ["-band"]}
    assert walk(asker, query, 1) == walk(asker, query, 37)


def test_find_first_takes_the_newest_run_and_every_match_takes_both(asker: Asker) -> None:
    count = 'datasets(query: { type: ["demo_calexp"] %s }) { totalCount facets(by: ["run"]) { items { value count } } }'

    def runs(rest: str) -> dict[str, int]:
        found = asker.hsc(count % rest)["datasets"]
        return {item["value"]["run"]: item["count"] for item in found["facets"]["items"]}

    assert runs("") == {"HSC/runs/demo/2": 27}
    assert runs("findFirst: true") == {"HSC/runs/demo/2": 27}
    assert runs("findFirst: false") == {"HSC/runs/demo/2": 27, "HSC/runs/demo/1": 27}
    assert runs('collections: ["HSC/runs/demo/*"]') == {"HSC/runs/demo/2": 27, "HSC/runs/demo/1": 27}
