"""What several fields of a request ask alike is asked, and paid for, once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

from .loader import begun, settled

V = TypeVar("V")


@dataclass(slots=True)
class _Asked:
    """Something on its way, and how many fields wait for it."""

    answer: asyncio.Future[Any]
    waiting: int = 0


class Once:
    """``alone``: see ``Context.alone``."""

    __slots__ = ("_alone", "_answers")

    def __init__(self, alone: Callable[[], bool]) -> None:
        self._alone = alone
        self._answers: dict[Hashable, _Asked] = {}

    async def __call__(self, key: Hashable, answer: Coroutine[Any, Any, V]) -> V:
        """All who ask for the same get the answer of the first, or its error."""
        asked = self._answers.get(key)
        if asked is None:
            if self._alone():
                self._answers[key] = _Asked(first := await settled(answer))
                return first.result()
            asked = self._answers[key] = _Asked(begun(answer))
        else:
            answer.close()
        asked.waiting += 1
        try:
            found: V = await asyncio.shield(asked.answer)
            return found
        except asyncio.CancelledError:
            # The whole request is over, or this field alone: graphql-core stops fields beside one that failed.
            if asked.waiting == 1 and asked.answer.cancel():
                self._answers.pop(key, None)
            raise
        finally:
            asked.waiting -= 1

    def stop(self) -> None:
        """End what is not wanted any more, and let go of the answers: the collector would find them late."""
        for asked in self._answers.values():
            asked.answer.cancel()
        self._answers.clear()
