"""Names that a token's owner may see, remembered for a few seconds: never beyond the token, never for long."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable

from ..butler.api_names import Known

_MOST = 256


class Memory:
    """By the fingerprint of the token that they were asked for with."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._held: OrderedDict[Hashable, tuple[float, Known]] = OrderedDict()

    def of(self, fingerprint: Hashable) -> Known:
        """What is known, or what is to be filled in by whoever looks it up."""
        now = time.monotonic()
        with self._lock:
            found = self._held.get(fingerprint)
            if found is None or found[0] <= now:
                found = (now + self._seconds, Known())
                self._held[fingerprint] = found
                self._held.move_to_end(fingerprint)
                if len(self._held) > _MOST:
                    self._held.popitem(last=False)
            return found[1]

    def forget(self, fingerprint: Hashable) -> None:
        """Of a token that was refused."""
        with self._lock:
            self._held.pop(fingerprint, None)
