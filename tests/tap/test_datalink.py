"""Links of datasets behind a TAP service, through the gateway: by their own identifiers, and for as long as somebody waits."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import yaml

from tests.demonstration import COMMAND, Gateway, running

from .proxy import Answer, Proxy, Request
from .test_protocol import strange


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[tuple[Gateway, Proxy]]:
    """A gateway over a service whose identifiers hold no UUID, until it is told to stall."""
    with Proxy(behaviour=strange) as proxy:
        file = tmp_path / "gateway.yaml"
        repositories = {"archive": {"adapter": "tap", "uri": proxy.uri}}
        file.write_text(yaml.safe_dump({"repositories": repositories, "state": str(tmp_path / "state")}))
        with running([COMMAND, "serve", "--config", file, "--port", 0]) as started:
            yield started, proxy


DID = "ivo://org.gavo.dc/~?califa/V1200/NGC1.fits"


def test_links_are_had_by_an_identifier_of_the_publishers_own(gateway: tuple[Gateway, Proxy]) -> None:
    with httpx2.Client(base_url=gateway[0].address, timeout=60) as http:
        document = '{ repository(name: "archive") { datasets(query: {type: "*", collections: ["*"]}) { nodes { ivoid datalink } } } }'
        answer = http.post("/graphql", json={"query": document}).json()
        (node,) = answer["data"]["repository"]["datasets"]["nodes"]
        assert node["ivoid"] == DID
        for text in (
            http.get(node["datalink"]).text,
            http.get("/datalink/links", params={"ID": DID}).text,
        ):
            assert DID in text and "#this" in text and "Fault" not in text, text
        unknown = http.get("/datalink/links", params={"ID": "ivo://org.gavo.dc/~?another"}).text
        assert "Fault" in unknown


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_client_that_leaves_ends_the_work_for_its_links(
    gateway: tuple[Gateway, Proxy], method: str
) -> None:
    started, proxy = gateway
    heard: list[Request] = []

    def stalls(request: Request) -> Answer:
        heard.append(request)
        return Answer(stall=30.0)

    proxy.behaviour = stalls
    asked = f"ID={DID.replace('?', '%3F')}"
    port = int(started.address.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        if method == "GET":
            connection.sendall(f"GET /datalink/links?{asked} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        else:
            form = "Content-Type: application/x-www-form-urlencoded"
            head = (
                f"POST /datalink/links HTTP/1.1\r\nHost: x\r\n{form}\r\nContent-Length: {len(asked)}\r\n\r\n"
            )
            connection.sendall(f"{head}{asked}".encode())
        until = time.monotonic() + 20
        while not heard and time.monotonic() < until:
            time.sleep(0.02)
        assert heard
    assert proxy.left.wait(20), "the service is still asked"
    started.await_line(r"datalink.*499|499.*datalink", 20)
