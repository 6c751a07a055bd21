"""Tables of astropy in ECSV (``AstropyTableFormatter``), read whole."""

from __future__ import annotations

import json
from io import BytesIO, StringIO
from itertools import takewhile
from typing import Any

import numpy as np
import pyarrow as pa
from astropy.table import Column, MaskedColumn, Table
from astropy.table.serialize import represent_mixins_as_columns
from astropy.time import Time
from lsst.resources import ResourcePath

from ..errors import Unsupported
from ..media_types import ECSV
from .content_header import harmless
from .content_memory import MemoryTable
from .content_parquet import chosen


def ecsv_table(place: ResourcePath, name: str, columns: tuple[str, ...] | None) -> MemoryTable:
    """The table in a file. Times come in ISO 8601, with their scale in the description, positions and other mixtures as several columns. Raises Unsupported."""
    content = place.read()
    if not harmless(_header(content.decode())):
        raise Unsupported(
            "Its header holds objects that are not built here: it can be had as it is stored.",
            forms=["NATIVE"],
        )
    table = Table.read(BytesIO(content), format="ascii.ecsv")
    for column in [name for name in table.colnames if isinstance(table[name], Time)]:
        table.replace_column(column, _written_out(table[column]))
    table = represent_mixins_as_columns(table)
    if columns is not None:
        table = table[chosen(columns, table.colnames)]
    return MemoryTable(name, arrow(table), None if columns is not None else ECSV)


def _header(text: str) -> str:
    """The lines of comment at the beginning, which are YAML but for the first."""
    lines = takewhile(lambda line: not line or line.startswith("#"), (one.strip() for one in StringIO(text)))
    words = (line.removeprefix("#").removeprefix(" ") for line in lines)
    return "\n".join(line for line in words if not line.startswith("%"))


def _written_out(times: Time) -> Column:
    """Times as text, to the nanosecond."""
    text = times.copy(format="isot")
    text.precision = 9
    scale = f"Time scale {times.scale.upper()}"
    description = f"{times.info.description}. {scale}" if times.info.description else scale
    return MaskedColumn(text.value, description=description)


def arrow(table: Table) -> pa.Table:
    """The columns of an astropy table, masked values as null, units and descriptions kept."""
    fields, arrays = [], []
    for name in table.colnames:
        column = table[name]
        array = _array(column)
        described = column.description if isinstance(column.description, str) else ""
        said = {"unit": str(column.unit or ""), "description": described}
        if column.ndim > 2:
            said["shape"] = ",".join(map(str, column.shape[1:]))
        fields.append(pa.field(name, array.type, metadata={k: v for k, v in said.items() if v} or None))
        arrays.append(array)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _array(column: Any) -> pa.Array:
    mask = np.asarray(getattr(column, "mask", False))
    data = np.asarray(getattr(column, "data", column))
    if isinstance(column.data, np.ma.MaskedArray):
        data = np.asarray(column.data.data)
    if mask.shape != data.shape:
        mask = np.broadcast_to(mask, data.shape)
    if data.dtype.kind == "O":
        return _objects(
            [None if hidden is True else value for value, hidden in zip(data, mask.tolist(), strict=True)]
        )
    flat = pa.array(np.ascontiguousarray(data).reshape(-1), mask=np.ascontiguousarray(mask).reshape(-1))
    if data.ndim == 1:
        return flat
    return pa.FixedSizeListArray.from_arrays(flat, int(np.prod(data.shape[1:])))


def _objects(values: list[Any]) -> pa.Array:
    """Values that ECSV keeps as JSON: arrays of different lengths as lists, what has no one type as JSON."""
    plain = [_plain(value) for value in values]
    try:
        return pa.array(plain)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array(
            [None if one is None else json.dumps(one, ensure_ascii=False) for one in plain], pa.string()
        )


def _plain(value: Any) -> Any:
    if isinstance(value, np.ma.MaskedArray | np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value
