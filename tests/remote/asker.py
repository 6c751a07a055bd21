"""Puts questions to the adapter as the gateway does: as one of the callers that the ingress knows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from adapters.caller import Call, Caller
from adapters.protocol import Repository, Settings
from adapters.question import Question
from adapters.remote import open_repository
from adapters.rows import Rows
from adapters.token import Token
from tests.adapters.asker import DEFAULTS

T = TypeVar("T")


class In:
    """A deadline in so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def remaining(self) -> float:
        return max(0.0, self._until - time.monotonic())


def call(user: str | None = "alice", seconds: float = 60.0) -> Call:
    """One request of a user, whose token is gt- and the name; None: of nobody."""
    caller = Caller() if user is None else Caller(user, token=Token(f"gt-{user}"))
    return Call(caller, In(seconds))


def opened(uri: str, name: str = "lab", options: Mapping[str, Any] | None = None) -> Repository:
    return open_repository(name, Settings(uri, collections=DEFAULTS, options=options or {}))


class RemoteAsker:
    """The adapter, asked by alice."""

    def __init__(self, uri: str, name: str) -> None:
        self._runner = asyncio.Runner()
        self.opened = opened(uri, name)

    def ask(self, question: Question) -> Rows:
        return self.run(self.opened.ask(question, call()))

    def count(self, question: Question) -> int:
        return self.run(self.opened.count(question, call()))

    def run(self, asking: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(asking)

    def close(self) -> None:
        self.run(self.opened.close())
        self._runner.close()
