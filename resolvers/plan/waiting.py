"""Promises of columns: waiting for them, and giving them up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from inspect import getcoroutinelocals
from types import CoroutineType
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from ..loader import seen
from .plan import Unplanned

T = TypeVar("T")

_THERE = {str, list}
"""What texts and columns of them are; anything else among pieces is a promise."""


async def together(waiting: Sequence[Awaitable[T]]) -> list[T]:
    """What all of them come to. Raises Unplanned at the first error: what has not ended by then is ``left`` running, since the ordinary
    executor asks for much of it again."""
    if len(waiting) < 2:
        return [await waiting[0]] if waiting else []
    tasks = [asyncio.ensure_future(one) for one in waiting]
    try:
        _, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        raise
    errors = [task.exception() for task in tasks if task.done() and not task.cancelled()]
    failed = next((error for error in errors if error is not None), None)
    if failed is None:
        return [task.result() for task in tasks]
    unplanned = failed if isinstance(failed, Unplanned) else Unplanned(repr(failed))
    unplanned.left |= running
    for task in running:
        task.add_done_callback(seen)  # the ordinary executor meets its error again
    raise unplanned from failed


def settled(pieces: list[Any]) -> bool:
    """Whether there is no promise among them."""
    return _THERE.issuperset(map(type, pieces))


async def settle(*several: list[Any]) -> None:
    """Put columns where promises of them are."""
    waiting = [
        (pieces, place)
        for pieces in several
        for place, piece in enumerate(pieces)
        if type(piece) not in _THERE
    ]
    if len(waiting) == 1:
        ((pieces, place),) = waiting
        pieces[place] = await pieces[place]
        return
    found = await together([pieces[place] for pieces, place in waiting])
    for (pieces, place), column in zip(waiting, found, strict=True):
        pieces[place] = column


def forget(columns: Iterable[Any]) -> None:
    """Coroutines that nobody will wait for, and those that they would have waited for."""
    for column in columns:
        if isinstance(column, CoroutineType):
            held = list(getcoroutinelocals(column).values())
            column.close()
            forget(held)
        elif isinstance(column, list):
            forget(column)


_TURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


def turns() -> asyncio.Lock:
    """Held while a slice of a long list is written: of many long answers one slice is written in a turn of the event loop, and not one of
    each. Whoever waits longest is next."""
    loop = asyncio.get_running_loop()
    found = _TURNS.get(loop)
    if found is None:
        found = _TURNS[loop] = asyncio.Lock()
    return found
