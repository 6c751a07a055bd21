"""Columns of an answer's rows as Arrow has them, made a column at a time: what is done for a single row holds the interpreter, which has others to serve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from adapters.rows import Kind, Row, Rows
from adapters.turned import column

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

_DIGITS = np.dtype("V8, V4, V4, V4, V12")
_DASHED = np.dtype("V8, u1, V4, u1, V4, u1, V4, u1, V12")
"""A UUID without dashes and with them."""


def read(rows: Rows, name: str) -> list[Any]:
    """The values of a column of an answer; None where it lacks it."""
    place = rows.places.get(name)
    return [None] * len(rows.rows) if place is None else column(rows.rows, place)


def named(rows: Rows, name: str, type: pa.DataType) -> pa.Array:
    """The same as an array."""
    place = rows.places.get(name)
    return pa.nulls(len(rows.rows), type) if place is None else placed(rows.rows, place, type)


def placed(rows: Sequence[Row], place: int, type: pa.DataType) -> pa.Array:
    """What stands at one place of every row."""
    return array(column(rows, place), type)


def array(values: list[Any], type: pa.DataType) -> pa.Array:
    """The values as an array: at once where all are the same, as much of a list is."""
    count = len(values)
    if values and values[0] == values[-1] and values.count(values[0]) == count:
        return pa.repeat(pa.scalar(values[0], type), count)
    return pa.array(values, type)


class Same:
    """Columns with one value, or null, in every row: made once, and shared by the pages of a table."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, pa.DataType], pa.Array] = {}

    def column(self, value: Any, type: pa.DataType, count: int) -> pa.Array:
        made = self._made.get((value, type))
        if made is None or len(made) < count:
            made = pa.repeat(pa.scalar(value, type), count)
            self._made[value, type] = made
        return made[:count]


def only(values: pa.Array) -> Any:
    """The one value that stands in every place; None where there are several, or null."""
    if (
        len(values)
        and values[0] == values[-1]
        and pc.all(pc.equal(values, values[0]), skip_nulls=False).as_py()
    ):
        return values[0].as_py()
    return None


def mapped(values: pa.Array, function: Callable[[Any], Any], type: pa.DataType) -> pa.Array:
    """What a function makes of each value, null included; called once for each that there is."""
    encoded = values.dictionary_encode(null_encoding="encode")
    return pa.array(map(function, encoded.dictionary.to_pylist()), type).take(encoded.indices)


class Uuids:
    """Ids, 32 hex digits each, on their way to text with dashes. None where a backend has none: then there is no text either."""

    def __init__(self, ids: Sequence[str | None]) -> None:
        self._present: pa.Array | None = None
        try:
            text = "".join(ids)  # type: ignore[arg-type]
        except TypeError:
            self._present = pa.array([one is not None for one in ids], pa.bool_())
            text = "".join(one or "0" * 32 for one in ids)
        digits = np.frombuffer(text.encode("ascii"), _DIGITS)
        dashed = np.empty(len(ids), _DASHED)
        for place in range(len(_DASHED.names or ())):
            group, dash = divmod(place, 2)
            dashed[f"f{place}"] = ord("-") if dash else digits[f"f{group}"]
        self._dashed = dashed.view("V36")

    def between(self, before: str, after: str) -> pa.StringArray:
        """``before``, the id, ``after``: written as one table of bytes."""
        head, tail = np.void(before.encode()), np.void(after.encode())
        form = np.dtype([("head", head.dtype), ("id", "V36"), ("tail", tail.dtype)])
        count = len(self._dashed)
        written = np.empty(count, form)
        written["head"], written["id"], written["tail"] = head, self._dashed, tail
        ends = np.arange(0, (count + 1) * form.itemsize, form.itemsize, dtype=np.int32)
        texts = pa.StringArray.from_buffers(count, pa.py_buffer(ends), pa.py_buffer(written))
        return (
            texts if self._present is None else pc.if_else(self._present, texts, pa.scalar(None, pa.string()))
        )

    @property
    def text(self) -> pa.StringArray:
        return self.between("", "")


def butlers(ids: Sequence[str | None], published: Sequence[str | None]) -> list[str | None]:
    """The ids that are Butler's, as ``resolvers.dataset.butler_id`` tells them: what came with an identifier that does not hold it has one that was made here."""
    return [
        id if text is None or own is None or text in own else None
        for id, text, own in zip(ids, Uuids(ids).text.to_pylist(), published, strict=True)
    ]
