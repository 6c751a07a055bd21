"""Parquet, compressed with zstd, with a VOTable without rows in its footer (IVOA Note "Parquet in the VO" 1.0).

The VOTable keeps what Parquet has no words for: units, UCDs, frames, infos, service descriptors, and OVERFLOW where rows are missing. A
stream that broke off has no footer, and no reader takes it for a file.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from adapters.media_types import TABLES
from gateway.tables.formats import document
from gateway.tables.formats.outlet import Outlet
from gateway.tables.table import Encoder, Table

_ROWS = 2**16  # of a row group,
_BYTES = 2**24  # or as many bytes before compression: what is held in memory


@dataclass(slots=True)
class Parquet:
    tells: ClassVar[bool] = True
    media_type: str = TABLES["PARQUET"]
    suffix: str = ".parquet"

    def encoder(self, table: Table) -> Encoder:
        return _Encoder(table)


class _Encoder:
    def __init__(self, table: Table) -> None:
        self._table = table
        self._outlet = Outlet()
        self._writer = pq.ParquetWriter(self._outlet, table.schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []
        # The longest string of each column so far, in bytes, which are no fewer than characters; 4: astropy reads null as "None".
        self._longest = {column.name: 4 for column in table.schema if pa.types.is_string(column.type)}

    def begin(self) -> bytes:
        return self._outlet.taken()

    def rows(self, batch: pa.RecordBatch) -> bytes:
        self._waiting.append(batch)
        if sum(b.num_rows for b in self._waiting) >= _ROWS or sum(b.nbytes for b in self._waiting) >= _BYTES:
            self._group()
        return self._outlet.taken()

    def end(self, overflow: str | None) -> bytes:
        self._group()
        votable = document.without_data(self._table, overflow, self._longest)
        self._writer.add_key_value_metadata(
            {
                "IVOA.VOTable-Parquet.version": "1.0",
                "IVOA.VOTable-Parquet.content": votable.decode(),
                "ARROW:schema": b64encode(self._measured().serialize()).decode(),
            }
        )
        self._writer.close()
        return self._outlet.taken()

    def failed(self, message: str) -> bytes:  # noqa: ARG002
        """Nothing: the file lacks its footer. The message has no place in it."""
        return b""

    def _group(self) -> None:
        waiting, self._waiting = self._waiting, []
        rows = sum(batch.num_rows for batch in waiting)
        if rows:
            for name, longest in self._longest.items():
                lengths = (pc.max(pc.binary_length(batch.column(name))).as_py() for batch in waiting)
                self._longest[name] = max(longest, *(length or 0 for length in lengths))
            self._writer.write_table(pa.Table.from_batches(waiting), row_group_size=rows)

    def _measured(self) -> pa.Schema:
        """The schema as Arrow keeps it in a footer, with what is known at the end only. Without these lengths, astropy's reader measures
        every string, and fails at one that is null."""
        lengths = {f"table::len::{name}": str(longest) for name, longest in self._longest.items()}
        return self._table.schema.with_metadata({**(self._table.schema.metadata or {}), **lengths})
