"""Work ends when nobody waits for it: at the deadline, or when the client leaves."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from gateway.http.refusal import Refusal
from gateway.http.watch import Answered, while_awaited
from gateway.limits import Deadline, Limits
from tests.http.conftest import Way
from tests.http.service import serve, service


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
def test_a_request_past_its_deadline_gets_504_and_its_work_is_cancelled(accept: str, way: Way) -> None:
    app, seen = service(Limits(timeout=0.3), **way)
    with serve(app) as found, httpx2.Client(base_url=found, timeout=60) as client:
        began = time.perf_counter()
        response = client.post(
            "/graphql", json={"query": "{ slow(seconds: 20) }"}, headers={"Accept": accept}
        )
        assert time.perf_counter() - began < 15
        assert response.status_code == 504
        (error,) = response.json()["errors"]
        assert error["extensions"] == {"code": "TIMEOUT", "limit": 0.3}
        assert seen.cancelled.wait(2)
        assert client.post("/graphql", json={"query": "{ hello }"}).json() == {
            "data": {"hello": "hello world"}
        }


def test_a_resolver_that_will_not_stop_does_not_hold_its_client(way: Way) -> None:
    app, _ = service(Limits(timeout=0.2), **way)
    with serve(app) as found, httpx2.Client(base_url=found, timeout=60) as client:
        began = time.perf_counter()
        refused = client.post("/graphql", json={"query": "{ stubborn }"})
        assert refused.status_code == 504
        assert (
            refused.headers["x-request-id"] and refused.headers["vary"] == "Accept, Origin, Accept-Encoding"
        )
        assert time.perf_counter() - began < 2.8
        # On the same connection, while the work goes on and after it has ended.
        for pause in (0, 3):
            time.sleep(pause)
            answer = client.post("/graphql", json={"query": "{ hello }"})
            assert answer.json() == {"data": {"hello": "hello world"}}


@pytest.mark.parametrize("pause", [0, 0.1])
def test_a_client_that_leaves_ends_its_work(way: Way, pause: float) -> None:
    """Whether or not anybody was listening yet when it left."""
    app, seen = service(**way)
    body = json.dumps({"query": "{ slow(seconds: 20) }"}).encode()
    with serve(app) as found:
        where = urlsplit(found)
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.sendall(
                b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            )
            assert seen.started.wait(5)
            time.sleep(pause)
            assert not seen.cancelled.is_set()
        began = time.perf_counter()
        assert seen.cancelled.wait(15)
        assert time.perf_counter() - began < 15
        assert not seen.finished.is_set()


def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_error(way: Way) -> None:
    app, seen = service(**way)
    with serve(app) as found:
        where = urlsplit(found)
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.sendall(
                b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
            )
        assert httpx2.post(f"{found}/graphql", json={"query": "{ hello }"}).status_code == 200
    assert seen.contexts == 1


def test_resolvers_know_how_long_they_have(way: Way) -> None:
    app, _ = service(Limits(timeout=7), **way)
    with serve(app) as found:
        answer = httpx2.post(f"{found}/graphql", json={"query": "{ remaining }"}).json()
    assert 5 < answer["data"]["remaining"] < 7


def awaited(
    work: Coroutine[Any, Any, Any], *, timeout: float = 5, stop: float | None = None
) -> tuple[Any, list[Any]]:
    """What becomes of work for a client that stays, and what the client was told meanwhile. ``stop``: when the server stops."""
    told: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(60)

    async def tell(fault: Exception) -> None:
        told.append(fault)

    async def main() -> Any:
        task = asyncio.ensure_future(while_awaited(work, receive, Deadline(timeout), tell))
        if stop is not None:
            asyncio.get_running_loop().call_later(stop, task.cancel)
        done, _ = await asyncio.wait({task}, timeout=10)
        assert done
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.sleep(0)
        assert all(other.done() for other in others), "nobody listens any more"
        return asyncio.CancelledError() if task.cancelled() else task.exception() or task.result()

    return asyncio.run(main()), told


async def after(seconds: float, error: BaseException | None = None) -> str:
    await asyncio.sleep(seconds)
    if error is not None:
        raise error
    return "done"


async def stubborn(seconds: float) -> str:
    with suppress(asyncio.CancelledError):
        await asyncio.sleep(60)
    return await after(seconds)


@pytest.mark.parametrize("seconds", [0, 0.05])
def test_work_is_as_it_would_be_without_a_client(seconds: float) -> None:
    assert awaited(after(seconds)) == ("done", [])
    error = KeyError("x")
    assert awaited(after(seconds, error)) == (error, [])


@pytest.mark.parametrize("seconds", [0, 0.05])
def test_work_that_cancels_itself_is_a_timeout(seconds: float) -> None:
    end, told = awaited(after(seconds, asyncio.CancelledError()))
    assert isinstance(end, Refusal) and end.status == 504 and not told


@pytest.mark.parametrize("stop", [0.001, 0.05])
def test_work_ends_with_the_server(stop: float) -> None:
    assert isinstance(awaited(after(5), stop=stop)[0], asyncio.CancelledError)


def test_work_that_ends_late_but_ends_is_refused_all_the_same() -> None:
    end, told = awaited(stubborn(0.1), timeout=0.02)
    assert isinstance(end, Refusal) and end.status == 504 and not told


def test_work_that_goes_on_is_refused_meanwhile() -> None:
    end, (told,) = awaited(stubborn(0.8), timeout=0.02)
    assert isinstance(end, Answered)
    assert told.status == 504


def test_a_body_may_come_in_parts_but_not_for_ever(way: Way) -> None:
    body = json.dumps({"query": "{ hello }"}).encode()
    head = (
        b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        % len(body)
    )
    with serve(service(Limits(timeout=0.4), **way)[0]) as found:
        where = urlsplit(found)
        for parts, status in (([head + body[:5], body[5:9], body[9:]], b"200"), ([head, body[:5]], b"408")):
            with socket.create_connection((where.hostname, where.port), timeout=5) as connection:
                for part in parts:
                    connection.sendall(part)
                    time.sleep(0.05)
                assert connection.recv(1000).startswith(b"HTTP/1.1 " + status)
