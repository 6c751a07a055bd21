"""Verdicts are remembered for their time, by fingerprint, and asked for once."""

from __future__ import annotations

import asyncio
import gc

import pytest

from adapters.token import Token
from gateway.auth.remembered import Remembered, Said
from tests.auth.stand_in import Clock


class Asked:
    """An authority that counts."""

    def __init__(self, seconds: float = 60) -> None:
        self.tokens: list[str] = []
        self.seconds = seconds
        self.down = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, token: Token) -> Said[str]:
        self.tokens.append(token.reveal())
        await self.gate.wait()
        if self.down:
            raise ConnectionError
        return Said(f"user of {token.reveal()}", self.seconds)


async def test_a_verdict_is_asked_for_again_after_its_time_only() -> None:
    clock, asked = Clock(), Asked(60)
    users = Remembered(asked, clock=clock)
    assert users.known(Token("a")) is None
    assert await users.of(Token("a")) == "user of a"
    clock.now += 59
    assert users.known(Token("a")) == "user of a" == await users.of(Token("a"))
    assert asked.tokens == ["a"]
    clock.now += 1.01
    assert users.known(Token("a")) is None
    assert await users.of(Token("a")) == "user of a"
    assert asked.tokens == ["a", "a"]


async def test_many_requests_at_once_ask_once() -> None:
    asked = Asked()
    asked.gate.clear()
    users = Remembered(asked)
    waiting = [asyncio.create_task(users.of(Token("a"))) for _ in range(50)]
    other = asyncio.create_task(users.of(Token("b")))
    await asyncio.sleep(0.01)
    asked.gate.set()
    assert set(await asyncio.gather(*waiting)) == {"user of a"} and await other == "user of b"
    assert sorted(asked.tokens) == ["a", "b"]


async def test_who_gives_up_waiting_takes_nothing_from_the_others() -> None:
    asked = Asked()
    asked.gate.clear()
    users = Remembered(asked)
    first, second = (asyncio.create_task(users.of(Token("a"))) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    asked.gate.set()
    assert await second == "user of a" and asked.tokens == ["a"]
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_a_failure_is_told_to_all_who_wait_and_not_remembered() -> None:
    asked = Asked()
    asked.down = True
    users = Remembered(asked)
    results = await asyncio.gather(*(users.of(Token("a")) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in results] == [ConnectionError] * 3 and asked.tokens == ["a"]
    asked.down = False
    assert await users.of(Token("a")) == "user of a"


async def test_a_failure_that_nobody_waits_for_is_no_noise() -> None:
    noise: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: noise.append(context))
    asked = Asked()
    asked.down = True
    asked.gate.clear()
    users = Remembered(asked)
    alone = asyncio.create_task(users.of(Token("a")))
    await asyncio.sleep(0)
    alone.cancel()
    asked.gate.set()
    await asyncio.sleep(0.01)
    gc.collect()
    await asyncio.sleep(0)
    assert noise == []


async def test_only_so_many_are_remembered_and_no_token_is_a_key() -> None:
    users = Remembered(Asked(), most=100)
    for number in range(1000):
        await users.of(Token(f"canary-{number}"))
        await users.of(Token("in use"))
    assert len(users._kept) <= 100
    assert users.known(Token("in use")) is not None
    assert all(isinstance(key, bytes) and b"canary" not in key for key in users._kept)


async def test_what_may_not_be_remembered_is_not() -> None:
    asked = Asked(0)
    users = Remembered(asked)
    await users.of(Token("a"))
    await users.of(Token("a"))
    assert asked.tokens == ["a", "a"]
