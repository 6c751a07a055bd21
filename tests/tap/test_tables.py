"""Tables of a TAP service's datasets call them what GraphQL calls them, whether their publisher's identifiers hold a UUID or not."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from tests.demonstration import COMMAND, configuration_file, running
from tests.end_to_end.asking import Asker

from . import dachs

OWN = "ivo://archive.example/~?image-{}+a%2Fb&c"
SEARCH = '{type: "*", collections: ["*"], findFirst: false}'
FORMATS = ("VOTABLE", "PARQUET", "ARROW", "CSV", "ECSV", "JSONL")


@pytest.fixture(scope="module")
def gateway(table: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """A gateway over images of which every other one has an identifier of its publisher's own; all others are called by another repository's label."""
    images = [dict(one) for one in table if one["dataproduct_subtype"] == "calexp"][:6]
    for number, row in enumerate(images):
        row["access_url"] = f"https://archive.example/{number}.fits"
        if number % 2:
            row["obs_publisher_did"] = OWN.format(number)
    server = dachs.Dachs()
    try:
        server.start(images)
        archive = {"adapter": "tap", "uri": server.uri, "options": {"table": "lsst.obscore"}}
        home = tmp_path_factory.mktemp("archive")
        config = configuration_file(home, repositories={"archive": archive})
        with running([COMMAND, "serve", "--config", config, "--port", 0]) as process:
            asker = Asker(process.address)
            yield asker
            asker.http.close()
    finally:
        server.stop()


def nodes(asker: Asker) -> dict[str, dict[str, Any]]:
    """What GraphQL says of each dataset, by its identifier."""
    listed = f"datasets(query: {SEARCH}) {{ nodes {{ id uuid ivoid datalink }} }}"
    found = asker.data(f'{{ repository(name: "archive") {{ {listed} }} }}')["repository"]["datasets"]["nodes"]
    by_ivoid = {one["ivoid"]: one for one in found}
    assert len(by_ivoid) == 6 and sum(one["uuid"] is None for one in found) == 3
    return by_ivoid


def read(asker: Asker, url: str) -> list[dict[str, Any]]:
    """The rows at the address of a table, in any format; what is empty is None."""
    answer = asker.http.get(url)
    assert answer.status_code == 200, answer.text
    content, kind = io.BytesIO(answer.content), answer.headers["Content-Type"]
    if "json" in kind:
        rows = [json.loads(line) for line in answer.text.splitlines()]
    elif "parquet" in kind:
        rows = pq.read_table(content).to_pylist()
    elif "arrow" in kind:
        rows = pa.ipc.open_stream(content).read_all().to_pylist()
    elif "csv" in kind and "ecsv" not in kind:
        rows = pc.read_csv(content, convert_options=pc.ConvertOptions(strings_can_be_null=True)).to_pylist()
    else:
        found = Table.read(content, format="ascii.ecsv" if "ecsv" in kind else "votable")
        rows = [
            {name: None if str(row[name]) in ("", "--") else row[name] for name in found.colnames}
            for row in found
        ]
    return rows


def link(asker: Asker, format: str, obscore: bool = False) -> str:
    listed = (
        f"datasets(query: {SEARCH}) {{ table(format: {format}, obscore: {str(obscore).lower()}) {{ url }} }}"
    )
    found = asker.data(f'{{ repository(name: "archive") {{ {listed} }} }}')
    url: str = found["repository"]["datasets"]["table"]["url"]
    return url


@pytest.mark.parametrize("format", FORMATS)
def test_a_table_has_the_identifiers_that_graphql_has(gateway: Asker, format: str) -> None:
    known = nodes(gateway)
    rows = read(gateway, link(gateway, format))
    assert [row["obs_publisher_did"] for row in rows] == list(known)
    for row in rows:
        one = known[row["obs_publisher_did"]]
        assert (row["id"], row["access_url"]) == (one["uuid"], one["datalink"])
        assert "obs_publisher_did_" not in row
    assert [row["obs_publisher_did"] for row in read(gateway, link(gateway, format, obscore=True))] == list(
        known
    )


def test_its_links_are_those_of_its_datasets(gateway: Asker) -> None:
    for row in read(gateway, link(gateway, "JSONL")):
        text = gateway.http.get(row["access_url"]).text
        assert "Fault" not in text and row["obs_publisher_did"].replace("&", "&amp;") in text


def test_a_saved_result_finds_its_datasets_again(gateway: Asker) -> None:
    known = nodes(gateway)
    asked = f'saveResult(repositories: ["archive"], query: {SEARCH})'
    tables = "plain: table(format: PARQUET) { url } observed: table(format: PARQUET, obscore: true) { url }"
    saved = gateway.data(f"mutation {{ {asked} {{ id phase rowCount {tables} }} }}")["saveResult"]
    assert saved["rowCount"] == len(known)
    wanted = "datasets(first: 4) { nodes { id uuid ivoid datalink } pageInfo { endCursor } completeness { state } }"
    first = gateway.data(f'{{ result(id: "{saved["id"]}") {{ {wanted} }} }}')["result"]["datasets"]
    after = wanted.replace("first: 4", f'after: "{first["pageInfo"]["endCursor"]}"')
    rest = gateway.data(f'{{ result(id: "{saved["id"]}") {{ {after} }} }}')["result"]["datasets"]
    assert [*first["nodes"], *rest["nodes"]] == list(known.values())
    for name in ("plain", "observed"):
        rows = read(gateway, saved[name]["url"])
        assert [row["obs_publisher_did"] for row in rows] == list(known)
    assert [row["id"] for row in read(gateway, saved["plain"]["url"])] == [
        one["uuid"] for one in known.values()
    ]


def test_both_ends_of_an_association_are_called_so(gateway: Asker) -> None:
    related = """related(by: TEMPORAL, type: ["*"], collections: ["*"]) { edges { node { ivoid uuid } } table(format: PARQUET) { url } }"""
    listed = f"datasets(query: {SEARCH}) {{ nodes {{ ivoid uuid {related} }} }}"
    found = gateway.data(f'{{ repository(name: "archive") {{ {listed} }} }}')["repository"]["datasets"]
    pairs = 0
    for one in found["nodes"]:
        rows = read(gateway, one["related"]["table"]["url"])
        assert {(row["source_publisher_did"], row["source_id"]) for row in rows} <= {
            (one["ivoid"], one["uuid"])
        }
        others = [(edge["node"]["ivoid"], edge["node"]["uuid"]) for edge in one["related"]["edges"]]
        assert [(row["obs_publisher_did"], row["id"]) for row in rows] == others
        pairs += len(rows)
    assert pairs
