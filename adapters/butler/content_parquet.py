"""Tables in Parquet, row group by row group and no more of one at a time than a batch needs.

Butler writes Arrow tables, astropy's, pandas' and numpy's with one formatter (``ParquetFormatter``), into the same kind of file: what a column
means stands in the metadata of its field, or in older files in astropy's header (``table_meta_yaml``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fnmatch import fnmatchcase
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from lsst.resources import ResourcePath

from ..content import SAID
from ..errors import BadUserInput, Unsupported, unknown
from ..media_types import PARQUET
from .content_header import columns_said
from .content_memory import MemoryTable

_SHOWN = 40  # names of columns in a message
_BATCH = 4_000_000  # bytes of a batch, roughly
_ROWS = 16_384  # rows of one, at most
_BUFFER = 1 << 20  # bytes read of each column at a time
_SHAPE = "lsst::arrow::shape::"  # under which ParquetFormatter keeps the shape of arrays


class ParquetTable:
    """A Parquet file, open for reading."""

    def __init__(
        self, file: pq.ParquetFile, name: str, columns: tuple[str, ...] | None, opened: ExitStack
    ) -> None:
        self._file = file
        self._opened = opened
        whole = described(file.schema_arrow)
        self.name = name
        self.rows: int = file.metadata.num_rows
        self.schema = (
            whole if columns is None else pa.schema([whole.field(n) for n in chosen(columns, whole.names)])
        )
        self.stored = PARQUET if columns is None else None

    @classmethod
    def opened(cls, place: ResourcePath, name: str, columns: tuple[str, ...] | None) -> ParquetTable:
        """Read the footer. Remote files are read in ranges."""
        with ExitStack() as opened:
            source: Any = place.ospath if place.isLocal else opened.enter_context(place.open("rb"))
            # Without a buffer whole columns of a row group would be read, and Butler's row groups have a gigabyte.
            file = opened.enter_context(pq.ParquetFile(source, buffer_size=_BUFFER, pre_buffer=False))
            return cls(file, name, columns, opened.pop_all())

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        names = self.schema.names if columns is None else [n for n in self.schema.names if n in columns]
        wanted = pa.schema([self.schema.field(name) for name in names])
        if not names:
            return
        try:
            for batch in self._file.iter_batches(self._length(), columns=names, use_threads=False):
                # A name with a dot is found by its beginning too, and the order is the file's.
                arrays = [batch.column(batch.schema.get_field_index(name)) for name in names]
                yield pa.RecordBatch.from_arrays(arrays, schema=wanted)
        except (OSError, ValueError) as error:
            raise Unsupported(
                "Its file cannot be read to the end as Parquet: it can be had as it is stored.",
                forms=["NATIVE"],
            ) from error

    def component(self, component: str, columns: tuple[str, ...] | None) -> MemoryTable:
        """What Butler derives from a table: the names of its columns, their number, what they are; each a table itself."""
        stored = self._file.schema_arrow
        if component == "rowcount":
            return MemoryTable.of(
                f"{self.name}_rowcount", {"rowcount": pa.array([self.rows], pa.int64())}, columns
            )
        pandas = b"pandas" in (stored.metadata or {})
        fields = [f for f in self.schema if not (pandas and f.name.startswith("__"))]
        names = pa.array([field.name for field in fields], pa.string())
        if component == "columns":
            return MemoryTable.of(f"{self.name}_columns", {"name": names}, columns)

        def words(key: str) -> pa.Array:
            said = [(field.metadata or {}).get(key.encode()) for field in fields]
            return pa.array([None if one is None else one.decode() for one in said], pa.string())

        types = pa.array([str(field.type) for field in fields], pa.string())
        parts = {"name": names, "type": types, "unit": words("unit"), "description": words("description")}
        return MemoryTable.of(f"{self.name}_schema", parts, columns)

    def close(self) -> None:
        self._opened.close()

    def _length(self) -> int:
        """Rows of a batch: wide rows make short batches. The same for some of the columns as for all."""
        width = sum(_width(field.type) for field in self.schema)
        metadata = self._file.metadata
        if metadata.num_rows:
            groups = (metadata.row_group(place) for place in range(metadata.num_row_groups))
            share = len(self.schema) / max(1, len(self._file.schema_arrow))
            width = max(width, int(share * sum(g.total_byte_size for g in groups) / metadata.num_rows))
        return max(1, min(_ROWS, _BATCH // max(1, width)))


def _width(type: pa.DataType) -> int:
    """Bytes of a value, roughly."""
    if isinstance(type, pa.FixedSizeListType):
        return int(type.list_size) * _width(type.value_type)
    try:
        return max(1, int(type.bit_width) // 8)
    except ValueError:
        return 32  # text, lists


def chosen(columns: Sequence[str], known: Sequence[str]) -> list[str]:
    """The columns that names and patterns mean, each once, in the order in which they were asked. Raises BadUserInput."""
    found: dict[str, None] = {}
    for asked in columns:
        matching = [asked] if asked in known else [name for name in known if fnmatchcase(name, asked)]
        if not matching:
            message, details = unknown("column", asked, known)
            shown = ", ".join(known[:_SHOWN]) + (
                f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
            )
            raise BadUserInput(f"{message} The columns are {shown}.", **details)
        found.update(dict.fromkeys(matching))
    return list(found)


def described(stored: pa.Schema) -> pa.Schema:
    """The columns of a file with what is said of them, and nothing else in their metadata."""
    metadata: dict[bytes, bytes] = stored.metadata or {}
    header = columns_said(metadata.get(b"table_meta_yaml"))
    fields = []
    for field in stored:
        own: dict[bytes, bytes] = field.metadata or {}
        said = dict(header.get(field.name, {}))
        said |= {key: own[key.encode()].decode(errors="replace") for key in SAID if own.get(key.encode())}
        shape = metadata.get(f"{_SHAPE}{field.name}".encode())
        if shape is not None:
            said["shape"] = shape.decode().strip("() ,").replace(" ", "")
        fields.append(pa.field(field.name, field.type, metadata={k: v for k, v in said.items() if v} or None))
    return pa.schema(fields)
