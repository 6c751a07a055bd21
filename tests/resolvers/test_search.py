"""One search over several repositories is what their own answers compose to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler, DatasetType

from adapters.butler import open_repository
from adapters.errors import BackendUnavailable, Timeout
from adapters.protocol import Settings
from adapters.question import Datasets
from gateway.limits import Limits

from .conftest import IVOID, Gateway

NODE = "repository { name } type { name } uuid run dataId { required map } ingestDate"
SEARCH = (
    """query($labels: [String!]!, $query: DatasetQuery!, $first: Int! = 100, $after: String) {
  datasets(repositories: $labels, query: $query, first: $first, after: $after) { %s
    nodes { """
    + NODE
    + """ } completeness { state message unavailable } pageInfo { hasNextPage endCursor } } }"""
)
ALONE = (
    """query($label: String!, $query: DatasetQuery!) { repository(name: $label) {
  datasets(query: $query, first: 10000) { nodes { """
    + NODE
    + """ } pageInfo { hasNextPage } } } }"""
)


def alone(pair: Gateway, label: str, query: dict[str, Any]) -> list[dict[str, Any]]:
    found = pair.good(ALONE, label=label, query=query)["repository"]["datasets"]
    assert not found["pageInfo"]["hasNextPage"]
    return list(found["nodes"])


def paged(pair: Gateway, labels: list[str], query: dict[str, Any], first: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = None
    while True:
        page = pair.good(SEARCH % "", labels=labels, query=query, first=first, after=after)["datasets"]
        assert page["completeness"] == {"state": "COMPLETE", "message": None, "unavailable": []}
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found
        assert len(page["nodes"]) == first
        after = page["pageInfo"]["endCursor"]


def identity(node: dict[str, Any]) -> str:
    return json.dumps([node["type"]["name"], node["dataId"]["required"]], sort_keys=True)


def composed(pair: Gateway, labels: list[str], query: dict[str, Any], merges: bool) -> list[dict[str, Any]]:
    """The repositories' own answers, of each type and data ID those of the first repository that has one."""
    found: list[dict[str, Any]] = []
    for label in labels:
        before = {identity(node) for node in found}
        found += [node for node in alone(pair, label, query) if not merges or identity(node) not in before]
    return found


def names(nodes: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(node["repository"]["name"], node["uuid"]) for node in nodes]


def ranked(node: dict[str, Any], term: str) -> Any:
    if term == "run":
        return node["run"]
    if term == "ingest_date":
        head, _, fraction = node["ingestDate"].rstrip("Z").partition(".")
        return head, fraction.ljust(9, "0")
    return node["dataId"]["map"][term]


ORDERS: list[list[str]] = [[], ["-detector"], ["run"], ["-ingest_date"], ["band", "-visit"]]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("find_first", [True, False])
@pytest.mark.parametrize("labels", [["one", "two"], ["two", "one", "again"]])
def test_pages_compose_the_repositories_own_answers(
    pair: Gateway, labels: list[str], find_first: bool, order: list[str]
) -> None:
    query = {"type": ["calexp", "src"], "findFirst": find_first, "orderBy": order}
    expected = composed(pair, labels, query, find_first)
    for first in (19, 1000):
        found = paged(pair, labels, query, first)
        assert sorted(names(found)) == sorted(names(expected))
        for label in labels:  # each repository's own order stays
            assert [one for one in names(found) if one[0] == label] == [
                one for one in names(expected) if one[0] == label
            ]
    if order:
        values = [ranked(node, order[0].removeprefix("-")) for node in found]
        assert values == sorted(values, reverse=order[0].startswith("-"))
    counted = pair.good(SEARCH % "totalCount", labels=labels, query=query)["datasets"]
    assert counted["totalCount"] == len(expected)


def test_left_out_find_first_is_true_for_names_and_false_for_globs(pair: Gateway) -> None:
    labels = ["one", "two"]
    for collections, merges in ((["HSC/runs/all"], True), (["HSC/runs/*"], False)):
        query = {"type": ["calexp"], "collections": collections}
        expected = composed(pair, labels, query, merges)
        assert sorted(names(paged(pair, labels, query, 9))) == sorted(names(expected))


