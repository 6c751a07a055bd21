"""Who asks, and until when: what every call of an adapter is given besides its question."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Protocol

from .notes import Notes
from .token import Token


@dataclass(frozen=True, slots=True)
class Caller:
    """The gateway's idea of the caller. ``username`` is None for the anonymous one.

    ``token`` is what the caller came with, where a backend is to be shown it: two with the same name and groups are the same caller.
    """

    username: str | None = None
    groups: frozenset[str] = frozenset()
    token: Token | None = field(default=None, compare=False, repr=False)

    @property
    def authenticated(self) -> bool:
        return self.username is not None

    def among(self, groups: Collection[str]) -> bool:
        """Whether the caller belongs to one of these groups; to ``*`` belongs every caller with a name."""
        return self.authenticated and ("*" in groups or not self.groups.isdisjoint(groups))


class Deadline(Protocol):
    """When the answer stops being wanted."""

    def remaining(self) -> float:
        """Seconds left; never negative."""
        ...


class _Never:
    def remaining(self) -> float:
        return 3600.0


@dataclass(frozen=True, slots=True)
class Call:
    """One request's caller and deadline; ``max_rows`` bounds what a question may touch where it cannot be paged.

    ``memory``: what an adapter looked up for this request (names, search paths), so that nested questions need not ask
    again; it is gone with the request. ``notes``: told what the adapter does for this call, where somebody wants to know.
    """

    caller: Caller = Caller()
    deadline: Deadline = field(default_factory=_Never)
    max_rows: int = 1_000_000
    memory: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    notes: Notes | None = field(default=None, compare=False, repr=False)
