"""Work in a thread that is waited for to its end, whoever does not want it any more.

A thread cannot be stopped. Where a task that waits for one is cancelled (``task.cancel()``, ``asyncio.timeout``), ``anyio.to_thread`` and
``asyncio.to_thread`` let it go on at once, and what it closes then is closed under the thread's hands: a library that is not written in Python
crashes. ``anyio`` waits for the thread in its own cancel scopes only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from typing import TypeVar, TypeVarTuple

from anyio import CancelScope, CapacityLimiter

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

# Not the loop's own: there, long work of others may have every thread. How much there is to do at a time is bounded by those who ask.
_THREADS = ThreadPoolExecutor(40, "in_thread")


async def in_thread(
    work: Callable[[*Arguments], T],
    *arguments: *Arguments,
    limiter: CapacityLimiter | None = None,
) -> T:
    """What ``work`` returns or raises. Cancelled, however often and by whatever means, this raises CancelledError when the work has ended, and not
    before; what the work gave is lost then. ``limiter``: one of its places is held as long as the thread works; who is cancelled while waiting for
    a place has done nothing."""

    def working() -> T:
        try:
            return work(*arguments)
        except StopIteration as error:  # no future takes one, and this would wait for ever
            raise RuntimeError("work in a thread raised StopIteration") from error

    async with limiter or nullcontext():
        ended = asyncio.get_running_loop().run_in_executor(_THREADS, copy_context().run, working)
        cancelled: asyncio.CancelledError | None = None
        # A cancelled scope of anyio would cancel the waiting anew in every turn of the loop.
        with CancelScope(shield=True):
            while not ended.done():
                try:
                    await asyncio.wait([ended])
                except asyncio.CancelledError as error:
                    cancelled = cancelled or error
        if cancelled is not None:
            ended.exception()  # nobody is told of it any more, nor is the log
            raise cancelled
        return ended.result()
