"""Who runs and who waits: of one user so many calls at a time, and so many threads for all of them.

A Butler server lets a user run two streaming queries at a time and tells a third one to come back in five seconds; waiting here takes no
longer than the work before. A thread cannot be stopped: one whose caller gave up keeps its place until it ends.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from ..caller import Deadline
from ..errors import BackendTimeout, Timeout

T = TypeVar("T")

_Job = tuple["Future[Any]", Callable[[], Any]]


@dataclass(slots=True)
class _Lane:
    running: int = 0
    waiting: deque[_Job] = field(default_factory=deque)


class Lanes:
    """A lane a user, in which ``width`` calls run at a time; ``threads`` in all lanes together.

    Repositories of one server have the same lanes (``at``), since the server counts what a user asks of all of them.
    """

    _open: ClassVar[dict[Hashable, Lanes]] = {}
    _opening: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, place: Hashable, width: int, threads: int) -> None:
        self._place, self._width, self._holders = place, width, 0
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="remote-butler")
        self._lock = threading.Lock()
        self._lanes: dict[Hashable, _Lane] = {}

    @classmethod
    def at(cls, origin: Hashable, width: int, threads: int) -> Lanes:
        """The lanes to a server, for one more repository; each of them calls ``close``."""
        place = (origin, width, threads)
        with cls._opening:
            found = cls._open.get(place) or cls(place, width, threads)
            cls._open[place] = found
            found._holders += 1
            return found

    async def run(self, user: Hashable, work: Callable[[], T], deadline: Deadline, repository: str) -> T:
        """Work of a user on a repository, when it is its turn.

        Raises
        ------
        Timeout
            The deadline came before its turn.
        BackendTimeout
            The deadline came while it ran.
        """
        remaining = deadline.remaining()
        if remaining <= 0:
            raise Timeout("The time allowed for this request is over.")
        future: Future[T] = Future()
        self._enter(user, (future, work))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), remaining)
        except TimeoutError:
            if future.cancelled():
                raise Timeout(
                    "The time allowed for this request was over before its turn came; other requests of yours are at work."
                ) from None
            raise BackendTimeout(
                f"The server of repository '{repository}' took too long.", repository=repository, retry=True
            ) from None
        finally:
            if future.cancelled():
                self._leave(user, future)

    def close(self) -> None:
        """One repository less; with the last one nobody waits any more."""
        with self._opening:
            self._holders -= 1
            if self._holders > 0:
                return
            self._open.pop(self._place, None)
        with self._lock:
            waiting = [future for lane in self._lanes.values() for future, _ in lane.waiting]
        for future in waiting:
            future.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _enter(self, user: Hashable, job: _Job) -> None:
        with self._lock:
            lane = self._lanes.setdefault(user, _Lane())
            if lane.running >= self._width:
                lane.waiting.append(job)
                return
            lane.running += 1
        self._threads.submit(self._run, user, job)

    def _leave(self, user: Hashable, future: Future[Any]) -> None:
        """Take somebody who gave up out of the queue."""
        with self._lock:
            lane = self._lanes.get(user)
            if lane is not None:
                lane.waiting = deque(job for job in lane.waiting if job[0] is not future)

    def _run(self, user: Hashable, job: _Job) -> None:
        future, work = job
        try:
            if future.set_running_or_notify_cancel():
                try:
                    answer = work()
                except BaseException as error:  # noqa: BLE001 - it is the caller's
                    future.set_exception(error)
                else:
                    future.set_result(answer)
        finally:
            self._next(user)

    def _next(self, user: Hashable) -> None:
        with self._lock:
            lane = self._lanes[user]
            if not lane.waiting:
                lane.running -= 1
                if not lane.running:
                    del self._lanes[user]
                return
            job = lane.waiting.popleft()
        try:
            self._threads.submit(self._run, user, job)
        except RuntimeError:  # closed meanwhile
            job[0].cancel()
