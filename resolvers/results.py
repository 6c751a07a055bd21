"""What a store of saved results promises to the resolvers, which know no storage."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from adapters.caller import Call, Caller, Deadline
from adapters.protocol import Repository
from adapters.question import Order, Question, Where
from adapters.rows import Facets, FieldInfo

from .asked import Asked


class Phase(StrEnum):
    """The phases of an IVOA UWS job (UWS 1.1, section 2.1.3) that a result goes through."""

    PENDING = "PENDING"
    EXECUTING = "EXECUTING"
    COMPLETED = "COMPLETED"
    ERROR = "ERROR"
    ABORTED = "ABORTED"


@dataclass(frozen=True, slots=True)
class Kept:
    """A saved result as it is now. ``rows``: how many, None until it is COMPLETED. ``query``: JSON. ``created`` and ``expires``: nanoseconds of
    TAI. ``overflow``: a limit cut it; it says which. ``message``: why there are no rows, in a phase other than COMPLETED."""

    id: str
    phase: Phase
    query: Any
    created: int
    expires: int
    rows: int | None
    overflow: str | None
    unavailable: tuple[str, ...]
    message: str | None


@dataclass(frozen=True, slots=True)
class Selected(Question):
    """Rows of a saved result: those that satisfy a condition over its columns, in an order; else in that of the answer."""

    result: str
    where: Where | None = None
    order: tuple[Order, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of a result, as JSON by the names of its columns, or as (repository, id of 32 hex digits if it has one, IVOA identifier). ``places``: where each is in the result."""

    rows: list[Any]
    places: list[int]
    more: bool


class Results(Protocol):
    """Results that callers saved. What one may not see is NotFound in the same words as what there is not.

    ``seen``: labels of the repositories that the caller may see now. Each reading ends at its deadline, with Timeout, or when it is cancelled.
    """

    async def save(
        self, asked: Asked, query: Any, call: Call, opened: Mapping[str, Repository], base_url: str
    ) -> Kept:
        """Freeze an answer. Waits a moment for it; a longer one goes on without the request. Raises what is wrong with the question where
        that shows within the moment, and then nothing is kept. ``base_url``: the gateway's address, for the links in the table."""
        ...

    async def find(self, id: str, caller: Caller, seen: Collection[str]) -> Kept: ...

    async def delete(self, id: str, caller: Caller) -> None: ...

    async def columns(self, kept: Kept) -> Sequence[FieldInfo]:
        """The columns; none until it is COMPLETED."""
        ...

    async def rows(self, selected: Selected, first: int, after: int | None, deadline: Deadline) -> Found:
        """At most ``first`` rows behind the one at the place ``after``."""
        ...

    async def count(self, selected: Selected, deadline: Deadline) -> int: ...

    async def facets(
        self, selected: Selected, by: Sequence[str], first: int, deadline: Deadline
    ) -> Facets: ...

    async def identifiers(self, id: str, first: int, after: int | None, deadline: Deadline) -> Found:
        """The datasets behind at most ``first`` rows, in the order of the answer."""
        ...
