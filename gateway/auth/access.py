"""Which repositories a caller may read, and write. All that is asked by label goes by what ``Access.readable`` gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache

from adapters.caller import Caller
from adapters.protocol import Repository

Rules = Mapping[str, Collection[str] | None]
"""Groups by label; ``*`` for every caller with a name, None for everybody."""

_MOST = 1024  # sets of groups that are remembered


class Access:
    """``read``: for each repository who may read it."""

    def __init__(self, repositories: Mapping[str, Repository], read: Rules) -> None:
        self._repositories = repositories
        self._read = read
        self._open = all(groups is None for groups in read.values())
        self._worked_out = lru_cache(maxsize=_MOST)(self._of)

    def readable(self, caller: Caller) -> Mapping[str, Repository]:
        """The repositories that a caller may read, in search order. Another one does not exist, as far as any answer may tell."""
        return self._repositories if self._open else self._worked_out(caller.authenticated, caller.groups)

    def _of(self, authenticated: bool, groups: frozenset[str]) -> Mapping[str, Repository]:
        caller = Caller("" if authenticated else None, groups)
        return {
            label: repository
            for label, repository in self._repositories.items()
            if (needed := self._read[label]) is None or caller.among(needed)
        }
