"""A table that is in memory already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

_ROWS = 16_384


class MemoryTable:
    """Columns of equal length."""

    def __init__(self, name: str, table: pa.Table, stored: str | None = None) -> None:
        self.name = name
        self.stored = stored
        self.rows: int = table.num_rows
        self.schema: pa.Schema = table.schema
        self._table: pa.Table | None = table

    @classmethod
    def of(cls, name: str, columns: Mapping[str, pa.Array], wanted: Sequence[str] | None) -> MemoryTable:
        """These columns, or those of them that are wanted. Raises BadUserInput."""
        from .content_parquet import chosen

        table = pa.table(dict(columns))
        return cls(name, table if wanted is None else table.select(chosen(wanted, table.schema.names)))

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        table = self._table
        if table is not None and self.schema.names:
            names = [name for name in self.schema.names if columns is None or name in columns]
            yield from table.select(names).to_batches(max_chunksize=_ROWS)

    def close(self) -> None:
        self._table = None
