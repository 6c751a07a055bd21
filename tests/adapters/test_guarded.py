"""A backend that fails is left alone, tried again by one, and asked as before once it answers."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from adapters.caller import Call
from adapters.errors import BackendTimeout, BackendUnavailable, BadUserInput, Timeout
from adapters.guarded import FAILURES, LONGEST, PAUSE, Guarded
from adapters.protocol import Health, Repository, Settings
from adapters.question import Collections
from adapters.rows import Rows


class Failing:
    """A stand-in for a backend that can be told to fail: real ones do it when they like."""

    name, adapter, settings = "far", "stand-in", Settings("nowhere")
    capabilities: frozenset[Any] = frozenset()

    def __init__(self) -> None:
        self.asked = 0
        self.error: BaseException | None = None
        self.slow = 0.0

    async def ask(self, *_: Any) -> Rows:
        self.asked += 1
        await asyncio.sleep(self.slow)
        if self.error is not None:
            raise self.error
        return Rows((), [])

    universe = count = facets = explain = components = content = ask

    async def health(self, _: Call) -> Health:
        await self.ask()
        return Health({})

    async def close(self) -> None:
        self.asked = -1


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def fail(guarded: Guarded, error: type[Exception], times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(error):
            asyncio.run(guarded.ask(Collections(), Call()))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backend() -> Failing:
    return Failing()


@pytest.fixture
def guarded(backend: Failing, clock: Clock) -> Guarded:
    found = Guarded(backend, clock)  # type: ignore[arg-type]
    assert isinstance(found, Repository)
    return found


@pytest.mark.parametrize("error", [BackendUnavailable("it is down"), BackendTimeout("it is slow")])
def test_after_some_failures_nothing_is_asked(
    error: Exception, guarded: Guarded, backend: Failing, clock: Clock
) -> None:
    backend.error = error
    fail(guarded, type(error), FAILURES)
    assert backend.asked == FAILURES
    with pytest.raises(BackendUnavailable, match="try again in 2 seconds") as told:
        asyncio.run(guarded.ask(Collections(), Call()))
    assert told.value.details == {"repository": "far", "retry": True, "retryAfter": 2}
    assert backend.asked == FAILURES
    clock.now += PAUSE
    backend.error = None
    asyncio.run(guarded.ask(Collections(), Call()))
    asyncio.run(guarded.count(Collections(), Call()))
    assert backend.asked == FAILURES + 2


def test_one_good_answer_forgives_all(guarded: Guarded, backend: Failing) -> None:
    for _ in range(3):
        backend.error = BackendUnavailable("it is down")
        fail(guarded, BackendUnavailable, FAILURES - 1)
        backend.error = None
        asyncio.run(guarded.ask(Collections(), Call()))
    assert backend.asked == 3 * FAILURES


@pytest.mark.parametrize(
    "error",
    [
        BadUserInput("no"),
        Timeout("over"),
        RuntimeError("a bug"),
        BackendUnavailable("its server fails at this question", status=500),
    ],
)
def test_what_is_not_its_fault_does_not_count(error: Exception, guarded: Guarded, backend: Failing) -> None:
    backend.error = error
    fail(guarded, type(error), 3 * FAILURES)
    assert backend.asked == 3 * FAILURES


def test_pauses_grow_and_one_tries_at_a_time(guarded: Guarded, backend: Failing, clock: Clock) -> None:
    backend.error = BackendUnavailable("it is down")
    fail(guarded, BackendUnavailable, FAILURES)
    pauses = []
    for _ in range(7):
        asked = backend.asked
        while backend.asked == asked:
            clock.now += 1
            fail(guarded, BackendUnavailable)
        pauses.append(clock.now)
    steps = [b - a for a, b in pairwise(pauses)]
    assert steps == [4, 8, 16, 32, LONGEST, LONGEST]

    async def many() -> list[Any]:
        return await asyncio.gather(
            *(guarded.ask(Collections(), Call()) for _ in range(20)), return_exceptions=True
        )

    clock.now += LONGEST
    backend.slow, asked = 0.01, backend.asked
    answers = asyncio.run(many())
    assert backend.asked == asked + 1 and all(isinstance(one, BackendUnavailable) for one in answers)


def test_a_trial_that_was_given_up_is_no_verdict(guarded: Guarded, backend: Failing, clock: Clock) -> None:
    backend.error = BackendUnavailable("it is down")
    fail(guarded, BackendUnavailable, FAILURES)
    clock.now += PAUSE

    async def leave() -> None:
        backend.slow = 10
        asking = asyncio.ensure_future(guarded.ask(Collections(), Call()))
        await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(leave())
    backend.slow, backend.error, asked = 0, None, backend.asked
    asyncio.run(guarded.ask(Collections(), Call()))
    assert backend.asked == asked + 1


def test_who_looks_after_it_is_not_held_up(guarded: Guarded, backend: Failing) -> None:
    backend.error = BackendUnavailable("it is down")
    fail(guarded, BackendUnavailable, FAILURES)
    backend.error = None
    asyncio.run(guarded.health(Call()))
    asyncio.run(guarded.ask(Collections(), Call()))
    asyncio.run(guarded.close())
    assert backend.asked == -1
