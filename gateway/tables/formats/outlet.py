"""Where a writer of Arrow's puts its bytes, to be taken away after each step."""

from __future__ import annotations

import io


class Outlet(io.RawIOBase):
    """A file that is only written to; ``tell`` counts all bytes, those taken included."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._count = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._count

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        self._count += len(part)
        return len(part)

    def taken(self) -> bytes:
        """What was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
