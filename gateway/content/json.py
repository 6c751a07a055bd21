"""JSON (RFC 8259): a table as a list of objects, one a row, which ``pandas.read_json`` and astropy's ``Table(rows=...)`` take as it is.

JSON has no NaN and no infinity: they are null. Integers have all their digits, instants are ISO 8601, lists are lists.
"""

from __future__ import annotations

import json as slower
from collections.abc import Iterator
from typing import ClassVar

import orjson
import pyarrow as pa

from adapters.content import Structure
from gateway.tables.formats.lines import Lines, check, json
from gateway.tables.table import Encoder, Table


class Json:
    tells: ClassVar[bool] = False
    media_type = "application/json"
    suffix = ".json"

    def encoder(self, table: Table) -> Encoder:
        return _Encoder(table.schema)


class _Encoder:
    """Each row has its comma in front, but for the first one."""

    def __init__(self, schema: pa.Schema) -> None:
        check(schema)
        keys = [orjson.dumps(name).decode() + ":" for name in schema.names]
        words = [(",\n{" if place == 0 else ",") + key for place, key in enumerate(keys)]
        self._lines = Lines(schema, [json] * len(keys), [*words, "}"], null="null")
        self._empty = True

    def begin(self) -> bytes:
        return b"[\n"

    def rows(self, batch: pa.RecordBatch) -> bytes:
        lines = self._lines.of(batch)
        if self._empty and lines:
            self._empty = False
            return lines.removeprefix(b",\n")
        return lines

    def end(self, overflow: str | None) -> bytes:  # noqa: ARG002  contents are whole
        return b"\n]\n"

    def failed(self, message: str) -> bytes:
        """A list that is never closed, with the reason as a string that is not either."""
        return b',\n"QUERY_STATUS=ERROR: ' + orjson.dumps(message)[1:-1]


def written(structure: Structure) -> Iterator[bytes]:
    """A structure as one value."""
    try:
        yield orjson.dumps(structure.value)
    except TypeError:
        # An integer beyond 64 bits, or many levels, which orjson does not write.
        yield slower.dumps(structure.value, ensure_ascii=False, allow_nan=False).encode()
