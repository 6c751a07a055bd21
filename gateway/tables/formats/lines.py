"""Record batches as lines of text, without a Python object per value.

A line is words and cells in turn: ``<TR><TD>``, a cell, ``</TD><TD>``, a cell, ... Arrow turns a whole column into text at once and
joins the columns; what is left in Python is a few calls per column and piece.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from adapters.errors import Unsupported

Cell = Callable[[pa.Array], pa.Array]
"""A column to the column of its cells: strings, null where the value is null."""

_ROWS = 2048  # of a piece: its columns and its lines stay in the processor's cache
_BYTES = 16 * 2**20  # of a piece, where rows are long


class Lines:
    """``words`` stand in front of each cell and behind the last, so there is one more of them than ``cells``; ``null`` is written for
    a value that is null."""

    def __init__(
        self, schema: pa.Schema, cells: Sequence[Cell], words: Sequence[str], null: str = ""
    ) -> None:
        self._types = schema.types
        self._cells = cells
        self._words = words
        self._null = null

    def of(self, batch: pa.RecordBatch) -> bytes:
        if batch.schema.types != self._types:
            raise ValueError("A batch whose columns are not those of its table.")
        return b"".join(map(self._piece, _pieces(batch)))

    def _piece(self, batch: pa.RecordBatch) -> bytes:
        parts: list[object] = []
        for word, cell, column in zip(self._words, self._cells, batch.columns, strict=False):
            parts += word, cell(column)
        parts.append(self._words[-1])
        lines = pc.binary_join_element_wise(*parts, "", null_handling="replace", null_replacement=self._null)
        return characters(lines)


def text(column: pa.Array, nan: str = "NaN", infinity: str = "Infinity") -> pa.Array:
    """Every value as plain text, as short as reads back to the same number; instants as ISO 8601 (a Z where the type says UTC), nested
    values as JSON. Infinities are ``infinity`` with a sign if negative. Raises Unsupported for an instant that is out of range."""
    column = _plain(column)
    type = column.type
    if pa.types.is_string(type):
        return column
    if pa.types.is_floating(type):
        return _floats(column, nan, infinity)
    if pa.types.is_temporal(type):
        return _times(column)
    if pa.types.is_nested(type):
        return json(column)
    return column.cast(pa.string())


def json(column: pa.Array) -> pa.Array:
    """Every value as JSON (RFC 8259). JSON has no NaN and no infinity: they are null. Integers are written with all their digits. Raises
    Unsupported as ``text`` does."""
    column = _plain(column)
    type = column.type
    if pa.types.is_floating(type):
        if not _finite(column):
            column = pc.if_else(pc.is_finite(column), column, pa.scalar(None, type))
        return column.cast(pa.string())
    if pa.types.is_nested(type):
        try:
            values = column.to_pylist()
        except OverflowError:
            raise _beyond() from None
        dumped = [None if value is None else orjson.dumps(value).decode() for value in values]
        return pa.array(dumped, pa.string())
    if pa.types.is_boolean(type) or pa.types.is_integer(type) or pa.types.is_null(type):
        return column.cast(pa.string())
    return _json_strings(text(column))


def _json_strings(column: pa.Array) -> pa.Array:
    raw = characters(column)
    if raw and (b'"' in raw or b"\\" in raw or lowest(raw) < 0x20):
        dumped = [None if value is None else orjson.dumps(value).decode() for value in column.to_pylist()]
        return pa.array(dumped, pa.string())
    return pc.binary_join_element_wise('"', column, '"', "")


def quoted(column: pa.Array) -> pa.Array:
    """Strings in quotation marks, as RFC 4180 has it: those inside are doubled."""
    if b'"' in characters(column):
        column = pc.replace_substring(column, '"', '""')
    return pc.binary_join_element_wise('"', column, '"', "")


def is_text(type: pa.DataType) -> bool:
    """Whether ``text`` gives words rather than a number or a truth value."""
    if pa.types.is_dictionary(type):
        return is_text(type.value_type)
    return not (
        pa.types.is_integer(type)
        or pa.types.is_floating(type)
        or pa.types.is_boolean(type)
        or pa.types.is_decimal(type)
        or pa.types.is_null(type)
    )


def check(schema: pa.Schema) -> None:
    """Unsupported where a column has no form as text: bytes and spans of time have none that a reader would know; in lists and structs,
    which are JSON, nor have decimals and nanoseconds: what writes JSON knows neither."""
    for column in schema:
        if not _writable(column.type):
            raise Unsupported(
                f"Column '{column.name}' holds {column.type}, which cannot be written as text; ask for PARQUET or ARROW, or leave it out.",
                column=column.name,
            )


def _writable(type: pa.DataType, *, inside: bool = False) -> bool:
    if pa.types.is_dictionary(type):
        return _writable(type.value_type, inside=inside)
    if pa.types.is_struct(type):
        names = {part.name for part in type}
        return len(names) == type.num_fields and all(_writable(part.type, inside=True) for part in type)
    if pa.types.is_list(type) or pa.types.is_large_list(type) or pa.types.is_fixed_size_list(type):
        return _writable(type.value_type, inside=True)
    if inside and (pa.types.is_decimal(type) or getattr(type, "unit", "") == "ns"):
        return False
    return (
        pa.types.is_primitive(type) and not pa.types.is_duration(type) and not pa.types.is_interval(type)
    ) or any(
        is_a(type)
        for is_a in (
            pa.types.is_string,
            pa.types.is_large_string,
            pa.types.is_string_view,
            pa.types.is_decimal,
            pa.types.is_null,
        )
    )


def characters(column: pa.Array) -> bytes:
    """The UTF-8 of all strings of a column, one behind the other."""
    _, offsets, data = column.buffers()
    if data is None or not len(column):
        return b""
    bounds = np.frombuffer(offsets, np.int32)
    start, stop = int(bounds[column.offset]), int(bounds[column.offset + len(column)])
    return data.slice(start, stop - start).to_pybytes()  # type: ignore[no-any-return]


def lowest(raw: bytes) -> int:
    """The lowest byte: below 0x20 it is a control character."""
    return int(np.frombuffer(raw, np.uint8).min())


def _plain(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        return column.cast(pa.string())
    return column


def _times(column: pa.Array) -> pa.Array:
    """Instants, days and times of day. Arrow puts words in the place of those that it cannot write, or, where there is a time zone, any digits."""
    zone = pa.types.is_timestamp(column.type) and column.type.tz is not None
    if zone:
        column = column.cast(pa.timestamp(column.type.unit))  # the same, in UTC
    written = column.cast(pa.string())
    if b"<" in characters(written):
        raise _beyond()
    if pa.types.is_timestamp(column.type):
        written = pc.replace_substring(written, " ", "T")
    return pc.binary_join_element_wise(written, "Z", "") if zone else written


def _beyond() -> Unsupported:
    return Unsupported(
        "A column holds an instant or a time that is out of range, which cannot be written as text; ask for PARQUET or ARROW, or leave it out."
    )


def _floats(column: pa.Array, nan: str, infinity: str) -> pa.Array:
    written = column.cast(pa.string())
    if _finite(column):
        return written
    if pa.types.is_float16(column.type):
        column = column.cast(pa.float32())  # Arrow compares no shorter ones
    endless = pc.if_else(pc.less(column, 0), f"-{infinity.lstrip('+')}", infinity)
    written = pc.if_else(pc.is_inf(column), endless, written)
    return pc.if_else(pc.is_nan(column), nan, written)


def _finite(column: pa.Array) -> bool:
    return pc.all(pc.is_finite(column)).as_py() is not False


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    rows = batch.num_rows
    if rows:
        step = max(1, min(_ROWS, rows * _BYTES // max(batch.nbytes, 1)))
        for start in range(0, rows, step):
            yield batch.slice(start, step)
