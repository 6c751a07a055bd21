"""How answers leave: uvicorn writes an answer's head and its body one after the other, each a call of the operating system that wakes the
client. Of a small request that was a tenth of all its time."""

from __future__ import annotations

import asyncio
import sys
from fcntl import ioctl
from termios import TIOCOUTQ
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST = 65_536  # bytes that are held; from there on the connection says whether its client keeps up
LINGER = 60.0
"""Seconds for which a client may take nothing of what waits for it; a socket would wait for ever."""


class Together(asyncio.Transport):
    """A connection whose small writes of one turn of the event loop leave together."""

    __slots__ = ("_given", "_held", "_loop", "_size", "_transport", "_watched")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[Any] = []
        self._size = 0
        self._given = 0  # bytes, in all
        self._watched = False

    def write(self, data: Any) -> None:
        if not self._held:
            self._loop.call_soon(self.flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > _MOST:
            self.flush()

    def flush(self) -> None:
        """Let go what is held."""
        self._given += self._size
        held, self._held, self._size = self._held, [], 0
        if held and not self._transport.is_closing():
            self._transport.writelines(held)

    def close(self) -> None:
        self.flush()
        self._transport.close()
        self.watch()

    def abort(self) -> None:
        self._held.clear()
        self._transport.abort()

    def watch(self) -> None:
        """Until the client has taken everything, look whether it takes something, and leave it where it does not."""
        if not self._watched:
            self._look(-1)

    def _look(self, before: int) -> None:
        left = self._left()
        taken = self._given - left
        self._watched = left > 0 and taken > before
        if self._watched:
            self._loop.call_later(LINGER, self._look, taken)
        elif left:
            self._transport.abort()

    def _left(self) -> int:
        """Bytes that the client's machine has not taken yet; 0 also where this process has nothing more to give. What the operating system
        holds is counted too: it asks for more in large steps, some of which a slow client needs minutes for."""
        size = self._transport.get_write_buffer_size()
        if not size:
            return 0
        try:
            held = ioctl(self._transport.get_extra_info("socket").fileno(), TIOCOUTQ, bytes(4))
        except (OSError, ValueError):  # another system than Linux, or a socket that is closed already
            return size
        return size + int.from_bytes(held, sys.byteorder)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.set_protocol(protocol)


class OneWrite(HttpToolsProtocol):
    """HTTP for uvicorn, through such a connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(Together(transport, self.loop))

    def pause_writing(self) -> None:
        super().pause_writing()
        self.transport.watch()  # type: ignore[attr-defined]

    def on_response_complete(self) -> None:
        # What is left to do for a request, its line in the log above all, is done while its client reads.
        self.transport.flush()  # type: ignore[attr-defined]
        super().on_response_complete()
