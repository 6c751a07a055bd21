"""What an adapter may tell of its work on a question, to whoever wants to know what an answer cost.

Nobody listens as a rule: then ``Call.notes`` is None, and nothing is measured.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum


class By(StrEnum):
    """What did the work."""

    SQL = "SQL"  # a statement of the adapter's own
    API = "API"  # Butler's own library, which was asked instead
    SERVICE = "SERVICE"  # a service, in its own language
    PYTHON = "PYTHON"  # this process: what the database cannot work out
    MEMORY = "MEMORY"  # nothing: it was known from before


@dataclass(frozen=True, slots=True)
class Work:
    """One piece of work. ``what``: the text of a statement as it was sent, or a few words without anything that a caller gave.

    ``rows`` is None where there are none, or the work failed. ``values``: a statement's parameters, which may be a caller's secrets:
    whoever shows them says what they are, not what they hold.
    """

    by: By
    what: str
    seconds: float = 0.0
    rows: int | None = None
    values: object = None


Notes = Callable[[Work], None]
"""Somebody who listens. Called from any thread."""


@contextmanager
def noted(notes: Notes | None, by: By, what: str) -> Iterator[None]:
    """Tell how long a block took, whether it failed or not."""
    if notes is None:
        yield
        return
    began = time.perf_counter()
    try:
        yield
    finally:
        notes(Work(by, what, time.perf_counter() - began))
