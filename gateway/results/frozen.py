"""One frozen table: Parquet (compressed with zstd) with the metadata of its columns."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from adapters.rows import FieldInfo
from gateway.tables.table import said
from gateway.thread import in_thread

GROUP = 16_384
"""Rows of a row group: what is in memory before it is written."""
_BATCH = 10_000


class Writer:
    """Writes one table; to be called from threads, one call after the other has ended (``gateway.thread``): Arrow's writer must not be closed while
    it writes. ``room`` is called when something was written, and may raise: it is the store that knows how much there is."""

    def __init__(self, path: Path, schema: pa.Schema, room: Callable[[], None]) -> None:
        self._sink = _Sink(path)
        self._writer = pq.ParquetWriter(self._sink, schema, compression="zstd")
        self._schema = schema
        self._room = room
        self._waiting: list[pa.RecordBatch] = []
        self.rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        self._waiting.append(batch)
        self.rows += batch.num_rows
        if sum(waiting.num_rows for waiting in self._waiting) >= GROUP:
            self._group()
            self._room()

    def end(self) -> None:
        """Write what is left, and bring all of it to the disk."""
        self._group()
        self._writer.close()
        self._sink.to_disk()
        self._room()

    def close(self) -> None:
        """Let go of the file, whatever came of it."""
        self._waiting.clear()
        self._sink.given_up = True  # Arrow would write the end of a table that has none
        with suppress(OSError, pa.ArrowException):
            self._writer.close()
        self._sink.close()

    def _group(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._writer.write_table(pa.Table.from_batches(waiting, self._schema), GROUP)


class _Sink(io.RawIOBase):
    """A new file, for its owner alone. Its errors keep their numbers, which Arrow's own files do not."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.given_up = False
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        rest = memoryview(data).cast("B")
        size = len(rest)
        if self.given_up:
            return size
        while len(rest):
            rest = rest[os.write(self._file, rest) :]
        return size

    def to_disk(self) -> None:
        os.fsync(self._file)

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()


def schema_of(path: Path) -> pa.Schema:
    """The columns, as they were frozen. FileNotFoundError where there is no such table."""
    with pq.ParquetFile(path) as file:
        return file.schema_arrow


async def batches(path: Path) -> AsyncIterator[pa.RecordBatch]:
    """Every row, in the order of the answer; a table that is deleted meanwhile is read to its end."""
    # Read ahead, Arrow would have all of the file in memory by the end of it.
    file = await in_thread(partial(pq.ParquetFile, path, pre_buffer=False))
    try:
        groups = file.iter_batches(_BATCH, use_threads=False)
        while (batch := await in_thread(next, groups, None)) is not None:
            yield batch
    finally:
        file.close()


def field_info(field: pa.Field) -> FieldInfo:
    """What is said of a column to people."""
    words = said(field)
    return FieldInfo(field.name, kind(field.type), words.get("unit"), words.get("description"))


def kind(type: pa.DataType) -> str:
    """A type in the words of the universe's fields: int, float, string, bool; timestamp for instants."""
    if pa.types.is_integer(type):
        return "int"
    if pa.types.is_floating(type):
        return "float"
    if pa.types.is_boolean(type):
        return "bool"
    if pa.types.is_timestamp(type):
        return "timestamp"
    if pa.types.is_string(type) or pa.types.is_large_string(type):
        return "string"
    raise TypeError(f"a table has no column of the type {type}")
