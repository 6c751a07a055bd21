"""A repository behind a breaker: one that does not answer is left alone for a while, and tried again by one question at a time.

Whoever asks it meanwhile is told at once, and not after a timeout of his own; the failing backend is spared the load. Before that a question that
got no answer is asked once more, when the backend says, or soon: a restart, or a moment of too much work, is nobody's error then. All questions
read, so that asking twice changes nothing.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from .caller import Call
from .capability import Capability
from .content import Content, Shape
from .errors import BackendTimeout, BackendUnavailable
from .protocol import Health, Repository, Settings, publishes
from .question import Question
from .rows import Facets, FileContent, Rows, TypeInfo, UniverseInfo

T = TypeVar("T")

FAILURES = 5
"""Failures one after the other that open the breaker."""
PAUSE, LONGEST = 2.0, 60.0
"""Seconds that it stays open: at first, and at most. Each failed trial doubles them."""

SOON = (0.1, 0.4)
"""Seconds until a question is asked once more: any between these, so that many do not come together."""
PATIENCE = 5.0
"""The longest Retry-After that is waited for here, if the deadline allows; clients are told of longer ones."""


class Breaker:
    """Closed while calls go well; open after ``FAILURES`` that did not; half open while one call tries again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._pause = PAUSE
        self._until = 0.0
        self._trying = False

    @property
    def closed(self) -> bool:
        return self._failures < FAILURES

    def wait(self) -> float:
        """Seconds for which nothing is to be asked; 0: ask. Whoever is told 0 after a pause is the one who tries."""
        if self.closed:
            return 0.0
        left = self._until - self._clock()
        if left > 0:
            return left
        if self._trying:
            return self._pause
        self._trying = True
        return 0.0

    def succeeded(self) -> None:
        self._failures, self._pause, self._trying = 0, PAUSE, False

    def failed(self) -> None:
        self._failures += 1
        if self._trying:
            self._pause = min(LONGEST, self._pause * 2)
        if self._trying or self._failures == FAILURES:
            self._until = self._clock() + self._pause
        self._trying = False

    def gave_up(self) -> None:
        """A call that ended without a word about the backend: whoever asks next may try."""
        self._trying = False


class Guarded:
    """Another repository, asked only while it answers. Errors of callers, and deadlines of theirs, say nothing about the backend."""

    def __init__(self, repository: Repository, clock: Callable[[], float] = time.monotonic) -> None:
        self._repository = repository
        self._breaker = Breaker(clock)
        self.name = repository.name
        self.adapter = repository.adapter
        self.settings: Settings = repository.settings
        self.publishes = publishes(repository)

    @property
    def capabilities(self) -> frozenset[Capability]:
        return self._repository.capabilities

    async def _asked(self, ask: Callable[[], Awaitable[T]], call: Call) -> T:
        left = self._breaker.wait()
        if left > 0:
            raise BackendUnavailable(
                f"Repository '{self.name}' has not answered lately and is not asked for now; try again in {left:.0f} seconds.",
                repository=self.name,
                retry=True,
                retryAfter=max(1, round(left)),
            )
        try:
            found = await (self._twice(ask, call) if self._breaker.closed else ask())
        except (BackendUnavailable, BackendTimeout) as error:
            # Status 500 is an answer: the server failed at this question, and may be right about others.
            told = self._breaker.succeeded if error.details.get("status") == 500 else self._breaker.failed
            told()
            raise
        except BaseException:
            self._breaker.gave_up()
            raise
        self._breaker.succeeded()
        return found

    async def _twice(self, ask: Callable[[], Awaitable[T]], call: Call) -> T:
        """The answer; where there was none and another try makes sense, that of the second one."""
        try:
            return await ask()
        except BackendUnavailable as error:
            pause = _pause(error, call)
            if pause is None:
                raise
            await asyncio.sleep(pause)
            if not self._breaker.closed:
                raise
        return await ask()

    async def universe(self, call: Call) -> UniverseInfo:
        return await self._asked(lambda: self._repository.universe(call), call)

    async def ask(self, question: Question, call: Call) -> Rows:
        return await self._asked(lambda: self._repository.ask(question, call), call)

    async def count(self, question: Question, call: Call) -> int:
        return await self._asked(lambda: self._repository.count(question, call), call)

    async def facets(self, question: Question, by: Sequence[str], first: int, call: Call) -> Facets:
        return await self._asked(lambda: self._repository.facets(question, by, first, call), call)

    async def explain(self, question: Question, call: Call) -> list[str]:
        return await self._asked(lambda: self._repository.explain(question, call), call)

    async def components(self, dataset_type: TypeInfo, call: Call) -> list[str]:
        return await self._asked(lambda: self._repository.components(dataset_type, call), call)

    async def content(self, dataset: str, component: str | None, call: Call) -> FileContent:
        return await self._asked(lambda: self._repository.content(dataset, component, call), call)

    async def shapes(self, dataset_types: Collection[TypeInfo], call: Call) -> Mapping[str, Shape]:
        return await self._asked(lambda: self._repository.shapes(dataset_types, call), call)

    async def read(
        self, dataset: str, component: str | None, columns: tuple[str, ...] | None, call: Call
    ) -> Content:
        return await self._asked(lambda: self._repository.read(dataset, component, columns, call), call)

    async def health(self, call: Call) -> Health:
        """Not held up: who looks after the service wants to know how it is now, and a good answer closes the breaker."""
        found = await self._repository.health(call)
        self._breaker.succeeded()
        return found

    async def close(self) -> None:
        await self._repository.close()


def _pause(error: BackendUnavailable, call: Call) -> float | None:
    """Seconds until it makes sense to ask once more (RFC 9110, section 10.2.3); None: it does not, or not in time. A server that failed at the
    question itself (status 500) would fail again."""
    details = error.details
    if details.get("retry") is not True or details.get("status") == 500:
        return None
    said = details.get("retryAfter")
    pause = random.uniform(*SOON) if said is None else float(said)  # noqa: S311 - nothing to guess
    return pause if pause <= PATIENCE and pause < call.deadline.remaining() else None
