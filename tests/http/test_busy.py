"""A full house: who comes is told at once when to come again, who waits is served, and those who leave free their places."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx2
import pytest

from gateway.limits import Limits
from tests.http.conftest import Way
from tests.http.service import serve, service


@pytest.fixture(scope="module")
def busy(way: Way) -> Iterator[str]:
    """A service with two places and one seat."""
    limits = Limits(max_running=2, max_waiting=1, timeout=20.0)
    with serve(service(limits, **way)[0]) as found:
        yield found


def ask(address: str, query: str, timeout: float = 20) -> tuple[httpx2.Response, float]:
    began = time.monotonic()
    answer = httpx2.post(f"{address}/graphql", json={"query": query}, timeout=timeout)
    return answer, time.monotonic() - began


def test_who_comes_to_a_full_house_is_told_at_once(busy: str) -> None:
    with ThreadPoolExecutor(6) as clients:
        slow = [clients.submit(ask, busy, "{ slow(seconds: 1.5) }") for _ in range(3)]
        time.sleep(0.3)
        answer, seconds = ask(busy, "{ hello }")
        assert answer.status_code == 503 and seconds < 1.2
        assert answer.headers["Retry-After"] == "5"
        (error,) = answer.json()["errors"]
        assert error["extensions"]["code"] == "SERVICE_BUSY" and "try again" in error["message"]
        assert all(one.result()[0].json() == {"data": {"slow": "done"}} for one in slow)
    assert ask(busy, "{ hello }")[0].json() == {"data": {"hello": "hello world"}}


def test_a_client_that_leaves_gives_its_place_back(busy: str) -> None:
    for _ in range(4):
        with pytest.raises(httpx2.TimeoutException):
            ask(busy, "{ slow(seconds: 2.5) }", timeout=0.2)
    time.sleep(0.3)
    answer, seconds = ask(busy, "{ hello }")
    assert answer.status_code == 200 and seconds < 2


@contextmanager
def begun(address: str, coding: str) -> Iterator[tuple[socket.socket, int]]:
    """A client that asked for a long answer, and has read of it no more than the status; and the most that is going to come."""
    value = base64.b64encode(os.urandom(9_000_000)).decode()
    query = {"query": "query ($value: JSON!) { echo(value: $value) }", "variables": {"value": value}}
    body = json.dumps(query).encode()
    where = urlsplit(address)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(60)
        connection.connect((where.hostname, where.port))
        head = "POST /graphql HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n"
        head += f"Accept-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        assert connection.recv(12) == b"HTTP/1.1 200"
        yield connection, len(value)


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_an_answer_that_nobody_reads_keeps_its_place(way: Way, coding: str) -> None:
    """Or else as many as anybody likes would lie in the memory."""
    limits = Limits(max_running=1, max_waiting=1, timeout=120.0)
    with (
        serve(service(limits, **way)[0]) as address,
        ThreadPoolExecutor(2) as clients,
        begun(address, coding) as (connection, most),
    ):
        others = [clients.submit(ask, address, "{ hello }", 120) for _ in range(2)]
        refused = next(as_completed(others))
        assert refused.result()[0].status_code == 503
        answer = b""
        while part := connection.recv(1_000_000):
            answer += part
        (waited,) = (other for other in others if other is not refused)
        assert waited.result()[0].status_code == 200
        head, _, body = answer.partition(b"\r\n\r\n")
        assert most * 0.7 < len(body) < most + 100
        assert f"content-length: {len(body)}".encode() in head.lower()


def test_who_takes_nothing_keeps_no_place(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.http.wire.LINGER", 0.5)
    limits = Limits(max_running=1, max_waiting=1, timeout=120.0)
    with serve(service(limits, **way)[0]) as address, begun(address, "identity"):
        assert ask(address, "{ hello }", 120)[0].status_code == 200


def test_who_reads_for_too_long_keeps_no_place(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.http.view.READING", 0.5)
    limits = Limits(max_running=1, max_waiting=1, timeout=120.0)
    with serve(service(limits, **way)[0]) as address, begun(address, "identity"):
        assert ask(address, "{ hello }", 50)[0].status_code == 200
