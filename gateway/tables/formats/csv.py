"""CSV as RFC 4180 has it, in UTF-8, with a header line.

Strings stand in quotation marks, so that an empty one (``""``) differs from null (nothing), and a number from a string of digits. NaN and
infinities are ``NaN``, ``Infinity`` and ``-Infinity``, truth values ``true`` and ``false``, instants ISO 8601, lists JSON.
CSV has no place to say that rows are missing: where more are than its reader left out (MAXREC), it is broken off, as after an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa

from adapters.media_types import TABLES
from gateway.tables.formats.lines import Cell, Lines, check, is_text, quoted, text
from gateway.tables.table import Encoder, Table


@dataclass(slots=True)
class Csv:
    tells: ClassVar[bool] = False
    media_type: str = TABLES["CSV"]
    suffix: str = ".csv"

    def encoder(self, table: Table) -> Encoder:
        return _Encoder(table)


class _Encoder:
    def __init__(self, table: Table) -> None:
        check(table.schema)
        self._names = table.schema.names
        # A line without anything is no row to many readers: in a table of one column, null is written as an empty string.
        null = '""' if len(self._names) == 1 else ""
        cells = [cell(column) for column in table.schema]
        self._lines = Lines(table.schema, cells, separated(self._names, "\r\n"), null)

    def begin(self) -> bytes:
        return record(self._names, "\r\n")

    def rows(self, batch: pa.RecordBatch) -> bytes:
        return self._lines.of(batch)

    def end(self, overflow: str | None) -> bytes:  # noqa: ARG002
        return b""

    def failed(self, message: str) -> bytes:
        return torn(len(self._names), message)


def cell(column: pa.Field) -> Cell:
    """Text in quotation marks, all else bare."""
    return _quoted if is_text(column.type) else text


def _quoted(column: pa.Array) -> pa.Array:
    return quoted(text(column))


def separated(names: Iterable[str], newline: str) -> list[str]:
    """The words of a line: nothing in front, commas, a newline."""
    return ["", *("," for _ in list(names)[1:]), newline]


def record(values: Iterable[str], newline: str) -> bytes:
    """One line of strings; those that need no quotation marks have none."""
    quoted = (
        f'"{v}"' if not v or any(c in v for c in '",\r\n \t#') else v
        for v in (v.replace('"', '""') for v in values)
    )
    return (",".join(quoted) + newline).encode()


def torn(columns: int, message: str) -> bytes:
    """A last record with a field too many, whose quotation mark is never closed: strict readers fail at it, people can read it."""
    return ("," * columns + '"QUERY_STATUS=ERROR: ' + message.replace('"', "'")).encode()
