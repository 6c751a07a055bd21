"""Saved results as tables: as they were frozen, or their datasets as ObsCore has them now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa

from adapters.caller import Call, Caller
from adapters.errors import NotFound
from adapters.protocol import Repository
from adapters.question import Beside
from gateway.limits import Deadline, Limits
from gateway.results.service import SavedResults
from gateway.tables.columns import batch
from gateway.tables.pages import THEN, Page, Part
from gateway.tables.table import End, Table
from resolvers.again import Again, Saved
from resolvers.results import Kept, Phase

if TYPE_CHECKING:
    from gateway.tables.observed import ObservedColumns


async def saved(
    results: SavedResults, id: str, opened: Mapping[str, Repository], caller: Caller
) -> tuple[Kept, Table]:
    """A result by its id, as it was frozen. Raises NotFound for another caller's, and for one that is not complete."""
    kept = await results.find(id, caller, opened)
    if kept.phase is not Phase.COMPLETED:
        raise NotFound(
            "This result has no rows yet, or none any more; its phase and completeness say how it stands."
        )
    return kept, await results.table(kept)


def observed_again(
    results: SavedResults,
    kept: Kept,
    frozen: Table,
    columns: ObservedColumns,
    opened: Mapping[str, Repository],
    caller: Caller,
    limits: Limits,
) -> Table:
    """The datasets of a result with other columns: one question a repository for each page. Those that are gone are left out, and the end says so."""
    schema = pa.schema(columns.fields)
    end = End(unavailable=frozen.end.unavailable)

    def call() -> Call:
        return Call(caller, Deadline(limits.timeout), limits.max_cost)

    async def batches() -> AsyncIterator[pa.RecordBatch]:
        await frozen.batches.aclose()  # type: ignore[attr-defined]
        after: int | None = None
        more, gone = True, 0
        while more:
            found = await results.identifiers(kept.id, THEN, after, Deadline(limits.timeout))
            page = await _page(found.rows, opened, columns.beside, call())
            gone += len(found.rows) - sum(len(part.rows.rows) for part in page)
            if page:
                yield await batch(columns, schema, page, call)
            more = found.more
            after = found.places[-1] if found.places else after
        words = [frozen.end.overflow] if frozen.end.overflow else []
        if gone:
            words.append(f"{gone} of the datasets that were saved are no longer there.")
        end.overflow = " ".join(words) or None

    return replace(frozen, schema=schema, batches=batches(), end=end)


async def _page(rows: list[Saved], opened: Mapping[str, Repository], beside: Beside, call: Call) -> Page:
    wanted: dict[str, dict[Saved, int]] = {}
    for place, row in enumerate(rows):
        wanted.setdefault(row[0], {})[row] = place
    page: Page = []
    for label, places in wanted.items():
        again = Again(opened[label], list(places), beside)
        found = await opened[label].ask(again.question, call)
        if found.rows:
            stand = [places[again.rows(found, row)[0]] for row in found.rows]
            page.append(Part(opened[label], again.question, found, stand))
    return page


def cut(table: Table, most: int | None) -> Table:
    """At most so many rows of a table."""
    if most is None:
        return table
    end = End(unavailable=table.end.unavailable)

    async def batches() -> AsyncIterator[pa.RecordBatch]:
        left = most
        async for one in table.batches:
            if one.num_rows > left:
                end.overflow = f"There are more rows than the {most} that were asked for."
                if left:
                    yield one.slice(0, left)
                return
            left -= one.num_rows
            yield one
        end.overflow = table.end.overflow

    return replace(table, batches=batches(), end=end)
