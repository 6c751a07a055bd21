"""Answers compressed as their clients accept it: zstd, brotli or gzip.

Libraries that know all three encode on the event loop, where 20 MB would hold up every other request.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.codings import ENCODERS, IDENTITY, Encoder, wanted
from gateway.http.headers import Raw, answered, joined, replace, vary
from gateway.thread import in_thread

MINIMUM = 1024  # bytes; a smaller body goes in one packet anyway
THREAD = 32 * 1024  # bytes that take the slowest encoder less than a millisecond

_TYPES = frozenset({"application/json", "application/javascript", "application/xml", "application/x-ndjson"})
_UNTOUCHED = frozenset({204, 205, 206, 304})


class Compression:
    """Middleware that encodes answers worth it.

    - A body that comes whole (its end may be said later) is encoded whole, one in parts part by part: what the
      application has sent, its client can read at once.
    - Larger parts are encoded in threads, as many at a time as there are processors.
    - Untouched are bodies below ``MINIMUM``, answers that are encoded already or must not be transformed, types that do
      not shrink, and those that can be asked for in ranges (files): their ranges and their ETag are of the bytes as
      they are.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._threads = anyio.CapacityLimiter(os.cpu_count() or 1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        coding, plain = wanted(joined(scope, b"accept-encoding"))
        least = MINIMUM if plain else 1
        answer = _Answer(send, self._threads, coding, least, head=scope["method"] == "HEAD")
        await self._app(scope, receive, answer.send)


class _Answer:
    """One answer on its way out. Its start waits for the first part of the body where its length is known, since the
    length of the whole may change with it; where it is not, the start goes at once.

    An application whose time is over while it sends a part may still send its last words. What was encoded by then goes before them: without it,
    nothing that follows can be decoded."""

    def __init__(
        self, send: Send, threads: anyio.CapacityLimiter, coding: str, least: int, *, head: bool
    ) -> None:
        self._send = send
        self._threads = threads
        self._coding = coding
        self._least = least
        self._head = head
        self._start: Message | None = None
        self._length: bytes | None = None
        self._encoder: Encoder | None = None
        self._ended = False
        self._encoded = b""  # and not sent yet

    async def send(self, message: Message) -> None:
        """Pass on a message of the application, encoded if it is to be."""
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif message["type"] == "http.response.body" and self._encoder is not None:
            await self._go_on(message, self._encoder)
        else:
            await self._send(message)

    async def _begin(self, start: Message) -> None:
        headers = answered(start)
        given = dict(headers)
        if _compressible(start["status"], given):
            vary(headers, b"Accept-Encoding")
            length = given.get(b"content-length")
            if self._coding != IDENTITY and (length is None or int(length) >= self._least):
                self._encoder = ENCODERS[self._coding]()
                replace(headers, b"content-encoding", self._coding.encode())
                _weaken(headers, given.get(b"etag"))
                if length is not None:
                    self._start, self._length = start, length
                    return
        await self._send(start)

    async def _go_on(self, message: Message, encoder: Encoder) -> None:
        body, more = message.get("body", b""), message.get("more_body", False)
        whole = self._start is not None and bool(body) and (not more or b"%d" % len(body) == self._length)
        if body or not (more or self._head or self._ended):
            self._ended = whole or not more
            await self._encode(encoder.last if self._ended else encoder.part, body)
        if self._start is not None:
            start, self._start = self._start, None
            replace(start["headers"], b"content-length", b"%d" % len(self._encoded) if whole else None)
            await self._send(start)
        if self._encoded or not more:
            await self._send({"type": "http.response.body", "body": self._encoded, "more_body": more})
            self._encoded = b""

    async def _encode(self, encode: Callable[[bytes], bytes], body: bytes) -> None:
        def encoding() -> None:
            self._encoded += encode(body)

        if len(body) < THREAD:
            encoding()
        else:
            await in_thread(encoding, limiter=self._threads)


def _compressible(status: int, headers: Mapping[bytes, bytes]) -> bool:
    """Whether an answer may be encoded, and is of a type that shrinks."""
    if status < 200 or status in _UNTOUCHED or b"content-encoding" in headers or b"content-range" in headers:
        return False
    if headers.get(b"accept-ranges", b"none") != b"none" or b"no-transform" in headers.get(
        b"cache-control", b""
    ):
        return False
    return _shrinks(headers.get(b"content-type", b""))


@lru_cache(maxsize=256)
def _shrinks(content_type: bytes) -> bool:
    essence = content_type.partition(b";")[0].strip().lower().decode("latin-1")
    return essence.startswith("text/") or essence.endswith(("+json", "+xml")) or essence in _TYPES


def _weaken(headers: Raw, etag: bytes | None) -> None:
    """The encoded bytes are others than those that a strong ETag stands for."""
    if etag is not None and not etag.startswith(b"W/"):
        replace(headers, b"etag", b"W/" + etag)
