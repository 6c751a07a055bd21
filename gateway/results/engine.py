"""Answers statements over one frozen table, each with a DuckDB of its own in memory.

The database can open that one file and nothing else: no other file or address, no extension, no setting is in reach of a statement, whatever it
says; and what only reads is all that is run, for DuckDB would let the file itself be written over. Its memory is bounded, it has one thread, and it is interrupted at the deadline of the request, or when nobody waits any more.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import duckdb
from anyio.to_thread import run_sync

from adapters.caller import Deadline
from adapters.errors import BadUserInput, NotFound, Timeout, TooComplex
from gateway.results.statement import Columns

AT_ONCE = 4
"""Statements that run in one process at a time."""
_AGAIN = 0.05
"""Seconds after which a statement that was interrupted and still runs is interrupted again: it may just have begun."""


class Engine:
    """``memory``: megabytes of each statement."""

    def __init__(self, memory: int) -> None:
        self._memory = memory
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def ask(
        self, path: Path, columns: Columns, text: str, parameters: Sequence[Any], deadline: Deadline
    ) -> list[tuple[Any, ...]]:
        """The rows of an answer.

        Raises
        ------
        Timeout
            The deadline passed.
        TooComplex
            It takes more memory than there is for it.
        BadUserInput
            A calculation left the range of its numbers.
        NotFound
            The table is gone.
        """
        running = _Running()

        def answer() -> list[tuple[Any, ...]]:
            try:
                with self._opened(path, columns) as database:
                    running.database = database
                    if running.given_up:
                        return []
                    return database.execute(_reading(database, text), list(parameters)).fetchall()
            finally:
                running.database, running.ended = None, True

        try:
            async with asyncio.timeout(deadline.remaining()), self._turns:
                try:
                    return await run_sync(answer, abandon_on_cancel=True)
                except asyncio.CancelledError:
                    running.give_up()
                    raise
        except TimeoutError:
            raise Timeout("The time allowed for the request is over; narrow the condition.") from None
        except duckdb.OutOfMemoryException:
            raise TooComplex(
                f"This takes more than the {self._memory} MB that there are for it; narrow the condition, or sort and count by fewer columns.",
                what="memory",
                limit=self._memory,
            ) from None
        except (duckdb.OutOfRangeException, duckdb.ConversionException):
            raise BadUserInput(
                "where: a calculation leaves the range of 64-bit integers; multiply one of its numbers by 1.0."
            ) from None
        except duckdb.IOException:
            if not await anyio.Path(path).exists():
                raise NotFound("This result was deleted just now.") from None
            raise

    def _opened(self, path: Path, columns: Columns) -> duckdb.DuckDBPyConnection:
        database = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{self._memory}MB",
                "threads": 1,
                # What is divided by zero is null. Said here once: nullif in a statement is written out twice, at every level.
                "error_on_division_by_zero": "false",
                "ieee_floating_point_ops": "false",
                "autoload_known_extensions": "false",
                "autoinstall_known_extensions": "false",
                "temp_directory": "",
                "python_enable_replacements": "false",
                "allow_persistent_secrets": "false",
            },
        )
        try:
            file = "'" + str(path).replace("'", "''") + "'"
            database.execute(f"SET allowed_paths = [{file}]")
            database.execute("SET enable_external_access = false")
            names = [f"c{place}" for place in range(len(columns.names))]
            values = [
                f"epoch_us({name})" if kind == "timestamp" else name
                for name, kind in zip(names, columns.kinds, strict=True)
            ]
            database.execute(
                f"CREATE VIEW t({', '.join(names)}, place) AS SELECT {', '.join(values)}, place "  # noqa: S608
                f"FROM read_parquet({file}, file_row_number = true) AS p({', '.join(names)}, place)"
            )
            database.execute("SET lock_configuration = true")
        except BaseException:
            database.close()
            raise
        return database


def _reading(database: duckdb.DuckDBPyConnection, text: str) -> duckdb.Statement:
    """The one statement of a text, which has to be a SELECT. Raises ValueError: no text of ours is anything else."""
    (statement,) = database.extract_statements(text)
    if statement.type is not duckdb.StatementType.SELECT:
        raise ValueError("a statement over a result that does not only read")
    return statement


class _Running:
    """A statement in a thread, which is stopped from the event loop."""

    def __init__(self) -> None:
        self.ended = False
        self.database: duckdb.DuckDBPyConnection | None = None
        self.given_up = False

    def give_up(self) -> None:
        self.given_up = True
        self._interrupt(time.monotonic() + 10)

    def _interrupt(self, end: float) -> None:
        database = self.database
        if database is not None:
            with suppress(duckdb.Error):
                database.interrupt()
        if not self.ended and time.monotonic() < end:
            asyncio.get_running_loop().call_later(_AGAIN, self._interrupt, end)
