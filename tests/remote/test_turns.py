"""Of one user so many calls at a time as the server allows: lists wait for each other and not for the server's back-off."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from adapters.errors import BackendTimeout, Timeout
from adapters.question import Datasets, Page
from adapters.remote.lanes import Lanes

from .asker import In, call, opened
from .server import ButlerServer

TYPES = ("raw", "calexp", "src", "visitSummary", "flat", "bias", "deepCoadd", "skyMap")


def lists(user: str, repository: Any, seconds: float = 60.0) -> list[Any]:
    return [
        repository.ask(Datasets((name,), ("HSC/*",), page=Page(3)), call(user, seconds)) for name in TYPES
    ]


def streamed(server: ButlerServer) -> list[dict[str, Any]]:
    return [record for record in server.records() if record["path"].endswith("/query/execute")]


def most_at_once(records: list[dict[str, Any]]) -> int:
    moments = [(r["began"], 1) for r in records] + [(r["ended"], -1) for r in records]
    running = most = 0
    for _, step in sorted(moments):
        running += step
        most = max(most, running)
    return most


def test_eight_lists_at_once_take_the_time_of_their_work(fresh: ButlerServer) -> None:
    """Eight queries of 0.2 s, two at a time, take 0.8 s and what Butler itself needs; the server never says 429."""

    async def run() -> float:
        repository = opened(fresh.uri("lab"))
        await asyncio.gather(*lists("alice", repository))
        fresh.records()
        with fresh.ordered(hold=0.2):
            began = time.monotonic()
            answers = await asyncio.gather(*lists("alice", repository))
            took = time.monotonic() - began
        assert all(rows.rows for rows in answers)
        await repository.close()
        return took

    took = asyncio.run(run())
    records = streamed(fresh)
    assert [record["status"] for record in records] == [200] * 8
    assert most_at_once(records) == 2
    assert took >= 0.8


def test_two_repositories_of_one_server_share_a_users_turns(fresh: ButlerServer) -> None:
    async def run() -> None:
        both = [opened(fresh.uri("lab"), name) for name in ("one", "two")]
        with fresh.ordered(hold=0.1):
            await asyncio.gather(*(one for r in both for one in lists("alice", r)))
        for repository in both:
            await repository.close()

    asyncio.run(run())
    records = streamed(fresh)
    assert {record["status"] for record in records} == {200} and most_at_once(records) == 2


def test_users_do_not_wait_for_each_other(fresh: ButlerServer) -> None:
    async def run() -> None:
        repository = opened(fresh.uri("lab"))
        await asyncio.gather(*(repository.universe(call(user)) for user in ("alice", "bob")))
        with fresh.ordered(hold=0.3):
            slow = [asyncio.ensure_future(one) for one in lists("alice", repository)]
            await asyncio.sleep(0.05)
            began = time.monotonic()
            rows = await repository.ask(Datasets(("raw",), ("HSC/*",), page=Page(3)), call("bob"))
            assert rows.rows and time.monotonic() - began < 1.0
            assert not all(one.done() for one in slow)
            await asyncio.gather(*slow)
        await repository.close()

    asyncio.run(run())


def test_whoever_waits_too_long_is_told_so(fresh: ButlerServer) -> None:
    """Two run into the deadline at the server, the others while they wait; a moment later all is well."""

    async def run() -> list[Any]:
        repository = opened(fresh.uri("lab"))
        await repository.universe(call())
        with fresh.ordered(hold=0.8):
            began = time.monotonic()
            found = await asyncio.gather(*lists("alice", repository, 0.4), return_exceptions=True)
            assert time.monotonic() - began < 0.8
            await asyncio.sleep(0.5)
        assert (await repository.ask(Datasets(("raw",), ("HSC/*",), page=Page(3)), call())).rows
        await repository.close()
        return found

    found = asyncio.run(run())
    kinds = [type(one) for one in found]
    assert kinds.count(BackendTimeout) == 2 and kinds.count(Timeout) == 6
    assert all(
        one.details == {"repository": "lab", "retry": True}
        for one in found
        if isinstance(one, BackendTimeout)
    )
    assert 429 not in {record["status"] for record in fresh.records()}


def test_retries_of_the_client_do_not_outlive_the_deadline(fresh: ButlerServer) -> None:
    async def run() -> None:
        repository = opened(fresh.uri("lab"))
        order = {"path": "query/execute", "status": 503, "headers": {"Retry-After": "1"}}
        with fresh.ordered(fail=order):
            began = time.monotonic()
            with pytest.raises(BackendTimeout):
                await repository.ask(Datasets(("raw",)), call(seconds=0.7))
            assert time.monotonic() - began < 1.2
        await repository.close()

    asyncio.run(run())


# -------------------- without a server


def at_work(body: Callable[[Lanes], Any], width: int = 2, threads: int = 4) -> None:
    async def run() -> None:
        lanes = Lanes.at("nowhere", width, threads)
        try:
            await body(lanes)
        finally:
            lanes.close()

    asyncio.run(run())


def test_a_thread_whose_caller_gave_up_keeps_its_place_until_it_ends() -> None:
    async def body(lanes: Lanes) -> None:
        ended = threading.Event()
        for _ in range(2):
            with pytest.raises(BackendTimeout):
                await lanes.run("alice", ended.wait, In(0.05), "lab")
        with pytest.raises(Timeout):
            await lanes.run("alice", lambda: 1, In(0.05), "lab")
        assert await lanes.run("bob", lambda: 2, In(5), "lab") == 2
        ended.set()
        assert await lanes.run("alice", lambda: 3, In(5), "lab") == 3

    at_work(body)


def test_whoever_left_is_not_waited_for_and_does_not_run() -> None:
    async def body(lanes: Lanes) -> None:
        ended, ran = threading.Event(), list[int]()
        first = asyncio.ensure_future(lanes.run("alice", ended.wait, In(5), "lab"))
        gone = asyncio.ensure_future(lanes.run("alice", lambda: ran.append(1), In(5), "lab"))
        last = asyncio.ensure_future(lanes.run("alice", lambda: ran.append(2), In(5), "lab"))
        await asyncio.sleep(0.05)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        ended.set()
        await asyncio.gather(first, last)
        assert ran == [2] and gone.cancelled()

    at_work(body, width=1)


def test_threads_are_bounded_and_everybody_is_served() -> None:
    async def body(lanes: Lanes) -> None:
        lock, now, most = threading.Lock(), 0, 0

        def work() -> None:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.005)
            with lock:
                now -= 1

        await asyncio.gather(*(lanes.run(n % 10, work, In(20), "lab") for n in range(100)))
        assert most <= 4
        for _ in range(500):  # the last ones leave when they have answered
            if not lanes._lanes:
                break
            await asyncio.sleep(0.01)
        assert lanes._lanes == {}

    at_work(body)
    assert "nowhere" not in {place[0] for place in Lanes._open}  # type: ignore[index]


def test_nobody_is_left_waiting_when_the_last_repository_closes() -> None:
    async def run() -> None:
        lanes, ended = Lanes.at("here", 1, 1), threading.Event()
        assert Lanes.at("here", 1, 1) is lanes
        first = asyncio.ensure_future(lanes.run("alice", ended.wait, In(5), "lab"))
        second = asyncio.ensure_future(lanes.run("alice", lambda: 1, In(5), "lab"))
        await asyncio.sleep(0.05)
        lanes.close()
        assert not second.done()
        lanes.close()
        with pytest.raises(asyncio.CancelledError):
            await second
        ended.set()
        assert await first

    asyncio.run(run())
