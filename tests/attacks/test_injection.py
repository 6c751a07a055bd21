"""Text of a caller is a value wherever it goes: SQL, Butler's language, GLOB, JSON and paths never read it as their own."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from graphql import parse, validate
from starlette.testclient import TestClient

from resolvers.schema import build_schema
from tests.demonstration import demonstration

WORDS = [
    "'",
    "''",
    '"',
    "\\",
    "%",
    "_",
    "' OR '1'='1",
    "raw' --",
    "raw'; DROP TABLE dataset; --",
    "raw') UNION SELECT name FROM sqlite_master --",
    "1; ATTACH DATABASE '/tmp/x' AS x",
    "$1",
    ":param_1",
    "%(most)s",
    "{0}",
    "${jndi:ldap://127.0.0.1/x}",
    "[a-z]*",
    "**/*",
    "../../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "file:///etc/passwd",
    "ivo://x/y?repo=../../etc&id=x",
    "\x00",
    "raw\x00",
    "a\u202eb",
    "\ud800",
    "\U0010ffff" * 3,
    "x" * 10_000,
    "(" * 500,
    "1e999",
    "NaN",
    "-0",
    "T'2020-01-01' OR TRUE",
    "pg_sleep(100)",
    "randomblob(1000000000)",
    "instrument = 'HSC' OR 1 = 1",
]

ASKED = {
    "type": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [$text]}, first: 5) { nodes { run type { name } } } } }",
    "collections": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"], collections: [$text]}, first: 5) { nodes { run } } } }",
    "glob of collections": "query ($text: String!) { repository(name: \"hsc\") { collections(match: [$text], first: 5) { nodes { name } } } }",
    "where": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"], where: $text}, first: 5) { nodes { run } } } }",
    "bound value": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"], where: \"instrument = :text\", bind: [{name: \"text\", value: {string: $text}}]}, first: 5) { nodes { run } } } }",
    "shape": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"calexp\"], sky: {shape: $text}}, first: 5) { nodes { run } } } }",
    "cursor": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"]}, first: 5, after: $text) { nodes { run } } } }",
    "repository": "query ($text: String!) { repository(name: $text) { name } }",
    "ivoid": "query ($text: String!) { resolve(identifier: $text) { uuid } }",
    "value of a dimension": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"], dataId: {instrument: {eq: $text}}}, first: 5) { nodes { run } } } }",
    "glob of a dimension": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"], dataId: {instrument: {glob: $text}}}, first: 5) { nodes { run } } } }",
    "list of values": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"], dataId: {physicalFilter: {in: [$text]}}}, first: 5) { nodes { run } } } }",
    "name of a field": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"], dataId: {other: [{name: $text, string: {eq: \"x\"}}]}}, first: 5) { nodes { run } } } }",
    "value of a field": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"], dataId: {other: [{name: \"exposure.obs_id\", string: {eq: $text}}]}}, first: 5) { nodes { run } } } }",
    "order": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"], orderBy: [$text]}, first: 5) { nodes { run } } } }",
    "facets": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"]}, first: 1) { facets(by: [$text]) { items { count } } } } }",
    "dimension": "query ($text: String!) { repository(name: \"hsc\") { dataIds(dimensions: [$text], first: 5) { nodes { map } } } }",
    "having": "query ($text: String!) { repository(name: \"hsc\") { dataIds(dimensions: [\"instrument\"], having: [$text], first: 5) { nodes { map } } } }",
    "element of records": "query ($text: String!) { repository(name: \"hsc\") { records(element: $text, first: 5) { nodes { element } } } }",
    "associated type": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"]}, first: 1) { nodes { related(type: [$text], first: 2) { nodes { run } } } } } }",
    "calibration": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"]}, first: 1) { nodes { calibration(type: $text) { node { run } } } } } }",
    "component": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"]}, first: 1) { nodes { content(form: NATIVE, component: $text) { url } } } } }",
    "value in among": "query ($text: [DataIdMap!]) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"], among: $text}, first: 5) { nodes { run } } } }",
    "key in among": "query ($text: [DataIdMap!]) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"], among: $text}, first: 5) { nodes { run } } } }",
    "bound name": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"raw\"], where: \"instrument = :text\", bind: [{name: $text, value: {string: \"HSC\"}}]}, first: 5) { nodes { run } } } }",
    "bound region": "query ($text: String!) { repository(name: \"hsc\") { datasets(query: {type: [\"calexp\"], where: \"visit_detector_region.region OVERLAPS (:text)\", bind: [{name: \"text\", value: {region: $text}}]}, first: 5) { nodes { run } } } }",
    "saved result": "query ($text: ID!) { result(id: $text) { id } }",
    "node": "query ($text: ID!) { node(id: $text) { id } }",
}  # fmt: skip

_IN_DATA_IDS: dict[str, Callable[[str], Any]] = {
    "value in among": lambda text: [{"instrument": text}],
    "key in among": lambda text: [{text: "HSC"}],
}

_EXPECTED = {"BAD_USER_INPUT", "NOT_FOUND", "QUERY_TOO_COMPLEX", "BAD_CURSOR", "UNSUPPORTED"}


def ask(client: TestClient, document: str, given: Any) -> Any:
    # Lone surrogates travel as JSON writes them.
    body = json.dumps({"query": document, "variables": {"text": given}})
    return client.post("/graphql", content=body.encode(), headers={"Content-Type": "application/json"})


@pytest.fixture(scope="module")
def before(client: TestClient) -> bytes:
    found = ask(client, ASKED["type"], "raw").json()
    assert found["data"]["repository"]["datasets"]["nodes"]
    return (demonstration() / "gen3.sqlite3").read_bytes()


@pytest.mark.parametrize("place", ASKED)
def test_the_questions_are_valid(place: str) -> None:
    """Or else a refusal of the document would pass for one of the text."""
    assert validate(build_schema()._schema, parse(ASKED[place])) == []


@pytest.mark.parametrize("place", ASKED)
def test_text_is_a_value_and_nothing_else(place: str, client: TestClient, before: bytes) -> None:
    """The answer is empty or an error that says what was wrong with it, and no timeout; nothing is written."""
    for text in WORDS:
        answer = ask(client, ASKED[place], _IN_DATA_IDS.get(place, str)(text))
        assert answer.status_code in (200, 400), (text, answer.text)
        found = answer.json()
        for error in found.get("errors", ()):
            assert error["extensions"]["code"] in _EXPECTED, (text, error)
            said = error["message"].replace(text, "").lower()
            assert "sqlite" not in said and "psycopg" not in said
            assert "root:" not in error["message"]
    assert (demonstration() / "gen3.sqlite3").read_bytes() == before


def test_a_quote_finds_what_has_it_and_nothing_else(client: TestClient) -> None:
    """What matches everything in SQL matches nothing here."""
    for text in ("' OR '1'='1", "%", "_______", "raw' --", "r_w"):
        found = ask(client, ASKED["type"], text).json()
        nodes = ((found.get("data") or {}).get("repository") or {}).get("datasets")
        assert not (nodes and nodes["nodes"]), text


@pytest.mark.parametrize(
    "path",
    [
        "/files/hsc/../../../etc/passwd",
        "/files/hsc/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/files/..%2f..%2fetc/00000000000000000000000000000000",
        "/files/hsc/00000000-0000-0000-0000-000000000000%00.fits",
        "/files//etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..;/etc/passwd",
    ],
)
def test_no_path_leads_out(path: str, client: TestClient) -> None:
    answer = client.get(path)
    assert answer.status_code in (400, 404, 405)
    assert "root:" not in answer.text and "/etc" not in answer.text.replace(path, "")
