"""Quantum graph files that the configuration names: predicted ones, and provenance graphs that are in no
repository."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from . import graph
from .facts import Graph, Source

OPTION = "quantum_graphs"


class GraphFiles:
    """The paths in the option ``quantum_graphs``, relative ones from a folder on. Raises ValueError where it is no
    list of strings."""

    def __init__(self, options: Mapping[str, Any], folder: str = "") -> None:
        named = options.get(OPTION, ())
        if isinstance(named, str) or not all(isinstance(path, str | Path) for path in named):
            raise ValueError(f"{OPTION} is a list of paths of quantum graph files, not {named!r}.")
        self._paths = tuple(dict.fromkeys(Path(folder, Path(path).expanduser()) for path in named))

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

    def problems(self) -> tuple[str, ...]:
        """What is wrong with files, for the operator, as far as a look at each tells: they are not read."""
        return tuple(
            f"{OPTION}: {str(path)!r} {wrong}" for path in self._paths if (wrong := _wrong(path)) is not None
        )


def _wrong(path: Path) -> str | None:
    """Why a file cannot be a quantum graph, a ZIP archive with a header; None where it may be one."""
    try:
        with zipfile.ZipFile(path) as archive:
            return None if "header.json.zst" in archive.namelist() else "is not a quantum graph"
    except zipfile.BadZipFile:
        return "is not a quantum graph, or not a whole one"
    except OSError as error:
        return f"cannot be read: {(error.strerror or str(error)).lower()}"


class _Opener:
    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> AbstractContextManager[Graph]:
        return graph.opened(str(self._path))
