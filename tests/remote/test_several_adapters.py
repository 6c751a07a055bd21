"""One query over a SQLite registry, a Butler server and a TAP service: what each holds stands beside the others, and one that is down takes nothing
of theirs away."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from tests.adapters.repositories import Repository
from tests.auth.stand_in import Gafaelfawr
from tests.demonstration import COMMAND, Gateway, running
from tests.remote.server import ButlerServer
from tests.tap.conftest import repository, service, table
from tests.tap.dachs import Dachs

__all__ = ["repository", "service", "table"]

INGRESS = "127.0.0.7"
ALL = ["here", "lab", "sky"]


class Three:
    """A gateway over ``here`` (SQLite), ``lab`` (the Butler server) and ``sky`` (TAP), asked by alice through the ingress."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.http = httpx2.Client(
            base_url=gateway.address,
            timeout=60,
            transport=httpx2.HTTPTransport(local_address=INGRESS),
            headers={"X-Auth-Request-User": "alice", "X-Auth-Request-Token": "gt-alice"},
        )

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.post(
            "/graphql", json={"query": document, "variables": variables}
        ).json()
        return answer


@contextmanager
def three(
    folder: Path, here: Repository, lab: str, sky: str, limits: dict[str, Any] | None = None
) -> Iterator[Three]:
    gafaelfawr = Gafaelfawr()
    gafaelfawr.users = {"gt-alice": ("alice", [])}
    with gafaelfawr.served() as url, served(folder, here, lab, sky, url, limits or {}) as found:
        yield found


@contextmanager
def served(
    folder: Path, here: Repository, lab: str, sky: str, url: str, limits: dict[str, Any]
) -> Iterator[Three]:
    file = folder / "gateway.yaml"
    content = {
        "repositories": {
            "here": {"uri": here.uri, "collections": ["HSC/defaults"]},
            "lab": {"adapter": "remote-butler", "uri": lab, "collections": ["HSC/defaults"]},
            "sky": {
                "adapter": "tap",
                "uri": sky,
                "options": {"table": "lsst.obscore"},
                "ivoid": "ivo://org.example/data?repo={repository}&id={id}",
            },
        },
        "auth": {
            "mode": "gafaelfawr",
            "url": url,
            "proxies": [INGRESS],
            "anonymous": False,
        },
        "state": str(folder / "state"),
        "log": {"level": "DEBUG", "format": "json"},
        "limits": limits,
    }
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    with running([COMMAND, "serve", "--config", file, "--port", 0]) as gateway:
        yield Three(gateway)
    written = "".join(gateway.lines)
    assert '"level":"debug"' in written
    for kept in (folder / "state").rglob("*"):
        if kept.is_file():
            written += kept.read_bytes().decode("latin-1")
    assert "gt-alice" not in written


@pytest.fixture(scope="module")
def all_up(
    tmp_path_factory: pytest.TempPathFactory,
    repository: Repository,
    server: ButlerServer,
    service: Dachs,
) -> Iterator[Three]:
    with three(tmp_path_factory.mktemp("three"), repository, server.uri("lab"), service.uri) as found:
        yield found
        found.http.close()


def nobody() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


SEARCH = """query Q($labels: [String!]!, $after: String) {
  datasets(repositories: $labels, query: {type: ["raw"], findFirst: false, collections: ["*"]}, first: 7, after: $after) {
    nodes { uuid repository { name } dataId { map } region { sRegion } timespan { begin } }
    pageInfo { hasNextPage endCursor } completeness { state unavailable }
  } }"""


