"""Columns made to fit where a form knows fewer types than Arrow: text forms and FITS. Nothing is lost by it."""

from __future__ import annotations

import pyarrow as pa

from adapters.errors import Unsupported

_UNITS = {"s": "s", "ms": "ms", "us": "us", "ns": "ns"}


def fitted_schema(schema: pa.Schema) -> pa.Schema:
    """The columns as ``fitted`` makes them. A span of time is a number, and its unit is said."""
    fields = []
    for field in schema:
        metadata = dict(field.metadata or {})
        if pa.types.is_duration(field.type):
            metadata[b"unit"] = _UNITS[field.type.unit].encode()
        fields.append(pa.field(field.name, _type(field.type), metadata=metadata or None))
    return pa.schema(fields)


def fitted(column: pa.Array) -> pa.Array:
    """Raises Unsupported for bytes that are no text: numpy's strings of bytes are, as a rule."""
    type = _type(column.type)
    if type == column.type:
        return column
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    try:
        return column.cast(type)
    except pa.ArrowInvalid as error:
        raise Unsupported(
            "A column holds bytes that are no text, which this form has no place for; ask for PARQUET or ARROW.",
            forms=["NATIVE", "PARQUET", "ARROW"],
        ) from error


def _type(type: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(type):
        return _type(type.value_type)
    if pa.types.is_binary(type) or pa.types.is_large_binary(type) or pa.types.is_fixed_size_binary(type):
        return pa.string()
    return pa.int64() if pa.types.is_duration(type) else type
