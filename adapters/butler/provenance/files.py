"""Quantum graph files that the configuration names: predicted ones, and provenance graphs that are in no
repository."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from . import graph
from .facts import Graph, Source

OPTION = "quantum_graphs"


class GraphFiles:
    """The paths in the option ``quantum_graphs``. Raises ValueError where it is no list of strings."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        named = options.get(OPTION, ())
        if isinstance(named, str) or not all(isinstance(path, str | Path) for path in named):
            raise ValueError(f"{OPTION} is a list of paths of quantum graph files, not {named!r}.")
        self._paths = tuple(dict.fromkeys(Path(path) for path in named))

    def sources(self) -> tuple[list[Source], list[str]]:
        """Files that are there, stamped with time and size, and notes on those that are not."""
        found, notes = [], []
        for path in self._paths:
            what = f"the quantum graph file '{path.name}'"
            try:
                status = path.stat()
            except OSError:
                notes.append(f"Not recorded: {what}, which the configuration names, cannot be found.")
                continue
            stamp = f"{status.st_mtime_ns}:{status.st_size}"
            found.append(Source(f"file:{path.absolute()}", stamp, what, 1, _Opener(path)))
        return found, notes


class _Opener:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> AbstractContextManager[Graph]:
        return graph.opened(str(self._path))
