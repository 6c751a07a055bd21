"""Questions that are too long for an address, kept in files for those who asked them.

A file's name is a digest of who asked and what: the same question of the same caller is kept once, and another caller's address leads nowhere. Files are
written under another name, brought to the disk and then renamed, so that processes that share the folder see whole ones only; one that was damaged all
the same is none.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

import anyio.to_thread

from adapters.caller import Caller
from adapters.errors import BadUserInput, TooComplex

_SWEEPS = 20  # in the time for which a question is kept
_ID = re.compile(r"[0-9a-f]{32}")


class Kept:
    """``seconds``: how long a question is kept after it was last asked for. ``most``: bytes that one caller's may take."""

    def __init__(self, folder: Path, *, seconds: float, most: int) -> None:
        self._folder = folder
        self._seconds = seconds
        self._most = most
        self._swept = -math.inf

    async def keep(self, caller: Caller, text: str) -> tuple[str, float]:
        """Keep a question; its id, and when it will be gone (seconds of POSIX time). Raises TooComplex where the caller has no room left."""
        return await anyio.to_thread.run_sync(self._keep, _owner(caller), text)

    async def find(self, caller: Caller, identifier: str) -> str:
        """A question by its id. Raises BadUserInput where this caller has none of it."""
        found = None
        if _ID.fullmatch(identifier):
            found = await anyio.to_thread.run_sync(self._find, _owner(caller), identifier)
        if found is None:
            raise BadUserInput(
                "This table was another caller's, or nobody asked for it for too long: ask for 'table' again."
            )
        return found

    def _keep(self, owner: str, text: str) -> tuple[str, float]:
        content = text.encode()
        identifier = _digest(owner, content)
        if self._find(owner, identifier) is None:
            folder = self._folder / owner
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._sweep()
            if self._most - _taken(folder) < len(content):
                raise TooComplex(
                    f"Your questions that are too long for an address take more than {self._most:,} bytes; the oldest are gone "
                    f"{self._seconds / 3600:g} hours after they were asked. Ask shorter ones, by 'where' or ranges instead of 'among'.",
                    limit=self._most,
                )
            beside = folder / f".{identifier}.{secrets.token_hex(4)}"
            try:
                with beside.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                beside.rename(folder / identifier)
            except BaseException:
                beside.unlink(missing_ok=True)
                raise
        return identifier, time.time() + self._seconds

    def _find(self, owner: str, identifier: str) -> str | None:
        place = self._folder / owner / identifier
        try:
            if place.stat().st_mtime + self._seconds < time.time():
                return None
            os.utime(place)
            content = place.read_bytes()
        except FileNotFoundError:
            return None
        return content.decode() if _digest(owner, content) == identifier else None

    def _sweep(self) -> None:
        """Delete what nobody asks for any more, whoever asked: some callers never come back. Now and then, since there may be many."""
        if time.monotonic() - self._swept < self._seconds / _SWEEPS:
            return
        self._swept = time.monotonic()
        for place in self._folder.glob("*/*"):
            with suppress(FileNotFoundError):  # another process was faster
                if place.stat().st_mtime + self._seconds < time.time():
                    place.unlink()


def _taken(folder: Path) -> int:
    """Bytes of one caller's questions."""
    taken = 0
    for place in folder.iterdir():
        with suppress(FileNotFoundError):
            taken += place.stat().st_size
    return taken


def _digest(owner: str, content: bytes) -> str:
    return hashlib.blake2b(f"{owner} ".encode() + content, digest_size=16).hexdigest()


def _owner(caller: Caller) -> str:
    name = "anonymous" if caller.username is None else f"user {caller.username}"
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
