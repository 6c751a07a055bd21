"""Long answers, and how long they wait for their clients: one that takes nothing for a minute is left, so that it keeps no place from others.

Whoever is slow and takes something is waited for, as long as the whole answer may take.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from starlette.types import Message, Send

from adapters.errors import Timeout

STALLED = 60.0  # seconds for which a client may take nothing
_PIECE = 256 * 1024  # bytes; so much has to be taken in that time


class Stalled(Exception):
    """The client takes nothing any more: no word reaches it, nor why the answer ends."""


def patient(send: Send) -> Send:
    """``send`` for one answer, which raises Stalled. Bodies go in pieces: the time is that of each."""

    async def sent(message: Message) -> None:
        for piece in _pieces(message):
            try:
                async with asyncio.timeout(STALLED):
                    await send(piece)
            except TimeoutError:
                raise Stalled from None

    return sent


async def part(send: Send, content: bytes, *, more: bool = True) -> None:
    """Send a part of a body; an empty one is none, but for the last."""
    if content or not more:
        await send({"type": "http.response.body", "body": content, "more_body": more})


@asynccontextmanager
async def within(seconds: float, what: str) -> AsyncIterator[None]:
    """Time for a whole answer. Raises Timeout, in words about ``what``, where it takes longer; a TimeoutError of something inside stays what it is."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise Timeout(
            f"{what} may take {seconds:g} seconds, the time included in which its client reads it, and this one took longer; ask for less at once."
        ) from None


def _pieces(message: Message) -> Iterator[Message]:
    body: bytes = message.get("body", b"")
    begin = 0
    while len(body) - begin > _PIECE:
        yield {**message, "body": body[begin : begin + _PIECE], "more_body": True}
        begin += _PIECE
    yield {**message, "body": body[begin:]} if begin else message
