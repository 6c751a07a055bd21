"""Work that ends when nobody waits for it any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from starlette.types import Receive

from gateway.http.refusal import ClientGone, Refusal, refuse
from gateway.limits import Deadline

log = structlog.get_logger("gateway.http")

T = TypeVar("T")

# An answer that comes sooner was not watched for: a task that listens costs more than such an answer is worth.
_SOON = 0.01
# How long cancelled work may still tidy up before its client is answered without waiting for it.
_GRACE = 0.5


class Answered(Exception):
    """The client has its answer already; the work went on without it."""


async def while_awaited(
    work: Coroutine[Any, Any, T],
    receive: Receive,
    deadline: Deadline,
    tell: Callable[[Exception], Awaitable[None]],
) -> T:
    """The result of ``work``, which is cancelled at the deadline or when the client disconnects.

    The request's body must have been read: whatever ``receive`` yields from then on is the disconnection.
    A thread that ``work`` waits for cannot be cancelled; statement timeouts cut from the deadline are for that. Where work
    will not end, ``tell`` gives the client the refusal, and ``Answered`` is raised when it has ended after all.

    Raises
    ------
    Refusal
        504, code TIMEOUT: the deadline passed, or something inside was cancelled.
    ClientGone
        The client left.
    """
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    watch = _Watch(task, receive, deadline, tell)
    timer = asyncio.get_running_loop().call_later(min(_SOON, deadline.remaining()), watch.begin)
    try:
        result = await work
    except asyncio.CancelledError:
        if watch.reason is None:
            if task.cancelling() > before:
                raise  # the whole server stops
            raise _late(deadline) from None
    except Exception:
        if watch.reason is None:
            raise
    finally:
        timer.cancel()
        watch.stop()
    if watch.reason is None:
        return result
    if task.uncancel() > before:
        raise asyncio.CancelledError
    await watch.told()
    raise watch.reason


class _Watch:
    """Listens beside the task of a request, and cancels it with a ``reason``."""

    __slots__ = ("_deadline", "_listening", "_receive", "_task", "_tell", "_telling", "reason")

    def __init__(
        self,
        task: asyncio.Task[Any],
        receive: Receive,
        deadline: Deadline,
        tell: Callable[[Exception], Awaitable[None]],
    ) -> None:
        self._task = task
        self._receive = receive
        self._deadline = deadline
        self._tell = tell
        self._listening: asyncio.Task[None] | None = None
        self._telling = False
        self.reason: Exception | None = None

    def begin(self) -> None:
        """Listen from now on."""
        self._listening = asyncio.ensure_future(self._listen())

    def stop(self) -> None:
        """Listen no longer; but a client that is being told is told to the end."""
        if self._listening is not None and not self._telling:
            self._listening.cancel()

    async def told(self) -> None:
        """Raises Answered where the client was told before the work had ended."""
        if self._telling and self._listening is not None:
            with suppress(Exception):
                await self._listening
            raise Answered

    async def _listen(self) -> None:
        self.reason = await self._end()
        self._task.cancel()
        await asyncio.sleep(_GRACE)
        log.warning("cancelled work goes on", grace_seconds=_GRACE)
        self._telling = True
        await self._tell(self.reason)

    async def _end(self) -> Exception:
        """Wait until nobody waits for the work any more; why."""
        try:
            async with asyncio.timeout(self._deadline.remaining()):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:
            return _late(self._deadline)
        except Exception:  # noqa: BLE001  a connection that cannot be listened to is none
            return ClientGone()
        return ClientGone()


def _late(deadline: Deadline) -> Refusal:
    return refuse(
        f"The request was stopped after the time allowed for it, {deadline.seconds:g} seconds (timeout).",
        504,
        "TIMEOUT",
        limit=deadline.seconds,
    )
