"""Long contents: what breaks off cannot pass for whole, and nobody's absence keeps others waiting."""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import astropy.table
import httpx2
import pyarrow as pa
import pyarrow.csv
import pytest
from astropy.io.ascii import InconsistentTableError
from starlette.applications import Starlette
from starlette.types import Message

from adapters.butler import open_repository
from adapters.caller import Call
from adapters.content import TableContent
from adapters.protocol import Repository, Settings
from gateway.content.route import content_route
from gateway.http import patience
from gateway.limits.house import House
from tests.content.asking import Contents
from tests.content.conftest import PLACES


def received(contents: Contents, form: str) -> tuple[bytes, bool]:
    """What comes of a table whose file is damaged in its middle, and whether it came to its end."""
    content = b""
    with contents.http.stream(
        "GET", f"/content/tables/{contents.ids['torn']}?form={form}", headers={"Accept-Encoding": "identity"}
    ) as response:
        assert response.status_code == 200
        try:
            for part in response.iter_raw():
                content += part
        except httpx2.RemoteProtocolError:
            return content, False
    return content, True


@pytest.mark.parametrize("form", ["VOTABLE", "ARROW", "CSV", "ECSV", "JSON"])
def test_a_file_that_cannot_be_read_to_its_end_gives_no_whole_content(contents: Contents, form: str) -> None:
    """It says why, and where nobody looks at that, its reader stumbles."""
    content, whole = received(contents, form)
    assert not whole
    assert b"cannot be read to the end" in content
    if form == "VOTABLE":
        assert b'<INFO name="QUERY_STATUS" value="ERROR">' in content
        return
    with pytest.raises((pa.ArrowInvalid, OSError, InconsistentTableError, json.JSONDecodeError)):
        match form:
            case "ARROW":
                pa.ipc.open_stream(content).read_all()
            case "CSV":
                pa.csv.read_csv(io.BytesIO(content))
            case "ECSV":
                astropy.table.Table.read(content.decode(), format="ascii.ecsv")
            case _:
                json.loads(content)


def test_a_fits_file_that_broke_off_is_shorter_than_it_says(contents: Contents) -> None:
    content, whole = received(contents, "FITS")
    assert not whole and len(content) % 2880


def begun(contents: Contents, form: str = "VOTABLE") -> socket.socket:
    """A client that asks for a long table and takes no more than its beginning."""
    address = urlsplit(contents.address)
    connection = socket.create_connection((str(address.hostname), int(address.port or 0)), 20)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    path = f"/content/tables/{contents.ids['long']}?form={form}"
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert connection.recv(16).startswith(b"HTTP/1.1 200")
    return connection


def test_a_client_that_is_gone_gives_its_place_to_others(contents: Contents) -> None:
    slow = [begun(contents) for _ in range(PLACES)]
    with pytest.raises(httpx2.ReadTimeout):
        contents.http.get(f"/content/tables/{contents.ids['numpy']}?form=CSV", timeout=1.0)
    for connection in slow:
        connection.close()
    began = time.monotonic()
    assert contents.content("numpy", "CSV", columns="i").split() == [b"i", b"1", b"2"]
    assert time.monotonic() - began < 30


def test_questions_do_not_wait_for_contents(contents: Contents) -> None:
    slow = [begun(contents) for _ in range(PLACES)]
    assert contents.node("numpy", "uuid")["uuid"] == contents.ids["numpy"]
    assert contents.content("numpy", "NATIVE").startswith(b"PAR1")
    for connection in slow:
        connection.close()


def test_who_takes_nothing_is_left_and_told_nothing_more(
    contents: Contents, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "STALLED", 0.1)
    house, sent = House(1, 1, 0), list[Message]()

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def receive() -> Message:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def run() -> None:
        repository = open_repository("tables", Settings(str(root), collections=("tables",)))

        async def enter(_: object) -> tuple[Mapping[str, Repository], Call]:
            return {"tables": repository}, Call()

        app = Starlette(routes=[content_route(enter, house, timeout=60)])
        path = f"/content/tables/{contents.ids['long']}"
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"form=CSV", "headers": []}
        try:
            await asyncio.wait_for(app(scope, receive, send), 60)
        finally:
            await repository.close()

    asyncio.run(run())
    assert [one["type"] for one in sent] == ["http.response.start", "http.response.body"]
    assert house.enter("another")


class Watched:
    """A content whose reading takes a while, and which knows whether a thread has it when it is closed."""

    def __init__(self, content: TableContent) -> None:
        self._content = content
        self.name, self.schema, self.rows, self.stored = content.name, content.schema, content.rows, None
        self.reading = False
        self.closed: list[bool] = []

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        found = self._content.batches(columns)
        for place in itertools.count():
            self.reading = True
            if place:
                time.sleep(1)
            batch = next(found, None)
            self.reading = False
            if batch is None:
                return
            yield batch

    def close(self) -> None:
        self.closed.append(self.reading)
        self._content.close()


def test_a_content_that_takes_too_long_is_closed_when_its_thread_has_ended(
    contents: Contents, root: Path
) -> None:
    house, sent, watched = House(1, 1, 0), list[Message](), list[Watched]()

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def run() -> None:
        repository = open_repository("tables", Settings(str(root), collections=("tables",)))
        read = repository.read

        async def watching(*asked: Any) -> Watched:
            watched.append(Watched(await read(*asked)))
            return watched[-1]

        repository.read = watching  # type: ignore[method-assign,assignment]

        async def enter(_: object) -> tuple[Mapping[str, Repository], Call]:
            return {"tables": repository}, Call()

        app = Starlette(routes=[content_route(enter, house, timeout=0.2)])
        path = f"/content/tables/{contents.ids['long']}"
        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"form=CSV", "headers": []}
        try:
            await app(scope, receive, send)
        finally:
            await repository.close()

    asyncio.run(run())
    assert [one.closed for one in watched] == [[False]]
    assert b"A content may take 0.2 seconds" in sent[-1]["body"] and sent[-1]["more_body"]
    assert house.enter("another")


def test_head_says_what_there_is_without_giving_it(contents: Contents) -> None:
    response = contents.http.head(f"/content/tables/{contents.ids['long']}?form=FITS")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-type"] == "application/fits"
    assert contents.http.head(f"/content/tables/{contents.ids['gone']}?form=FITS").status_code == 404


def test_a_content_runs_nothing_in_a_browser(contents: Contents) -> None:
    headers = contents.get("numpy", "CSV").headers
    assert headers["x-content-type-options"] == "nosniff" and "sandbox" in headers["content-security-policy"]
    assert headers["content-disposition"] == 'attachment; filename="numpy_tables.csv"'
    assert "private" in headers["cache-control"] and "authorization" in headers["vary"].lower()
