"""What is kept made equal to what there is: new graphs read, changed ones read again, vanished ones
forgotten."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import structlog

from ...caller import Call
from ...errors import AdapterError
from .datasets import RepositoryGraphs
from .facts import Source
from .files import GraphFiles
from .store import ProvenanceStore

log = structlog.get_logger("adapters.butler.provenance")

RETRY_SECONDS = 300.0
"""When a graph that could not be read is tried again, if it has not changed before."""


@dataclass(frozen=True, slots=True)
class _Failure:
    stamp: str
    when: float
    note: str


class Freshness:
    """Looks before each question; that costs one statement in each database and a look at each file, unless
    there is a graph to read."""

    def __init__(self, store: ProvenanceStore, datasets: RepositoryGraphs, files: GraphFiles) -> None:
        self._store = store
        self._datasets = datasets
        self._files = files
        self._failures: dict[str, _Failure] = {}
        self._lock = threading.Lock()

    def refresh(self, call: Call) -> tuple[str, ...]:
        """Notes on what is not recorded although there is a graph. Raises Timeout where others read graphs
        until the deadline.

        What is kept is looked up first: what another process keeps between the two looks must not be taken
        for vanished.
        """
        kept = self._store.sources(call)
        found, notes = self._datasets.sources(call)
        files, more = self._files.sources()
        found += files
        notes += more
        new = [source for source in found if kept.get(source.name) != source.stamp]
        names = {source.name for source in found}
        vanished = [name for name in kept if name not in names]
        if vanished:
            self._store.forget(vanished, call)
        for source in new:
            note = self._read(source, call)
            if note is not None:
                notes.append(note)
        return tuple(notes)

    def _read(self, source: Source, call: Call) -> str | None:
        """Read one graph, alone in this process; what is wrong with it, if anything."""
        failed = self._failed(source)
        if failed is not None:
            return failed
        with self._store.writer(call):
            failed = self._failed(source)
            if failed is not None:
                return failed
            started = time.monotonic()
            try:
                read = self._store.keep(source, call)
            except AdapterError:
                raise
            except Exception as error:  # noqa: BLE001  # a damaged file makes lsst-pipe-base raise anything
                return self._fail(source, error, call)
        if read:
            seconds = round(time.monotonic() - started, 3)
            log.info(
                "quantum graph read", repository=self._store.repository, source=source.name, seconds=seconds
            )
        return None

    def _failed(self, source: Source) -> str | None:
        with self._lock:
            failure = self._failures.get(source.name)
        if (
            failure is None
            or failure.stamp != source.stamp
            or time.monotonic() - failure.when > RETRY_SECONDS
        ):
            return None
        return failure.note

    def _fail(self, source: Source, error: Exception, call: Call) -> str:
        note = f"Not recorded: {source.what} cannot be read; the server's log says why."
        log.warning(
            "quantum graph cannot be read",
            repository=self._store.repository,
            source=source.name,
            exc_info=error,
        )
        # What an older version of a changed file said holds no longer.
        self._store.forget([source.name], call)
        with self._lock:
            self._failures[source.name] = _Failure(source.stamp, time.monotonic(), note)
        return note