def test_calibrations_of_every_repository_are_kept_when_find_first_is_left_out(pair: Gateway) -> None:
    query = {"type": ["bias", "calexp"]}
    labels = ["one", "two"]
    found = paged(pair, labels, query, 11)
    both = composed(pair, labels, query, False)
    merged = composed(pair, labels, query, True)
    for type, expected in (("bias", both), ("calexp", merged)):
        assert sorted(names([node for node in found if node["type"]["name"] == type])) == sorted(
            names([node for node in expected if node["type"]["name"] == type])
        )
    total = pair.good(SEARCH % "totalCount", labels=labels, query=query)["datasets"]["totalCount"]
    assert total == len(found)


@pytest.mark.parametrize("order", [[], ["-run", "detector"]])
def test_many_ranges_of_validity_hide_a_data_id_whatever_the_page(demo: Gateway, order: list[str]) -> None:
    """Of the first repository's calibrations, all are searched and none is first: a data ID has many rows there."""
    root, label = demo.repositories["hsc"].settings.uri, "calib"
    searched = {label: ("HSC/calib",), "run": ("HSC/calib/flat/2013-08-01",)}
    opened = {
        name: open_repository(name, Settings(uri=root, collections=path, ivoid=IVOID))
        for name, path in searched.items()
    }
    gateway = Gateway(opened)
    try:
        query = {"type": ["flat"], "orderBy": order}
        expected = composed(gateway, list(searched), query, True)
        several = [identity(node) for node in expected if node["repository"]["name"] == label]
        assert len(several) > len(set(several)) > 1
        assert alone(gateway, "run", query), "nothing to hide"
        for first in (3, 7, 50, 200):
            assert sorted(names(paged(gateway, list(searched), query, first))) == sorted(names(expected))
        counted = gateway.good(SEARCH % "totalCount", labels=list(searched), query=query)["datasets"]
        assert counted["totalCount"] == len(expected)
    finally:
        gateway.close()


def test_facets_count_what_the_list_has(pair: Gateway) -> None:
    labels = ["one", "two"]
    for find_first in (True, False):
        query = {"type": ["calexp"], "findFirst": find_first}
        expected = composed(pair, labels, query, find_first)
        text = SEARCH % 'facets(by: ["band", "run"]) { complete items { value count } }'
        found = pair.good(text, labels=labels, query=query, first=1)["datasets"]["facets"]
        assert found["complete"]
        counts = {(item["value"]["band"], item["value"]["run"]): item["count"] for item in found["items"]}
        for key, count in counts.items():
            assert count == sum((node["dataId"]["map"]["band"], node["run"]) == key for node in expected)
        assert sum(counts.values()) == len(expected)
    text = SEARCH % 'facets(by: ["visit.name"]) { complete }'
    answer = pair(text, labels=labels, query={"type": ["calexp"], "findFirst": True})
    assert answer.codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("error", [BackendUnavailable("away", repository="one"), Timeout("late")])
def test_one_that_does_not_answer_leaves_the_rest(pair: Gateway, error: Any) -> None:
    query = {"type": ["calexp"], "findFirst": True}
    pair.repositories["one"].failure = error
    try:
        answer = pair(SEARCH % "", labels=["one", "two"], query=query, first=1000)
        assert answer.errors == []
        found = answer.data["datasets"]
        assert found["completeness"]["state"] == "PARTIAL"
        assert found["completeness"]["unavailable"] == ["one"]
        assert "one" in found["completeness"]["message"]
        assert (
            pair(SEARCH % "totalCount", labels=["one", "two"], query=query).data["datasets"]["totalCount"]
            is None
        )
        both = pair(SEARCH % "", labels=["one"], query=query)
        assert set(both.codes) == {error.code}
        assert both.data == {"datasets": None}
    finally:
        pair.repositories["one"].failure = None
    assert names(found["nodes"]) == names(alone(pair, "two", query))


def test_a_cursor_goes_on_where_the_lost_one_was(pair: Gateway) -> None:
    labels, query = ["one", "two"], {"type": ["calexp"], "findFirst": False}
    pair.repositories["two"].failure = BackendUnavailable("away", repository="two")
    try:
        page = pair(SEARCH % "", labels=labels, query=query, first=5).data["datasets"]
    finally:
        pair.repositories["two"].failure = None
    rest = pair.good(SEARCH % "", labels=labels, query=query, first=1000, after=page["pageInfo"]["endCursor"])
    everything = names(page["nodes"]) + names(rest["datasets"]["nodes"])
    assert sorted(everything) == sorted(names(composed(pair, labels, query, False)))


