"""The clients: raw sockets that are kept alive, with requests built beforehand, so that what is measured is the server.

One client that waits for each answer gives latencies; eight on one event loop give requests a second; ten in a process of their
own are the heavy load, while others ask a small question every 5 ms and so see, from outside, how long the server's event loop
stands still. Every body is compared with one that was checked before: an error that comes with HTTP 200 is not taken for an
answer. Client and server share the cores of one machine; all servers meet the same clients.
"""

from __future__ import annotations

import asyncio
import json
import select
import socket
import time
from collections.abc import Sequence
from itertools import cycle
from multiprocessing.connection import Connection as Pipe
from multiprocessing.synchronize import Event
from typing import Any

import uvloop

from benchmarks.engine.process import HOST

_INTERVAL = 0.005  # seconds between two pings
_IDLE = 2.0  # seconds: uvicorn keeps a connection for 5
_END = b"\r\n\r\n"
_OK = b"HTTP/1.1 200"


def post(path: str, payload: Any, accept: str = "application/json") -> bytes:
    """A whole HTTP request."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAccept: {accept}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + _END + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}".encode() + _END


class Client:
    """One connection on which one request after the other is sent."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection((HOST, self._port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._stream = self._socket.makefile("rb", buffering=1 << 18)
        self._used = time.monotonic()

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def ask(self, request: bytes) -> bytes:
        """The body of the answer; RuntimeError where its status is not 200."""
        self._socket.sendall(request)
        status = self._stream.readline()
        length, chunked = 0, False
        while (line := self._stream.readline()) not in (b"\r\n", b""):
            name, _, value = line.lower().partition(b":")
            if name == b"content-length":
                length = int(value)
            elif name == b"transfer-encoding":
                chunked = b"chunked" in value
        body = self._chunks() if chunked else self._stream.read(length)
        if b" 200 " not in status:
            raise RuntimeError(f"{status.decode().strip()}: {body[:500].decode(errors='replace')}")
        return body

    def _chunks(self) -> bytes:
        parts = []
        while size := int(self._stream.readline(), 16):
            parts.append(self._stream.read(size))
            self._stream.readline()
        self._stream.readline()
        return b"".join(parts)

    def timed(self, request: bytes, expected: bytes) -> float:
        """Seconds until the whole answer is here; the comparison with the expected body is not counted, nor is a new
        connection where the old one was idle for so long that the server may have closed it.
        """
        if time.monotonic() - self._used > _IDLE:
            self.close()
            self._connect()
        begin = time.perf_counter()
        body = self.ask(request)
        seconds = time.perf_counter() - begin
        self._used = time.monotonic()
        if body != expected:
            raise RuntimeError(f"another answer than before: {body[:300].decode(errors='replace')}")
        return seconds


def throughput(port: int, asked: Sequence[tuple[bytes, bytes]], connections: int, seconds: float) -> float:
    """Answers a second over so many connections, each asking the next of these requests as soon as it has its answer.

    It shares the cores with the server, so it is a bare loop over epoll: some 15 us an answer. Answers are small and have a length;
    each is compared whole, but for the headers.
    """
    turns = cycle(asked)
    waiting: dict[int, tuple[socket.socket, bytes]] = {}
    held: dict[int, bytes] = {}
    ready = select.epoll()
    answered = 0
    try:
        begin = time.perf_counter()
        for _ in range(connections):
            one = socket.create_connection((HOST, port), timeout=30)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready.register(one.fileno(), select.EPOLLIN)
            request, expected = next(turns)
            waiting[one.fileno()] = one, expected
            one.sendall(request)
        until = begin + seconds
        while time.perf_counter() < until:
            events = ready.poll(10)
            if not events:
                raise RuntimeError("no answer for 10 seconds")
            for number, _ in events:
                one, expected = waiting[number]
                data = held.pop(number, b"") + (received := one.recv(65536))
                if data.endswith(expected) and data.startswith(_OK):
                    answered += 1
                    request, expected = next(turns)
                    waiting[number] = one, expected
                    one.sendall(request)
                elif not received or len(data.partition(_END)[2]) >= len(expected):
                    raise RuntimeError(f"another answer than before: {data[:500]!r}")
                else:
                    held[number] = data
        return answered / (time.perf_counter() - begin)
    finally:
        for one, _ in waiting.values():
            one.close()
        ready.close()


def heavy(port: int, request: bytes, expected: bytes, clients: int, times: int, result: Pipe) -> None:
    """A process: so many clients at once, each asking so many times. Sends the seconds it took, or what went wrong."""

    async def client() -> None:
        reader, writer = await asyncio.open_connection(HOST, port, limit=1 << 22)
        for _ in range(times):
            writer.write(request)
            head = (await reader.readuntil(_END)).lower()
            if b"chunked" in head:
                body = b""
                while size := int(await reader.readline(), 16):
                    body += (await reader.readexactly(size + 2))[:-2]
                await reader.readline()
            else:
                body = await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
            if body != expected:
                raise RuntimeError(f"another answer than before: {body[:300]!r}")
        writer.close()

    async def run() -> None:
        await asyncio.gather(*(client() for _ in range(clients)))

    begin = time.perf_counter()
    try:
        uvloop.run(run())
        result.send(time.perf_counter() - begin)
    except Exception as error:  # noqa: BLE001  whatever it was, the run has to hear of it
        result.send(f"{type(error).__name__}: {error}")


def watch(port: int, path: str, stop: Event, result: Pipe) -> None:
    """A process: asks for a path every 5 ms until told to stop. Sends the seconds that each answer took."""
    client, request = Client(port), get(path)
    client.ask(request)
    taken: list[float] = []
    while not stop.is_set():
        begin = time.perf_counter()
        client.ask(request)
        seconds = time.perf_counter() - begin
        taken.append(seconds)
        time.sleep(max(0.0, _INTERVAL - seconds))
    result.send(taken)
