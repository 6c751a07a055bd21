"""What is made when somebody first asks for it."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from gateway.first_use import FirstUse


def test_it_is_made_once_and_in_a_thread_while_others_are_answered() -> None:
    made: list[threading.Thread] = []
    turns = 0

    def make() -> object:
        while not turns:  # the loop has its turns, or this never ends
            time.sleep(0.001)
        made.append(threading.current_thread())
        return object()

    async def asked() -> list[object]:
        nonlocal turns
        first_use = FirstUse(make)
        asking = [asyncio.ensure_future(first_use()) for _ in range(20)]
        await asyncio.sleep(0.02)
        turns = 1
        return [*await asyncio.gather(*asking), await first_use()]

    found = asyncio.run(asyncio.wait_for(asked(), 60))
    assert len(set(map(id, found))) == 1
    assert len(made) == 1 and made[0] is not threading.main_thread()


def test_who_leaves_has_not_asked_in_vain() -> None:
    made: list[int] = []
    begun = threading.Event()

    def make() -> int:
        begun.set()
        made.append(1)
        return 7

    async def asked() -> int:
        first_use = FirstUse(make)
        asking = asyncio.ensure_future(first_use())
        await asyncio.to_thread(begun.wait, 60)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        return await first_use()

    assert asyncio.run(asked()) == 7
    assert made == [1]


def test_it_is_made_once_although_the_first_one_leaves() -> None:
    made: list[object] = []
    begun, goes_on = threading.Event(), threading.Event()

    def make() -> object:
        begun.set()
        assert goes_on.wait(60)
        made.append(object())
        return made[-1]

    async def asked() -> list[object]:
        first_use = FirstUse(make)
        first = asyncio.ensure_future(first_use())
        await asyncio.to_thread(begun.wait, 60)
        first.cancel()
        others = [asyncio.ensure_future(first_use()) for _ in range(2)]
        await asyncio.sleep(0.2)  # or else one of them has begun another one by then
        goes_on.set()
        return await asyncio.gather(*others)

    found = asyncio.run(asyncio.wait_for(asked(), 120))
    assert found == made * 2 and len(made) == 1


def test_what_fails_is_tried_again() -> None:
    tries: list[int] = []

    def make() -> str:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not now")
        return "made"

    async def asked() -> str:
        first_use = FirstUse(make)
        with pytest.raises(OSError, match="not now"):
            await first_use()
        return await first_use()

    assert asyncio.run(asked()) == "made"
