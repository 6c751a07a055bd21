"""Answers of TAP services: VOTables (IVOA VOTable 1.4), read by astropy, and what they say about themselves (DALI 1.1, section 4.4)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from ..rows import Row


@dataclass(frozen=True, slots=True)
class Field:
    """A column as the service describes it. ``datatype`` is VOTable's, and "array" for several numbers in one cell."""

    name: str
    datatype: str
    unit: str | None = None
    ucd: str | None = None
    description: str | None = None

    @property
    def whole(self) -> bool:
        return self.datatype in ("unsignedByte", "short", "int", "long")

    @property
    def real(self) -> bool:
        return self.datatype in ("float", "double")


@dataclass(frozen=True, slots=True)
class Answer:
    """``overflow``: more rows were found than the service sent."""

    fields: tuple[Field, ...]
    rows: list[Row]
    overflow: bool = False


class QueryError(Exception):
    """The service says why it has no answer (QUERY_STATUS is ERROR)."""


class NoVotable(Exception):
    """What came is no VOTable."""


def read(content: bytes) -> Answer:
    """The first table of a document; values are Python's, None where there is none (NULL, not a number, an empty text).

    Raises
    ------
    QueryError
        The document is the service's word that the query failed.
    NoVotable
        It is something else.
    """
    from astropy.io.votable import parse

    if b"<!DOCTYPE" in content[:2_000] or b"<!ENTITY" in content[:2_000]:
        raise NoVotable
    try:
        document = parse(io.BytesIO(content), verify="ignore")
    except Exception:  # noqa: BLE001 - the parser raises whatever it stumbles over
        raise NoVotable from None
    overflow = False
    for resource in document.resources:
        for info in (*resource.infos, *(info for table in resource.tables for info in table.infos)):
            if info.name.upper() != "QUERY_STATUS":
                continue
            status = str(info.value).upper()
            if status == "ERROR":
                raise QueryError(str(info.content or "").strip())
            overflow = overflow or status == "OVERFLOW"
    tables = list(document.iter_tables())
    if not tables:
        raise NoVotable
    table = tables[0]
    fields = tuple(
        Field(
            one.name,
            "array" if one.arraysize not in (None, "1") and "har" not in one.datatype else one.datatype,
            str(one.unit) if one.unit is not None else None,
            one.ucd or None,
            str(one.description).strip() if one.description else None,
        )
        for one in table.fields
    )
    array = table.array
    columns = [_values(array[name], one) for name, one in zip(array.dtype.names or (), fields, strict=True)]
    return Answer(fields, list(zip(*columns, strict=True)) if columns else [], overflow)


def _values(column: Any, field: Field) -> list[Any]:
    found = column.tolist()
    if field.whole:
        return found  # type: ignore[no-any-return]
    if field.real:
        return [None if value is None or value != value else value for value in found]
    return [_text(value) for value in found]


def _text(value: Any) -> str | None:
    """A text, or an array of numbers (DALI 1.1, section 3.3: polygons, circles) as text."""
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value or None
    if hasattr(value, "tolist"):
        value = value.tolist()
    return " ".join(map(repr, value)) if isinstance(value, list | tuple) else str(value)
