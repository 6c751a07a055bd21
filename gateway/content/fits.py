"""FITS (version 4.0): one binary table behind an empty primary HDU.

A FITS file says in its head how many rows it has, how wide its strings are and how much lies behind its rows. So the rows are read twice: measured, then
written; where there are lists of different lengths a third time, for the heap (section 7.3.5). Heads are astropy's.

Null is TNULL for integers (a number that does not occur), NaN for floats, the zero byte for truth values, the empty string for strings, no elements for
lists. Text is UTF-8 in character columns, as astropy writes it, though the standard knows ASCII only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io import fits

from adapters.content import TableContent
from adapters.errors import Unsupported
from gateway.content.fitted import fitted, fitted_schema
from gateway.tables.formats.lines import text
from gateway.tables.table import said

MEDIA_TYPE, SUFFIX = "application/fits", ".fits"

_BLOCK = 2880
_MOST = 999  # columns (section 7.3.1)

# Arrow's type: FITS's letter, the type of the bytes, what is to be added to them (section 5.2.5).
_NUMBERS: dict[str, tuple[str, str, int]] = {
    "bool": ("L", "u1", 0),
    "uint8": ("B", "u1", 0),
    "int8": ("I", ">i2", 0),  # of bytes with a sign readers make floats
    "int16": ("I", ">i2", 0),
    "uint16": ("I", ">i2", 2**15),
    "int32": ("J", ">i4", 0),
    "uint32": ("J", ">i4", 2**31),
    "int64": ("K", ">i8", 0),
    "uint64": ("K", ">i8", 2**63),
    "halffloat": ("E", ">f4", 0),
    "float": ("E", ">f4", 0),
    "double": ("D", ">f8", 0),
}
_WIDER = {
    "int8": pa.int16(),
    "uint8": pa.int16(),
    "uint16": pa.int32(),
    "uint32": pa.int64(),
    "uint64": pa.int64(),
}
"""Signed types for columns that need a null, too."""


def written(content: TableContent) -> Iterator[bytes]:
    """The file in parts; empty ones while it is measured. Raises Unsupported before the first for what a FITS table cannot hold."""
    schema = fitted_schema(content.schema)
    columns = [_column(field) for field in schema]
    if len(columns) > _MOST:
        raise Unsupported(
            f"A FITS table has {_MOST} columns at most, and this one {len(columns)}; choose some with columns."
        )
    unmeasured = [column.name for column in columns if column.measured]
    if unmeasured:
        for batch in content.batches(unmeasured):
            for column in columns:
                if column.measured:
                    column.measure(fitted(batch.column(column.name)))
            yield b""
    row = np.dtype([(f"c{place}", *column.place()) for place, column in enumerate(columns)])
    heap = sum(column.elements * column.itemsize for column in columns if column.listed)
    yield _head(content, columns, row.itemsize, heap)
    offset = 0
    for batch in content.batches():
        rows = np.zeros(batch.num_rows, row)
        for place, column in enumerate(columns):
            array = fitted(batch.column(place))
            if column.listed:
                lengths = column.lengths(array)
                rows[f"c{place}"][:, 0] = lengths
                rows[f"c{place}"][:, 1] = offset + (np.cumsum(lengths) - lengths) * column.itemsize
                offset += int(lengths.sum()) * column.itemsize
            else:
                rows[f"c{place}"] = column.values(array)
        yield rows.tobytes()
    if heap:
        for batch in content.batches():
            lists = [c.flat(fitted(batch.column(place))) for place, c in enumerate(columns) if c.listed]
            yield b"".join(one.tobytes() for one in lists)
    yield b"\0" * (-(content.rows * row.itemsize + heap) % _BLOCK)


@dataclass(slots=True)
class _Column:
    """A column on its way. ``size``: elements of an array, bytes of a string; 1 of a number."""

    field: pa.Field
    type: str | None  # of _NUMBERS; None for text
    size: int = 1
    listed: bool = False
    longest: int = 0
    elements: int = 0
    low: int | None = None
    high: int | None = None
    nulls: bool = False

    @property
    def name(self) -> str:
        return str(self.field.name)

    @property
    def whole(self) -> bool:
        """Whether it holds integers."""
        return self.type is not None and "int" in self.type

    @property
    def measured(self) -> bool:
        """Whether more has to be known of it than its type."""
        return self.type is None or self.listed or self.whole

    @property
    def number(self) -> tuple[str, str, int]:
        """Letter, bytes, zero."""
        assert self.type is not None
        if self.nulls and self.type in _WIDER:
            return _NUMBERS[str(_WIDER[self.type])]
        return _NUMBERS[self.type]

    @property
    def itemsize(self) -> int:
        return int(np.dtype(self.number[1]).itemsize)

    def measure(self, array: pa.Array) -> None:
        if self.type is None:
            self.longest = max(self.longest, pc.max(pc.binary_length(text(array))).as_py() or 0)
            return
        if self.listed:
            lengths = self.lengths(array)
            self.longest = max(self.longest, int(lengths.max(initial=0)))
            self.elements += int(lengths.sum())
        if not self.whole:
            return
        values = array if pa.types.is_integer(array.type) else array.flatten()
        # A list that is null has nothing; an array that is null has elements, and they are.
        self.nulls |= bool(values.null_count) or (self.size > 1 and bool(array.null_count))
        bounds = pc.min_max(values).as_py()
        if bounds["min"] is not None:
            self.low = bounds["min"] if self.low is None else min(self.low, bounds["min"])
            self.high = bounds["max"] if self.high is None else max(self.high, bounds["max"])

    def null(self) -> int | None:
        """A number that stands for null. Raises Unsupported where every one of them may occur."""
        if not (self.whole and self.nulls):
            return None
        if self.listed:
            raise Unsupported(
                f"Column '{self.name}' has null within lists of integers, which readers of FITS do not find.",
                column=self.name,
            )
        if self.type == "uint64" and self.high is not None and self.high >= 2**63:
            raise Unsupported(
                f"Column '{self.name}' has null and numbers of 64 bits without a sign: none is left that could stand for null.",
                column=self.name,
            )
        limits = np.iinfo(np.dtype(self.number[1]))
        if self.low is None or self.low > limits.min:
            return int(limits.min)
        if self.high is not None and self.high < limits.max:
            return int(limits.max)
        raise Unsupported(
            f"Column '{self.name}' has null and both ends of its type: no number is left that could stand for null."
        )

    def place(self) -> tuple[Any, ...]:
        """Type and shape in a row."""
        if self.type is None:
            return (f"S{max(1, self.longest)}",)
        if self.listed:
            return (">i8", (2,))
        return (self.number[1],) if self.size == 1 and not self._array else (self.number[1], (self.size,))

    @property
    def _array(self) -> bool:
        return bool(pa.types.is_fixed_size_list(self.field.type))

    def format(self) -> str:
        """TFORM (section 7.3.2)."""
        if self.type is None:
            return f"{max(1, self.longest)}A"
        letter = self.number[0]
        if self.listed:
            return f"1Q{letter}({self.longest})"
        return f"{self.size}{letter}" if self._array else letter

    def lengths(self, array: pa.Array) -> np.ndarray[Any, Any]:
        """Elements of each list."""
        counted: np.ndarray[Any, Any] = (
            pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
        )
        return counted.astype(np.int64)

    def flat(self, array: pa.Array) -> np.ndarray[Any, Any]:
        """The elements of all lists."""
        return self._bytes(array.flatten())

    def values(self, array: pa.Array) -> np.ndarray[Any, Any]:
        if self.type is None:
            words = text(array).cast(pa.binary()).fill_null(b"").to_pylist()
            return np.array(words, dtype=f"S{max(1, self.longest)}")
        if not self._array:
            return self._bytes(array)
        elements = array.values.slice(array.offset * self.size, len(array) * self.size)
        if array.null_count:
            there = np.repeat(array.is_valid().to_numpy(zero_copy_only=False), self.size)
            elements = pc.if_else(pa.array(there), elements, pa.scalar(None, elements.type))
        return self._bytes(elements).reshape(len(array), self.size)

    def _bytes(self, array: pa.Array) -> np.ndarray[Any, Any]:
        """Numbers as they stand in the file."""
        _, stored, zero = self.number
        found: np.ndarray[Any, Any]
        if self.type == "bool":
            letters = pc.if_else(array, ord("T"), ord("F")).fill_null(0)
            found = letters.cast(pa.uint8()).to_numpy(zero_copy_only=False)
            return found
        if not self.whole:
            if array.null_count:
                array = array.cast(pa.float64()).fill_null(np.nan)
            return array.to_numpy(zero_copy_only=False).astype(stored)  # type: ignore[no-any-return]
        if self.type == "int8" or (self.nulls and self.type in _WIDER):
            array = array.cast(_WIDER[self.type])
        null = self.null()
        if array.null_count:
            array = array.fill_null(pa.scalar(null, array.type))
        found = array.to_numpy(zero_copy_only=False)
        if zero:
            # Adding half of the range turns the first bit over (section 5.2.5), whatever its sign.
            bits = np.dtype(f"u{found.dtype.itemsize}")
            found = found.view(bits) ^ bits.type(1 << (8 * bits.itemsize - 1))
            return found.view(np.dtype(stored).newbyteorder("=")).astype(stored)
        return found.astype(stored)


def _column(field: pa.Field) -> _Column:
    """Raises Unsupported for what a cell of a FITS table cannot hold."""
    if not field.name.isascii() or not field.name.isprintable():
        raise Unsupported(
            f"Column '{field.name}' has a name that is not ASCII, which FITS has no place for.",
            column=field.name,
        )
    type, size, listed = field.type, 1, False
    if pa.types.is_fixed_size_list(type):
        type, size = type.value_type, type.list_size
    elif pa.types.is_list(type) or pa.types.is_large_list(type):
        type, listed = type.value_type, True
    if str(type) in _NUMBERS:
        return _Column(field, str(type), size, listed)
    if pa.types.is_nested(field.type):
        raise Unsupported(
            f"Column '{field.name}' holds {field.type}, which a FITS table cannot.", column=field.name
        )
    return _Column(field, None)


def _head(content: TableContent, columns: list[_Column], width: int, heap: int) -> bytes:
    made: list[fits.Column] = []
    for column in columns:
        said_ = said(column.field)
        unit = said_.get("unit")
        zero = column.number[2] if column.type is not None else 0
        shape = (column.field.metadata or {}).get(b"shape", b"").decode()
        made.append(
            fits.Column(
                name=f"c{len(made)}",  # of other names it warns
                format=column.format(),
                unit=unit if unit and unit.isascii() else None,
                null=column.null(),
                bzero=zero or None,
                dim=f"({','.join(reversed(shape.split(',')))})" if shape and column._array else None,
            )
        )
    head = fits.BinTableHDU.from_columns(made, nrows=0, name=_ascii(content.name)[:60]).header
    head["NAXIS1"], head["NAXIS2"], head["PCOUNT"] = width, content.rows, heap
    for place, column in enumerate(columns, 1):
        head[f"TTYPE{place}"] = column.name
        words = said(column.field)
        told = [words.get("description", "")]
        if not words.get("unit", "").isascii():
            told.append(f"[{words['unit']}]")
        if description := _ascii(" ".join(filter(None, told))):
            head[f"TCOMM{place}"] = description
        if ucd := words.get("ucd"):
            head[f"TUCD{place}"] = _ascii(ucd)
    primary = fits.PrimaryHDU().header
    primary["EXTEND"] = True
    return str(primary.tostring() + head.tostring()).encode("ascii")


def _ascii(words: str) -> str:
    """What a head can hold; other letters by their numbers, as Python writes them."""
    return " ".join(words.split()).encode("ascii", "backslashreplace").decode()
