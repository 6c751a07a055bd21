"""An answer that was saved is a table of its own: the same rows, to page, to filter, to sort, to count and to go on from."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest
from gql import Client, gql
from gql.transport.httpx import HTTPXAsyncTransport
from lsst.daf.butler import Butler

from tests.adapters.repositories import build
from tests.end_to_end.asking import Asker
from tests.results.serving import ALL, SAVE, entry, files, look, save, serving

LIVE = """query($labels: [String!]!, $query: DatasetQuery!) {
    datasets(repositories: $labels, query: $query, first: 10000) { nodes { uuid type { name } run dataId { map } repository { name } } }
}"""
ROWS = """query($id: ID!, $where: String, $bind: [Bind!], $order: [String!], $first: Int! = 10000, $after: String) {
    result(id: $id) { rows(where: $where, bind: $bind, orderBy: $order, first: $first, after: $after) {
        totalCount nodes edges { cursor node } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }
}"""
DATASETS = """query($id: ID!, $first: Int! = 10000, $after: String) {
    result(id: $id) { datasets(first: $first, after: $after) {
        totalCount nodes { uuid run repository { name } dataId { map } } pageInfo { hasNextPage endCursor }
        completeness { state message unavailable } explain facets(by: ["type", "run"]) { items { value count } complete } } }
}"""


def live(asker: Asker, labels: list[str], query: dict[str, Any]) -> list[dict[str, Any]]:
    nodes: list[dict[str, Any]] = asker.data(LIVE, labels=labels, query=query)["datasets"]["nodes"]
    return nodes


def rows(asker: Asker, id: str, **variables: Any) -> dict[str, Any]:
    found: dict[str, Any] = asker.data(ROWS, id=id, **variables)["result"]["rows"]
    return found


@pytest.mark.parametrize(
    ("labels", "query"),
    [
        (["hsc"], ALL),
        (["hsc"], {"type": ["raw", "calexp"], "orderBy": ["-detector", "run"]}),
        (["own", "hsc"], {"type": "raw", "orderBy": ["exposure"]}),
        (["hsc"], {"type": "raw", "dataId": {"detector": {"eq": -5}}}),
    ],
)
def test_the_rows_are_those_of_the_question_in_its_order(
    asker: Asker, labels: list[str], query: dict[str, Any]
) -> None:
    saved = save(asker, labels, **query)
    assert saved["phase"] == "COMPLETED", "a short one is complete in the answer already"
    assert saved["completeness"] == {"state": "COMPLETE", "message": None, "unavailable": []}
    expected = live(asker, labels, query)
    found = rows(asker, saved["id"])
    assert saved["rowCount"] == found["totalCount"] == len(expected)
    assert [row["id"] for row in found["nodes"]] == [node["uuid"] for node in expected]
    for row, node in zip(found["nodes"], expected, strict=True):
        assert (row["repository"], row["dataset_type"], row["run"]) == (
            node["repository"]["name"],
            node["type"]["name"],
            node["run"],
        )
        for name, value in node["dataId"]["map"].items():
            assert row["group_name" if name == "group" else name] == value
    assert [edge["node"] for edge in found["edges"]] == found["nodes"]


def test_pages_by_an_ordinary_client_are_the_whole_list(asker: Asker) -> None:
    async def walk() -> tuple[list[str], int]:
        # trust_env: a proxy of the environment has no part in requests to this machine.
        transport = HTTPXAsyncTransport(url=f"{asker.address}/graphql", trust_env=False)
        async with Client(transport=transport, fetch_schema_from_transport=True) as client:
            request = gql(SAVE)
            request.variable_values = {"repositories": ["hsc"], "query": ALL}
            saved = await client.execute(request)
            after, found, pages = None, [], 0
            while True:
                request = gql(ROWS)
                request.variable_values = {
                    "id": saved["saveResult"]["id"],
                    "where": "detector IS NOT NULL",
                    "order": ["-detector", "band"],
                    "first": 17,
                    "after": after,
                }
                answer = await client.execute(request)
                page = answer["result"]["rows"]
                found += [row["id"] for row in page["nodes"]]
                pages += 1
                assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
                if not page["pageInfo"]["hasNextPage"]:
                    return found, page["totalCount"]
                after = page["pageInfo"]["endCursor"]

    found, total = asyncio.run(walk())
    assert len(found) == len(set(found)) == total > 34
    detectors = {node["uuid"]: node["dataId"]["map"].get("detector") for node in live(asker, ["hsc"], ALL)}
    assert [detectors[id] for id in found] == sorted((detectors[id] for id in found), reverse=True)


def test_conditions_take_binds_of_the_same_kinds_as_questions(asker: Asker) -> None:
    id = save(asker, "hsc", **ALL)["id"]
    everything = rows(asker, id)["nodes"]
    one = next(row for row in everything if row["visit"] is not None)
    cases: list[tuple[str, list[dict[str, Any]], Any]] = [
        (
            "visit = :v",
            [{"name": "v", "value": {"long": one["visit"]}}],
            lambda row: row["visit"] == one["visit"],
        ),
        (
            "id = :i",
            [{"name": "i", "value": {"uuid": one["id"].upper()}}],
            lambda row: row["id"] == one["id"],
        ),
        (
            "dataset_type IN :t AND NOT band = 'r'",
            [{"name": "t", "value": {"strings": ["raw", "calexp"]}}],
            lambda row: row["dataset_type"] in ("raw", "calexp") and row["band"] not in (None, "r"),
        ),
        (
            "ingest_date <= :t",
            [{"name": "t", "value": {"time": one["ingest_date"]}}],
            lambda row: row["ingest_date"] is not None and row["ingest_date"] <= one["ingest_date"],
        ),
        ("s_ra > :r", [{"name": "r", "value": {"float": 320.9}}], lambda row: (row["s_ra"] or 0) > 320.9),
        ("t_max - t_min > 0", [], lambda row: row["t_max"] is not None and row["t_max"] > row["t_min"]),
    ]
    for where, bind, holds in cases:
        found = rows(asker, id, where=where, bind=bind)
        assert [row["id"] for row in found["nodes"]] == [row["id"] for row in everything if holds(row)], where
        assert found["totalCount"] == len(found["nodes"]) > 0


def test_facets_count_the_rows_of_a_condition(asker: Asker) -> None:
    id = save(asker, "hsc", **ALL)["id"]
    document = """query($id: ID!, $where: String, $first: Int! = 100) {
        result(id: $id) { facets(by: ["dataset_type", "band"], where: $where, first: $first) { items { value count } complete } } }"""
    expected = Counter((row["dataset_type"], row["band"]) for row in rows(asker, id)["nodes"] if row["band"])
    found = asker.data(document, id=id, where="band IS NOT NULL")["result"]["facets"]
    assert found["complete"]
    assert {
        (one["value"]["dataset_type"], one["value"]["band"]): one["count"] for one in found["items"]
    } == expected
    assert [one["count"] for one in found["items"]] == sorted(expected.values(), reverse=True)
    cut = asker.data(document, id=id, first=1)["result"]["facets"]
    assert (len(cut["items"]), cut["complete"]) == (1, False)


def test_facets_of_datasets_take_the_names_of_questions(asker: Asker) -> None:
    """A dimension has another name in the table where ADQL does not take its own."""
    document = """query($id: ID!, $by: [String!]!) { result(id: $id) { datasets { facets(by: $by) { items { value count } } } } }"""
    id = save(asker, "hsc", type="raw")["id"]
    assert "group_name" in rows(asker, id, first=1)["nodes"][0]

    def counted(by: list[str]) -> list[dict[str, Any]]:
        found = asker.data(document, id=id, by=by)["result"]["datasets"]["facets"]["items"]
        assert all(list(one["value"]) == by for one in found)
        return sorted(found, key=json.dumps)

    live = """query($by: [String!]!) { datasets(repositories: ["hsc"], query: {type: "raw"}) { facets(by: $by) { items { value count } } } }"""
    for by in (["group"], ["type", "group", "detector"], ["run"]):
        expected = asker.data(live, by=by)["datasets"]["facets"]["items"]
        assert counted(by) == sorted(expected, key=json.dumps) and expected
    assert {one["value"]["group_name"] for one in counted(["group_name"])} == {
        one["value"]["group"] for one in counted(["group"])
    }
    (error,) = asker.ask(document, id=id, by=["exposure.obs_id"])["errors"]
    assert error["extensions"]["code"] == "UNSUPPORTED" and "no fields of records" in error["message"]
    (error,) = asker.ask(document, id=id, by=["grupp"])["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"


def test_the_same_rows_are_datasets_to_go_on_from(asker: Asker) -> None:
    id = save(asker, ["own", "hsc"], type="raw", findFirst=False)["id"]
    expected = [(row["repository"], row["id"]) for row in rows(asker, id)["nodes"]]
    assert len({label for label, _ in expected}) == 2
    after, found = None, []
    while True:
        page = asker.data(DATASETS, id=id, first=7, after=after)["result"]["datasets"]
        found += [(node["repository"]["name"], node["uuid"]) for node in page["nodes"]]
        assert page["completeness"]["state"] == "COMPLETE" and page["totalCount"] == len(expected)
        if not page["pageInfo"]["hasNextPage"]:
            break
        assert len(page["nodes"]) == 7
        after = page["pageInfo"]["endCursor"]
    assert found == expected
    deeper = asker.data(
        """query($id: ID!) { result(id: $id) { datasets(first: 3) { nodes { related(type: ["calexp"]) { nodes { uuid type { name } } } } } } }""",
        id=save(asker, "hsc", type="raw", dataId={"detector": {"in": [16, 22, 23]}})["id"],
    )
    assert deeper["result"]["datasets"]["nodes"]


def test_a_page_of_datasets_is_one_question_a_repository(asker: Asker) -> None:
    """A cost of as many rows as the page has, and one more to know whether there are more: nothing was asked twice."""
    id = save(asker, ["own", "hsc"], type="raw", findFirst=False)["id"]
    answer = asker.ask(
        "query($id: ID!) { result(id: $id) { datasets(first: 20) { nodes { uuid } } } }", id=id
    )
    assert len(answer["data"]["result"]["datasets"]["nodes"]) == 20
    assert answer["extensions"]["cost"] == 1 + 21


def test_datasets_that_are_gone_are_left_out_and_that_is_said(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    build(root, seed=6, exposures=3).close()
    with serving(tmp_path, {"own": entry(root)}) as (asker, _):
        saved = save(asker, type="raw")
        ids = [row["id"] for row in rows(asker, saved["id"])["nodes"]]
        gone = set(ids[:5] + ids[-1:])
        with Butler.from_config(str(root), writeable=True) as butler:
            refs = [ref for ref in butler.query_datasets("raw", "*", find_first=False) if str(ref.id) in gone]
            butler.pruneDatasets(refs, disassociate=True, unstore=True, purge=True)
        first = asker.data(DATASETS, id=saved["id"], first=2)["result"]["datasets"]
        assert [node["uuid"] for node in first["nodes"]] == ids[5:7], "a page is full all the same"
        assert first["completeness"]["state"] == "PARTIAL"
        assert first["completeness"]["message"].startswith("5 of the datasets")
        assert first["explain"] == [first["completeness"]["message"]]
        rest = asker.data(DATASETS, id=saved["id"], first=100, after=first["pageInfo"]["endCursor"])
        rest = rest["result"]["datasets"]
        assert [node["uuid"] for node in rest["nodes"]] == ids[7:-1]
        assert not rest["pageInfo"]["hasNextPage"] and rest["completeness"]["message"].startswith("1 of")
        # What was frozen stays.
        assert look(asker, saved["id"])["rowCount"] == len(ids) == rows(asker, saved["id"])["totalCount"]


def test_the_datasets_of_a_result_are_its_table(asker: Asker) -> None:
    saved = save(asker, ["hsc"], type="raw")
    for form in ("format: CSV", "format: PARQUET, obscore: true"):
        link = f"table({form}) {{ url mediaType expires }}"
        found = asker.data(f'{{ result(id: "{saved["id"]}") {{ {link} datasets(first: 1) {{ {link} }} }} }}')[
            "result"
        ]
        assert found["datasets"]["table"] == found["table"]
        assert asker.http.get(found["table"]["url"]).status_code == 200


def test_a_repository_that_does_not_answer_is_named(asker: Asker) -> None:
    saved = save(asker, ["own", "down"], type="raw")
    assert saved["phase"] == "COMPLETED"
    assert saved["completeness"]["state"] == "PARTIAL" and saved["completeness"]["unavailable"] == ["down"]
    said = saved["completeness"]["message"]
    assert "Save it again" in said and said.count("down") == 1
    assert look(asker, saved["id"])["completeness"] == saved["completeness"]
    assert {row["repository"] for row in rows(asker, saved["id"])["nodes"]} == {"own"}


def test_a_result_says_what_was_asked_and_what_its_columns_mean(asker: Asker) -> None:
    document = """mutation($collections: [String!], $at: DateTime = "2030-01-01T00:00:00Z") {
        saveResult(repositories: ["hsc"], query: {
            type: ["raw"], collections: $collections, findFirst: false, ingestedBefore: $at, dataId: {detector: {in: [1, 22]}},
            sky: {circle: {ra: 320.9, dec: -0.2, radius: 1}}, time: {beginMjd: 56000.5, mjdScale: TAI}
        }) { query created expires table { expires } columns { name type unit documentation } } }"""
    saved = asker.data(document, collections=["*"])["saveResult"]
    assert saved["query"] == {
        "repositories": ["hsc"],
        "query": {
            "type": ["raw"],
            "collections": ["*"],
            "findFirst": False,
            "ingestedBefore": "2030-01-01T00:00:00Z",
            "dataId": {"detector": {"in": [1, 22]}},
            "sky": {"circle": {"ra": 320.9, "dec": -0.2, "radius": 1.0}},
            "time": {"beginMjd": 56000.5, "mjdScale": "TAI"},
        },
    }
    assert saved["created"] < saved["expires"] == saved["table"]["expires"]
    columns = {column["name"]: column for column in saved["columns"]}
    assert (columns["s_ra"]["type"], columns["s_ra"]["unit"]) == ("float", "deg")
    assert (columns["detector"]["type"], columns["ingest_date"]["type"]) == ("int", "timestamp")
    assert all(column["documentation"] for column in saved["columns"])
    # What it says it was asked can be asked again.
    again = save(asker, saved["query"]["repositories"], **saved["query"]["query"])
    assert again["phase"] == "COMPLETED"


def test_a_mistake_in_the_question_is_told_and_nothing_is_kept(asker: Asker, home: Path) -> None:
    before = files(home)
    for query, code in [
        ({"type": "nosuchtype"}, "NOT_FOUND"),
        ({"type": "raw", "where": "nonsense ="}, "BAD_USER_INPUT"),
        ({"type": []}, "BAD_USER_INPUT"),
    ]:
        error = asker.error(SAVE, repositories=["own"], query=query)
        assert error["code"] == code, error
    assert asker.error(SAVE, repositories=["nobody"], query=ALL)["code"] == "NOT_FOUND"
    assert asker.error(SAVE, repositories=[], query=ALL)["code"] == "BAD_USER_INPUT"
    assert files(home) == before


def test_a_deleted_result_is_as_if_it_had_never_been(asker: Asker) -> None:
    id = save(asker, type="raw")["id"]
    delete = "mutation($id: ID!) { deleteResult(id: $id) }"
    assert asker.data(delete, id=id)["deleteResult"] == id
    never = asker.error("query($id: ID!) { result(id: $id) { id } }", id="A" * 22)
    for document in ("query($id: ID!) { result(id: $id) { id } }", delete, ROWS):
        assert asker.error(document, id=id) == never
    for odd in ("", "x", "../" + id[3:], id + "\n", id[:-1] + "/", "A" * 5000, "é" * 22):
        assert asker.error(delete, id=odd) == never


def test_mutations_of_one_request_are_done_in_its_order(asker: Asker) -> None:
    id = save(asker, type="raw")["id"]
    answer = asker.ask(
        """mutation($id: ID!) { a: deleteResult(id: $id) b: saveResult(repositories: ["own"], query: {type: "raw"}) { phase rowCount } }""",
        id=id,
    )
    assert list(answer["data"]) == ["a", "b"] and answer["data"]["b"]["phase"] == "COMPLETED"
    assert "errors" in asker.ask(
        "mutation($id: ID!) { b: deleteResult(id: $id) c: deleteResult(id: $id) }",
        id=save(asker, type="raw")["id"],
    )


def test_a_cursor_belongs_to_one_result_condition_and_order(asker: Asker) -> None:
    id, other = save(asker, type="raw")["id"], save(asker, type="raw")["id"]
    cursor = rows(asker, id, first=2, order=["detector"])["pageInfo"]["endCursor"]
    assert rows(asker, id, first=2, order=["detector"], after=cursor)["nodes"]
    for variables in (
        {"id": other, "order": ["detector"]},
        {"id": id, "order": ["-detector"]},
        {"id": id},
        {"id": id, "order": ["detector"], "where": "detector > 0"},
    ):
        assert asker.error(ROWS, after=cursor, **variables)["code"] == "BAD_CURSOR"
    assert asker.error(DATASETS, id=id, after=cursor)["code"] == "BAD_CURSOR"
    assert asker.error(ROWS, id=id, order=["detector"], after="x" + cursor)["code"] == "BAD_CURSOR"


def test_limits_of_a_request_hold_for_results(asker: Asker) -> None:
    id = save(asker, type="raw")["id"]
    assert asker.error(ROWS, id=id, first=10_001)["code"] == "BAD_USER_INPUT"
    assert asker.error(DATASETS, id=id, first=-1)["code"] == "BAD_USER_INPUT"
    many = " ".join(f"r{n}: rows(first: {10_000 - n}) {{ pageInfo {{ endCursor }} }}" for n in range(101))
    assert (
        asker.error(f"query($id: ID!) {{ result(id: $id) {{ {many} }} }}", id=id)["code"]
        == "QUERY_TOO_COMPLEX"
    )


def test_what_is_refused_is_paid_for_once(asker: Asker) -> None:
    """Whether a plan answers or the ordinary executor after it."""
    id = save(asker, type="raw")["id"]
    document = """query($id: ID!) { result(id: $id) {
        rows(where: "nobody = 1", first: 100) { nodes totalCount } datasets(first: 10) { nodes { uuid } }
    } }"""
    answer = asker.ask(document, id=id)
    assert "nobody" in answer["errors"][0]["message"]
    assert answer["extensions"]["cost"] <= 1 + 100 + 1 + 11


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": ""}, 415),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site", "Cookie": "a=b"}, 403),
        (
            {
                "Content-Type": "application/json",
                "Sec-Fetch-Site": "cross-site",
                "Origin": "https://evil.example",
            },
            403,
        ),
    ],
)
def test_a_page_elsewhere_cannot_have_its_visitor_save_or_delete(
    asker: Asker, headers: dict[str, str], status: int
) -> None:
    """What a browser sends to another origin without asking first is refused before anything runs."""
    id = save(asker, type="raw")["id"]
    body = json.dumps({"query": f'mutation {{ deleteResult(id: "{id}") }}'})
    response = asker.http.post("/graphql", content=body, headers=headers)
    assert response.status_code == status
    assert look(asker, id)["phase"] == "COMPLETED"


def test_a_link_cannot_delete(asker: Asker) -> None:
    id = save(asker, type="raw")["id"]
    query = httpx2.QueryParams({"query": f'mutation {{ deleteResult(id: "{id}") }}'})
    assert asker.http.get(f"/graphql?{query}").status_code == 405
    assert look(asker, id)["phase"] == "COMPLETED"
