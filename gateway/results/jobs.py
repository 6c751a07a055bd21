"""What this process freezes now: so many results at a time, of each user and in all; the next ones wait."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Generic, TypeVar

from gateway.results.full import Busy, TooMany

T = TypeVar("T")


class Jobs(Generic[T]):
    """``places`` work at a time, ``seats`` wait; ``each`` is how many one user may have of both. Who has no name shares none."""

    def __init__(self, places: int, each: int, seats: int) -> None:
        self._most = places + seats
        self._each = each
        self._seats = seats
        self._turns = asyncio.Semaphore(places)
        self._of: Counter[str | None] = Counter()
        self._running: dict[str, asyncio.Task[T]] = {}
        self.closing = False
        """Whether all of them are being ended, and with them the process."""

    def begin(
        self, id: str, owner: str | None, work: Callable[[asyncio.Semaphore], Coroutine[None, None, T]]
    ) -> asyncio.Task[T]:
        """Do something in the background. ``work`` is given what it has to wait for.

        Raises
        ------
        TooMany
            This user has as many at work, or waiting, as one may have.
        Busy
            As many wait as may.
        """
        if owner is not None and self._of[owner] >= self._each:
            raise TooMany(
                f"{self._each} results of yours are being saved already; save the next one when one of them is complete.",
                limit=self._each,
            )
        if self._of.total() >= self._most:
            raise Busy(
                f"{self._seats} results wait to be saved already; try again in a few minutes.",
                limit=self._seats,
            )
        task = asyncio.get_running_loop().create_task(work(self._turns))
        self._running[id] = task
        self._of[owner] += 1

        def ended(_: asyncio.Task[T]) -> None:
            del self._running[id]
            self._of[owner] -= 1
            if not self._of[owner]:
                del self._of[owner]

        task.add_done_callback(ended)
        return task

    async def stop(self, id: str) -> None:
        """End one, if it is at work here, and wait until it has."""
        task = self._running.get(id)
        if task is not None:
            await _ended([task])

    async def close(self) -> None:
        """End all of them, and wait until they have."""
        self.closing = True
        await _ended(list(self._running.values()))


async def _ended(tasks: list[asyncio.Task[T]]) -> None:
    for task in tasks:
        if not task.cancelling():  # what is at its end already is not disturbed there
            task.cancel()
    if tasks:
        await asyncio.wait(tasks)
