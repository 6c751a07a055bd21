"""A registry's database, for reading only.

A result is fetched whole before anyone looks at a row, so that no slow client ever holds a lock against a writer: on
SQLite a lock lasts as long as its statement; on PostgreSQL, where readers block nobody, the statements of one question
share a connection and a short transaction. Everything here is synchronous: it is called from the repository's own threads, or
in a greenlet of the event loop (``direct``).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, Protocol

import psycopg
import sqlalchemy as sa
from lsst.daf.butler import ButlerConfig
from lsst.daf.butler.registry import RegistryConfig
from sqlalchemy.engine import URL
from sqlalchemy.util.concurrency import in_greenlet

from ..caller import Call
from ..errors import BackendUnavailable, Timeout
from ..notes import By, noted
from ..turned import Turned
from .dialect import Dialect, PostgreSQL
from .direct import Direct
from .engines import THREADS, Watch, postgresql_engine, sqlite_connector, sqlite_engine
from .memory import Memory
from .mistakes import too_large
from .overheard import fetched

_BEGIN = "BEGIN READ ONLY; SET LOCAL statement_timeout = {}; SELECT pg_current_snapshot()::text"
_ORDERED = "SET LOCAL join_collapse_limit = 1; "

_PROGRESS_STEPS = 20_000  # SQLite virtual machine steps between two looks at the clock
_STATEMENTS = 100  # of 0.6 MB each, where they are long
_AT_ONCE = 500  # rows that a driver reads before other threads get their turn


class _Session(Protocol):
    """One question's connection."""

    def state(self) -> Hashable: ...
    def rows(self, statement: sa.Executable, values: Mapping[str, Any] | None) -> list[Any]: ...


class Store:
    """The database behind a Butler configuration."""

    def __init__(self, name: str, config: ButlerConfig) -> None:
        self.name = name
        registry = RegistryConfig(config)
        registry.replaceRoot(config.configDir)
        self.schema: str | None = registry.get("namespace")
        url: URL = registry.connectionString
        self.sqlite = url.get_backend_name() == "sqlite"
        connect = sqlite_connector(url)
        self.engine = sqlite_engine(connect) if self.sqlite else postgresql_engine(url)
        self.dialect: Dialect = Dialect()
        self.direct = None if self.sqlite else Direct(name, url)
        """Connections of the event loop, where there are such."""
        self.statements = Memory(_STATEMENTS)
        """Statements by what they were built from: those with named parameters are built and compiled once."""
        self._session: ContextVar[_Session | None] = ContextVar(f"session of {name}", default=None)
        self._free = threading.BoundedSemaphore(THREADS)
        self._watch = Watch(connect) if self.sqlite else None

    def connect(self, call: Call) -> None:
        """Look at the database once; for PostgreSQL learn how it sorts. Raises BackendUnavailable."""
        if self.sqlite:
            self.rows(sa.text("SELECT name FROM butler_attributes LIMIT 1"), call)
            return
        sql = "SELECT datcollate, datctype FROM pg_database WHERE datname = current_database()"
        ((collation, _),) = self.rows(sa.text(sql), call)
        self.dialect = PostgreSQL(strings_by_code_point=collation in ("C", "POSIX", "C.UTF-8", "C.utf8"))

    @contextmanager
    def session(self, call: Call, *, ordered: bool = False, look_up: bool = False) -> Iterator[None]:
        """One connection for all statements until the end of the block: of one question. ``ordered``: their joins are
        written in the order in which they are best made, and PostgreSQL need not look for a better one, which takes it longer than the
        joins. ``look_up``: one plan serves for all values.

        Raises
        ------
        Timeout
            The call's deadline came, or all connections stayed busy.
        BackendUnavailable
            The database does not answer.
        """
        if self._session.get() is not None:
            yield
        elif in_greenlet():
            assert self.direct is not None
            session = self.direct.enter(call, look_up=look_up)
            held = self._session.set(session)
            try:
                yield
            finally:
                self._session.reset(held)
                self.direct.leave(session, look_up=look_up)
        else:
            with self.mistakes(), self._turn(call), self.engine.connect() as connection:
                state = self._watch.state() if self._watch else self._entered(connection, call, ordered)
                held = self._session.set(_ThreadSession(self, connection, state, call, ordered))
                try:
                    yield
                finally:
                    self._session.reset(held)

    @contextmanager
    def _turn(self, call: Call) -> Iterator[None]:
        """Wait for a connection to be free, but no longer than somebody waits for the answer."""
        if not self._free.acquire(timeout=_remaining(call)):
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
        begin = _BEGIN.format(max(1, int(_remaining(call) * 1000)))
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

    def pause(self) -> None:
        """End the transaction of the session that is open here, if any; its next statement begins another one. While Butler asks by
        connections of its own, nobody behind a pooler waits for a session that only lies idle here."""
        session = self._session.get()
        if isinstance(session, _ThreadSession):
            session.pause()

    def state(self) -> Hashable:
        """Within a session: something that is the same as long as nothing was committed to the registry. What was learnt in
        one state holds in every session that begins in the same."""
        session = self._session.get()
        assert session is not None
        return session.state()

    def rows(
        self, statement: sa.Executable, call: Call, values: Mapping[str, Any] | None = None
    ) -> list[Any]:
        """Run one statement, with ``values`` for its named parameters, and fetch every row as the driver gives it: a tuple, or what can be
        read like one. Raises as ``session`` does."""
        session = self._session.get()
        if session is not None:
            return session.rows(statement, values)
        with self.session(call):
            return self.rows(statement, call, values)

    def read(
        self,
        rows: list[Any] | Turned,
        statement: sa.Executable,
        call: Call,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """The same, with the rows put behind these as they come."""
        session = self._session.get()
        if isinstance(session, _ThreadSession):
            session.read(rows, statement, values)
        else:
            rows.extend(self.rows(statement, call, values))

    @contextmanager
    def mistakes(self) -> Iterator[None]:
        """The database's errors in the adapter's words."""
        try:
            yield
        except (sa.exc.DBAPIError, sqlite3.OperationalError) as error:  # SQLite's own: between two rows
            if _is_timeout(error):
                raise Timeout("A query took longer than the time allowed for this request.") from None
            large = too_large(error)
            if large is not None:
                raise large from None
            if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sqlite3.OperationalError):
                raise self.unavailable() from error
            raise

    def unavailable(self) -> BackendUnavailable:
        """The error for a database that does not answer; the log has the cause, the caller has not."""
        return BackendUnavailable(
            f"Repository '{self.name}' does not answer; try again later.", repository=self.name, retry=True
        )

    def close(self) -> None:
        if self._watch is not None:
            self._watch.close()
        self.engine.dispose()


