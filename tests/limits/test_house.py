"""A full house says so at once, nobody holds all places, and no place is lost."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys

import pytest

from gateway.http.refusal import Refusal
from gateway.limits import Deadline
from gateway.limits.house import House


def test_places_are_taken_and_given_back() -> None:
    house = House(2, 2, 0)
    assert house.enter("a") and house.enter("b")
    assert not house.enter("c")
    house.leave("a")
    assert house.enter("c")


def test_one_user_cannot_take_all_places() -> None:
    house = House(10, 2, 10)
    assert house.enter("a") and house.enter("a")
    with pytest.raises(Refusal) as refused:
        house.enter("a")
    assert refused.value.status == 429 and refused.value.headers["Retry-After"] == "1"
    assert house.enter("b")
    assert all(house.enter(None) for _ in range(5)), "those without a name share no limit of one"


def test_who_waits_is_served_in_order_and_a_full_house_says_so_at_once() -> None:
    async def run() -> list[int]:
        house, served = House(1, 10, 3), list[int]()

        async def one(number: int) -> None:
            if not house.enter(number):
                await house.wait(number, Deadline(5))
            served.append(number)
            await asyncio.sleep(0.01)
            house.leave(number)

        work = [asyncio.ensure_future(one(number)) for number in range(4)]
        await asyncio.sleep(0)
        with pytest.raises(Refusal) as refused:
            await one(9)
        assert refused.value.status == 503 and refused.value.headers["Retry-After"] == "5"
        await asyncio.gather(*work)
        return served

    assert asyncio.run(run()) == [0, 1, 2, 3]


def test_waiting_ends_at_the_deadline() -> None:
    async def run() -> None:
        house = House(1, 10, 3)
        assert house.enter("a")
        with pytest.raises(Refusal) as refused:
            await house.wait("b", Deadline(0.05))
        assert refused.value.status == 503
        house.leave("a")
        assert house.enter("b"), "who gave up waiting holds no place"

    asyncio.run(run())


@pytest.mark.parametrize("seed", range(20))
def test_no_place_is_lost_however_they_come_and_go(seed: int) -> None:
    chance = random.Random(seed)

    async def run() -> None:
        house, at_work, most = House(3, 2, 4), 0, 0

        async def one(user: str) -> None:
            nonlocal at_work, most
            try:
                if not house.enter(user):
                    await house.wait(user, Deadline(chance.uniform(0.001, 0.02)))
            except Refusal:
                return
            at_work += 1
            most = max(most, at_work)
            try:
                await asyncio.sleep(chance.uniform(0, 0.005))
            finally:
                at_work -= 1
                house.leave(user)

        work = []
        for _ in range(200):
            work.append(asyncio.ensure_future(one(chance.choice("abcdef"))))
            if chance.random() < 0.2:
                chance.choice(work).cancel()
            await asyncio.sleep(chance.choice((0, 0, 0.002)))
        await asyncio.gather(*work, return_exceptions=True)
        assert most == 3 and at_work == 0 and not house._of
        assert [house.enter(user) for user in "abc"] == [True] * 3 and not house.enter("d")

    asyncio.run(run())


def test_it_can_be_imported_before_all_others() -> None:
    subprocess.run([sys.executable, "-c", "import gateway.limits.house"], check=True, timeout=120)
