"""How long one request may still take."""

from __future__ import annotations

import time
from collections.abc import Callable

_WRITING, _LONGEST_WRITING = (
    0.1,
    1.0,
)  # the part of a request that is left for its answer, and at most so many seconds


class Deadline:
    """A moment, on the monotonic clock, by which a request must be answered.

    It travels in the context of a request: statement timeouts, HTTP timeouts and retries of the adapters are cut
    from what remains, so that a backend never works longer than somebody waits.
    """

    __slots__ = ("_clock", "_end", "seconds")

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._end - self._clock())

    def of_backends(self) -> Deadline:
        """The same a little earlier: a backend that does not answer in time is then one field's error, while there is still time to write
        what the others said."""
        sooner = Deadline(self.seconds, self._clock)
        sooner._end = self._end - min(_LONGEST_WRITING, self.seconds * _WRITING)
        return sooner

    @property
    def expired(self) -> bool:
        return self._clock() >= self._end
