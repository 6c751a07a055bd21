"""Names and globs in questions about executions, against what is recorded: tasks, runs, dataset types."""

from __future__ import annotations

from collections.abc import Sequence

from ...caller import Call
from ...errors import BadUserInput, NotFound, unknown
from ...question import CollectionsByName, DatasetTypesByName
from .. import glob
from .datasets import Ask
from .store import ProvenanceStore


class Names:
    """Patterns into the exact names that are recorded. A name that exists nowhere is refused with the nearest
    ones; one that exists but is not recorded is not among the results."""

    def __init__(self, store: ProvenanceStore, ask: Ask) -> None:
        self._store = store
        self._ask = ask

    def types(self, patterns: Sequence[str], call: Call) -> list[str] | None:
        """Recorded dataset types; None where no pattern is given, which means all."""
        if not patterns:
            return None
        known = self._column("SELECT DISTINCT type FROM step", call)
        foreign = [p for p in patterns if not glob.is_glob(p) and p not in known]
        if foreign:
            there = {row[0] for row in self._ask(DatasetTypesByName(tuple(foreign)), call).rows}
            self._refuse("dataset type", foreign, there, known)
        return _matching(patterns, known)

    def tasks(self, patterns: Sequence[str], call: Call) -> list[str] | None:
        """Recorded tasks. Where nothing at all is recorded, any name may be a task's."""
        if not patterns:
            return None
        known = self._column("SELECT DISTINCT task FROM step", call)
        foreign = [p for p in patterns if not glob.is_glob(p) and p not in known]
        if known:
            self._refuse("task", foreign, set(), known)
        return _matching(patterns, known)

    def runs(self, patterns: Sequence[str] | None, call: Call) -> list[str] | None:
        """Runs of which executions are recorded or predicted. Raises BadUserInput for a collection that is no
        RUN."""
        if patterns is None:
            return None
        known = self._column("SELECT DISTINCT run FROM graph", call)
        foreign = [p for p in patterns if not glob.is_glob(p) and p not in known]
        if foreign:
            found = {row[0]: row[1] for row in self._ask(CollectionsByName(tuple(foreign)), call).rows}
            self._refuse("run", foreign, set(found), known)
            for name, kind in found.items():
                if kind != "RUN":
                    raise BadUserInput(
                        f"'{name}' is a {kind} collection: executions write to RUN collections; name these, or use a glob.",
                        name=name,
                    )
        return _matching(patterns, known)

    def _column(self, statement: str, call: Call) -> list[str]:
        return sorted(row[0] for row in self._store.rows(statement, {}, call))

    def _refuse(self, what: str, names: Sequence[str], there: set[str], known: Sequence[str]) -> None:
        for name in names:
            if name not in there:
                message, details = unknown(what, name, known, repository=self._store.repository)
                raise NotFound(message, **details)


def _matching(patterns: Sequence[str], known: Sequence[str]) -> list[str]:
    return [name for name in known if any(name == p or glob.matches(name, p) for p in patterns)]
