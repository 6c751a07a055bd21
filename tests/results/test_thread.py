"""Work in a thread is waited for to its end, however it is given up."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import ContextVar

import anyio
import pytest

from gateway.thread import in_thread


class Slow:
    """Work that begins, and ends when it may."""

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.ended = False

    def __call__(self) -> str:
        self.begun.set()
        assert self.may_end.wait(60)
        self.ended = True
        return "done"


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.005)


def test_who_is_cancelled_again_and_again_waits_for_the_thread() -> None:
    async def run() -> None:
        slow = Slow()
        task = asyncio.ensure_future(in_thread(slow))
        await until(slow.begun.is_set)
        for _ in range(3):
            task.cancel()
            await asyncio.sleep(0.02)
            assert not task.done() and not slow.ended
        slow.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert slow.ended

    asyncio.run(run())


def test_a_task_that_is_cancelled_before_its_thread_begins_waits_too() -> None:
    async def run() -> None:
        slow = Slow()
        slow.may_end.set()
        task = asyncio.ensure_future(in_thread(slow))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert slow.ended

    asyncio.run(run())


def test_timeouts_of_any_kind_wait_for_the_thread_and_stay_what_they_are() -> None:
    async def native(slow: Slow) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60), asyncio.timeout(0.01):
                await in_thread(slow)

    async def scopes(slow: Slow) -> None:
        with anyio.move_on_after(0.01) as scope:
            await in_thread(slow)
            await anyio.lowlevel.checkpoint()
        assert scope.cancelled_caught

    async def both(slow: Slow) -> None:
        with anyio.move_on_after(0.01) as scope:
            async with asyncio.timeout(0.02):
                await in_thread(slow)
        assert scope.cancel_called

    async def run(way: Callable[[Slow], object]) -> None:
        slow = Slow()
        task = asyncio.ensure_future(way(slow))  # type: ignore[arg-type]
        await until(slow.begun.is_set)
        await asyncio.sleep(0.1)
        assert not task.done()
        slow.may_end.set()
        try:
            await task
        except TimeoutError:
            assert way is both
        assert slow.ended

    for way in (native, scopes, both):
        asyncio.run(run(way))


def test_the_end_of_the_loop_waits_for_the_thread() -> None:
    slow, seen = Slow(), list[bool]()

    async def work() -> None:
        try:
            await in_thread(slow)
        finally:
            seen.append(slow.ended)

    async def run() -> asyncio.Task[None]:
        task = asyncio.ensure_future(work())
        await until(slow.begun.is_set)
        asyncio.get_running_loop().call_later(0.05, slow.may_end.set)
        return task

    asyncio.run(run())
    assert seen == [True]


def test_a_place_is_held_as_long_as_the_thread_works() -> None:
    async def run() -> None:
        places, slow, never = anyio.CapacityLimiter(1), Slow(), Slow()
        task = asyncio.ensure_future(in_thread(slow, limiter=places))
        await until(slow.begun.is_set)
        waiting = asyncio.ensure_future(in_thread(never, limiter=places))
        await asyncio.sleep(0.02)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting  # at once: it has no thread
        task.cancel()
        await asyncio.sleep(0.02)
        assert places.borrowed_tokens == 1
        slow.may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert places.borrowed_tokens == 0 and not never.begun.is_set()

    asyncio.run(run())


def test_what_comes_of_the_work_is_told() -> None:
    word: ContextVar[str] = ContextVar("word")

    async def run() -> None:
        word.set("mine")
        assert await in_thread(word.get) == "mine"
        assert await in_thread(divmod, 7, 2) == (3, 1)
        with pytest.raises(ZeroDivisionError):
            await in_thread(divmod, 7, 0)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await in_thread(next, iter(()))

    asyncio.run(run())
