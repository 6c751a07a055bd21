"""What was learnt about a registry, kept while it stays as it was."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

V = TypeVar("V")

_MET = 4  # keys that are remembered as asked for, for each thing that may be kept


class Memory:
    """A bounded mapping, the least recently used forgotten first; used by several threads at once. ``most``: how much it holds, where a
    collection of n things counts as n + 1 and anything else as 1, unless it is said how much."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._met: OrderedDict[int, None] = OrderedDict()
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> Any:
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            return found[0]

    def keep(self, key: Hashable, value: V, weight: int | None = None) -> V:
        with self._lock:
            _, before = self._kept.pop(key, (None, 0))
            weight = _weight(value) if weight is None else weight
            self._kept[key] = (value, weight)
            self._held += weight - before
            while self._kept and self._held > self._most:
                _, (_, weight) = self._kept.popitem(last=False)
                self._held -= weight
        return value

    def once(self, key: Hashable, make: Callable[[], V]) -> V:
        """What is kept under a key, made when it is first asked for. Two threads may both make it; it must not matter which one
        is kept."""
        found: V | None = self.get(key)
        return self.keep(key, make()) if found is None else found

    def again(self, key: Hashable, make: Callable[[], V], weight: int = 1) -> V:
        """The same, kept when it is made for the second time: of questions that nobody repeats nothing stays. Statements are thousands of objects
        each, in cycles: where they grow old and are then forgotten, the collector stops the process for seconds to find them."""
        found: V | None = self.get(key)
        if found is not None:
            return found
        made = make()
        return self.keep(key, made, weight) if self.met(key) else made

    def met(self, key: Hashable) -> bool:
        """Whether this was asked of this key before, lately."""
        mark = hash(key)
        with self._lock:
            if mark in self._met:
                return True
            self._met[mark] = None
            if len(self._met) > _MET * self._most:
                self._met.popitem(last=False)
        return False


def _weight(value: object) -> int:
    return 1 + len(value) if isinstance(value, tuple | list | set | dict) else 1
