"""Every list is a table: the same rows, in the same order, with what GraphQL says of each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pandas as pd
import pyarrow.parquet as pq
import pytest

from tests.end_to_end.asking import Asker

DATASET = """uuid ivoid run type { name } dataId { map } ingestDate repository { name }
timespan { beginMjd endMjd } region { ra dec radius sRegion }"""


def table(asker: Asker, url: str) -> pd.DataFrame:
    """The table at an address, read by pandas with its own nulls."""
    response = asker.http.get(url)
    assert response.status_code == 200, response.text
    return pq.read_table(io.BytesIO(response.content)).to_pandas(types_mapper=pd.ArrowDtype)


def pages(asker: Asker, document: str, *path: str) -> Iterator[dict[str, Any]]:
    """Every edge of a list, page by page."""
    after = None
    while True:
        found = asker.data(document, after=after)
        for step in path:
            found = found[step]
        yield from found["edges"]
        if not found["pageInfo"]["hasNextPage"]:
            return
        after = found["pageInfo"]["endCursor"]


def value(cell: Any) -> Any:
    return None if cell is pd.NA or cell is pd.NaT else cell


def same_datasets(rows: pd.DataFrame, nodes: list[dict[str, Any]]) -> None:
    """Each row says of its dataset what GraphQL says."""
    assert list(rows["id"]) == [node["uuid"] for node in nodes]
    for (_, row), node in zip(rows.iterrows(), nodes, strict=True):
        assert row["obs_publisher_did"] == node["ivoid"]
        assert row["access_url"].endswith(f"/datalink/links?ID={quote(node['ivoid'], safe='')}")
        assert row["access_format"] == "application/x-votable+xml;content=datalink"
        assert (row["dataset_type"], row["run"]) == (node["type"]["name"], node["run"])
        assert row["repository"] == node["repository"]["name"]
        data_id = {
            "group_name" if name == "group" else name: one for name, one in node["dataId"]["map"].items()
        }
        assert {name: value(row[name]) for name in data_id} == data_id
        assert row["ingest_date"] == pd.Timestamp(node["ingestDate"]).floor("us")
        times = node["timespan"] or {"beginMjd": None, "endMjd": None}
        assert (value(row["t_min"]), value(row["t_max"])) == (times["beginMjd"], times["endMjd"])
        where = node["region"]
        sky = None if where is None else (where["ra"], where["dec"], 2 * where["radius"], where["sRegion"])
        found = tuple(value(row[name]) for name in ("s_ra", "s_dec", "s_fov", "s_region"))
        assert found == (sky or (None,) * 4)


QUERIES = {
    "raws": '{type: ["raw"]}',
    "flats, which have no sky": '{type: ["flat"], collections: ["HSC/calib/*"]}',
    "types of different dimensions": '{type: ["*oadd*", "raw", "flat"], collections: ["*"], findFirst: false}',
    "newest first": '{type: ["calexp"], collections: ["*"], orderBy: ["-ingest_date", "detector"]}',
    "in a circle": '{type: ["calexp"], sky: {circle: {ra: 320.8, dec: -0.3, radius: 0.2}}}',
    "some data IDs": '{type: ["raw"], among: [{exposure: 903344, detector: 0}, {exposure: 903346, detector: 1}, {exposure: 1, detector: 1}]}',
    "by expression": '{type: ["raw"], where: "visit = :v or exposure.obs_id = :o", bind: [{name: "v", value: {long: 903344}}, '
    '{name: "o", value: {string: "HSCA90334600"}}]}',
    "none": '{type: ["raw"], dataId: {detector: {eq: 9999}}}',
    "none, among no data IDs": '{type: ["raw"], among: []}',
}


@pytest.mark.parametrize("name", QUERIES)
def test_a_list_of_datasets_is_a_table_of_the_whole_selection(asker: Asker, name: str) -> None:
    document = """query Q($after: String) { repository(name: "hsc") { datasets(query: %s, first: 50, after: $after) {
        edges { node { %s } } pageInfo { hasNextPage endCursor } } } }"""
    nodes = [
        edge["node"] for edge in pages(asker, document % (QUERIES[name], DATASET), "repository", "datasets")
    ]
    assert bool(nodes) != name.startswith("none")
    link = asker.hsc(f"datasets(query: {QUERIES[name]}, first: 1) {{ table(format: PARQUET) {{ url }} }}")
    same_datasets(table(asker, link["datasets"]["table"]["url"]), nodes)


@pytest.mark.parametrize("find_first", ["true", "false"])
def test_a_search_over_repositories_is_one_table(asker: Asker, find_first: str) -> None:
    query = (
        f'{{type: ["raw", "calexp"], collections: ["HSC/raw/all", "HSC/runs/*"], findFirst: {find_first}}}'
    )
    document = """query Q($after: String) { datasets(repositories: ["small", "hsc"], query: %s, first: 50, after: $after) {
        edges { node { %s } } pageInfo { hasNextPage endCursor } } }"""
    nodes = [edge["node"] for edge in pages(asker, document % (query, DATASET), "datasets")]
    assert {node["repository"]["name"] for node in nodes} == {"small", "hsc"}
    link = asker.data(
        f'{{ datasets(repositories: ["small", "hsc"], query: {query}) {{ table(format: PARQUET) {{ url }} }} }}'
    )
    same_datasets(table(asker, link["datasets"]["table"]["url"]), nodes)


EDGES = "edges { kind semantics collection rank validity { beginMjd endMjd } overlap depth quantum { id } node { %s } }"
ASSOCIATIONS = {
    "the flats of a raw": ("raw", 'related(type: ["flat"], findFirst: false, collections: ["HSC/calib*"])'),
    "its flats in any collection": ("raw", 'related(type: ["flat"], findFirst: false, collections: ["*"])'),
    "certified, and asked for by data ID": (
        "raw",
        'related(type: ["flat"], by: DATA_ID, collections: ["HSC/calib"])',
    ),
    "the raws of a flat": ("flat", 'related(type: ["raw"], findFirst: false)'),
    "the coadds under a calexp": ("calexp", 'related(type: ["*oadd"], collections: ["*"])'),
    "data of the same observation": ("raw", 'related(type: ["calexp"], by: DATA_ID)'),
    "what a calexp was made from": ("demo_calexp", "inputs"),
    "all that a coadd was made from": ("demo_coadd", "lineage(depth: 5)"),
    "what has to do with a calexp": ("demo_calexp", 'related(type: ["*"], by: PROVENANCE)'),
    "what was made from a raw": ("raw", "lineage(direction: DOWNSTREAM, depth: 4)"),
}


@pytest.mark.parametrize("name", ASSOCIATIONS)
def test_associations_are_a_table_with_both_ends_and_the_reason(asker: Asker, name: str) -> None:
    type, field = ASSOCIATIONS[name]
    call = field if "(" in field else f"{field}(first: 1000)"
    call = call.replace(")", ", first: 1000)") if "first" not in call else call
    # Of some nothing is recorded, or they belong to nothing.
    found = asker.ask(
        f'{{ repository(name: "hsc") {{ datasets(query: {{type: ["{type}"], collections: ["HSC/*"], findFirst: false}}, first: 40) '
        f"{{ nodes {{ ivoid uuid list: {call} {{ {EDGES % DATASET} table(format: PARQUET) {{ url }} }} }} }} }} }}"
    )
    nodes = found["data"]["repository"]["datasets"]["nodes"]
    parent = next(one for one in nodes if one["list"] and one["list"]["edges"])
    edges = parent["list"]["edges"]
    rows = table(asker, parent["list"]["table"]["url"])
    same_datasets(rows, [edge["node"] for edge in edges])
    for (_, row), edge in zip(rows.iterrows(), edges, strict=True):
        assert (row["source_publisher_did"], row["source_id"]) == (parent["ivoid"], parent["uuid"])
        assert (row["kind"], row["semantics"]) == (edge["kind"], edge["semantics"])
        if edge["kind"] == "PROVENANCE":
            assert row["depth"] == edge["depth"]
            assert row["quantum"]
            continue
        assert (row["collection"], row["rank"]) == (edge["collection"], edge["rank"])
        assert value(row["overlap"]) == edge["overlap"]
        validity = edge["validity"] or {"beginMjd": None, "endMjd": None}
        assert (value(row["valid_min"]), value(row["valid_max"])) == (
            validity["beginMjd"],
            validity["endMjd"],
        )


def test_what_belongs_to_a_bare_data_id_is_a_table_without_a_source(asker: Asker) -> None:
    found = asker.hsc(
        'dataIds(dimensions: ["exposure", "detector"], having: ["raw"], first: 1) { nodes { related(type: ["flat", "raw"]) '
        "{ nodes { uuid } table(format: PARQUET) { url } } } }"
    )
    related = found["dataIds"]["nodes"][0]["related"]
    rows = table(asker, related["table"]["url"])
    assert list(rows["id"]) == [node["uuid"] for node in related["nodes"]] != []
    assert rows["source_publisher_did"].isna().all()


def test_data_ids_among_none_are_an_empty_table(asker: Asker) -> None:
    found = asker.hsc(
        'dataIds(dimensions: ["visit"], among: []) { totalCount table(format: PARQUET) { url } }'
    )
    assert found["dataIds"]["totalCount"] == 0
    rows = table(asker, found["dataIds"]["table"]["url"])
    assert len(rows) == 0 and {"instrument", "visit", "band"} <= set(rows.columns)


def test_data_ids_and_what_is_joined_to_one_are_tables(asker: Asker) -> None:
    found = asker.hsc(
        'dataIds(dimensions: ["visit", "detector"], first: 1000) { nodes { map } table(format: PARQUET) { url } }'
        ' one: dataIds(dimensions: ["visit", "detector"], having: ["demo_calexp"], collections: ["*"], first: 1) { nodes { dataIds(dimensions: ["patch"]) '
        "{ edges { overlap node { map } } table(format: PARQUET) { url } } } }"
    )
    rows = table(asker, found["dataIds"]["table"]["url"])
    assert rows.to_dict("records") == [node["map"] for node in found["dataIds"]["nodes"]] != []
    patches = found["one"]["nodes"][0]["dataIds"]
    rows = table(asker, patches["table"]["url"])
    assert (
        rows.to_dict("records")
        == [{**edge["node"]["map"], "overlap": edge["overlap"]} for edge in patches["edges"]]
        != []
    )


@pytest.mark.parametrize("element", ["exposure", "detector", "visit_detector_region", "patch", "instrument"])
def test_records_are_a_table_of_their_fields(asker: Asker, element: str) -> None:
    found = asker.hsc(
        f'records(element: "{element}", first: 10000) {{ nodes {{ fields timespan {{ beginMjd endMjd }} region {{ sRegion }} }} '
        "table(format: PARQUET) { url } }"
    )["records"]
    rows = table(asker, found["table"]["url"])
    assert len(rows) == len(found["nodes"]) > 0
    for (_, row), node in zip(rows.iterrows(), found["nodes"], strict=True):
        for name, one in node["fields"].items():
            if name == "timespan":
                times = node["timespan"] or {"beginMjd": None, "endMjd": None}
                assert (value(row["t_min"]), value(row["t_max"])) == (times["beginMjd"], times["endMjd"])
            elif name == "region":
                assert value(row["s_region"]) == one
            else:
                cell = value(row["group_name" if name == "group" else name])
                assert cell == one


def test_the_versions_of_a_dataset_are_a_table(asker: Asker) -> None:
    found = asker.hsc(
        'datasets(query: {type: ["calexp"], collections: ["*"], findFirst: false}, first: 1) { nodes { versions '
        f"{{ nodes {{ {DATASET} }} table(format: PARQUET) {{ url }} }} }} }}"
    )
    versions = found["datasets"]["nodes"][0]["versions"]
    same_datasets(table(asker, versions["table"]["url"]), versions["nodes"])


def test_what_a_quantum_read_is_a_table(asker: Asker) -> None:
    found = asker.hsc(
        "quanta(first: 1) { nodes { inputs { nodes { uuid } table(format: PARQUET) { url } } } }"
    )
    inputs = found["quanta"]["nodes"][0]["inputs"]
    assert (
        list(table(asker, inputs["table"]["url"])["id"]) == [node["uuid"] for node in inputs["nodes"]] != []
    )


SAVE = """mutation($repositories: [String!]!, $query: DatasetQuery!) {
    saveResult(repositories: $repositories, query: $query) { phase table(format: CSV) { url } } }"""
SAVED = {
    "types of different dimensions": {
        "type": ["raw", "*oadd*", "flat"],
        "collections": ["*"],
        "findFirst": False,
    },
    "newest first": {
        "type": ["raw", "calexp"],
        "collections": ["*"],
        "orderBy": ["-ingest_date", "-detector"],
    },
    "one type": {"type": ["raw"], "collections": ["*"], "orderBy": ["-detector", "-exposure"]},
}


@pytest.mark.parametrize("repositories", [["hsc"], ["small", "hsc"]])
@pytest.mark.parametrize("name", SAVED)
def test_a_saved_result_has_the_same_rows_in_the_same_order_with_other_columns(
    asker: Asker, name: str, repositories: list[str]
) -> None:
    saved = asker.data(SAVE, repositories=repositories, query=SAVED[name])["saveResult"]
    assert saved["phase"] == "COMPLETED"

    def identifiers(more: str) -> list[str]:
        answer = asker.http.get(saved["table"]["url"] + more)
        assert answer.status_code == 200, answer.text
        return [row["obs_publisher_did"] for row in csv.DictReader(io.StringIO(answer.text))]

    frozen = identifiers("")
    assert len(frozen) > 10 and identifiers("&OBSCORE=true") == frozen
    assert identifiers("&OBSCORE=true&MAXREC=10") == identifiers("&MAXREC=10") == frozen[:10]
