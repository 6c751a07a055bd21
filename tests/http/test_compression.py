"""Compression over a real socket: every coding gives the same bytes back, and nothing is held up or held back."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import anyio
import httpx2
import pytest
from httpx2 import _decoders
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from gateway.http import compression, http_error, middleware
from gateway.http.codings import ENCODERS, chosen
from gateway.http.refusal import Refusal
from tests.http.service import serve

ROWS = json.dumps([{"uuid": f"{n:032x}", "band": "ugrizy"[n % 6]} for n in range(400_000)]).encode()
TEXT = b"visit,detector\n" + b"903334,16\n" * 1_000


class Streams:
    """What the stream's writer and its reader tell each other."""

    def __init__(self) -> None:
        self.read = threading.Event()
        self.ended = threading.Event()


def application(folder: Any, streams: Streams) -> Starlette:
    file = folder / "raw.json"
    file.write_bytes(TEXT)

    async def parts() -> AsyncIterator[bytes]:
        """The second part is written when the first one was read."""
        yield TEXT
        await anyio.to_thread.run_sync(streams.read.wait, 20)
        yield TEXT

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield TEXT
                await anyio.sleep(0.01)
        finally:
            streams.ended.set()

    def answer(content: bytes, status: int = 200, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def endpoint(_: Request) -> Response:
            return Response(content, status, named, media_type="text/csv")

        return endpoint

    async def long(_: Request) -> Response:
        return StreamingResponse(
            parts(), media_type="text/csv", headers={"Content-Length": str(2 * len(TEXT))}
        )

    async def head(_: Request) -> Response:
        """As those who make no body for HEAD answer."""
        return Response(headers={"Content-Length": "5000"}, media_type="text/csv")

    return Starlette(
        routes=[
            Route("/rows", lambda _: Response(ROWS, media_type="application/json")),
            Route("/text", answer(TEXT)),
            Route("/small", answer(TEXT[: compression.MINIMUM - 1])),
            Route("/tagged", answer(TEXT, etag='"one"', vary="Accept")),
            Route("/weak", answer(TEXT, etag='W/"one"')),
            Route("/encoded", answer(TEXT, content_encoding="x-own")),
            Route("/fixed", answer(TEXT, cache_control="private, no-transform")),
            Route("/partial", answer(TEXT, 206, content_range=f"bytes 0-{len(TEXT) - 1}/100000")),
            Route("/unmodified", answer(b"", 304, etag='"one"')),
            Route("/nothing", answer(b"", 204)),
            Route("/image", lambda _: Response(TEXT, media_type="image/png")),
            Route("/file", lambda _: FileResponse(file)),
            Route("/parts", lambda _: StreamingResponse(parts(), media_type="text/csv")),
            Route("/long", long),
            Route("/head", head, methods=["HEAD"]),
            Route("/endless", lambda _: StreamingResponse(endless(), media_type="text/csv")),
            Route("/json", lambda _: JSONResponse({"ok": True})),
        ],
        middleware=middleware(("https://portal.example",)),
        exception_handlers={HTTPException: http_error},
    )


@pytest.fixture
def streams() -> Streams:
    return Streams()


@pytest.fixture
def client(tmp_path: Any, streams: Streams) -> Iterator[httpx2.Client]:
    with (
        serve(application(tmp_path, streams)) as address,
        httpx2.Client(base_url=address, timeout=30, trust_env=False) as found,
    ):
        yield found


def accepting(coding: str) -> dict[str, str]:
    return {"Accept-Encoding": coding}


@pytest.mark.parametrize("coding", ENCODERS)
@pytest.mark.parametrize(
    ("path", "content"), [("/rows", ROWS), ("/text", TEXT), ("/parts", TEXT * 2), ("/long", TEXT * 2)]
)
def test_a_real_client_decodes_the_same_bytes(
    client: httpx2.Client, streams: Streams, coding: str, path: str, content: bytes
) -> None:
    assert coding in _decoders.SUPPORTED_DECODERS
    streams.read.set()
    answer = client.get(path, headers=accepting(coding))
    assert answer.headers["content-encoding"] == coding
    assert answer.content == content
    assert answer.num_bytes_downloaded < len(content) / 3
    if path in ("/rows", "/text"):
        assert int(answer.headers["content-length"]) == answer.num_bytes_downloaded
    assert "Accept-Encoding" in answer.headers["vary"]


def test_what_a_client_accepts_may_come_in_several_lines(client: httpx2.Client) -> None:
    lines = [("Accept-Encoding", "gzip;q=0.5"), ("Accept-Encoding", "br")]
    assert client.get("/text", headers=lines).headers["content-encoding"] == "br"
    assert (
        client.get("/text", headers=[*lines, ("Accept-Encoding", "x" * 300)]).headers["content-encoding"]
        == "br"
    )


def test_a_graphql_answer_is_compressed(address: str) -> None:
    query = {"query": "{ tree { children(first: 100) { name } } }"}
    with httpx2.Client(base_url=address, trust_env=False, timeout=60) as http:
        packed = http.post("/graphql", json=query, headers=accepting("br"))
        plain = http.post("/graphql", json=query, headers=accepting("identity"))
    assert packed.headers["content-encoding"] == "br" and "content-encoding" not in plain.headers
    assert packed.json() == plain.json()
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept, Origin, Accept-Encoding"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 5


@pytest.mark.parametrize(
    "path",
    ["/small", "/encoded", "/fixed", "/partial", "/unmodified", "/nothing", "/image", "/file", "/json"],
)
def test_what_is_left_as_it_is(client: httpx2.Client, path: str) -> None:
    plain = client.get(path, headers=accepting("identity"))
    answer = client.get(path, headers=accepting("zstd, br, gzip"))
    own = {"x-request-id": "", "date": ""}
    assert {**answer.headers, **own} == {**plain.headers, **own}
    assert (answer.status_code, answer.content) == (plain.status_code, plain.content)
    assert answer.headers.get("content-encoding") == ("x-own" if path == "/encoded" else None)


def test_a_range_of_a_file_is_of_its_own_bytes(client: httpx2.Client) -> None:
    answer = client.get("/file", headers={"Range": "bytes=2-5", **accepting("gzip")})
    assert (answer.status_code, answer.content) == (206, TEXT[2:6])
    assert not answer.headers["etag"].startswith("W/")


@pytest.mark.parametrize(("path", "etag"), [("/tagged", 'W/"one"'), ("/weak", 'W/"one"')])
def test_an_etag_is_weak_where_bytes_are_others(client: httpx2.Client, path: str, etag: str) -> None:
    assert client.get(path, headers=accepting("gzip")).headers["etag"] == etag
    if path == "/tagged":
        plain = client.get(path, headers=accepting("identity"))
        assert plain.headers["etag"] == '"one"' and plain.headers["vary"] == "Accept, Origin, Accept-Encoding"


def test_head_says_what_get_would(client: httpx2.Client, streams: Streams) -> None:
    streams.read.set()
    for path in ("/text", "/small", "/parts", "/tagged", "/file"):
        got = client.get(path, headers=accepting("zstd"))
        head = client.head(path, headers=accepting("zstd"))
        assert head.content == b""
        for name in ("content-encoding", "content-length", "etag", "vary", "content-type"):
            assert head.headers.get(name) == got.headers.get(name), (path, name)
    bodiless = client.head("/head", headers=accepting("zstd"))
    assert bodiless.headers["content-encoding"] == "zstd" and "content-length" not in bodiless.headers


@pytest.mark.parametrize("coding", ENCODERS)
def test_a_stream_is_read_before_its_end(client: httpx2.Client, streams: Streams, coding: str) -> None:
    with client.stream("GET", "/parts", headers=accepting(coding)) as answer:
        parts = answer.iter_bytes()
        found = b""
        while len(found) < len(TEXT):
            found += next(parts)
        assert found == TEXT and not streams.read.is_set()
        streams.read.set()
        assert b"".join(parts) == TEXT


def test_a_client_that_leaves_ends_its_stream(client: httpx2.Client, streams: Streams) -> None:
    with client.stream("GET", "/endless", headers=accepting("br")) as answer:
        next(answer.iter_bytes())
    assert streams.ended.wait(10)
    assert client.get("/text", headers=accepting("br")).content == TEXT


@pytest.mark.parametrize("coding", ENCODERS)
def test_large_bodies_are_encoded_away_from_the_event_loop(
    client: httpx2.Client, coding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one is being encoded, which here takes until another request was answered, others are."""
    threads: list[int] = []
    answered = threading.Event()

    class Slow(ENCODERS[coding]):  # type: ignore[misc]
        def last(self, data: bytes) -> bytes:
            threads.append(threading.get_ident())
            if len(data) > compression.THREAD:
                assert answered.wait(20)
            return super().last(data)  # type: ignore[no-any-return]

    monkeypatch.setattr(compression, "ENCODERS", {coding: Slow})
    sizes: list[int] = []
    large = threading.Thread(
        target=lambda: sizes.append(len(client.get("/rows", headers=accepting(coding)).content))
    )
    large.start()
    end = time.monotonic() + 10
    while not threads:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert client.get("/text", headers=accepting(coding)).content == TEXT
    answered.set()
    large.join(20)
    assert sizes == [len(ROWS)] and len(ROWS) > 20_000_000
    assert len(set(threads)) == 2  # the small one was encoded at once, in the loop


@pytest.mark.parametrize("where", ["encoding", "sending"])
@pytest.mark.parametrize("coding", ENCODERS)
def test_last_words_can_be_decoded_when_time_is_over(
    coding: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An application may be cancelled while its part is encoded, or waits for the client, and say why after it."""
    part = ROWS[: 4 * compression.THREAD]
    over = threading.Event()
    sent: list[bytes] = []

    class Slow(ENCODERS[coding]):  # type: ignore[misc]
        def part(self, data: bytes) -> bytes:
            if sent and where == "encoding":
                assert over.wait(60)
            return super().part(data)  # type: ignore[no-any-return]

    monkeypatch.setattr(compression, "ENCODERS", {coding: Slow})

    async def receive() -> Message:
        raise NotImplementedError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            if sent and where == "sending" and not over.is_set():
                await asyncio.Event().wait()
            sent.append(message["body"])

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/csv")]}
        )
        await send({"type": "http.response.body", "body": part, "more_body": True})
        sending = asyncio.ensure_future(
            send({"type": "http.response.body", "body": part, "more_body": True})  # type: ignore[arg-type]
        )
        await asyncio.wait([sending], timeout=0.2)
        sending.cancel()
        await asyncio.sleep(0)
        over.set()
        with suppress(asyncio.CancelledError):
            await sending
        await send({"type": "http.response.body", "body": b"too late"})

    headers = [(b"accept-encoding", coding.encode())]
    asyncio.run(
        compression.Compression(app)({"type": "http", "method": "GET", "headers": headers}, receive, send)
    )
    decoder = _decoders.SUPPORTED_DECODERS[coding]()
    assert b"".join([*decoder.decode(b"".join(sent)), *decoder.flush()]) == part * 2 + b"too late"


@pytest.mark.parametrize(
    ("header", "coding"),
    [
        (None, "identity"),
        ("", "identity"),
        ("identity", "identity"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, deflate, br", "br"),
        ("GZIP", "gzip"),
        ("gzip;q=1.0, br;q=0.5, zstd;q=0", "gzip"),
        ("br;q=0.2, zstd;q=0.1", "br"),
        ("*", "zstd"),
        ("*;q=0.5, zstd;q=0", "br"),
        ("gzip;q=0, *;q=0, identity", "identity"),
        ("identity;q=1, gzip;q=0.5", "identity"),
        ("identity;q=0, gzip;q=0.1", "gzip"),
        ("deflate, compress", "identity"),
        ("gzip;q=0", "identity"),
        ("gzip;q=nonsense, br;q=7, ,;;,zstd;q=0.001", "zstd"),
    ],
)
def test_what_a_client_likes_best(header: str | None, coding: str) -> None:
    assert chosen(header) == coding


@pytest.mark.parametrize("header", ["identity;q=0", "*;q=0", "deflate, identity;q=0"])
def test_what_leaves_nothing_is_not_acceptable(client: httpx2.Client, header: str) -> None:
    with pytest.raises(Refusal):
        chosen(header)
    refused = client.get("/text", headers=accepting(header))
    assert refused.status_code == 406
    assert refused.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_who_takes_nothing_plain_gets_small_answers_encoded_too(client: httpx2.Client) -> None:
    answer = client.get("/json", headers=accepting("gzip, identity;q=0"))
    assert answer.headers["content-encoding"] == "gzip" and answer.json() == {"ok": True}
