"""One connection pool to a registry's database, for reading only.

A result is fetched whole before anyone looks at a row, so that no slow client ever holds a lock against a writer: on
SQLite a lock lasts as long as its statement; on PostgreSQL, where readers block nobody, the statements of one question
share a connection and a short transaction. Everything here is synchronous and called from the repository's own threads.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import psycopg
import sqlalchemy as sa
from lsst.daf.butler import ButlerConfig
from lsst.daf.butler.registry import RegistryConfig
from sqlalchemy.engine import URL

from ..caller import Call
from ..errors import BackendUnavailable, Timeout
from ..notes import By, noted
from .dialect import Dialect, PostgreSQL
from .memory import Memory
from .overheard import fetched

THREADS = 16
"""Statements at once against one repository; Butler's own engine allows 40."""

_BEGIN = "BEGIN READ ONLY; SET LOCAL statement_timeout = {}; SELECT pg_current_snapshot()::text"
_ORDERED = "SET LOCAL join_collapse_limit = 1; "

_BUSY_SECONDS = 10.0  # how long a reader waits for a writer that is committing to SQLite
_PROGRESS_STEPS = 20_000  # SQLite virtual machine steps between two looks at the clock
_STATEMENTS = 1_000
_AT_ONCE = 500  # rows that a driver reads before other threads get their turn


class Store:
    """The database behind a Butler configuration."""

    def __init__(self, name: str, config: ButlerConfig) -> None:
        self.name = name
        registry = RegistryConfig(config)
        registry.replaceRoot(config.configDir)
        self.schema: str | None = registry.get("namespace")
        url: URL = registry.connectionString
        self.sqlite = url.get_backend_name() == "sqlite"
        connect = _sqlite_connector(url)
        self.engine = _sqlite_engine(connect) if self.sqlite else _postgresql_engine(url)
        self.dialect: Dialect = Dialect()
        self.statements = Memory(_STATEMENTS)
        """Statements by what they were built from: those with named parameters are built and compiled once."""
        self._local = threading.local()
        self._free = threading.BoundedSemaphore(THREADS)
        self._watch = _Watch(connect) if self.sqlite else None

    def connect(self, call: Call) -> None:
        """Look at the database once; for PostgreSQL learn how it sorts. Raises BackendUnavailable."""
        if self.sqlite:
            self.rows(sa.text("SELECT name FROM butler_attributes LIMIT 1"), call)
            return
        sql = "SELECT datcollate, datctype FROM pg_database WHERE datname = current_database()"
        ((collation, _),) = self.rows(sa.text(sql), call)
        self.dialect = PostgreSQL(strings_by_code_point=collation in ("C", "POSIX", "C.UTF-8", "C.utf8"))

    @contextmanager
    def session(self, call: Call, *, ordered: bool = False) -> Iterator[None]:
        """One connection for all statements of this thread until the end of the block: of one question. ``ordered``: their joins are
        written in the order in which they are best made, and PostgreSQL need not look for a better one, which takes it longer than the
        joins.

        Raises
        ------
        Timeout
            The call's deadline came, or all connections stayed busy.
        BackendUnavailable
            The database does not answer.
        """
        if getattr(self._local, "connection", None) is not None:
            yield
            return
        with self._mistakes(), self._turn(call), self.engine.connect() as connection:
            self._local.state = (
                self._watch.state() if self._watch else self._entered(connection, call, ordered)
            )
            self._local.connection = connection
            try:
                yield
            finally:
                self._local.connection = None

    @contextmanager
    def _turn(self, call: Call) -> Iterator[None]:
        """Wait for a connection to be free, but no longer than somebody waits for the answer."""
        if not self._free.acquire(timeout=self._remaining(call)):
            raise Timeout(f"All connections to repository '{self.name}' were busy for too long.")
        try:
            yield
        finally:
            self._free.release()

    def _entered(self, connection: sa.Connection, call: Call, ordered: bool) -> str:
        """Begin a transaction on PostgreSQL. A connection that the server closed while nobody used it is replaced here, which costs no
        round trip as asking each time would."""
        try:
            return self._begun(connection, call, ordered)
        except psycopg.OperationalError:
            connection.invalidate()
            # The others are likely to be closed too.
            self.engine.dispose()
        try:
            return self._begun(connection, call, ordered)
        except psycopg.OperationalError as error:
            raise self.unavailable() from error

    def _begun(self, connection: sa.Connection, call: Call, ordered: bool) -> str:
        """The transaction's beginning and the time that its statements may take, in one round trip; which transactions it can see."""
        begin = _BEGIN.format(max(1, int(self._remaining(call) * 1000)))
        if ordered:
            begin = begin.replace("SELECT", _ORDERED + "SELECT")
        driver: Any = connection.connection.driver_connection
        with noted(call.notes, By.SQL, begin):
            # Without parameters and in text several statements may travel together.
            cursor = psycopg.Cursor(driver).execute(begin)
            while cursor.nextset():
                pass
            ((state,),) = cursor.fetchall()
        return str(state)

    def state(self) -> Hashable:
        """Within a session: something that is the same as long as nothing was committed to the registry. What was learnt in
        one state holds in every session that begins in the same."""
        return self._local.state  # type: ignore[no-any-return]

    def rows(
        self, statement: sa.Executable, call: Call, values: Mapping[str, Any] | None = None
    ) -> list[Any]:
        """Run one statement, with ``values`` for its named parameters, and fetch every row as the driver's plain tuples. Raises as
        ``session`` does."""
        with self.session(call), self._mistakes():
            connection: sa.Connection = self._local.connection
            remaining = self._remaining(call)
            if self.sqlite:
                driver = connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                until = time.monotonic() + remaining
                driver.set_progress_handler(lambda: int(time.monotonic() > until), _PROGRESS_STEPS)
            if call.notes is not None:
                return fetched(connection, statement, values, call.notes)
            result = connection.execute(statement, values)
            try:
                rows: list[Any] = []
                while part := result.cursor.fetchmany(_AT_ONCE):
                    rows += part
            finally:
                result.close()  # or the driver's copy of the rows stays until the collector comes by
            return rows

    @staticmethod
    def _remaining(call: Call) -> float:
        remaining = call.deadline.remaining()
        if remaining <= 0:
            raise Timeout("The time allowed for this request is over.")
        return remaining

    @contextmanager
    def _mistakes(self) -> Iterator[None]:
        try:
            yield
        except (sa.exc.DBAPIError, sqlite3.OperationalError) as error:  # SQLite's own: between two rows
            if _is_timeout(error):
                raise Timeout("A query took longer than the time allowed for this request.") from None
            if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sqlite3.OperationalError):
                raise self.unavailable() from error
            raise

    def unavailable(self) -> BackendUnavailable:
        """The error for a database that does not answer; the log has the cause, the caller has not."""
        return BackendUnavailable(
            f"Repository '{self.name}' does not answer; try again later.", repository=self.name
        )

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()
        self.engine.dispose()


