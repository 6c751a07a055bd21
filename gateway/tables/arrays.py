"""Columns of an answer's rows as Arrow has them, made a column at a time: what is done for a single row holds the interpreter, which has others to serve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.rows import Kind, Row, Rows

TIMESTAMP = pa.timestamp("us", tz="UTC")
ARROW: Mapping[Kind, pa.DataType] = MappingProxyType(
    {
        Kind.UUID: pa.string(),
        Kind.STRING: pa.string(),
        Kind.LONG: pa.int64(),
        Kind.FLOAT: pa.float64(),
        Kind.BOOL: pa.bool_(),
        Kind.TIME: TIMESTAMP,
        Kind.REGION: pa.string(),
        Kind.HASH: pa.string(),
        Kind.NAMES: pa.string(),
    }
)
"""How each kind of value stands in a table."""

_DASHES = (8, 12, 16, 20)
_HYPHEN = ord("-")


def read(rows: Rows, name: str) -> list[Any]:
    """The values of a column of an answer; None where it lacks it."""
    place = rows.places.get(name)
    return [None] * len(rows.rows) if place is None else [row[place] for row in rows.rows]


def named(rows: Rows, name: str, type: pa.DataType) -> pa.Array:
    """The same as an array."""
    place = rows.places.get(name)
    return pa.nulls(len(rows.rows), type) if place is None else placed(rows.rows, place, type)


def placed(rows: Sequence[Row], place: int, type: pa.DataType) -> pa.Array:
    """What stands at one place of every row."""
    return array([row[place] for row in rows], type)


def array(values: list[Any], type: pa.DataType) -> pa.Array:
    """The values as an array: at once where all are the same, as much of a list is."""
    count = len(values)
    if values and values[0] == values[-1] and values.count(values[0]) == count:
        return pa.repeat(pa.scalar(values[0], type), count)
    return pa.array(values, type)


def mapped(values: pa.Array, function: Callable[[Any], Any], type: pa.DataType) -> pa.Array:
    """What a function makes of each value, null included; called once for each that there is."""
    encoded = values.dictionary_encode(null_encoding="encode")
    return pa.array(map(function, encoded.dictionary.to_pylist()), type).take(encoded.indices)


class Uuids:
    """Ids, 32 hex digits each, on their way to text with dashes. None where a backend has none: then there is no text either."""

    def __init__(self, ids: Sequence[str | None]) -> None:
        self._present: pa.Array | None = None
        if None in ids:
            self._present = pa.array([one is not None for one in ids], pa.bool_())
            ids = [one or "0" * 32 for one in ids]
        digits = np.frombuffer("".join(ids).encode("ascii"), np.uint8).reshape(len(ids), 32)  # type: ignore[arg-type]
        self._dashed = np.insert(digits, _DASHES, _HYPHEN, axis=1)

    def between(self, before: str, after: str) -> pa.StringArray:
        """``before``, the id, ``after``: written as one table of bytes."""
        head, tail = before.encode(), after.encode()
        count, width = len(self._dashed), len(head) + 36 + len(tail)
        written = np.empty((count, width), np.uint8)
        written[:, : len(head)] = np.frombuffer(head, np.uint8)
        written[:, len(head) : len(head) + 36] = self._dashed
        written[:, len(head) + 36 :] = np.frombuffer(tail, np.uint8)
        ends = pa.py_buffer(np.arange(0, (count + 1) * width, width, dtype=np.int32))
        texts = pa.StringArray.from_buffers(count, ends, pa.py_buffer(written))
        return (
            texts if self._present is None else pc.if_else(self._present, texts, pa.scalar(None, pa.string()))
        )

    @property
    def text(self) -> pa.StringArray:
        return self.between("", "")
