"""Results that are given up while their Parquet is being written or read: the service goes on, and nothing of them stays."""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from structlog.testing import capture_logs

from adapters.caller import Call, Caller
from adapters.errors import AdapterError
from adapters.token import Token
from gateway.limits import Deadline
from gateway.results.folder import Folder
from gateway.results.frozen import GROUP, Writer, batches
from gateway.results.service import SavedResults
from gateway.results.settings import ResultsConfig
from gateway.tables.table import End, Table
from resolvers.asked import Asked
from resolvers.results import Kept, Phase

numbers = np.random.default_rng(1)
BATCH = pa.record_batch(
    {f"c{place}": numbers.random(GROUP) for place in range(30)}
    | {"text": [f"{number:x}" * 40 for number in range(GROUP)]}
)
"""A row group that takes a while to compress."""
WITHOUT_END = 1_000_000


def saving(folder: Path, **settings: Any) -> SavedResults:
    """Results of as many row groups as the question's ``groups`` says."""

    async def read(asked: Asked, *_: object) -> Table:
        async def rows() -> AsyncGenerator[pa.RecordBatch]:
            for _ in range(int(asked.repositories[0])):
                yield BATCH

        return Table("t", "", BATCH.schema, rows(), End())

    return SavedResults(ResultsConfig(wait=0, **settings), folder, read)


async def save(results: SavedResults, groups: int) -> Kept:
    return await results.save(Asked((str(groups),), ()), {}, Call(Caller(), Deadline(60)), {}, "")


async def found(results: SavedResults, id: str, groups: int) -> Kept:
    """A result when it is at its end."""
    async with asyncio.timeout(60):
        while (kept := await results.find(id, Caller(), [str(groups)])).phase in (
            Phase.PENDING,
            Phase.EXECUTING,
        ):
            await asyncio.sleep(0.01)
    return kept


async def grown(path: Path, size: int) -> None:
    async with asyncio.timeout(60):
        while not path.exists() or path.stat().st_size < size:
            await asyncio.sleep(0.001)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"folder.lock"}


def test_what_is_deleted_while_it_is_written_is_gone_and_the_others_stay(tmp_path: Path) -> None:
    async def run() -> None:
        results = saving(tmp_path)
        async with results.open():
            stays = (await save(results, 2)).id
            assert (await found(results, stays, 2)).rows == 2 * GROUP
            for turn in range(25):
                id = (await save(results, WITHOUT_END)).id
                await grown(tmp_path / f"{id}.part", 1 + turn * 100_000)
                await results.delete(id, Caller())
                assert names(tmp_path) == {f"{stays}.json", f"{stays}.parquet"}
            # A few at a time, deleted by several at once.
            ids = [(await save(results, WITHOUT_END)).id for _ in range(4)]
            for id in ids:
                await grown(tmp_path / f"{id}.part", 1)
            await asyncio.gather(
                *(results.delete(id, Caller()) for id in ids for _ in range(2)), return_exceptions=True
            )
            assert names(tmp_path) == {f"{stays}.json", f"{stays}.parquet"}
            kept = await found(results, stays, 2)
            table = await results.table(kept)
            assert [batch.num_rows async for batch in table.batches] and kept.phase is Phase.COMPLETED
            assert (await found(results, (await save(results, 1)).id, 1)).phase is Phase.COMPLETED

    asyncio.run(run())


def test_what_takes_too_long_to_write_is_an_error_that_says_so(tmp_path: Path) -> None:
    async def run() -> None:
        results = saving(tmp_path, timeout=0.3)
        async with results.open():
            ids = [(await save(results, WITHOUT_END)).id for _ in range(4)]
            for id in ids:
                kept = await found(results, id, WITHOUT_END)
                assert kept.phase is Phase.ERROR and "0.3 seconds" in str(kept.message)
        assert names(tmp_path) == {f"{id}.json" for id in ids}

    asyncio.run(run())


