"""How many requests are at work at a time: in all, and of one user."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Hashable
from typing import Protocol

from gateway.http.refusal import refuse


class _Deadline(Protocol):
    def remaining(self) -> float: ...


class House:
    """Places for requests, and a few seats where the next ones wait; who comes to a full house is told at once to come again.

    Parameters
    ----------
    places
        Requests at work at a time.
    each
        ... of one user, so that nobody holds all places.
    seats
        Requests that wait. Their deadlines go on.
    """

    def __init__(self, places: int, each: int, seats: int) -> None:
        self._left = places
        self._each = each
        self._seats = seats
        self._of: Counter[Hashable] = Counter()
        self._waiting: deque[asyncio.Future[None]] = deque()

    def enter(self, user: Hashable | None) -> bool:
        """Take a place at once; False where ``wait`` has to be asked. ``user`` is None for those who have no name.

        Raises
        ------
        gateway.http.refusal.Refusal
            429 where this user has as many as one may have.
        """
        if user is not None and self._of[user] >= self._each:
            raise refuse(
                f"You have {self._each} requests at work already; send the next one when one of them has ended.",
                429,
                "TOO_MANY_REQUESTS",
                headers={"Retry-After": "1"},
                limit=self._each,
            )
        if self._left <= 0 or self._waiting:
            return False
        self._left -= 1
        self._take(user)
        return True

    async def wait(self, user: Hashable | None, deadline: _Deadline) -> None:
        """Wait for a place, in the order of coming.

        Raises
        ------
        gateway.http.refusal.Refusal
            503 where all seats are taken, or the deadline comes first.
        """
        if len(self._waiting) >= self._seats:
            raise self._full()
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self._take(user)
        try:
            async with asyncio.timeout(deadline.remaining()):
                await turn
        except BaseException as gone:
            self._gone(user)
            if turn.done() and not turn.cancelled():
                self._next()  # the place was given just then
            else:
                self._waiting.remove(turn)
            if isinstance(gone, TimeoutError):
                raise self._full() from None
            raise

    def leave(self, user: Hashable | None) -> None:
        """Give the place to whoever waits longest."""
        self._gone(user)
        self._next()

    def _take(self, user: Hashable | None) -> None:
        self._of[user] += 1

    def _gone(self, user: Hashable | None) -> None:
        self._of[user] -= 1
        if not self._of[user]:
            del self._of[user]

    def _next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._left += 1

    def _full(self) -> Exception:
        return refuse(
            "The service has as many requests as it can answer; try again in a few seconds.",
            503,
            "SERVICE_BUSY",
            headers={"Retry-After": "5"},
        )