class _ThreadSession:
    """A connection of the engine, in a thread."""

    def __init__(
        self, store: Store, connection: sa.Connection, state: Hashable, call: Call, ordered: bool
    ) -> None:
        self._store = store
        self._connection = connection
        self._state = state
        self._call = call
        self._ordered = ordered
        self._paused = False

    def state(self) -> Hashable:
        return self._state

    def pause(self) -> None:
        """See Store.pause."""
        if self._store.sqlite or self._paused:
            return
        with self._store.mistakes():
            driver: Any = self._connection.connection.driver_connection
            with suppress(psycopg.OperationalError):  # a connection that broke is replaced when it is needed
                driver.rollback()  # begun without SQLAlchemy, which ends what it knows of
            self._connection.rollback()
        self._paused = True

    def rows(self, statement: sa.Executable, values: Mapping[str, Any] | None) -> list[Any]:
        found: list[Any] = []
        self.read(found, statement, values)
        return found

    def read(
        self, rows: list[Any] | Turned, statement: sa.Executable, values: Mapping[str, Any] | None
    ) -> None:
        """See Store.read."""
        with self._store.mistakes():
            connection, call = self._connection, self._call
            if self._paused:
                self._store._entered(connection, call, self._ordered)
                self._paused = False
            remaining = _remaining(call)
            if self._store.sqlite:
                driver = connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                until = time.monotonic() + remaining
                driver.set_progress_handler(lambda: int(time.monotonic() > until), _PROGRESS_STEPS)
            if call.notes is not None:
                rows.extend(fetched(connection, statement, values, call.notes))
                return
            result = connection.execute(statement, values)
            try:
                while part := result.cursor.fetchmany(_AT_ONCE):
                    rows.extend(part)
            finally:
                result.close()  # or the driver's copy of the rows stays until the collector comes by


def _remaining(call: Call) -> float:
    remaining = call.deadline.remaining()
    if remaining <= 0:
        raise Timeout("The time allowed for this request is over.")
    return remaining


def _is_timeout(error: sa.exc.DBAPIError | sqlite3.OperationalError) -> bool:
    text = str(error.orig if isinstance(error, sa.exc.DBAPIError) else error)
    return "interrupted" in text or "statement timeout" in text