def test_names_known_in_one_repository_only_are_no_error(demo: Gateway, pair: Gateway) -> None:
    mixed = Gateway({})
    mixed.loop.close()
    mixed.loop = pair.loop
    mixed.repositories = {"hsc": demo.repositories["hsc"], "one": pair.repositories["one"]}
    query = {"type": ["raw", "demo_calexp", "deepCoadd"], "collections": ["*"]}
    found = mixed.good(SEARCH % "explain", labels=["hsc", "one"], query=query, first=10_000)["datasets"]
    kinds = {(node["repository"]["name"], node["type"]["name"]) for node in found["nodes"]}
    assert {("hsc", "demo_calexp"), ("one", "deepCoadd"), ("hsc", "raw"), ("one", "raw")} <= kinds
    said = " ".join(found["explain"])
    assert "one: " in said
    assert "demo_calexp" in said
    answer = mixed(SEARCH % "", labels=["hsc", "one"], query={"type": ["raw", "nowhere"]})
    assert set(answer.codes) == {"NOT_FOUND"}
    assert "nowhere" in answer.messages


def test_a_type_and_a_collection_may_have_the_same_name(demo: Gateway, tmp_path: Path) -> None:
    """Each repository lacks one of the two: neither lacks what it has, and the search lacks nothing."""
    root = str(tmp_path / "other")
    Butler.makeRepo(root)
    with Butler.from_config(root, writeable=True) as butler:
        for name in ("skymaps", "skyMap"):
            butler.registry.registerDatasetType(
                DatasetType(name, butler.dimensions.conform(()), storageClass="StructuredDataDict")
            )
        butler.collections.register("other/run")
        butler.registry.insertDatasets("skymaps", [{}], run="other/run")
    demonstration = Settings(uri=demo.repositories["hsc"].settings.uri, ivoid=IVOID)
    gateway = Gateway(
        {
            "other": open_repository("other", Settings(uri=root, ivoid=IVOID)),
            "hsc": open_repository("hsc", demonstration),
        }
    )
    try:
        query = {"type": ["skymaps", "skyMap"], "collections": ["skymaps", "other/run"]}
        expected = {("other", "skymaps"), ("hsc", "skyMap")}
        for labels in (["other", "hsc"], ["hsc", "other"]):
            found = gateway.good(SEARCH % "totalCount", labels=labels, query=query)["datasets"]
            assert {(node["repository"]["name"], node["type"]["name"]) for node in found["nodes"]} == expected
            assert found["totalCount"] == len(found["nodes"])
        # What none of them has is refused, whatever else is called so.
        refused = {"type": ["other/run", "skyMap"], "collections": ["skymaps", "other/run"]}
        answer = gateway(SEARCH % "", labels=["hsc", "other"], query=refused)
        assert set(answer.codes) == {"NOT_FOUND"} and "dataset type 'other/run'" in answer.messages
    finally:
        gateway.close()


def test_a_repository_that_is_not_the_callers_does_not_exist(pair: Gateway) -> None:
    query = {"type": ["calexp"]}
    hidden = pair(SEARCH % "", labels=["one", "two"], query=query, see=["one"])
    absent = pair(SEARCH % "", labels=["one", "tow"], query=query, see=["one"])
    assert hidden.codes == absent.codes == ["NOT_FOUND"]
    assert hidden.messages.replace("two", "tow") == absent.messages
    assert pair(SEARCH % "", labels=[], query=query).codes == ["BAD_USER_INPUT"]


def test_counting_by_looking_has_a_limit(pair: Gateway) -> None:
    query = {"type": ["calexp"], "findFirst": True}
    answer = pair(
        SEARCH % "totalCount", labels=["one", "two"], query=query, first=1, limits=Limits(max_cost=30)
    )
    assert "QUERY_TOO_COMPLEX" in answer.codes
    assert answer.data["datasets"]["totalCount"] is None
    assert len(answer.data["datasets"]["nodes"]) == 1


def test_repositories_are_asked_for_no_more_than_a_page(pair: Gateway) -> None:
    pair.good(SEARCH % "", labels=["one", "two"], query={"type": ["src"], "findFirst": False}, first=4)
    for label in ("one", "two"):
        (question,) = pair.asked(label, Datasets)
        assert question.page.first == 5
