"""Arrow's IPC stream: the batches as they are, with the metadata of the schema and of its columns.

What else is known of the table goes into the metadata of the schema: ``name``, ``description`` and the infos. Where rows are missing, the
stream ends with a batch without rows, whose message carries the metadata QUERY_STATUS=OVERFLOW and its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from adapters.media_types import TABLES
from gateway.tables.formats.outlet import Outlet
from gateway.tables.table import Encoder, Table


@dataclass(slots=True)
class Arrow:
    tells: ClassVar[bool] = True
    media_type: str = TABLES["ARROW"]
    suffix: str = ".arrows"

    def encoder(self, table: Table) -> Encoder:
        return _Encoder(table)


class _Encoder:
    def __init__(self, table: Table) -> None:
        known = {"name": table.name, "description": table.description, **table.infos}
        known |= {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        self._schema = table.schema.with_metadata(known)
        self._outlet = Outlet()
        self._writer = pa.ipc.new_stream(self._outlet, self._schema)

    def begin(self) -> bytes:
        return self._outlet.taken()

    def rows(self, batch: pa.RecordBatch) -> bytes:
        self._writer.write_batch(batch)
        return self._outlet.taken()

    def end(self, overflow: str | None) -> bytes:
        if overflow is not None:
            empty = pa.RecordBatch.from_pylist([], self._schema)
            self._writer.write_batch(empty, {"QUERY_STATUS": "OVERFLOW", "reason": overflow})
        self._writer.close()
        return self._outlet.taken()

    def failed(self, message: str) -> bytes:
        """A message that is shorter than it says. Leaving out the mark of the end is not enough: many readers do without it."""
        said = f"QUERY_STATUS=ERROR: {message}".encode()
        return b"\xff\xff\xff\xff" + (len(said) // 8 * 8 + 16).to_bytes(4, "little") + said
