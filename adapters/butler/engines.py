"""How connections to a registry's database are made, pooled and watched; all for reading."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Hashable
from typing import Any
from urllib.parse import quote

import psycopg
import sqlalchemy as sa
from psycopg.adapt import Loader
from sqlalchemy.engine import URL

THREADS = 16
"""Statements at once from threads against one repository; Butler's own engine allows 40."""

_BUSY_SECONDS = 10.0  # how long a reader waits for a writer that is committing to SQLite


class Watch:
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


def sqlite_connector(url: URL) -> Callable[[], sqlite3.Connection]:
    target = f"file:{quote(url.database or '')}?mode=ro"
    return lambda: sqlite3.connect(target, uri=True, check_same_thread=False, timeout=_BUSY_SECONDS)


# Compiled statements, as long as those of ``Store.statements``; SQLAlchemy lets them grow to one and a half times as many.
_COMPILED = 100


def sqlite_engine(connect: Callable[[], sqlite3.Connection]) -> sa.Engine:
    return sa.create_engine(
        "sqlite://",
        creator=connect,
        poolclass=sa.QueuePool,
        pool_size=THREADS,
        max_overflow=0,
        query_cache_size=_COMPILED,
    )


class _HexLoader(Loader):
    """Ids as they are in Rows: 32 hexadecimal digits."""

    format = psycopg.pq.Format.BINARY

    def load(self, data: Any) -> str:
        return bytes(data).hex()


class _BinaryCursor(psycopg.Cursor[Any]):
    """Rows travel in PostgreSQL's binary form, which is read in two thirds of the time."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.format = psycopg.pq.Format.BINARY


@sa.event.listens_for(sa.Engine, "do_connect")
def _unprepared(dialect: sa.Dialect, _record: object, _arguments: object, options: dict[str, Any]) -> None:
    """Poolers such as pgbouncer lend a session for a transaction, and what was prepared in one is not there in the next. Of every engine of
    this process: Butler makes one of its own, and has no word for it."""
    if dialect.driver == "psycopg":
        options.setdefault("prepare_threshold", None)


def postgresql_engine(url: URL) -> sa.Engine:
    if url.drivername == "postgresql+psycopg2":
        url = url.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(
        url,
        pool_size=THREADS,
        max_overflow=0,
        query_cache_size=_COMPILED,
        connect_args={
            "connect_timeout": 10,
            "cursor_factory": _BinaryCursor,
        },
        # Transactions are begun here, with all that belongs to their beginning; the pool ends them.
        isolation_level="AUTOCOMMIT",
    )

    def hexadecimal(connection: psycopg.Connection[Any], _: object) -> None:
        connection.adapters.register_loader("uuid", _HexLoader)

    sa.event.listen(engine, "connect", hexadecimal)
    return engine
