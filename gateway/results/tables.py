"""Frozen tables: how one is begun, and what is asked of it: its columns, and its rows by a condition, in an order, counted, by their values."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from anyio.to_thread import run_sync
from cachetools import LRUCache

from adapters.caller import Deadline
from adapters.errors import NotFound
from adapters.rows import Facets, FieldInfo
from gateway.results.engine import Engine
from gateway.results.folder import GONE, Folder
from gateway.results.frozen import Writer, batches, field_info, kind, schema_of
from gateway.results.statement import Columns, Statement
from gateway.tables.table import End, Table
from resolvers.results import Found, Kept, Selected
from resolvers.scalars import uuid_in

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Tables:
    """The rows of COMPLETED results in a folder; ``memory``: megabytes that one question may take. Raises NotFound for a table that is gone."""

    def __init__(self, folder: Folder, memory: int) -> None:
        self._folder = folder
        self._engine = Engine(memory)
        self._schemas: LRUCache[str, pa.Schema] = LRUCache(256)

    @staticmethod
    def begin(path: Path, schema: pa.Schema, room: Callable[[], None]) -> Writer:
        """Begin to write one. Called in a thread."""
        return Writer(path, schema, room)

    async def columns(self, id: str) -> Sequence[FieldInfo]:
        return [field_info(field) for field in await self._schema(id)]

    async def rows(self, selected: Selected, first: int, after: int | None, deadline: Deadline) -> Found:
        columns, statement = await self._begun(selected.result)
        # In a thread, as all that is made of a condition: reading a list of 100,000 instants takes seconds.
        text = await run_sync(statement.places, selected.where, selected.order, first, after)
        places = [place for (place,) in await self._ask(selected.result, statement, text, deadline)]
        page, more = places[:first], len(places) > first
        if not page:
            return Found([], [], more)
        statement = Statement(columns)
        answer = await self._ask(selected.result, statement, statement.rows(page), deadline)
        by_place = {row[0]: row[1:] for row in answer}
        rows = [
            dict(zip(columns.names, _plain(by_place[place], columns.kinds), strict=True)) for place in page
        ]
        return Found(rows, page, more)

    async def count(self, selected: Selected, deadline: Deadline) -> int:
        _, statement = await self._begun(selected.result)
        text = await run_sync(statement.count, selected.where, selected.order)
        ((count,),) = await self._ask(selected.result, statement, text, deadline)
        return int(count)

    async def facets(self, selected: Selected, by: Sequence[str], first: int, deadline: Deadline) -> Facets:
        columns, statement = await self._begun(selected.result)
        text = await run_sync(statement.facets, selected.where, by, first)
        answer = await self._ask(selected.result, statement, text, deadline)
        kinds = [columns.kinds[columns.place(name, "facets")] for name in by]
        rows = [(*_plain(row[:-1], kinds), row[-1]) for row in answer[:first]]
        return Facets(tuple(by), rows, len(answer) <= first)

    async def identifiers(self, id: str, first: int, after: int | None, deadline: Deadline) -> Found:
        _, statement = await self._begun(id)
        answer = await self._ask(id, statement, statement.identifiers(first, after), deadline)
        rows = [(label, id and uuid_in(id), ivoid) for _, label, id, ivoid in answer[:first]]
        return Found(rows, [row[0] for row in answer[:first]], len(answer) > first)

    async def whole(self, kept: Kept) -> Table:
        """All of it, as it was frozen."""
        return Table(
            name=f"result_{kept.id.replace('-', '_')}",
            description="A saved result",
            schema=await self._schema(kept.id),
            batches=batches(self._folder.rows(kept.id)),
            end=End(_completeness(kept), kept.unavailable),
        )

    async def _schema(self, id: str) -> pa.Schema:
        if id not in self._schemas:
            try:
                self._schemas[id] = await run_sync(schema_of, self._folder.rows(id))
            except FileNotFoundError:
                raise NotFound(GONE) from None
        return self._schemas[id]

    async def _begun(self, id: str) -> tuple[Columns, Statement]:
        schema = await self._schema(id)
        columns = Columns(tuple(schema.names), tuple(kind(field.type) for field in schema))
        return columns, Statement(columns)

    async def _ask(
        self, id: str, statement: Statement, text: str, deadline: Deadline
    ) -> list[tuple[Any, ...]]:
        return await self._engine.ask(
            self._folder.rows(id), statement.columns, text, statement.parameters, deadline
        )


def _completeness(kept: Kept) -> str | None:
    """What is missing from a result, for the end of its table."""
    words = [kept.overflow] if kept.overflow else []
    if kept.unavailable:
        words.append(
            f"These repositories did not answer: {', '.join(kept.unavailable)}. What they hold is missing in this saved result; save it again."
        )
    return " ".join(words) or None


def _plain(values: Sequence[Any], kinds: Sequence[str]) -> Iterator[Any]:
    """Values as JSON has them. A number that is none is null."""
    for value, kind_ in zip(values, kinds, strict=True):
        if kind_ == "timestamp" and value is not None:
            text = (_EPOCH + timedelta(microseconds=value)).isoformat()
            yield (
                text.removesuffix("+00:00").rstrip("0") if "." in text else text.removesuffix("+00:00")
            ) + "Z"
        else:
            yield None if kind_ == "float" and value is not None and not math.isfinite(value) else value
