"""What a dataset holds, where an adapter can read it: a table in Arrow batches, or a structure of plain values.

Opening and reading may block, and are done in threads. One thread at a time has a content, and it is closed when no thread has it any more: the
libraries below do not bear it otherwise. Who gives up a content that is being read waits for that thread first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

SAID = ("unit", "ucd", "utype", "xtype", "description", "shape")
"""What the metadata of a column may say of it: VOTable's words, and ``shape``, the lengths of an array of several dimensions
(``2,3``), which Arrow holds flat, the last dimension running fastest."""


class Shape(StrEnum):
    """What can be read of a stored dataset."""

    FILE = "file"  # its bytes: nothing here knows what they mean
    TABLE = "table"  # named columns and rows
    STRUCTURE = "structure"  # mappings, lists, strings, numbers: what JSON can say


class TableContent(Protocol):
    """A stored table. ``name`` is the stored file's, without its ending; the metadata of a field has keys of ``SAID``."""

    name: str
    schema: pa.Schema
    rows: int
    stored: str | None
    """The media type of the stored file, where that file holds just this table, no more and no less."""

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Its rows from the beginning, however often asked; of these columns only, in the order of the schema. Raises Unsupported where the file cannot be read on."""
        ...

    def close(self) -> None:
        """Let go of the file. Whoever was given a content calls it."""
        ...


@dataclass(frozen=True, slots=True)
class Structure:
    """A stored structure: mappings with names as keys, lists, strings, numbers, booleans, None."""

    name: str
    value: Any

    def close(self) -> None:
        """Nothing is held."""


Content = TableContent | Structure
