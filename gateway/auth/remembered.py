"""What an authority said about tokens, remembered for a short time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from cachetools import TLRUCache

from adapters.token import Token

V = TypeVar("V")
_MOST = 10_000  # tokens remembered at a time


class Said(NamedTuple, Generic[V]):
    """A verdict and the seconds for which it may be remembered."""

    value: V
    seconds: float


class Remembered(Generic[V]):
    """Verdicts by the fingerprints of their tokens. However many requests come with a token at once, its authority is asked once.

    ``ask`` raises where there is no verdict (the authority does not answer): that is not remembered.
    """

    def __init__(
        self,
        ask: Callable[[Token], Awaitable[Said[V]]],
        *,
        most: int = _MOST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._kept: TLRUCache[bytes, Said[V]] = TLRUCache(
            most, ttu=lambda _, said, now: now + said.seconds, timer=clock
        )
        self._asking: dict[bytes, asyncio.Task[Said[V]]] = {}

    def known(self, token: Token) -> V | None:
        """What is remembered; None where nothing is."""
        said = self._kept.get(token.fingerprint)
        return None if said is None else said.value

    async def of(self, token: Token) -> V:
        """What is remembered, or else what the authority says now. Who gives up waiting takes nothing from the others."""
        said = self._kept.get(token.fingerprint)
        if said is None:
            asking = self._asking.get(token.fingerprint)
            if asking is None:
                asking = self._asking[token.fingerprint] = asyncio.ensure_future(self._asked(token))
                asking.add_done_callback(lambda done: self._done(token.fingerprint, done))
            said = await asyncio.shield(asking)
        return said.value

    async def _asked(self, token: Token) -> Said[V]:
        said = await self._ask(token)
        if said.seconds > 0:
            self._kept[token.fingerprint] = said
        return said

    def _done(self, fingerprint: bytes, asking: asyncio.Task[Said[V]]) -> None:
        del self._asking[fingerprint]
        if not asking.cancelled():
            asking.exception()  # retrieved: it may be that nobody waits for it any more
