"""A full house: who comes is told at once when to come again, who waits is served, and those who leave free their places."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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
