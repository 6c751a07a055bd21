"""Statements and names as they are for a call that somebody listens to."""

from __future__ import annotations

import time
from collections.abc import Hashable, Mapping
from typing import Any

import sqlalchemy as sa

from ..notes import By, Notes, Work
from .memory import Memory, V


def fetched(
    connection: sa.Connection, statement: sa.Executable, values: Mapping[str, Any] | None, notes: Notes
) -> list[Any]:
    """The rows of a statement, which is told with its text as it was sent; also where it fails."""
    began = time.perf_counter()
    text: str = ""
    given: object = None
    try:
        result = connection.execute(statement, values)
        text, given = result.context.statement or "", result.context.parameters
        rows = list(result.cursor.fetchall())
    except Exception as error:
        if isinstance(error, sa.exc.StatementError):
            text, given = error.statement or "", error.params
        notes(Work(By.SQL, text, time.perf_counter() - began, None, given))
        raise
    notes(Work(By.SQL, text, time.perf_counter() - began, len(rows), given))
    return rows


class Overheard(Memory):
    """The same memory, which tells what it knew before it was asked for this call."""

    def __init__(self, memory: Memory, notes: Notes) -> None:
        self._memory = memory
        self._notes = notes
        self._new: set[Hashable] = set()

    def get(self, key: Hashable) -> Any:
        value = self._memory.get(key)
        if value is not None and key not in self._new:
            self._notes(Work(By.MEMORY, _named(key)))
        return value

    def keep(self, key: Hashable, value: V, weight: int | None = None) -> V:
        self._new.add(key)
        return self._memory.keep(key, value, weight)


_NAMED = {"path": "search path", "types": "dataset types", "contents": "what collections may hold"}


def _named(key: Hashable) -> str:
    """What was known, by the first word of what it is kept under."""
    word = str(key[0] if isinstance(key, tuple) else key)
    return _NAMED.get(word, f"each collection's {word}")
