"""A table on its way: what its columns are, its rows in batches, and how it ended.

Arrow is what passes between those who read rows and those who write them in a format. What a column means travels in the metadata of
its field, under the keys of ``META``, in the words of VOTable (IVOA VOTable 1.4, section 4.1).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import pyarrow as pa

META = ("unit", "ucd", "utype", "xtype", "description")


def column(
    name: str,
    type: pa.DataType,
    *,
    unit: str | None = None,
    ucd: str | None = None,
    utype: str | None = None,
    xtype: str | None = None,
    description: str | None = None,
) -> pa.Field:
    """A column that may be null. ``unit`` as in VOUnits 1.0, ``ucd`` as in UCD1+ 1.5; times in MJD are UTC, positions ICRS."""
    said = {"unit": unit, "ucd": ucd, "utype": utype, "xtype": xtype, "description": description}
    return pa.field(name, type, metadata={key: value for key, value in said.items() if value is not None})


def said(column: pa.Field) -> dict[str, str]:
    """What the metadata of a column says, of ``META``."""
    metadata = column.metadata or {}
    return {key: metadata[key.encode()].decode() for key in META if key.encode() in metadata}


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input parameter of a service descriptor. ``ref``: the column whose value it takes; else ``value``, empty where the user
    is to give it."""

    name: str
    datatype: str = "char"
    arraysize: str | None = "*"
    ref: str | None = None
    value: str = ""
    unit: str | None = None
    ucd: str | None = None
    xtype: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A service that takes values of this table (DataLink 1.1, section 4)."""

    id: str
    description: str
    standard: str  # ivo://ivoa.net/std/DataLink#links-1.1, ivo://ivoa.net/std/SODA#sync-1.0
    access_url: str
    parameters: tuple[Parameter, ...]
    content_type: str | None = None


@dataclass(slots=True)
class End:
    """How the rows ended; true once the last batch was read, and before it what is known already to be missing whatever the caller left out.
    ``overflow``: rows are missing, and why. ``unavailable``: repositories that did not answer."""

    overflow: str | None = None
    unavailable: tuple[str, ...] = ()


@dataclass(slots=True)
class Table:
    """``name`` is a word, for a file's name and a TABLE's; ``infos`` are said in front of the rows."""

    name: str
    description: str
    schema: pa.Schema
    batches: AsyncIterator[pa.RecordBatch]
    end: End = field(default_factory=End)
    infos: Mapping[str, str] = field(default_factory=dict)
    descriptors: tuple[Descriptor, ...] = ()


class Encoder(Protocol):
    """Writes one table. Called from a thread; every part as soon as it is known, nothing is kept but what the format needs at its
    end."""

    def begin(self) -> bytes: ...

    def rows(self, batch: pa.RecordBatch) -> bytes: ...

    def end(self, overflow: str | None) -> bytes: ...

    def failed(self, message: str) -> bytes:
        """What is written instead of the end where the rows cannot be read any further: the document must not pass for a whole one."""
        ...


class Format(Protocol):
    """A way to write tables. ``tells``: a document has a place to say that rows are missing."""

    tells: ClassVar[bool]
    media_type: str
    suffix: str

    def encoder(self, table: Table) -> Encoder: ...