class _Watch:
    """One connection that only ever asks whether others have committed (sqlite.org/pragma.html#pragma_data_version)."""

    def __init__(self, connect: Callable[[], sqlite3.Connection]) -> None:
        self._connect = connect
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def state(self) -> Hashable:
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._connect()
                (version,) = self._connection.execute("PRAGMA data_version").fetchone()
                return int(version)
            except sqlite3.Error:
                # Busy or gone: nothing that was learnt holds, and the question's own statements will say what is wrong.
                return object()

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def _is_timeout(error: sa.exc.DBAPIError | sqlite3.OperationalError) -> bool:
    text = str(error.orig if isinstance(error, sa.exc.DBAPIError) else error)
    return "interrupted" in text or "statement timeout" in text


def _sqlite_connector(url: URL) -> Callable[[], sqlite3.Connection]:
    target = f"file:{quote(url.database or '')}?mode=ro"
    return lambda: sqlite3.connect(target, uri=True, check_same_thread=False, timeout=_BUSY_SECONDS)


def _sqlite_engine(connect: Callable[[], sqlite3.Connection]) -> sa.Engine:
    return sa.create_engine(
        "sqlite://",
        creator=connect,
        poolclass=sa.QueuePool,
        pool_size=THREADS,
        max_overflow=0,
    )


class _BinaryCursor(psycopg.Cursor[Any]):
    """Rows travel in PostgreSQL's binary form, which is read in two thirds of the time."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.format = psycopg.pq.Format.BINARY


def _postgresql_engine(url: URL) -> sa.Engine:
    if url.drivername == "postgresql+psycopg2":
        url = url.set(drivername="postgresql+psycopg")
    return sa.create_engine(
        url,
        pool_size=THREADS,
        max_overflow=0,
        connect_args={
            # Poolers such as pgbouncer lose prepared statements between transactions.
            "prepare_threshold": None,
            "connect_timeout": 10,
            "cursor_factory": _BinaryCursor,
        },
        # Transactions are begun here, with all that belongs to their beginning; the pool ends them.
        isolation_level="AUTOCOMMIT",
    )
