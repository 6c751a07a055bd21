"""What takes long to import, or to make, and is not wanted by every gateway: it is made when somebody first asks for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.thread import in_thread

T = TypeVar("T")


class FirstUse(Generic[T]):
    """``make`` is called in a thread, so that others are answered meanwhile, and once, however many ask; where it fails, the next one who asks tries
    again."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: tuple[T] | None = None
        self._turn = asyncio.Lock()

    async def __call__(self) -> T:
        if self._made is None:
            async with self._turn:
                if self._made is None:
                    await in_thread(self._keep)  # which holds the turn as long as it is being made
        assert self._made is not None
        return self._made[0]

    def _keep(self) -> None:
        # In the thread: who does not wait for the end of it any more has not asked in vain.
        self._made = (self._make(),)


class RouteAtFirstUse:
    """An ASGI application: the route that ``make`` gives, whose path is the one that led here."""

    def __init__(self, make: Callable[[], Route]) -> None:
        self._route = FirstUse(make)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._route()).handle(scope, receive, send)
