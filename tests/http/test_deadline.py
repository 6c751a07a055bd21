"""Work ends when nobody waits for it: at the deadline, or when the client leaves."""

from __future__ import annotations

import json
import socket
import time
from urllib.parse import urlsplit

import httpx2
import pytest

from gateway.limits import Limits
from tests.http.service import serve, service


@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json"])
def test_a_request_past_its_deadline_gets_504_and_its_work_is_cancelled(accept: str, plans: bool) -> None:
    app, seen = service(Limits(timeout=0.3), plans=plans)
    with serve(app) as found, httpx2.Client(base_url=found) as client:
        began = time.perf_counter()
        response = client.post(
            "/graphql", json={"query": "{ slow(seconds: 20) }"}, headers={"Accept": accept}
        )
        assert time.perf_counter() - began < 2
        assert response.status_code == 504
        (error,) = response.json()["errors"]
        assert error["extensions"] == {"code": "TIMEOUT", "limit": 0.3}
        assert seen.cancelled.wait(2)
        assert client.post("/graphql", json={"query": "{ hello }"}).json() == {
            "data": {"hello": "hello world"}
        }


def test_a_resolver_that_will_not_stop_does_not_hold_its_client(plans: bool) -> None:
    app, _ = service(Limits(timeout=0.2), plans=plans)
    with serve(app) as found, httpx2.Client(base_url=found) as client:
        began = time.perf_counter()
        assert client.post("/graphql", json={"query": "{ stubborn }"}).status_code == 504
        assert time.perf_counter() - began < 2


def test_a_client_that_leaves_ends_its_work(plans: bool) -> None:
    app, seen = service(plans=plans)
    body = json.dumps({"query": "{ slow(seconds: 20) }"}).encode()
    with serve(app) as found:
        where = urlsplit(found)
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.sendall(
                b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
            )
            assert seen.started.wait(5)
            assert not seen.cancelled.is_set()
        began = time.perf_counter()
        assert seen.cancelled.wait(3)
        assert time.perf_counter() - began < 1
        assert not seen.finished.is_set()


def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_error(plans: bool) -> None:
    app, seen = service(plans=plans)
    with serve(app) as found:
        where = urlsplit(found)
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.sendall(
                b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
            )
        assert httpx2.post(f"{found}/graphql", json={"query": "{ hello }"}).status_code == 200
    assert seen.contexts == 1


def test_resolvers_know_how_long_they_have(plans: bool) -> None:
    app, _ = service(Limits(timeout=7), plans=plans)
    with serve(app) as found:
        answer = httpx2.post(f"{found}/graphql", json={"query": "{ remaining }"}).json()
    assert 5 < answer["data"]["remaining"] < 7
