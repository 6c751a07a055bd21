"""Gateways as processes whose saved results are tested, and a repository that is held up."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.demonstration import COMMAND, Gateway, configuration_file, running
from tests.end_to_end.asking import Asker

SAVE = """mutation Save($repositories: [String!]!, $query: DatasetQuery!) {
    saveResult(repositories: $repositories, query: $query) { id phase rowCount completeness { state message unavailable } }
}"""
LOOK = "query Look($id: ID!) { result(id: $id) { id phase rowCount completeness { state message unavailable } } }"
ALL = {"type": "*", "collections": ["*"], "findFirst": False}


def entry(root: Path) -> dict[str, Any]:
    """A repository's part of a configuration."""
    return {"uri": str(root), "collections": ["HSC/defaults"]}


@contextmanager
def serving(
    home: Path,
    repositories: Mapping[str, Any],
    *words: object,
    variables: Mapping[str, str] = {},
    **results: object,
) -> Iterator[tuple[Asker, Gateway]]:
    """A gateway with these settings of saved results; its results are in ``home / "state" / "results"``."""
    config = configuration_file(home, repositories=dict(repositories), results=results)
    with running([COMMAND, "serve", "--config", config, "--port", 0, *words], variables=variables) as gateway:
        asker = Asker(gateway.address)
        try:
            yield asker, gateway
        finally:
            asker.http.close()


def files(home: Path) -> list[Path]:
    """What is in the folder of the results of a gateway."""
    place = home / "state" / "results"
    return sorted(path for path in place.iterdir() if path.name != "folder.lock") if place.is_dir() else []


def save(asker: Asker, repositories: list[str] | str = "own", **query: Any) -> dict[str, Any]:
    """A result, saved."""
    labels = [repositories] if isinstance(repositories, str) else repositories
    saved: dict[str, Any] = asker.data(SAVE, repositories=labels, query=query or ALL)["saveResult"]
    return saved


def look(asker: Asker, id: str) -> dict[str, Any]:
    """A result as it is now."""
    found: dict[str, Any] = asker.data(LOOK, id=id)["result"]
    return found


def ended(asker: Asker, id: str, patience: float = 30) -> dict[str, Any]:
    """A result when it is neither PENDING nor EXECUTING any more."""
    end = time.monotonic() + patience
    while (found := look(asker, id))["phase"] in ("PENDING", "EXECUTING"):
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


@contextmanager
def held_up(root: Path) -> Iterator[None]:
    """While its registry is locked, as by somebody who writes a lot: whatever is asked of the repository waits."""
    registry = sqlite3.connect(root / "gen3.sqlite3", isolation_level=None)
    try:
        registry.execute("BEGIN EXCLUSIVE")
        yield
        registry.execute("ROLLBACK")
    finally:
        registry.close()
