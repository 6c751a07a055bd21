"""Clients that read slowly, or not at all: nobody's place is kept for one that takes nothing, and who takes something gets all of it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Message

from adapters.butler import open_repository
from adapters.caller import Caller
from adapters.protocol import Repository, Settings
from adapters.question import DataIds
from gateway.http import middleware, patience
from gateway.limits import Limits
from gateway.limits.house import House
from gateway.tables.reading import read
from gateway.tables.route import tables_route
from resolvers.asked import Asked
from tests.demonstration import demonstration

ALL = Asked(("hsc",), (DataIds(("group", "detector", "patch")),))
"""46,080 combinations, some megabytes."""
PLACES = 2


@asynccontextmanager
async def route(timeout: float = 60) -> AsyncIterator[Route]:
    """/tables, which answers this one question whatever it is asked."""
    repository = open_repository("hsc", Settings(uri=str(demonstration())))
    opened = {"hsc": repository}

    async def enter(_: object) -> tuple[Mapping[str, Repository], Caller, str]:
        return opened, Caller(), "http://localhost"

    async def table(_: object, most: int | None, __: object) -> Any:
        return await read(ALL, opened, Caller(), Limits(), datalink=str, most=most)

    try:
        yield tables_route(enter, table, House(PLACES, PLACES, 8), timeout=timeout, waiting=60)
    finally:
        await repository.close()


@asynccontextmanager
async def served(route: Route) -> AsyncIterator[tuple[str, int]]:
    """The same behind a socket that holds little of what is not read."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    listening.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(Starlette(routes=[route], middleware=middleware()), log_config=None)
    )
    serving = asyncio.create_task(server.serve([listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield listening.getsockname()
    finally:
        server.force_exit = server.should_exit = True  # some connections are never read to their ends
        await serving
        listening.close()


@asynccontextmanager
async def begun(place: tuple[str, int], query: str = "") -> AsyncIterator[socket.socket]:
    """A client that has asked for the table, and read the beginning of its head."""
    loop = asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.setblocking(False)
        await loop.sock_connect(connection, place)
        await loop.sock_sendall(connection, f"GET /tables?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert (await loop.sock_recv(connection, 100)).startswith(b"HTTP/1.1 200")
        yield connection


async def taken(connection: socket.socket, most: int, pause: float) -> bytes:
    """Everything that comes, so much at a time."""
    loop = asyncio.get_running_loop()
    found = b""
    while part := await loop.sock_recv(connection, most):
        found += part
        if part.endswith(b"\r\n0\r\n\r\n"):
            break
        await asyncio.sleep(pause)
    return found


@pytest.mark.parametrize("format", ["votable", "csv"])
def test_who_takes_nothing_keeps_no_place(monkeypatch: pytest.MonkeyPatch, format: str) -> None:
    monkeypatch.setattr(patience, "STALLED", 0.5)

    async def run() -> None:
        query = f"RESPONSEFORMAT={format}"
        async with (
            route() as one,
            served(one) as place,
            begun(place, query),
            begun(place, query),
            httpx2.AsyncClient(trust_env=False, timeout=60) as client,
        ):
            answer = await client.get(f"http://{place[0]}:{place[1]}/tables?{query}&MAXREC=1")
            assert answer.status_code == 200

    asyncio.run(run())


def test_who_is_slow_and_takes_something_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of rows takes longer here than a client may take nothing."""
    monkeypatch.setattr(patience, "STALLED", 1.5)
    monkeypatch.setattr(patience, "_PIECE", 8_192)

    async def run() -> None:
        async with route() as one, served(one) as place, begun(place, "MAXREC=15000") as connection:
            found = await taken(connection, 4_096, 0.005)
            assert b"</VOTABLE>" in found and b'value="ERROR"' not in found

    asyncio.run(run())


def test_a_table_that_takes_too_long_says_so_and_blames_no_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_PIECE", 8_192)

    async def run() -> None:
        async with route(1.0) as one, served(one) as place, begun(place) as connection:
            found = await taken(connection, 65_536, 0.05)
            assert b"A table may take 1 seconds" in found and b"backend" not in found
            assert b'value="ERROR"' in found

    asyncio.run(run())


def test_who_takes_nothing_is_told_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "STALLED", 0.1)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    async def receive() -> Message:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def run() -> None:
        async with route() as one:
            scope = {"type": "http", "method": "GET", "path": "/tables", "query_string": b"", "headers": []}
            await asyncio.wait_for(Starlette(routes=[one])(scope, receive, send), 60)

    asyncio.run(run())
    assert [one["type"] for one in sent] == ["http.response.start", "http.response.body"]
