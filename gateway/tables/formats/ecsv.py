"""ECSV 1.0 (astropy's APE 6): CSV with a head in YAML that keeps types, units, descriptions and UCDs.

A null is an empty cell; astropy reads an empty string as null, too, a null list as an empty one, and strips blanks around a string.
Instants are ISO 8601 text. Where rows are missing, a comment behind the last row says so. The head is written with PyYAML and not from an
astropy table, which would write units anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from adapters.media_types import TABLES
from gateway.tables.formats.csv import cell, record, separated, torn
from gateway.tables.formats.lines import Cell, Lines, check
from gateway.tables.table import Encoder, Table, said

_NUMBERS = {"halffloat": "float16", "float": "float32", "double": "float64"}
_NUMBERS |= {
    name: name for name in ("bool", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)))
}


@dataclass(slots=True)
class Ecsv:
    tells: ClassVar[bool] = True
    media_type: str = TABLES["ECSV"]
    suffix: str = ".ecsv"

    def encoder(self, table: Table) -> Encoder:
        return _Encoder(table)


class _Encoder:
    def __init__(self, table: Table) -> None:
        check(table.schema)
        self._table = table
        names = table.schema.names
        # A line without anything is no row to any reader.
        null = '""' if len(names) == 1 else ""
        self._lines = Lines(
            table.schema, [_cell(column) for column in table.schema], separated(names, "\n"), null
        )

    def begin(self) -> bytes:
        head = yaml.dump(
            {
                "delimiter": ",",
                "datatype": [_described(column) for column in self._table.schema],
                "meta": {
                    "name": self._table.name,
                    "description": self._table.description,
                    **self._table.infos,
                },
                "schema": "astropy-2.0",
            },
            Dumper=_Head,
            sort_keys=False,
            allow_unicode=True,
            width=2**16,
        )
        lines = ["%ECSV 1.0", "---", *head.rstrip("\n").split("\n")]
        return "".join(f"# {line}\n" for line in lines).encode() + record(self._table.schema.names, "\n")

    def rows(self, batch: pa.RecordBatch) -> bytes:
        return self._lines.of(batch)

    def end(self, overflow: str | None) -> bytes:
        return (
            b"" if overflow is None else f"# QUERY_STATUS=OVERFLOW: {' '.join(overflow.split())}\n".encode()
        )

    def failed(self, message: str) -> bytes:
        return torn(len(self._table.schema), message)


class _Head(yaml.SafeDumper):
    """Texts of several lines stand in one: readers drop the empty lines of a comment."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, '"' if "\n" in data else None)


_Head.add_representer(str, _Head.represent_str)


def _cell(column: pa.Field) -> Cell:
    return _truth if pa.types.is_boolean(column.type) else cell(column)


def _truth(column: pa.Array) -> pa.Array:
    return pc.if_else(column, "True", "False")


def _described(column: pa.Field) -> dict[str, object]:
    words = said(column)
    type = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    described: dict[str, object] = {"name": column.name}
    if "unit" in words:
        described["unit"] = words.pop("unit")
    described["datatype"] = _NUMBERS.get(str(type), "string")
    if pa.types.is_nested(type):
        described["subtype"] = _subtype(type)
    if "description" in words:
        described["description"] = words.pop("description")
    if words:
        described["meta"] = words
    return described


def _subtype(type: pa.DataType) -> str:
    """Lists of one type are arrays, all else is JSON."""
    if pa.types.is_struct(type) or pa.types.is_nested(type.value_type):
        return "json"
    return _NUMBERS.get(str(type.value_type), "string") + "[null]"
