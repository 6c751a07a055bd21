"""Work that ends when nobody waits for it any more."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog
from starlette.types import Receive

from gateway.http.refusal import ClientGone, refuse
from gateway.limits import Deadline

log = structlog.get_logger("gateway.http")

T = TypeVar("T")

# How long cancelled work may still tidy up before its client is answered without waiting for it.
_GRACE = 0.5


async def while_awaited(work: Coroutine[Any, Any, T], receive: Receive, deadline: Deadline) -> T:
    """The result of ``work``, which is cancelled at the deadline or when the client disconnects.

    The request's body must have been read: whatever ``receive`` yields from then on is the disconnection.
    A thread that ``work`` waits for cannot be cancelled; statement timeouts cut from the deadline are for that.

    Raises
    ------
    Refusal
        504, code TIMEOUT: the deadline passed, or something inside was cancelled.
    ClientGone
        The client left.
    """
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnection(receive))
    try:
        await asyncio.wait({task, gone}, timeout=deadline.remaining(), return_when=asyncio.FIRST_COMPLETED)
        if task.done() and not task.cancelled():
            return task.result()
        if gone.done():
            raise ClientGone
        raise refuse(
            f"The request was stopped after the time allowed for it, {deadline.seconds:g} seconds (timeout).",
            504,
            "TIMEOUT",
            limit=deadline.seconds,
        )
    finally:
        gone.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=_GRACE)
            if not task.done():
                log.warning("cancelled work goes on", grace_seconds=_GRACE)
            task.add_done_callback(_forget)


async def _disconnection(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _forget(task: asyncio.Future[Any]) -> None:
    # asyncio would log the error of work that nobody waits for, with its message.
    if not task.cancelled():
        task.exception()
