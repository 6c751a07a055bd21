"""The schema on the demonstration repository: everything that can be selected answers, in few questions."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from adapters.caller import Caller
from adapters.errors import BackendUnavailable
from adapters.question import (
    CollectionDatasetTypes,
    CollectionLinks,
    CollectionsByName,
    Datasets,
    DatasetsById,
    Files,
    Memberships,
    Question,
    RecordsByKey,
    Regions,
    Timespans,
    Versions,
)
from gateway.limits import Limits

from .conftest import Gateway

RAWS = """query($first: Int! = 5, $after: String, $query: DatasetQuery!) { repository(name: "hsc") {
  datasets(query: $query, first: $first, after: $after) {
    %s pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""


def test_a_row_of_everything_costs_one_question_a_kind(demo: Gateway) -> None:
    data = demo.good(
        RAWS
        % """nodes { id uuid run ingestDate ivoid repository { name } type { name components }
          dataId { map required visit exposure dayObs physicalFilter region { area }
            record(element: "detector") { element fields field(name: "full_name") region { ra } } }
          region { source sRegion ra dec radius area vertices { ra dec } } timespan { begin end beginMjd(scale: TAI) }
          collections { name type documentation } files { uri url mediaType size checksum component formatter }
          versions(first: 2) { nodes { uuid } totalCount pageInfo { hasNextPage } } }""",
        query={"type": ["calexp"]},
        first=20,
    )
    nodes = data["repository"]["datasets"]["nodes"]
    assert len(nodes) == 20
    for kind in (Datasets, Regions, Memberships, Files, RecordsByKey):
        assert len(demo.asked("hsc", kind)) == 1, kind
    assert demo.asked("hsc", Timespans) == []  # they came along
    assert len(demo.asked("hsc", Versions)) == 2  # the pages, and what is counted
    assert len(demo.asked("hsc", CollectionsByName)) <= 1
    for node in nodes:
        assert node["dataId"]["visit"] == node["dataId"]["required"]["visit"]
        assert node["region"]["source"] == "visit_detector_region"
        assert node["region"]["sRegion"].startswith("POLYGON")
        assert len(node["region"]["vertices"]) == 4
        assert node["files"] == []  # known, and unfiled
        assert node["timespan"]["begin"].endswith("Z")
        assert node["ivoid"] == f"ivo://org.example/x?repo=hsc&id={node['uuid']}"
        assert node["versions"]["totalCount"] == 1
        assert "wcs" in node["type"]["components"]
        assert node["dataId"]["record"]["field"] == node["dataId"]["record"]["fields"]["full_name"]


def test_only_what_is_selected_is_asked(demo: Gateway) -> None:
    demo.good('{ repository(name: "hsc") { datasets(query: {type: "raw"}) { __typename } } }')
    assert demo.repositories["hsc"].asked == []
    demo.good('{ repository(name: "hsc") { datasets(query: {type: "raw"}) { totalCount } } }')
    assert demo.repositories["hsc"].asked == []
    demo.good(
        '{ repository(name: "hsc") { datasets(query: {type: "raw"}) { edges { cursor } nodes { run } completeness { state } pageInfo { endCursor } } } }'
    )
    assert len(demo.repositories["hsc"].asked) == 1


def test_pages_join_without_gap_and_duplicate(demo: Gateway) -> None:
    query = {"type": ["raw", "calexp", "bias"], "orderBy": ["-detector"]}
    whole = demo.good(RAWS % "totalCount nodes { uuid }", query=query, first=1000)["repository"]["datasets"]
    found: list[str] = []
    after = None
    while True:
        page = demo.good(RAWS % "edges { cursor node { uuid } }", query=query, first=7, after=after)
        page = page["repository"]["datasets"]
        found += [edge["node"]["uuid"] for edge in page["edges"]]
        assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
        assert page["pageInfo"]["startCursor"] == page["edges"][0]["cursor"]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == [node["uuid"] for node in whole["nodes"]]
    assert len(found) == len(set(found)) == whole["totalCount"]


@pytest.mark.parametrize("order", [["exposure", "detector"], ["-timespan.begin"], ["-detector"], []])
def test_every_page_counts_the_whole_list(demo: Gateway, order: list[str]) -> None:
    said = 'totalCount explain facets(by: ["detector"]) { items { count } complete } nodes { uuid }'
    query = {"type": ["raw"], "orderBy": order}
    first = demo.good(RAWS % said, query=query, first=7)["repository"]["datasets"]
    second = demo.good(RAWS % said, query=query, first=7, after=first["pageInfo"]["endCursor"])
    second = second["repository"]["datasets"]
    assert first["totalCount"] > 7
    for field in ("totalCount", "explain", "facets"):
        assert second[field] == first[field]
    assert first["nodes"] != second["nodes"]


def test_times_are_counted_as_they_are_written_elsewhere(demo: Gateway) -> None:
    by = ["exposure.timespan.begin", "ingest_date"]
    data = demo.good(
        RAWS
        % "facets(by: %s) { items { value count } } nodes { timespan { begin } ingestDate }"
        % str(by).replace("'", '"'),
        query={"type": ["raw"]},
        first=1000,
    )
    found = data["repository"]["datasets"]
    begins = {node["timespan"]["begin"] for node in found["nodes"]}
    dates = {node["ingestDate"] for node in found["nodes"]}
    assert {item["value"][by[0]] for item in found["facets"]["items"]} == begins
    assert {item["value"][by[1]] for item in found["facets"]["items"]} == dates


def test_a_constraint_that_says_nothing_is_told(demo: Gateway) -> None:
    """Butler would go through every patch for every raw; what the sky, the time or another dimension ties is said nothing of."""
    text = RAWS % "totalCount explain"
    data = demo.good(text, query={"type": ["raw"], "dataId": {"patch": {"eq": 69}}})
    (said,) = data["repository"]["datasets"]["explain"]
    assert "'patch'" in said and "'raw'" in said
    patch = {"skymap": {"glob": "*"}, "patch": {"eq": 69}}
    for kind, constraint in (("raw", {"visit": {"gt": 0}}), ("demo_calexp", patch)):
        data = demo.good(text, query={"type": [kind], "collections": ["*"], "dataId": constraint})
        assert data["repository"]["datasets"]["explain"] == []


def test_what_has_no_file_has_no_content(demo: Gateway) -> None:
    """A link that leads nowhere would be found out when it is opened; all datasets of a level are one question."""
    text = RAWS % "nodes { content(form: NATIVE) { url } }"
    answer = demo(text, query={"type": ["calexp"]}, first=3)
    assert answer.data["repository"]["datasets"]["nodes"] == [{"content": None}] * 3
    assert set(answer.codes) == {"NOT_FOUND"} and "no file" in answer.messages
    data = demo.good(text, query={"type": ["raw"]}, first=3)
    assert all(node["content"]["url"] for node in data["repository"]["datasets"]["nodes"])
    assert len(demo.asked("hsc", Files)) == 1


def test_a_value_that_no_dataset_has_is_near_some(demo: Gateway) -> None:
    data = demo.good(RAWS % "explain", query={"type": ["raw"], "dataId": {"instrument": {"eq": "hsc"}}})
    (said,) = data["repository"]["datasets"]["explain"]
    assert "instrument = 'hsc'" in said and "near it: HSC" in said


def test_a_cursor_belongs_to_its_question(demo: Gateway) -> None:
    page = demo.good(RAWS % "", query={"type": ["raw"]})["repository"]["datasets"]["pageInfo"]
    answer = demo(RAWS % "", query={"type": ["calexp"]}, after=page["endCursor"])
    assert answer.codes == ["BAD_CURSOR"]
    assert answer.data == {"repository": {"datasets": None}}
    demo.good(RAWS % "", query={"type": ["raw"]}, after=page["endCursor"], first=1)


def test_first_has_limits_that_are_named(demo: Gateway) -> None:
    for first in (-1, 51):
        answer = demo(RAWS % "", query={"type": ["raw"]}, first=first, limits=Limits(max_first=50))
        assert answer.codes == ["BAD_USER_INPUT"]
        assert "50" in answer.messages
    empty = demo.good(RAWS % "nodes { run }", query={"type": ["raw"]}, first=0)["repository"]["datasets"]
    assert empty == {
        "nodes": [],
        "pageInfo": {"hasNextPage": True, "hasPreviousPage": False, "startCursor": None, "endCursor": None},
    }


def test_the_cost_is_parents_times_first(demo: Gateway) -> None:
    text = RAWS % "nodes { versions(first: 100) { nodes { uuid } } }"
    demo.good(text, query={"type": ["raw"]}, first=10, limits=Limits(max_cost=1010))
    answer = demo(text, query={"type": ["raw"]}, first=10, limits=Limits(max_cost=1009))
    assert set(answer.codes) == {"QUERY_TOO_COMPLEX"}
    assert len(demo.asked("hsc", Versions)) == 0
    assert answer.data["repository"]["datasets"]["nodes"] == [{"versions": None}] * 10


def test_a_count_that_costs_too_much_says_what_is_counted(demo: Gateway) -> None:
    """And names no ``first`` that nobody wrote."""
    text = """query($query: DatasetQuery!) { repository(name: "hsc") { datasets(query: $query, first: 60) { nodes {
      inputs(first: 3) { totalCount } } } } }"""
    query = {"type": "demo_calexp", "findFirst": False}
    answer = demo(text, query=query, limits=Limits(max_cost=20_000))
    assert set(answer.codes) == {"QUERY_TOO_COMPLEX"}
    (message,) = {error.message for error in answer.errors}
    assert "totalCount counts up to 1000 items of each of 54 lists" in message
    assert "the limit max_cost is 20000" in message
    assert "first" not in message
    assert answer.errors[0].original_error.details["actual"] > 54_000


def test_versions_page_for_one_parent(demo: Gateway) -> None:
    text = """query($after: String) { repository(name: "hsc") { datasets(query: {type: "demo_calexp", collections: "*"}, first: 3) {
        nodes { uuid run versions(first: 1, after: $after) { nodes { uuid run } pageInfo { hasNextPage endCursor } } } } } }"""
    nodes = demo.good(text)["repository"]["datasets"]["nodes"]
    first = nodes[0]["versions"]
    assert first["pageInfo"]["hasNextPage"]
    answer = demo(text, after=first["pageInfo"]["endCursor"])
    there = [node["versions"] for node in answer.data["repository"]["datasets"]["nodes"]]
    mine = [one for one in there if one is not None]
    assert mine
    for versions in mine:  # those with the same type and data ID, and no others
        assert versions["nodes"][0]["uuid"] not in (first["nodes"][0]["uuid"], None)
        assert not versions["pageInfo"]["hasNextPage"]
    assert set(answer.codes) <= {"BAD_CURSOR"}


def test_collections_know_their_relatives(demo: Gateway) -> None:
    data = demo.good(
        """{ repository(name: "hsc") { collections { totalCount nodes { id name type documentation
          children(first: 2) { totalCount nodes { name } pageInfo { hasNextPage endCursor } }
          parents { nodes { name } } datasetTypes(first: 1) { nodes { name } pageInfo { hasNextPage } } } } } }"""
    )
    nodes = {node["name"]: node for node in data["repository"]["collections"]["nodes"]}
    assert len(nodes) == data["repository"]["collections"]["totalCount"]
    assert len(demo.asked("hsc", CollectionLinks)) == 3
    assert len(demo.asked("hsc", CollectionDatasetTypes)) == 1
    chain = nodes["HSC/defaults"]
    assert chain["type"] == "CHAINED"
    assert chain["children"]["totalCount"] > 2
    assert chain["children"]["pageInfo"]["hasNextPage"]
    for name in (child["name"] for child in chain["children"]["nodes"]):
        assert {"name": "HSC/defaults"} in nodes[name]["parents"]["nodes"]
    assert nodes["HSC/raw/all"]["children"]["nodes"] == []
    rest = demo.good(
        """query($after: String) { repository(name: "hsc") { collection(name: "HSC/defaults") {
          children(after: $after) { nodes { name } pageInfo { hasNextPage } } } } }""",
        after=chain["children"]["pageInfo"]["endCursor"],
    )["repository"]["collection"]["children"]
    assert len(rest["nodes"]) == chain["children"]["totalCount"] - 2


def test_certifications_name_their_ranges(demo: Gateway) -> None:
    text = """query($validity: TimeFilter) { repository(name: "hsc") { collection(name: "HSC/calib") {
      certifications(type: "flat", dataId: {detector: {eq: 1}}, validity: $validity) { totalCount
        nodes { dataset { uuid dataId { map } } validity { begin end } } } } } }"""
    every = demo.good(text)["repository"]["collection"]["certifications"]
    assert every["totalCount"] == len(every["nodes"]) > 1
    some = demo.good(text, validity={"at": "2013-06-10T00:00:00Z"})["repository"]["collection"][
        "certifications"
    ]
    assert 0 < some["totalCount"] < every["totalCount"]


def test_records_have_every_field_in_plain_forms(demo: Gateway) -> None:
    data = demo.good(
        """{ repository(name: "hsc") {
          records(element: "exposure", dataId: {instrument: {eq: "LSSTCam"}}, orderBy: ["-exposure"], first: 1) {
            totalCount nodes { element dataId { map required exposure } fields timespan { begin end } field(name: "seq_num") } }
          patches: records(element: "patch", first: 1) { nodes { fields region { sRegion } } } } }"""
    )["repository"]
    record = data["records"]["nodes"][0]
    assert record["dataId"]["exposure"] == 2025120200440
    assert record["dataId"]["required"] == {"instrument": "LSSTCam", "exposure": 2025120200440}
    assert record["fields"]["timespan"] == record["timespan"]
    assert record["fields"]["seq_num"] == record["field"] == 440
    patch = data["patches"]["nodes"][0]
    assert patch["fields"]["region"] == patch["region"]["sRegion"]


def test_data_ids_say_what_is_missing(demo: Gateway) -> None:
    data = demo.good(
        """{ repository(name: "hsc") {
          have: dataIds(dimensions: ["visit", "detector"], having: ["calexp"], first: 3) {
            totalCount nodes { map required region { source } timespan { begin } record(element: "visit") { field(name: "name") } } }
          lack: dataIds(dimensions: ["visit", "detector"], having: ["calexp"], lacking: ["demo_calexp"],
            collections: ["*"]) { totalCount } } }"""
    )["repository"]
    assert data["have"]["totalCount"] > data["lack"]["totalCount"] >= 0
    for node in data["have"]["nodes"]:
        assert set(node["required"]) == {"instrument", "visit", "detector"}
        assert {"band", "physical_filter"} <= set(node["map"])
        assert node["region"]["source"] == "visit_detector_region"
    assert len(demo.asked("hsc", Regions)) == len(demo.asked("hsc", RecordsByKey)) == 1


def test_a_thing_is_found_again_by_its_id(demo: Gateway) -> None:
    data = demo.good(
        """{ repository(name: "hsc") { id collection(name: "HSC/calib") { id } datasetType(name: "raw") { id }
          datasets(query: {type: "raw"}, first: 2) { nodes { id uuid } } } }"""
    )["repository"]
    raws = data["datasets"]["nodes"]
    ids = [data["id"], data["collection"]["id"], raws[1]["id"], data["datasetType"]["id"], raws[0]["id"]]
    text = """query($ids: [ID!]!) { nodes(ids: $ids) { id __typename ... on Dataset { uuid } ... on Collection { name } } }"""
    found = demo.good(text, ids=ids)["nodes"]
    assert [node["id"] for node in found] == ids
    assert [node["__typename"] for node in found] == [
        "Repository",
        "Collection",
        "Dataset",
        "DatasetType",
        "Dataset",
    ]
    assert len(demo.asked("hsc", DatasetsById)) == 1
    answer = demo(text, ids=[ids[0], "nonsense", raws[0]["id"]])
    assert [node and node["id"] for node in answer.data["nodes"]] == [ids[0], None, raws[0]["id"]]
    assert answer.codes == ["BAD_USER_INPUT"]
    answer = demo.good("query($id: ID!) { node(id: $id) { ... on Dataset { uuid } } }", id=raws[0]["id"])
    assert answer == {"node": {"uuid": raws[0]["uuid"]}}


def test_datasets_by_id_come_in_the_order_asked(demo: Gateway) -> None:
    nodes = demo.good(RAWS % "nodes { uuid }", query={"type": ["raw"]}, first=3)["repository"]["datasets"][
        "nodes"
    ]
    a, b, c = (node["uuid"] for node in nodes)
    gone = str(uuid4())
    data = demo.good(
        """query($ids: [UUID!]!, $one: UUID!) { repository(name: "hsc") { dataset(id: $one) { uuid }
          datasetsById(ids: $ids) { uuid type { name } } } }""",
        ids=[c.replace("-", "").upper(), gone, a, c, b],
        one=gone,
    )["repository"]
    assert [node and node["uuid"] for node in data["datasetsById"]] == [c, None, a, c, b]
    assert data["dataset"] is None
    assert len(demo.asked("hsc", DatasetsById)) == 1


def test_find_dataset_gives_the_first_in_search_order(demo: Gateway) -> None:
    node = demo.good(RAWS % "nodes { uuid dataId { required } }", query={"type": ["raw"]}, first=1)
    node = node["repository"]["datasets"]["nodes"][0]
    text = """query($dataId: DataIdMap!) { repository(name: "hsc") { findDataset(type: "raw", dataId: $dataId) { uuid } } }"""
    found = demo.good(text, dataId=node["dataId"]["required"])["repository"]["findDataset"]
    assert found == {"uuid": node["uuid"]}
    answer = demo(text, dataId={"instrument": "HSC"})
    assert answer.codes == ["BAD_USER_INPUT"]


@pytest.mark.parametrize("form", ["ivo://org.example/x?repo={label}&id={id}", "butler://{label}/{id}"])
def test_identifiers_resolve(demo: Gateway, form: str) -> None:
    node = demo.good(RAWS % "nodes { uuid ivoid }", query={"type": ["raw"]}, first=1)
    node = node["repository"]["datasets"]["nodes"][0]
    text = "query($i: String!) { resolve(identifier: $i) { uuid } }"
    for identifier in (form.format(label="hsc", id=node["uuid"]), node["ivoid"], node["uuid"]):
        assert demo.good(text, i=identifier) == {"resolve": {"uuid": node["uuid"]}}
    assert demo.good(text, i=form.format(label="secret", id=node["uuid"])) == {"resolve": None}
    assert demo.good(text, i=str(uuid4())) == {"resolve": None}
    for wrong in (
        form.format(label="hsc", id="x"),
        "",
        "ivo://a/b",
        "http://x/y",
        "butler:///" + node["uuid"],
    ):
        assert demo(text, i=wrong).codes == ["BAD_USER_INPUT"]


def test_what_fails_alone_leaves_the_rest(demo: Gateway) -> None:
    watched = demo.repositories["hsc"]
    asked, broken = watched.ask, BackendUnavailable("The store is away.", repository="hsc")

    async def ask(question: Question, call: object) -> object:
        if isinstance(question, Files):
            raise broken
        return await asked(question, call)  # type: ignore[arg-type]

    watched.ask = ask  # type: ignore[method-assign, assignment]
    try:
        answer = demo(RAWS % "nodes { uuid files { uri } run }", query={"type": ["raw"]}, first=2)
    finally:
        del watched.ask
    assert answer.codes == ["BACKEND_UNAVAILABLE"] * 2
    for node in answer.data["repository"]["datasets"]["nodes"]:
        assert node["files"] is None
        assert node["uuid"]
        assert node["run"]


def test_unknown_names_come_with_the_nearest(demo: Gateway) -> None:
    answer = demo(
        """{ a: repository(name: "hcs") { name } repository(name: "hsc") { collection(name: "HSC/default") { name }
          datasetType(name: "calexq") { name } datasets(query: {type: "rew"}) { nodes { run } }
          records(element: "exposures") { nodes { element } }
          r: records(element: "visit", first: 1) { nodes { field(name: "nam") } } } }"""
    )
    assert sorted(answer.codes) == ["BAD_USER_INPUT"] * 2 + ["NOT_FOUND"] * 4
    for near in ("'hsc'", "'HSC/defaults'", "'calexp'", "'raw'", "'exposure'", "'name'"):
        assert near in answer.messages


def test_what_is_wrong_with_one_data_id_is_told_in_its_own_words(demo: Gateway) -> None:
    text = 'query($type: String!, $dataId: DataIdMap!, $validity: TimeFilter) { repository(name: "hsc") { findDataset(type: $type, dataId: $dataId, validity: $validity) { uuid } } }'
    raw = {"instrument": "HSC", "exposure": "3", "detector": 1}
    assert demo(text, type="raw", dataId=raw).messages == "'exposure' is an integer, not '3'."
    flat = {"instrument": "HSC", "detector": 12, "physical_filter": "HSC-R"}
    answer = demo(text, type="flat", dataId=flat, validity={"begin": "2013-01-01T00:00:00Z"})
    # Two of them are valid in parts of this range, none in all of it.
    assert "in collection 'HSC/calib' (place 4 of the search order) is valid then: " in answer.messages
    assert len(re.findall(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", answer.messages)) == 2


def test_joined_data_ids_of_unknown_dimensions_are_near_some(demo: Gateway) -> None:
    text = """{ repository(name: "hsc") { datasets(query: {type: "calexp"}, first: 2) { nodes { dataId {
      dataIds(dimensions: ["viist"]) { totalCount nodes { map } } } } } } }"""
    answer = demo(text)
    assert {error.message.partition(";")[2] for error in answer.errors} == {
        " did you mean 'visit' or 'visit_system'?"
    }
    assert {*answer.codes} == {"BAD_USER_INPUT"}


def test_facets_count_the_whole_list(demo: Gateway) -> None:
    text = (
        RAWS
        % 'totalCount facets(by: ["band", "run"]) { complete items { value count } } few: facets(by: ["detector"], first: 1) { complete items { count } }'
    )
    found = demo.good(text, query={"type": ["raw", "calexp"]}, first=1)["repository"]["datasets"]
    assert found["facets"]["complete"] is True
    assert sum(item["count"] for item in found["facets"]["items"]) == found["totalCount"]
    assert set(found["facets"]["items"][0]["value"]) == {"band", "run"}
    assert found["few"]["complete"] is False
    assert demo(RAWS % "facets(by: []) { complete }", query={"type": ["raw"]}).codes == ["BAD_USER_INPUT"]


def test_files_have_an_address_at_the_gateway(demo: Gateway) -> None:
    found = demo.good(
        RAWS % "nodes { uuid files { uri url mediaType size storageClass formatter } }",
        query={"type": ["raw"]},
        first=2,
    )
    for node in found["repository"]["datasets"]["nodes"]:
        (file,) = node["files"]
        assert file["url"] == f"https://gateway.example/files/hsc/{node['uuid']}"
        assert file["uri"].startswith("file:")
        assert file["mediaType"] is not None


def test_who_asks_and_what_is_allowed(demo: Gateway) -> None:
    data = demo.good(
        """{ viewer { username authenticated groups readable writable }
          service { version maxFirst maxDepth maxCost timeoutSeconds }
          repositories { name adapter capabilities defaultCollections universe description
            dimensions { name governor alternateKeys required implied fields { name type unit } spatial temporal } } }""",
        caller=Caller("ada", frozenset({"b", "a"})),
        limits=Limits(max_first=7, max_depth=8, max_cost=9, timeout=1.5),
    )
    assert data["viewer"] == {
        "username": "ada",
        "authenticated": True,
        "groups": ["a", "b"],
        "readable": ["hsc"],
        "writable": [],
    }
    version = data["service"].pop("version")
    assert version
    assert data["service"] == {"maxFirst": 7, "maxDepth": 8, "maxCost": 9, "timeoutSeconds": 1.5}
    (repository,) = data["repositories"]
    assert repository["universe"].startswith("daf_butler/")
    names = [element["name"] for element in repository["dimensions"]]
    assert "exposure" in names
    assert "htm7" not in names
    skypix = demo.good('{ repository(name: "hsc") { dimensions(skypix: true) { name } } }')
    assert {"name": "htm7"} in skypix["repository"]["dimensions"]
