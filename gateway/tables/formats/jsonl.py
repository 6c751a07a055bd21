"""JSON lines: an object a row, in UTF-8, every column in every object.

NaN and infinities are null, for JSON has neither; integers keep all their digits beyond 2**53, where JavaScript's own reader rounds them;
instants are ISO 8601 text; lists are arrays. The media type is the one of the ndjson specification: none is registered with IANA, and this
one is the most widely known.
JSON lines have no place to say that rows are missing: where more are than their reader left out (MAXREC), they are broken off, as after an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import orjson
import pyarrow as pa

from adapters.media_types import TABLES
from gateway.tables.formats.lines import Lines, check, json
from gateway.tables.table import Encoder, Table


@dataclass(slots=True)
class JsonLines:
    tells: ClassVar[bool] = False
    media_type: str = TABLES["JSONL"]
    suffix: str = ".jsonl"

    def encoder(self, table: Table) -> Encoder:
        return _Encoder(table)


class _Encoder:
    def __init__(self, table: Table) -> None:
        check(table.schema)
        keys = [orjson.dumps(name).decode() + ":" for name in table.schema.names]
        words = ["{" + keys[0], *("," + key for key in keys[1:]), "}\n"]
        self._lines = Lines(table.schema, [json] * len(keys), words, null="null")

    def begin(self) -> bytes:
        return b""

    def rows(self, batch: pa.RecordBatch) -> bytes:
        return self._lines.of(batch)

    def end(self, overflow: str | None) -> bytes:  # noqa: ARG002
        return b""

    def failed(self, message: str) -> bytes:
        """A line that is no JSON: no reader takes it for a row."""
        return f"QUERY_STATUS=ERROR: {message}".replace("\n", " ").encode() + b"\n"
