"""Which flat, which patches, which coadds: on the demonstration repository, N parents in one question."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.errors import BadUserInput
from adapters.question import DataIds, Datasets, Related, RelatedDataIds
from adapters.rows import Column, Kind, Rows, TypeInfo
from gateway.limits import Limits
from resolvers.kinship import require_one_calibration

from .conftest import Gateway

OF = """query($first: Int! = 100, $query: DatasetQuery! %s) { repository(name: "hsc") {
  datasets(query: $query, first: $first) { nodes { uuid dataId { map } %s } } } }"""
GAP = (904010, 904014)  # no flat is valid for these exposures


def document(text: str) -> str:
    return OF % ("$after: String" if "$after" in text else "", text)


def of(demo: Gateway, type: str, text: str, **variables: Any) -> list[Any]:
    query = {"type": [type], **variables.pop("query", {})}
    data = demo.good(document(text), query=query, **variables)
    nodes: list[Any] = data["repository"]["datasets"]["nodes"]
    return nodes


def test_every_raw_has_the_flat_that_is_valid_for_it(demo: Gateway) -> None:
    raws = of(
        demo,
        "raw",
        """timespan { begin } calibration(type: "flat") { cursor kind semantics collection rank overlap depth
             quantum { id } validity { begin end } node { uuid run dataId { map } } }
           related(type: "flat") { edges { cursor node { uuid } } pageInfo { hasNextPage } }""",
    )
    assert (
        len(demo.asked("hsc", Related)) == 1
    )  # whatever the number of raws; the calibrations came along with them
    assert len(raws) == 33
    for raw in raws:
        edge = raw["calibration"]
        listed = raw["related"]["edges"]
        if raw["dataId"]["map"]["exposure"] in GAP:
            assert edge is None
            assert listed == []
            continue
        assert (edge["kind"], edge["semantics"], edge["collection"]) == ("CALIBRATION", "#flat", "HSC/calib")
        assert edge["cursor"] is edge["overlap"] is edge["depth"] is edge["quantum"] is None
        assert edge["rank"] == 3  # two runs and the raws come first
        assert edge["validity"]["begin"] <= raw["timespan"]["begin"]
        assert edge["validity"]["end"] is None or raw["timespan"]["begin"] < edge["validity"]["end"]
        for name in ("instrument", "detector", "physical_filter", "band"):
            assert edge["node"]["dataId"]["map"][name] == raw["dataId"]["map"][name]
        assert [one["node"]["uuid"] for one in listed] == [edge["node"]["uuid"]]
        assert listed[0]["cursor"]
    assert any(raw["calibration"] is None for raw in raws)


def test_the_validity_on_the_edge_is_the_certified_one(demo: Gateway) -> None:
    data = demo.good(
        """{ repository(name: "hsc") { collection(name: "HSC/calib") {
             certifications(type: "bias", first: 1000) { nodes { dataset { uuid } validity { begin end } } } } } }"""
    )
    certified = {
        node["dataset"]["uuid"]: node["validity"]
        for node in data["repository"]["collection"]["certifications"]["nodes"]
    }
    text = 'calibration(type: "bias", collections: ["HSC/calib"]) { rank semantics validity { begin end } node { uuid } }'
    for raw in of(demo, "raw", text):
        edge = raw["calibration"]
        assert edge["validity"] == certified[edge["node"]["uuid"]]
        assert (edge["rank"], edge["semantics"]) == (0, "#bias")


def test_what_a_run_has_of_a_calibration_is_not_said_to_be_certified(demo: Gateway) -> None:
    """Found by its data ID, as Butler's find_dataset finds it: any observation's, with no range of validity."""
    asked = """kind semantics collection validity { begin end } node { uuid run }"""
    for listed in (
        f'related(type: "flat", collections: ["*"], findFirst: false) {{ edges {{ {asked} }} }}',
        f'calibration(type: "flat", collections: ["HSC/calib/flat/2013-11-02", "HSC/calib"]) {{ {asked} }}',
    ):
        kinds: set[str] = set()
        for raw in of(demo, "raw", listed, query={"dataId": {"exposure": {"in": [903334, 904010]}}}):
            edges = raw["related"]["edges"] if "related" in raw else filter(None, [raw["calibration"]])
            for edge in edges:
                certified = edge["collection"] == "HSC/calib"
                assert edge["kind"] == ("CALIBRATION" if certified else "DATA_ID")
                assert edge["semantics"] == ("#flat" if certified else "#auxiliary")
                assert (edge["validity"] is not None) is certified
                assert certified or edge["collection"] == edge["node"]["run"]
                kinds.add(edge["kind"])
        assert "DATA_ID" in kinds


def test_a_flat_knows_the_raws_that_it_is_valid_for(demo: Gateway) -> None:
    forward = {
        (raw["uuid"], edge["node"]["uuid"], edge["validity"]["begin"])
        for raw in of(demo, "raw", 'related(type: "flat") { edges { validity { begin } node { uuid } } }')
        for edge in raw["related"]["edges"]
    }
    query = {"collections": ["HSC/calib"], "findFirst": False}
    text = 'related(type: "raw") { totalCount edges { kind semantics collection validity { begin } node { uuid } } }'
    backward = set()
    flats = of(demo, "flat", text, query=query, first=1000)
    assert len(demo.asked("hsc", Related)) == 2  # the pages, and what is counted
    for flat in flats:
        edges = flat["related"]["edges"]
        assert flat["related"]["totalCount"] == len(edges)
        for edge in edges:
            assert (edge["kind"], edge["semantics"]) == ("CALIBRATION", "#auxiliary")
            assert edge["collection"] == "HSC/calib"
            backward.add((edge["node"]["uuid"], flat["uuid"], edge["validity"]["begin"]))
    assert backward == forward


def test_frames_and_patches_both_ways(demo: Gateway) -> None:
    calexps = of(
        demo,
        "calexp",
        """dataId { dataIds(dimensions: ["patch"]) { totalCount edges { overlap node { patch } } nodes { patch } } }
           related(type: "demo_coadd") { totalCount nodes { uuid }
             edges { overlap kind semantics validity { begin } node { uuid dataId { patch band } } } }""",
    )
    assert len(demo.asked("hsc", RelatedDataIds)) == 2
    assert len(demo.asked("hsc", Related)) == 2
    there = set()
    for calexp in calexps:
        patches = {edge["node"]["patch"]: edge["overlap"] for edge in calexp["dataId"]["dataIds"]["edges"]}
        assert all(0 <= overlap <= 1 for overlap in patches.values())
        assert sum(patches.values()) > 0.9  # patches overlap, and cover nearly all
        assert len(patches) == calexp["dataId"]["dataIds"]["totalCount"]
        for edge in calexp["related"]["edges"]:
            assert (edge["kind"], edge["semantics"], edge["validity"]) == ("SPATIAL", "#counterpart", None)
            assert edge["node"]["dataId"]["band"] == calexp["dataId"]["map"]["band"]
            assert edge["overlap"] == pytest.approx(patches[edge["node"]["dataId"]["patch"]], abs=1e-12)
            there.add((calexp["uuid"], edge["node"]["uuid"]))
    back = {
        (calexp["uuid"], coadd["uuid"])
        for coadd in of(demo, "demo_coadd", 'related(type: "calexp") { nodes { uuid } }', first=1000)
        for calexp in coadd["related"]["nodes"]
    }
    assert back == there


def test_how_much_overlaps_is_measured_only_where_it_is_wanted(demo: Gateway) -> None:
    text = 'related(type: "demo_coadd", first: 1, after: $after) { pageInfo { endCursor } %s }'
    (bare,) = of(demo, "calexp", text % "nodes { uuid }", first=1)
    assert [question.overlap for question in demo.asked("hsc", Related)] == [False]
    after = bare["related"]["pageInfo"]["endCursor"]
    (next,) = of(
        demo,
        "calexp",
        text % "edges { node { uuid } ... on AssociationEdge { overlap } }",
        first=1,
        after=after,
    )
    assert [question.overlap for question in demo.asked("hsc", Related)] == [True]
    (edge,) = next["related"]["edges"]
    assert edge["overlap"] > 0
    assert edge["node"]["uuid"] != bare["related"]["nodes"][0]["uuid"]
    fragments = "fragment C on AssociationConnection { edges { ...E } } fragment E on AssociationEdge { %s }"
    for field in ("overlap", "rank"):
        start = '{ repository(name: "hsc") { datasets(query: {type: "calexp"}, first: 1) { nodes '
        demo.good(start + '{ related(type: "demo_coadd") { ...C } } } } } ' + fragments % field)
        assert [question.overlap for question in demo.asked("hsc", Related)] == [field == "overlap"]


CHAIN = """related(type: "calexp", first: 10) { nodes { uuid related(type: "raw") { nodes { uuid
  calibration(type: "flat") { node { uuid related(type: "raw") { totalCount nodes { uuid } } } } } } } }"""


def test_a_whole_chain_is_a_statement_a_level(demo: Gateway, statements: list[str]) -> None:
    """One statement for the coadds, and one a level, with one for the count; two where the sky decides: what overlaps what, and the
    datasets. With thirty times as many parents the same. (Names are looked up once, by the first request of all.)"""
    of(demo, "demo_coadd", CHAIN, first=1)
    costs = []
    for first in (1, 30):
        statements.clear()
        coadds = of(demo, "demo_coadd", CHAIN, first=first)
        assert len(demo.repositories["hsc"].asked) == 6  # the datasets, four levels, and the count
        costs.append(len(statements))
        for coadd in coadds:
            assert coadd["related"]["nodes"]
            for calexp in coadd["related"]["nodes"]:
                (raw,) = calexp["related"]["nodes"]
                if raw["calibration"] is not None:
                    others = raw["calibration"]["node"]["related"]
                    assert raw["uuid"] in [other["uuid"] for other in others["nodes"]]
                    assert others["totalCount"] == len(others["nodes"])
    assert costs == [7, 7]


def test_a_visit_its_exposures_and_what_there_is_of_it(demo: Gateway) -> None:
    data = demo.good(
        """{ repository(name: "hsc") { dataIds(dimensions: ["visit"]) { edges { overlap node { visit
             dataIds(dimensions: ["exposure"], dataId: {instrument: {eq: "HSC"}}) { edges { overlap node { exposure } } }
             related(type: ["raw", "calexp"], dataId: {detector: {gte: 0}}) { edges { kind semantics used node {
               type { name } dataId { visit exposure } } } } } } } } }"""
    )
    assert len(demo.asked("hsc", DataIds)) == len(demo.asked("hsc", RelatedDataIds)) == 1
    assert len(demo.asked("hsc", Related)) == 1
    for edge in data["repository"]["dataIds"]["edges"]:
        assert edge["overlap"] is None
        visit = edge["node"]["visit"]
        exposures = edge["node"]["dataIds"]["edges"]
        related = edge["node"]["related"]["edges"]
        for exposure in exposures:
            assert exposure == {"overlap": None, "node": {"exposure": visit}}
        if exposures:
            assert {one["node"]["type"]["name"] for one in related} == {"raw", "calexp"}
        for one in related:
            assert (one["kind"], one["semantics"], one["used"]) == ("DATA_ID", "#coderived", None)
            assert visit in one["node"]["dataId"].values()


def test_pages_belong_to_one_parent_and_join(demo: Gateway) -> None:
    query = {"dataId": {"visit": {"eq": 903344}, "detector": {"eq": 0}}}
    text = """related(type: ["demo_*", "raw", "calexp"], first: %d, after: $after) {
      nodes { uuid } pageInfo { hasNextPage endCursor } }"""
    (whole,) = of(demo, "calexp", text % 1000, query=query)
    found, after = [], None
    while True:
        (page,) = of(demo, "calexp", text % 2, query=query, after=after)
        found += page["related"]["nodes"]
        after = page["related"]["pageInfo"]["endCursor"]
        if not page["related"]["pageInfo"]["hasNextPage"]:
            break
    assert found == whole["related"]["nodes"]
    assert len({node["uuid"] for node in found}) == len(found) > 4
    answer = demo(document(text % 2), query={"type": ["calexp"]}, first=2, after=after)
    assert set(answer.codes) == {"BAD_CURSOR"}


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("related(type: []) { totalCount }", "BAD_USER_INPUT", "type is an empty list"),
        ('related(type: "flatt") { nodes { run } }', "NOT_FOUND", "'flat'"),
        ('related(type: "flat", collections: "HSC/calibs") { nodes { run } }', "NOT_FOUND", "'HSC/calib'"),
        ('related(type: "flat", by: SPATIAL) { nodes { run } }', "BAD_USER_INPUT", "region"),
        ('related(type: "flat", by: TEMPORAL) { nodes { run } }', "BAD_USER_INPUT", "time"),
        ('calibration(type: "fla*") { rank }', "BAD_USER_INPUT", "glob"),
        ('calibration(type: "calexp") { rank }', "BAD_USER_INPUT", "neither is a calibration type"),
        ('related(type: "raw", by: PROVENANCE, orderBy: "run") { totalCount }', "BAD_USER_INPUT", "orderBy"),
        ('related(type: "raw", by: PROVENANCE, dataId: {}) { totalCount }', "BAD_USER_INPUT", "dataId"),
        ('related(type: "raw", by: PROVENANCE, used: false) { totalCount }', "BAD_USER_INPUT", "used: false"),
        ('dataId { related(type: "raw", by: PROVENANCE) { totalCount } }', "BAD_USER_INPUT", "quanta"),
        ("dataId { dataIds(dimensions: []) { totalCount } }", "BAD_USER_INPUT", "at least one"),
        ('dataId { dataIds(dimensions: ["patches"]) { nodes { map } } }', "BAD_USER_INPUT", "patches"),
        ("inputs(type: []) { totalCount }", "BAD_USER_INPUT", "at least one"),
        ('related(type: "flat", first: -1) { nodes { run } }', "BAD_USER_INPUT", "between 0"),
        ('related(type: "flat", after: "x") { nodes { run } }', "BAD_CURSOR", "cursor"),
    ],
)
def test_what_cannot_be_related_says_so(demo: Gateway, text: str, code: str, words: str) -> None:
    answer = demo(document(text), query={"type": ["raw"]}, first=2)
    assert answer.codes == [code] * 2
    assert words in answer.messages


def test_what_would_cost_too_much_is_not_asked(demo: Gateway) -> None:
    answer = demo(
        document('related(type: "demo_coadd", first: 10) { nodes { uuid } }'),
        query={"type": ["calexp"]},
        first=30,
        limits=Limits(max_cost=300),
    )
    assert set(answer.codes) == {"QUERY_TOO_COMPLEX"}
    assert demo.asked("hsc", Datasets)
    assert not demo.asked("hsc", Related)


def rows(*found: tuple[Any, ...]) -> Rows:
    names = ("id", "type", "detector", "kind", "collection", "valid_begin", "valid_end")
    types = {
        "flat": TypeInfo("flat", ("detector",), ("detector",), "", True),
        "raw": TypeInfo("raw", ("detector",), ("detector",), "", False),
    }
    return Rows(tuple(Column(name, Kind.STRING) for name in names), list(found), types=types)


def test_two_calibrations_at_once_are_ambiguous_and_named() -> None:
    one = ("a" * 32, "flat", 1, "CALIBRATION", "calib", None, 10**18)
    two = ("b" * 32, "flat", 1, "CALIBRATION", "calib", 10**18, None)
    with pytest.raises(BadUserInput, match="Ambiguous") as error:
        require_one_calibration(rows(one, two))
    message = error.value.message
    for said in (
        "calib",
        "flat",
        "aaaaaaaa-aaaa",
        "bbbbbbbb-bbbb",
        "from unbounded to 2001-09-09T01:46",
        "to unbounded",
    ):
        assert said in message, said
    assert error.value.details["collection"] == "calib"
    # The same one certified twice, other data IDs, other collections, and what is no calibration are none.
    require_one_calibration(rows())
    require_one_calibration(rows(one, (*one[:5], 10**18, None)))
    require_one_calibration(rows(one, (*two[:2], 2, *two[3:])))
    require_one_calibration(rows(one, (*two[:4], "other", *two[5:])))
    require_one_calibration(rows((one[0], "raw", *one[2:]), (two[0], "raw", *two[2:])))
    require_one_calibration(rows((*one[:3], "DATA_ID", *one[4:]), (*two[:3], "DATA_ID", *two[4:])))
