"""VOTable 1.4, its rows streamed as TABLEDATA.

A null is an empty cell, which has been null for every type since VOTable 1.3 (section 6): no magic integer is declared, for any could be
a value. A string that is empty and one that is null look the same. NaN and infinities are ``NaN``, ``+Inf`` and ``-Inf``.
XML 1.0 cannot hold most control characters: each is written as U+FFFD (in a ``char`` column, percent-encoded). Lists are JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from adapters.media_types import TABLES
from gateway.tables.formats import document
from gateway.tables.formats.lines import Cell, Lines, characters, check, is_text, lowest, text
from gateway.tables.table import Encoder, Table

_MARKUP = (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\r", "&#13;"))  # a bare CR would be read as LF
_CONTROLS = bytes(code for code in range(0x20) if code not in b"\t\n\r")
_FORBIDDEN = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x{fffe}\x{ffff}]"
_NONCHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_ASCII = "".join(chr(code) for code in (*b"\t\n\r", *range(0x20, 0x7F)))


@dataclass(slots=True)
class VOTable:
    tells: ClassVar[bool] = True
    media_type: str = TABLES["VOTABLE"]
    suffix: str = ".vot"

    def encoder(self, table: Table) -> Encoder:
        return _Encoder(table)


class _Encoder:
    def __init__(self, table: Table) -> None:
        check(table.schema)
        words = ["<TR><TD>", *["</TD><TD>"] * (len(table.schema) - 1), "</TD></TR>\n"]
        self._lines = Lines(table.schema, [_cell(column) for column in table.schema], words)
        self._around = document.around(table)

    def begin(self) -> bytes:
        return self._around.before

    def rows(self, batch: pa.RecordBatch) -> bytes:
        return self._lines.of(batch)

    def end(self, overflow: str | None) -> bytes:
        cut = b"" if overflow is None else document.status("OVERFLOW", overflow)
        return self._around.between + cut + self._around.after

    def failed(self, message: str) -> bytes:
        return self._around.between + document.status("ERROR", message) + document.CLOSED


def _cell(column: pa.Field) -> Cell:
    if not is_text(column.type):
        return partial(text, infinity="+Inf")
    return _ascii if document.ascii_only(column) else _unicode


def _unicode(column: pa.Array) -> pa.Array:
    column = text(column)
    raw = characters(column)
    if _unspeakable(raw):
        column = pc.replace_substring_regex(column, _FORBIDDEN, "\ufffd")
    return _escaped(column, raw)


def _ascii(column: pa.Array) -> pa.Array:
    """What is not ASCII is percent-encoded, as an IRI becomes a URI (RFC 3987, section 3.1)."""
    column = text(column)
    raw = characters(column)
    if not raw.isascii() or _unspeakable(raw):
        encoded = [None if value is None else quote(value, safe=_ASCII) for value in column.to_pylist()]
        column = pa.array(encoded, pa.string())
    return _escaped(column, raw)


def _escaped(column: pa.Array, raw: bytes) -> pa.Array:
    for character, reference in _MARKUP:
        if character.encode() in raw:
            column = pc.replace_substring(column, character, reference)
    return column


def _unspeakable(raw: bytes) -> bool:
    if not raw:
        return False
    if lowest(raw) < 0x20 and len(raw.translate(None, _CONTROLS)) < len(raw):
        return True
    return not raw.isascii() and any(sequence in raw for sequence in _NONCHARACTERS)
