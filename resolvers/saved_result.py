"""A saved result: the frozen answer to a question, as a table of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import Enum
from typing import Annotated

import strawberry
from strawberry import UNSET

from adapters.caller import Caller
from adapters.errors import SILENT, AdapterError, BadUserInput, Unsupported
from adapters.rows import Facets

from . import cursor
from .again import Again, Saved
from .arguments import Binds
from .asked import Asked
from .bind import where as condition
from .completeness import Completeness, completeness
from .connection import After, First
from .context import Context, Scope
from .dataset import Dataset, datasets
from .dataset_connection import DatasetConnection
from .dimension import FieldInfo, field_info
from .facet import FacetList, facet_list
from .listing import Leaf, Listing
from .noun import noun
from .order import order
from .result_rows import ResultRowConnection, ResultRows, facets_of, place_of
from .results import Kept, Phase, Results, Selected
from .scalars import JSON, DateTime, Long
from .table import Form, Link, Obscore, TableFormat, TableLink, Tables

NOT_YET = "The rows are still being read; ask for this result by its id until its phase is COMPLETED."

Condition = Annotated[
    str | None,
    strawberry.argument(
        name="where",
        description="A condition over the columns of this table, as in SQL: visit IN (903334, 903336) AND band LIKE 'r%'. Comparisons,\n"
        "AND, OR, NOT, IN, BETWEEN, LIKE, ILIKE, IS NULL, arithmetic, abs, ceil, floor, round, lower, upper, length.",
    ),
]


@strawberry.enum(description="The phases of an IVOA UWS job.")
class ResultPhase(Enum):
    PENDING = strawberry.enum_value("PENDING", description="It waits for its turn.")
    EXECUTING = strawberry.enum_value("EXECUTING", description="The rows are being read.")
    COMPLETED = strawberry.enum_value("COMPLETED", description="All rows are there.")
    ERROR = strawberry.enum_value("ERROR", description="It failed; completeness says why.")
    ABORTED = strawberry.enum_value("ABORTED", description="It was stopped; completeness says why.")


def results(context: Context) -> Results:
    """The store of saved results. Raises Unsupported where there is none."""
    if context.results is None:
        raise Unsupported("This service saves no results.", capability="results")
    return context.results


async def saved_result(context: Context, id: str) -> SavedResult:
    """A saved result by its id. NotFound in the same words for an unknown one, an expired one and another caller's."""
    store = results(context)

    async def found() -> Kept:
        context.budget.spend(1, 1)
        return await store.find(id, context.call.caller, context.scopes)

    return SavedResult(context, await context.once(("result", id), found()))


@noun
class SavedResult:
    """The frozen answer to a question, as a table of its own: it can be paged, sorted, filtered and counted without asking the repository
    again. It belongs to the caller who saved it; one that was saved without a name belongs to whoever knows its id."""

    __slots__ = ("_context", "_kept")

    def __init__(self, context: Context, kept: Kept) -> None:
        self._context = context
        self._kept = kept

    @strawberry.field
    def id(self) -> strawberry.ID:
        """What `result` finds it by."""
        return strawberry.ID(self._kept.id)

    @strawberry.field
    def phase(self) -> ResultPhase:
        """How it stands. There are rows in the phase COMPLETED only."""
        return ResultPhase[self._kept.phase]

    @strawberry.field
    def query(self) -> JSON:
        """What was asked: repositories, and the query."""
        return JSON(self._kept.query)

    @strawberry.field
    def created(self) -> DateTime:
        """When it was asked for."""
        return DateTime(self._kept.created)

    @strawberry.field
    def expires(self) -> DateTime | None:
        """When it will be deleted."""
        return DateTime(self._kept.expires)

    @strawberry.field
    def row_count(self) -> Long | None:
        """Rows of the table; null until it is COMPLETED."""
        return None if self._kept.rows is None else Long(self._kept.rows)

    @strawberry.field
    def completeness(self) -> Completeness:
        """Whether the table is all that the question had when it was saved, and if not, why not. Before the phase is COMPLETED, and in
        the phases ERROR and ABORTED, it is PARTIAL and says why there are no rows."""
        kept = self._kept
        gone = None if kept.phase is Phase.COMPLETED else kept.message or NOT_YET
        return completeness(
            Leaf(
                nodes=[],
                cursor=str,
                more=False,
                resumed=False,
                overflow=kept.overflow,
                unsaved=kept.unavailable,
                gone=gone,
            )
        )

    @strawberry.field
    async def columns(self) -> list[FieldInfo]:
        """Its columns; none until it is COMPLETED."""
        return [field_info(field) for field in await results(self._context).columns(self._kept)]

    @strawberry.field
    def rows(
        self,
        where: Condition = UNSET,
        bind: Binds = UNSET,
        order_by: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Names of columns; a leading - for descending order. Nulls come last either way. Left out: the order of the\n"
                "answer."
            ),
        ] = UNSET,
        first: First = 100,
        after: After = UNSET,
    ) -> ResultRowConnection:
        """Rows of the table, filtered and sorted in it by an SQL-like condition over its columns (no other table can be reached).
        None until it is COMPLETED."""
        selected = Selected(self._kept.id, condition(where, bind), order(order_by))
        return ResultRowConnection(
            ResultRows(self._context, results(self._context), self._kept, selected, first, after)
        )

    @strawberry.field
    async def facets(
        self,
        by: Annotated[list[str], strawberry.argument(description="Names of columns.")],
        where: Condition = UNSET,
        bind: Binds = UNSET,
        first: Annotated[int, strawberry.argument(description="Most combinations of values.")] = 100,
    ) -> FacetList | None:
        """Counts by the values of these columns, over the rows that satisfy a condition; null until it is COMPLETED."""
        if self._kept.phase is not Phase.COMPLETED:
            return None
        return facet_list(
            await _facets(self._context, Selected(self._kept.id, condition(where, bind)), by, first)
        )

    @strawberry.field
    def datasets(self, first: First = 100, after: After = UNSET) -> DatasetConnection | None:
        """The same rows as datasets, to go on traversing: as they are in their repositories now. Those that are gone are left out, and
        completeness says so. Null until it is COMPLETED."""
        if self._kept.phase is not Phase.COMPLETED:
            return None
        return DatasetConnection(SavedDatasets(self._context, self._kept, first, after))

    @strawberry.field
    def table(self, format: Form = TableFormat.VOTABLE, obscore: Obscore = False) -> TableLink | None:
        """The same rows as a table to download: as they were frozen, or with obscore as their repositories describe them now. Null
        until it is COMPLETED."""
        tables = self._context.tables
        if tables is None or self._kept.phase is not Phase.COMPLETED:
            return None
        kept = self._kept
        return TableLink(tables.result(kept.id, kept.expires, format.name, obscore, self._context.base_url))


