"""N keys that are asked for in one turn of the event loop become one question with N keys."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Mapping, Sequence
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Loader(Generic[K, V]):
    """Collects keys and fetches them together; lives as long as one request, so that a key is fetched once.

    ``fetch`` answers with what it found; any other key gets ``absent``. When it raises, every key of that batch
    gets the error: the fields that asked for them fail, each alone.
    """

    __slots__ = ("_absent", "_alone", "_due", "_fetch", "_known", "_running", "_together", "_waiting")

    def __init__(
        self,
        fetch: Callable[[list[K]], Coroutine[Any, Any, Mapping[K, V]]],
        absent: V,
        alone: Callable[[], bool] = lambda: False,
    ) -> None:
        self._fetch = fetch
        self._absent = absent
        self._alone = alone
        self._known: dict[K, asyncio.Future[V]] = {}
        self._together: dict[K, asyncio.Future[Mapping[K, V]]] = {}
        self._waiting: list[K] = []
        self._due = False  # whether what is waiting will be fetched at the end of this turn
        self._running: set[asyncio.Task[None]] = set()

    def load(self, key: K) -> Awaitable[V]:
        """What belongs to this key. Safe to give up on: another field may wait for the same key."""
        future = self._known.get(key)
        if future is None:
            if key in self._together:
                return self._one(key)
            future = self._known[key] = asyncio.get_running_loop().create_future()
            self._waiting.append(key)
            if len(self._waiting) == 1 and self._alone():
                return self._first(future)
        self._soon()
        return asyncio.shield(future)

    async def load_many(self, keys: Sequence[K]) -> list[V]:
        """What belongs to each of these keys, fetched at once but for those that are known: without a future for each."""
        missing = [key for key in dict.fromkeys(keys) if key not in self._known and key not in self._together]
        if missing:
            fetched = self._fetch(missing)
            fetch = await settled(fetched) if self._alone() else begun(fetched)
            self._together |= dict.fromkeys(missing, fetch)
        found: dict[K, V] = {}
        for batch in dict.fromkeys(self._together[key] for key in keys if key in self._together):
            found |= await asyncio.shield(batch)
        for key in keys:
            if key in self._known:
                self._soon()
                found[key] = await asyncio.shield(self._known[key])
        return [found.get(key, self._absent) for key in keys]

    def stop(self) -> None:
        """End what is being fetched: nobody waits any more."""
        for task in self._running:
            task.cancel()
        for batch in self._together.values():
            batch.cancel()

    async def _one(self, key: K) -> V:
        return (await asyncio.shield(self._together[key])).get(key, self._absent)

    async def _first(self, future: asyncio.Future[V]) -> V:
        """What was asked before anybody else asked: fetched here and now, if that is still so."""
        if self._due or not self._alone():
            self._soon()
        elif self._waiting:
            keys, self._waiting = self._waiting, []
            await self._run(keys)
        return await asyncio.shield(future)

    def _soon(self) -> None:
        """Fetch what is waiting after all resolvers of this level, which are already queued in the loop."""
        if self._waiting and not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        keys, self._waiting, self._due = self._waiting, [], False
        task = asyncio.get_running_loop().create_task(self._run(keys))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self, keys: list[K]) -> None:
        futures = [self._known[key] for key in keys]
        try:
            found = await self._fetch(keys)
        except asyncio.CancelledError:
            for future in futures:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001  (every waiting field raises it)
            for future in futures:
                future.set_exception(error)
                future.exception()  # seen, even if nobody waits any more
            return
        for key, future in zip(keys, futures, strict=True):
            future.set_result(found.get(key, self._absent))


def seen(task: asyncio.Future[Any]) -> None:
    """For a task that nobody may wait for any more when it ends: asyncio would log its error as one that was lost."""
    if not task.cancelled():
        task.exception()


def begun(answer: Coroutine[Any, Any, V]) -> asyncio.Task[V]:
    """An answer as a task, whoever still waits for it when it ends."""
    task = asyncio.ensure_future(answer)
    task.add_done_callback(seen)
    return task


async def settled(answer: Coroutine[Any, Any, V]) -> asyncio.Future[V]:
    """An answer, or its error, as something that others can wait for later. It is worked out here, without a task."""
    future = asyncio.get_running_loop().create_future()
    try:
        future.set_result(await answer)
    except Exception as error:  # noqa: BLE001  (whoever waits raises it)
        future.set_exception(error)
        future.exception()  # seen, even if nobody waits any more
    return future
