"""Tables that were frozen as results are, and questions about them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from adapters.question import Bind, Order, Where
from gateway.limits import Deadline
from gateway.results.engine import Engine
from gateway.results.frozen import Writer, kind
from gateway.results.statement import Columns, Statement

Row = dict[str, Any]


class Frozen:
    """One table on disk; rows are given with ``place``, their place in it."""

    def __init__(self, path: Path, table: pa.Table, memory: int = 256) -> None:
        self.path = path
        self.columns = Columns(tuple(table.column_names), tuple(kind(field.type) for field in table.schema))
        self.memory = memory
        writer = Writer(path, table.schema, lambda: None)
        for batch in table.to_batches(1000):
            writer.write(batch)
        writer.end()
        writer.close()

    def ask(self, statement: Statement, text: str, seconds: float = 30) -> list[tuple[Any, ...]]:
        async def asked() -> list[tuple[Any, ...]]:
            engine = Engine(self.memory)
            return await engine.ask(self.path, self.columns, text, statement.parameters, Deadline(seconds))

        return asyncio.run(asked())

    def places(
        self,
        where: str | None = None,
        binds: Sequence[Bind] = (),
        order: Sequence[Order] = (),
        first: int = 1000,
        after: int | None = None,
    ) -> list[int]:
        """Where the rows of a page are in the table; one more than ``first`` where more follow."""
        statement = Statement(self.columns)
        text = statement.places(None if where is None else Where(where, tuple(binds)), order, first, after)
        return [row[0] for row in self.ask(statement, text)]

    def count(self, where: str, binds: Sequence[Bind] = ()) -> int:
        statement = Statement(self.columns)
        text = statement.count(Where(where, tuple(binds)))
        return int(self.ask(statement, text)[0][0])

    def facets(self, by: Sequence[str], where: str | None = None, first: int = 1000) -> list[tuple[Any, ...]]:
        statement = Statement(self.columns)
        return self.ask(statement, statement.facets(where and Where(where), by, first))  # type: ignore[arg-type]