def whole(asker: Three, labels: list[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Every dataset of a search, page by page, and what the last page says of its completeness."""
    found: list[dict[str, Any]] = []
    after = None
    while True:
        answer = asker.ask(SEARCH, labels=labels, after=after)
        assert "errors" not in answer, answer["errors"]
        page = answer["data"]["datasets"]
        found += page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return found, page["completeness"]
        after = page["pageInfo"]["endCursor"]


def test_a_search_path_leads_through_adapters_of_three_kinds(all_up: Three) -> None:
    together, completeness = whole(all_up, ALL)
    assert completeness == {"state": "COMPLETE", "unavailable": []}
    alone = {label: whole(all_up, [label])[0] for label in ALL}
    for label in ALL:
        assert alone[label]
        assert [one for one in together if one["repository"]["name"] == label] == alone[label]
    assert len(together) == sum(map(len, alone.values()))


def test_the_first_repository_of_the_path_wins_whatever_its_adapter(all_up: Three) -> None:
    document = SEARCH.replace("findFirst: false", "findFirst: true").replace("first: 7", "first: 1000")
    document = document.replace('["*"]', '["HSC/defaults"]').replace("{ map }", "{ required }")

    def asked(*path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = all_up.ask(document, labels=path)["data"]["datasets"]["nodes"]
        return found

    def ids(nodes: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return [tuple(sorted(one["dataId"]["required"].items())) for one in nodes]

    nodes, other = asked("here", "lab"), asked("lab", "here")
    assert len(set(ids(nodes))) == len(nodes) > 0
    assert set(ids(other)) == set(ids(nodes))
    assert nodes != other


@pytest.mark.parametrize("path", [["here", "sky"], ["lab", "sky"], ["sky", "here"], ["here", "sky", "lab"]])
def test_what_a_table_tells_its_datasets_apart_by_hides_nothing(all_up: Three, path: list[str]) -> None:
    """A row of an ObsCore table has no data ID that another repository could have before it; pages of any length are the same list."""
    document = SEARCH.replace("findFirst: false, ", "").replace("{ map }", "{ required }")

    def pages(first: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = None
        while True:
            answer = all_up.ask(document.replace("first: 7", f"first: {first}"), labels=path, after=after)
            assert "errors" not in answer, answer["errors"]
            page = answer["data"]["datasets"]
            found += page["nodes"]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"]:
                return found

    found = pages(5)
    assert found == pages(1000)
    assert {one["repository"]["name"] for one in found} >= {path[0], "sky"}


@contextmanager
def silent() -> Iterator[str]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("label", ["lab", "sky"])
def test_one_that_says_nothing_takes_no_answer_of_the_others_away(
    tmp_path: Path, repository: Repository, server: ButlerServer, service: Dachs, label: str
) -> None:
    with silent() as nothing:
        lab = f"{nothing}/api/butler/repo/lab/butler.yaml" if label == "lab" else server.uri("lab")
        sky = f"{nothing}/tap" if label == "sky" else service.uri
        with three(tmp_path, repository, lab, sky, limits={"timeout": 6}) as asker:
            answer = asker.ask(BESIDE)
            assert answer["data"]["here"]["datasets"]["nodes"]
            assert (answer["data"][label] or {"datasets": None})["datasets"] is None
            (error,) = answer["errors"]
            assert error["path"][0] == label
            assert error["extensions"]["code"] in ("TIMEOUT", "BACKEND_TIMEOUT")
            search = asker.ask(SEARCH, labels=["here", label])
            assert search["data"]["datasets"]["completeness"] == {"state": "PARTIAL", "unavailable": [label]}
            asker.http.close()


BESIDE = """{
  here: repository(name: "here") { datasets(query: {type: "raw", collections: ["*"]}, first: 2) { nodes { uuid } } }
  lab: repository(name: "lab") { datasets(query: {type: "raw", collections: ["*"]}, first: 2) { nodes { uuid } } }
  sky: repository(name: "sky") { datasets(query: {type: "raw", collections: ["*"]}, first: 2) { nodes { uuid } } }
}"""


@pytest.mark.parametrize("down", ["lab", "sky"])
def test_one_that_is_down_has_its_own_error_and_the_rest_stands(
    tmp_path: Path, repository: Repository, server: ButlerServer, service: Dachs, down: str
) -> None:
    dead = f"http://127.0.0.1:{nobody()}"
    lab = f"{dead}/api/butler/repo/lab/butler.yaml" if down == "lab" else server.uri("lab")
    sky = f"{dead}/tap" if down == "sky" else service.uri
    with three(tmp_path, repository, lab, sky) as asker:
        answer = asker.ask(BESIDE)
        for label in ALL:
            held = answer["data"][label] and answer["data"][label]["datasets"]
            assert (held is None) == (label == down), answer
        (error,) = answer["errors"]
        assert error["path"][0] == down
        assert error["extensions"]["code"] == "BACKEND_UNAVAILABLE"
        assert error["extensions"]["repository"] == down
        assert error["extensions"]["retry"] is True
        assert dead.removeprefix("http://") not in error["message"]

        found, completeness = whole(asker, ALL)
        assert completeness == {"state": "PARTIAL", "unavailable": [down]}
        assert {one["repository"]["name"] for one in found} == set(ALL) - {down}

        link = asker.ask(
            '{ datasets(repositories: ["here", "lab", "sky"], query: {type: "raw", collections: ["*"], findFirst: false}) '
            "{ table { url } } }"
        )["data"]["datasets"]["table"]["url"]
        text = asker.http.get(link).text
        assert 'name="QUERY_STATUS" value="OVERFLOW"' in text
        assert f"did not answer: {down}" in text
        assert text.count("<TR>") == len(found)
        asker.http.close()
