"""The SQLite database in which recorded execution is kept: one a repository, for any number of threads and
processes.

Readers never wait for a writer (WAL) and never see half a graph: one graph is one transaction. There is one
writer at a time, in this process by a lock and among processes by SQLite's own; who comes second finds the
graph there and does nothing. The state folder must lie on a local disk, as SQLite's WAL demands.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog

from ...caller import Call
from ...errors import BackendUnavailable, Timeout
from ...notes import By, noted
from .facts import Source
from .ingest import insert, remove
from .schema import DROP, TABLES, VERSION

log = structlog.get_logger("adapters.butler.provenance")

_PROGRESS_STEPS = 20_000  # SQLite virtual machine steps between two looks at the clock
_OPENING_SECONDS = 30.0  # how long opening waits for another process that is opening too

_UNUSABLE = (sqlite3.DatabaseError, OSError)


class ProvenanceStore:
    """What was read from quantum graphs.

    Parameters
    ----------
    state
        The repository's own state folder: ``provenance.sqlite3`` in it survives a restart. None: a temporary file
        of this process. So it is too, with a warning in the log, where the file cannot be used (it is of a
        newer release, or damaged, or the folder is read-only).
    repository
        The repository's label.
    """

    def __init__(self, state: Path | None, repository: str) -> None:
        self.repository = repository
        self._state = state
        self._opening = threading.Lock()
        self._writing = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._path: Path | None = None
        self._closed = False

    # reading

    def rows(self, statement: str, values: Mapping[str, Any], call: Call) -> list[tuple[Any, ...]]:
        """Every row of one statement. Raises Timeout at the call's deadline, BackendUnavailable where the
        file cannot be read."""
        remaining = _remaining(call)
        with self._connection() as connection:
            until = time.monotonic() + remaining
            connection.set_progress_handler(lambda: int(time.monotonic() > until), _PROGRESS_STEPS)
            try:
                with noted(call.notes, By.SQL, statement):
                    return connection.execute(statement, values).fetchall()
            except sqlite3.OperationalError as error:
                if "interrupted" in str(error):
                    raise Timeout("A query took longer than the time allowed for this request.") from None
                raise self._unavailable(error) from error
            finally:
                connection.set_progress_handler(None, 0)

    def sources(self, call: Call) -> dict[str, str]:
        """The stamp of every graph that is kept, by the name of its source."""
        return dict(self.rows("SELECT source, stamp FROM graph", {}, call))

    # writing

    @contextmanager
    def writer(self, call: Call) -> Iterator[None]:
        """The only one of this process that reads graphs, until the end of the block. Raises Timeout at the
        call's deadline."""
        if not self._writing.acquire(timeout=_remaining(call)):
            raise self._busy()
        try:
            yield
        finally:
            self._writing.release()

    def keep(self, source: Source, call: Call) -> bool:
        """Read a graph and keep it in place of what was kept of its source; False where it is there already,
        unchanged.

        All or nothing: whatever the graph raises while it is gone through leaves the database as it was. It
        ends when it ends, not at the call's deadline, which only bounds the wait for another process's graph:
        a graph that needs longer than a request would otherwise never be read.
        """
        with self._transaction(call) as connection:
            kept = connection.execute("SELECT n, stamp FROM graph WHERE source = ?", [source.name]).fetchone()
            if kept is not None and kept[1] == source.stamp:
                return False
            if kept is not None:
                remove(connection, kept[0])
            with source.open() as graph:
                insert(connection, source, graph)
        return True

    def forget(self, names: list[str], call: Call) -> None:
        """Remove what was read from these sources."""
        with self._transaction(call) as connection:
            for name in names:
                found = connection.execute("SELECT n FROM graph WHERE source = ?", [name]).fetchone()
                if found is not None:
                    remove(connection, found[0])

    def close(self) -> None:
        """Close what is idle; a temporary file goes with the process."""
        with self._opening:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # connections

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection that no other thread has."""
        connection = self._take()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        with self._opening:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _take(self) -> sqlite3.Connection:
        with self._opening:
            if self._closed:
                raise BackendUnavailable(
                    f"Repository '{self.repository}' is closed.", repository=self.repository
                )
            if self._idle:
                return self._idle.pop()
            if self._path is None:
                self._path = self._place()
            path = self._path
        try:
            return _connect(path)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def _place(self) -> Path:
        """The file, made ready: the one in the state folder, or a temporary one."""
        if self._state is not None:
            path = self._state / "provenance.sqlite3"
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                _prepare(path)
                return path
            except _UNUSABLE as error:
                log.warning(
                    "provenance is kept in a temporary file", repository=self.repository, exc_info=error
                )
        folder = tempfile.mkdtemp(prefix="provenance-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder) / "provenance.sqlite3"
        _prepare(path)
        return path

    @contextmanager
    def _transaction(self, call: Call) -> Iterator[sqlite3.Connection]:
        remaining = _remaining(call)
        with self._connection() as connection:
            connection.execute(f"PRAGMA busy_timeout = {int(remaining * 1000)}")
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if "locked" in str(error):
                    raise self._busy() from None
                raise self._unavailable(error) from error
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    def _busy(self) -> Timeout:
        return Timeout(
            f"What was recorded in repository '{self.repository}' is being read for the first time; try again later."
        )

    def _unavailable(self, error: sqlite3.Error) -> BackendUnavailable:
        log.warning("provenance database fails", repository=self.repository, exc_info=error)
        return BackendUnavailable(
            f"What was recorded in repository '{self.repository}' cannot be looked up; the server's log says why.",
            repository=self.repository,
        )


def _remaining(call: Call) -> float:
    remaining = call.deadline.remaining()
    if remaining <= 0:
        raise Timeout("The time allowed for this request is over.")
    return remaining


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_OPENING_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute(
        "PRAGMA synchronous = NORMAL"
    )  # a power cut may cost the last graphs, which are read again
    connection.execute("PRAGMA temp_store = FILE")
    return connection


def _prepare(path: Path) -> None:
    """Make the tables, or empty those of an older version. Raises DatabaseError for a newer one."""
    connection = _connect(path)
    try:
        _enter_wal(connection)
        connection.execute("BEGIN IMMEDIATE")
        ((version,),) = connection.execute("PRAGMA user_version")
        if version > VERSION:
            raise sqlite3.DatabaseError(f"version {version} of the tables is newer than {VERSION}")
        if version < VERSION:
            for statement in (*DROP, *TABLES, f"PRAGMA user_version = {VERSION}"):
                connection.execute(statement)
        connection.execute("COMMIT")
    finally:
        connection.close()


def _enter_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait by itself for another connection that does the same."""
    until = time.monotonic() + _OPENING_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.02)