async def _facets(context: Context, selected: Selected, by: Sequence[str], first: int) -> Facets:
    if not by or len(set(by)) != len(by):
        raise BadUserInput("facets: by names at least one column, each once.")
    return await facets_of(context, results(context), selected, by, first)


class SavedDatasets(Listing[Dataset]):
    """The datasets behind the rows of a result, asked again by their ids: one question a repository for each page."""

    __slots__ = ("_after", "_context", "_digest", "_first", "_kept")

    def __init__(self, context: Context, kept: Kept, first: int, after: str | None) -> None:
        super().__init__()
        self._context = context
        self._kept = kept
        self._first = context.first(first)
        self._digest = cursor.bound(Selected(kept.id), "SavedResult.datasets")
        self._after = place_of(after, self._digest)

    def asked(self) -> Asked:
        raise Unsupported("A saved result is no list of a repository.")

    async def link(self, tables: Tables, format: str, obscore: bool, caller: Caller, base_url: str) -> Link:
        """The result's own."""
        del caller  # only whoever saved it has it
        return tables.result(self._kept.id, self._kept.expires, format, obscore, base_url)

    async def fetch(self) -> Leaf[Dataset]:
        return await self._context.once(("datasets", self._kept.id, self._first, self._after), self._fetch())

    async def _fetch(self) -> Leaf[Dataset]:
        """Windows are read until there is one dataset more than the page has, or no row is left."""
        found: list[tuple[int, Dataset]] = []
        silent: dict[str, AdapterError] = {}
        after, more, gone = self._after, True, 0
        while more and len(found) <= self._first:
            size = self._first + 1 - len(found)
            window = await results(self._context).identifiers(
                self._kept.id, size, after, self._context.call.deadline
            )
            there = await self._ask(window.rows, silent)
            more = window.more
            for place, one in zip(window.places, window.rows, strict=True):
                if one in there:
                    found.append((place, there[one]))
                elif one[0] in silent:
                    more = True
                    break  # the page ends in front of it: the next one asks for it again, and nothing is left out for good
                else:
                    gone += 1
                after = place
            if silent:
                break
        if silent and not found:
            raise next(iter(silent.values()))
        page = found[: self._first]
        if len(page) == self._first:
            silent = {}  # of this page nothing is missing
        return Leaf(
            nodes=[dataset for _, dataset in page],
            cursor=lambda place: cursor.write(self._digest, [page[place][0]]),
            more=more or len(found) > self._first,
            resumed=self._after is not None,
            overflow=self._kept.overflow,
            unavailable=tuple(silent),
            unsaved=self._kept.unavailable,
            gone=f"{gone} of the datasets that were saved are no longer there, and left out here."
            if gone
            else None,
        )

    async def _ask(self, rows: Sequence[Saved], silent: dict[str, AdapterError]) -> dict[Saved, Dataset]:
        """The datasets that there still are. A repository that does not answer is noted."""
        wanted: dict[str, list[Saved]] = {}
        for row in rows:
            wanted.setdefault(row[0], []).append(row)

        async def one(scope: Scope, own: list[Saved]) -> dict[Saved, Dataset]:
            again = Again(scope.repository, own)
            try:
                found = await scope.ask(again.question, len(own), 1)
            except SILENT as error:
                silent[scope.label] = error
                return {}
            there = await datasets(scope, found)
            return {row: dataset for dataset in there for row in again.rows(found, dataset.row())}

        answers = await asyncio.gather(
            *(one(self._context.scope(label), own) for label, own in wanted.items())
        )
        return {row: dataset for answer in answers for row, dataset in answer.items()}

    async def count(self) -> int:
        return self._kept.rows or 0

    async def explain(self) -> list[str]:
        gone = (await self.leaf()).gone
        return [gone] if gone else []

    async def facets(self, by: Sequence[str], first: int) -> Facets:
        # A dimension whose name ADQL does not take has another one in the table, which says there what it is: group_name.
        columns = await results(self._context).columns(self._kept)
        of = {field.documentation: field.name for field in columns}
        of["Dimension 'type'"] = "dataset_type"
        for name in by:
            if "." in name:
                raise Unsupported(
                    f"A saved result has no fields of records, and '{name}' is one: count by the columns of its table.",
                    capability="facets",
                )
        named = [of.get(f"Dimension '{name}'", name) for name in by]
        found = await _facets(self._context, Selected(self._kept.id), named, first)
        return Facets(tuple(by), found.rows, found.complete)
