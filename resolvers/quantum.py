"""Quanta: units of execution, recorded or predicted."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import UNSET

from adapters.errors import NotFound
from adapters.question import Quanta, QuantaById, QuantumDatasets
from adapters.rows import Row, Rows

from .arguments import OnlyTypes, some
from .connection import After, Connection, First
from .context import Scope
from .data_id import DataId
from .data_id_connection import identifying
from .listing import Nested, Single
from .node import Node, node_id
from .noun import noun

if TYPE_CHECKING:
    from .dataset_connection import DatasetConnection

Datasets = Annotated["DatasetConnection", strawberry.lazy(".dataset_connection")]


@strawberry.enum(description="What became of a quantum.")
class QuantumStatus(Enum):
    PREDICTED = strawberry.enum_value(
        "PREDICTED", description="It would run: a quantum graph holds it, and no execution of it is recorded."
    )
    SUCCESSFUL = strawberry.enum_value("SUCCESSFUL", description="It ran to its end, perhaps with caveats.")
    FAILED = strawberry.enum_value("FAILED", description="It ran and failed; message has the exception.")
    BLOCKED = strawberry.enum_value(
        "BLOCKED", description="It did not run, because one that it depends on failed."
    )
    ABORTED = strawberry.enum_value("ABORTED", description="It was begun, and something ended it.")
    UNKNOWN = strawberry.enum_value("UNKNOWN", description="The record does not say.")


class Layout:
    """Where the columns of quanta are in the rows of one answer."""

    __slots__ = ("places", "scope")

    def __init__(self, scope: Scope, rows: Rows) -> None:
        self.scope = scope
        self.places = rows.places


@noun
class Quantum(Node):
    """A unit of execution: a task run once, for one data ID."""

    __slots__ = ("_layout", "_row")

    def __init__(self, layout: Layout, row: Row) -> None:
        self._layout = layout
        self._row = row

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Relay global id: opaque, stable."""
        return node_id("Quantum", self._layout.scope.label, self.hex())

    @strawberry.field
    def task(self) -> str:
        """Label of the task in its pipeline."""
        return str(self._row[self._layout.places["task"]])

    @strawberry.field
    def task_class(self) -> str | None:
        """The Python class of the task."""
        return self._text("task_class")

    @strawberry.field
    async def data_id(self) -> DataId:
        """What it is of."""
        scope = self._layout.scope
        values = json.loads(self._text("data_id") or "{}")
        universe = await scope.universe()
        ordered = tuple(name for name in universe.elements if name in values)
        return DataId(scope, {name: values[name] for name in ordered}, identifying(universe, ordered))

    @strawberry.field
    def status(self) -> QuantumStatus:
        """What became of it."""
        return QuantumStatus.__members__.get(self._text("status") or "", QuantumStatus.UNKNOWN)

    @strawberry.field
    def message(self) -> str | None:
        """What the task said: caveats, exception."""
        return self._text("message")

    @strawberry.field
    def run(self) -> str | None:
        """The RUN collection that it wrote to, or would write to."""
        return self._text("run")

    @strawberry.field
    def inputs(self, type: OnlyTypes = UNSET, first: First = 100, after: After = UNSET) -> Datasets | None:
        """Datasets that it read, or would read, by type and data ID."""
        return self._datasets("inputs", type, first, after)

    @strawberry.field
    def outputs(self, type: OnlyTypes = UNSET, first: First = 100, after: After = UNSET) -> Datasets | None:
        """Datasets that it wrote, by type and data ID; what was predicted and never written is not among them."""
        return self._datasets("outputs", type, first, after)

    def hex(self) -> str:
        """Its id, 32 lower-case hex digits."""
        return str(self._row[self._layout.places["id"]])

    def _text(self, name: str) -> str | None:
        text: str | None = self._row[self._layout.places[name]]
        return text

    def _datasets(
        self, role: str, type: list[str] | None, first: int, after: str | None
    ) -> DatasetConnection:
        from .dataset import datasets
        from .dataset_connection import DatasetConnection

        types = some(type, "type")

        def many(ids: tuple[str, ...]) -> QuantumDatasets:
            return QuantumDatasets(ids, role, types)

        return DatasetConnection(
            Nested(self._layout.scope, many, self.hex(), f"quantum.{role}", first, after, datasets)
        )


@noun
class QuantumConnection(Connection[Quantum]):
    """A page of quanta."""

    __slots__ = ()


class Executions(Single[Quantum]):
    """Quanta of a repository. NotFound where none is recorded at all: an empty list would say that nothing was executed."""

    __slots__ = ()

    async def rows(self) -> Rows:
        rows = await super().rows()
        if not rows.rows and self.after is None:
            await self._require_recorded()
        return rows

    async def count(self) -> int:
        count = await super().count()
        if count == 0:
            await self._require_recorded()
        return count

    async def _require_recorded(self) -> None:
        every = await self.scope.ask(Quanta().paged(1), 1, 1)
        if not every.rows:
            text = f"Not recorded: no execution is known of repository '{self.scope.label}', so what was run there is unknown."
            raise NotFound(" ".join((text, *every.notes)), recorded=False)


async def quanta(scope: Scope, rows: Rows) -> list[Quantum]:
    """The quanta of an answer."""
    layout = Layout(scope, rows)
    return [Quantum(layout, row) for row in rows.rows]


def quantum_of(scope: Scope, quantum: str) -> Awaitable[Quantum | None]:
    """A quantum by its id (32 hex digits)."""

    async def fetch(ids: list[str]) -> dict[str, Quantum | None]:
        found = await quanta(scope, await scope.ask(QuantaById(tuple(ids)), len(ids), 1))
        return {one.hex(): one for one in found}

    return scope.loader("quanta", fetch, None).load(quantum)
