"""Small writes of one turn leave together; nothing is lost, held for long, or out of order."""

from __future__ import annotations

import asyncio
import json
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvloop

from gateway.http.wire import _MOST, LINGER, Together
from tests.http.service import serve, service

_HEAD = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Recorded(asyncio.Transport):
    """A connection that remembers what it was given at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.wrote: list[bytes] = []
        self.closing = False

    def writelines(self, parts: list[bytes]) -> None:  # type: ignore[override]
        assert not self.closing
        self.wrote.append(b"".join(parts))

    def close(self) -> None:
        self.closing = True

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def get_write_buffer_size(self) -> int:
        return 0


def wrote(*work: Callable[[Together], None]) -> tuple[list[bytes], list[bytes]]:
    """What had left when the work was done, and a turn later."""

    async def main() -> tuple[list[bytes], list[bytes]]:
        recorded = Recorded()
        connection = Together(recorded, asyncio.get_running_loop())
        for step in work:
            step(connection)
        at_once = list(recorded.wrote)
        await asyncio.sleep(0)
        return at_once, recorded.wrote

    return asyncio.run(main())


def write(data: bytes) -> Callable[[Together], None]:
    return lambda connection: connection.write(data)


def test_what_is_written_in_one_turn_leaves_together() -> None:
    assert wrote(write(b"a"), write(b"b")) == ([], [b"ab"])


def test_what_is_large_leaves_at_once_and_in_order() -> None:
    large = b"x" * _MOST
    assert wrote(write(b"a"), write(large), write(b"b")) == ([b"a" + large], [b"a" + large, b"b"])


def test_what_was_written_leaves_before_the_end() -> None:
    assert wrote(write(b"a"), Together.close) == ([b"a"], [b"a"])


@pytest.mark.parametrize("end", [Together.abort, lambda connection: connection._transport.close()])
def test_nothing_is_written_after_the_end(end: Callable[[Together], None]) -> None:
    assert wrote(write(b"a"), end) == ([], [])


def test_an_answer_leaves_before_its_request_is_over() -> None:
    """What is done after the last byte, the line in the log above all, holds up no client."""
    body = json.dumps({"query": "{ hello }"}).encode()
    inner, _ = service()
    over = threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)
        over.wait(5)

    with serve(app) as found:
        where = urlsplit(found)
        with socket.create_connection((where.hostname, where.port), timeout=4) as connection:
            connection.sendall(_HEAD % len(body) + body)
            assert connection.recv(10_000).endswith(b'{"data":{"hello":"hello world"}}')
            over.set()


def test_an_answer_comes_in_one_piece() -> None:
    body = json.dumps({"query": "{ hello }"}).encode()
    with serve(service()[0]) as found:
        where = urlsplit(found)
        with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
            for _ in range(3):
                connection.sendall(_HEAD % len(body) + body)
                answer = connection.recv(10_000)
                assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(
                    b'{"data":{"hello":"hello world"}}'
                )


class Clock:
    """A loop whose later comes when a test says so."""

    def __init__(self) -> None:
        self.later: list[Callable[[], None]] = []

    def call_soon(self, call: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(call)

    def call_later(self, seconds: float, call: Callable[..., None], *arguments: Any) -> None:
        assert seconds == LINGER
        self.later.append(partial(call, *arguments))

    def minute(self) -> None:
        self.later.pop()()


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("end", ["reads", "sleeps", "goes"])
def test_who_is_slow_is_waited_for_and_who_takes_nothing_is_left(
    end: str, run: Callable[[Any], None]
) -> None:
    size = 20_000_000

    async def main() -> None:
        loop, clock = asyncio.get_running_loop(), Clock()
        ended = asyncio.Event()
        connections: list[Together] = []

        class Gives(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                connection = Together(transport, clock)  # type: ignore[arg-type]
                connection.write(b"x" * size)
                connection.close()
                connections.append(connection)

            def connection_lost(self, error: Exception | None) -> None:
                ended.set()

        server = await loop.create_server(Gives, "127.0.0.1", 0)
        with socket.socket() as client:
            client.setblocking(False)
            await loop.sock_connect(client, server.sockets[0].getsockname())
            while not connections:
                await asyncio.sleep(0.01)
            taken = 0
            for _ in range(3):
                left = connections[0]._left()
                while connections[0]._left() == left:
                    taken += len(await loop.sock_recv(client, 100_000))
                    await asyncio.sleep(0.001)
                clock.minute()
            assert not ended.is_set() and connections[0]._left()
            if end == "sleeps":
                while clock.later:
                    clock.minute()
                    await asyncio.sleep(0.1)
            if end == "goes":
                client.close()
            else:
                with suppress(ConnectionResetError):
                    while part := await loop.sock_recv(client, 1_000_000):
                        taken += len(part)
                assert (taken == size) is (end == "reads")
            await asyncio.wait_for(ended.wait(), 60)
            for late in clock.later:  # nothing is wrong with what is gone
                late()
        server.close()

    run(asyncio.wait_for(main(), 300))


@pytest.mark.parametrize("reads", [True, False])
def test_a_closed_connection_waits_for_its_client_but_not_for_ever(
    reads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.http.wire.LINGER", 30.0 if reads else 0.1)
    size = 20_000_000

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", b"%d" % size), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"x" * size})

    with serve(app) as found:
        where = urlsplit(found)
        with socket.create_connection((where.hostname, where.port), timeout=60) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            taken = 0
            if not reads:
                # Its buffers are full, and nobody empties them.
                assert select.select([connection], [], [], 60)[0]
                time.sleep(1)
            with suppress(ConnectionResetError):
                while part := connection.recv(1_000_000):
                    taken += len(part)
    assert (taken > size) is reads