def test_the_log_of_a_fault_has_nothing_that_the_caller_sent(tmp_path: Path) -> None:
    async def read(*_: object) -> Table:
        raise RuntimeError("Illegal header value b'Bearer gt-secret.secret' for M31-embargoed")

    async def run() -> AdapterError:
        results = SavedResults(ResultsConfig(wait=30), tmp_path, read)
        caller = Caller("alice", token=Token("gt-secret.secret"))
        query = {"query": {"where": "target = :t", "bind": [{"name": "t", "value": "M31-embargoed"}]}}
        async with results.open():
            with pytest.raises(AdapterError, match="Internal error") as raised:
                await results.save(Asked(("a",), ()), query, Call(caller, Deadline(60)), {}, "")
        return raised.value

    with capture_logs() as logs:
        error = asyncio.run(run())
    assert error.code == "INTERNAL" and error.details["reference"] in error.message
    assert {line["reference"] for line in logs} == {error.details["reference"]}
    said = "".join(str(value) for line in logs for value in line.values())
    assert "RuntimeError: Illegal header value b'Bearer [hidden]' for [hidden]" in said
    assert "gt-secret" not in said and "M31" not in said
    assert not any("exc_info" in line for line in logs)


def test_what_is_written_when_the_service_ends_is_aborted(tmp_path: Path) -> None:
    async def run() -> None:
        results = saving(tmp_path)
        async with results.open():
            ids = [(await save(results, WITHOUT_END)).id for _ in range(3)]
            for id in ids:
                await grown(tmp_path / f"{id}.part", 1)
        assert names(tmp_path) == {f"{id}.json" for id in ids}
        assert {(await results.find(id, Caller(), [str(WITHOUT_END)])).phase for id in ids} == {Phase.ABORTED}

    asyncio.run(run())


class Watched(pq.ParquetFile):  # type: ignore[misc]
    """A file whose reading takes a while, and which knows whether a thread reads it when it is closed."""

    reading = False
    closed_while: ClassVar[list[bool]] = []

    def iter_batches(self, *words: Any, **settings: Any) -> Iterator[pa.RecordBatch]:
        for batch in super().iter_batches(*words, **settings):
            self.reading = True
            time.sleep(0.3)
            self.reading = False
            yield batch

    def close(self, force: bool = False) -> None:
        self.closed_while.append(self.reading)
        super().close(force)


def test_a_table_that_is_left_while_it_is_read_is_closed_when_its_thread_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "frozen"
    writer = Writer(path, BATCH.schema, lambda: None)
    for _ in range(4):
        writer.write(BATCH)
    writer.end()
    writer.close()

    async def read() -> int:
        async with aclosing(cast("AsyncGenerator[pa.RecordBatch]", batches(path))) as found:
            return sum([batch.num_rows async for batch in found])

    async def run() -> None:
        for seconds in (0.005, 0.01, 0.02, 0.04):  # and in Arrow itself
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await read()
        assert await read() == 4 * GROUP
        monkeypatch.setattr(pq, "ParquetFile", Watched)
        for seconds in (0.5, 2, 8):
            if not Watched.closed_while:  # before it was opened, elsewhere
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await read()
        assert Watched.closed_while == [False]

    asyncio.run(run())


def test_others_are_answered_while_the_folder_is_held_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a deleted job leaves is cleared away in a thread: another process may hold the folder, and its disk may be slow."""
    removed: Callable[[Folder, str], None] = Folder.remove
    lock = os.open(tmp_path / "folder.lock", os.O_RDWR | os.O_CREAT)
    held = threading.Event()

    def remove(folder: Folder, id: str) -> None:
        removed(folder, id)
        fcntl.flock(lock, fcntl.LOCK_EX)  # as another process does, just then
        held.set()

    async def run() -> None:
        results = saving(tmp_path)
        async with results.open():
            id = (await save(results, WITHOUT_END)).id
            await grown(tmp_path / f"{id}.part", 1)
            monkeypatch.setattr(Folder, "remove", remove)
            late = threading.Timer(30, fcntl.flock, (lock, fcntl.LOCK_UN))  # or it would wait for ever
            late.start()
            deleting = asyncio.ensure_future(results.delete(id, Caller()))
            while not held.is_set():
                await asyncio.sleep(0.01)
            for _ in range(20):
                await asyncio.sleep(0.01)
            in_time, waiting = late.is_alive(), not deleting.done()
            late.cancel()
            fcntl.flock(lock, fcntl.LOCK_UN)
            await deleting
            assert in_time and waiting
        assert names(tmp_path) == set()

    try:
        asyncio.run(run())
    finally:
        os.close(lock)
