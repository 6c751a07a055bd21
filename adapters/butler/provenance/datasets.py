"""Provenance graphs that a repository holds: datasets of type ``run_provenance``, one for each RUN, never
changed once they are there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa
from lsst.daf.butler import Butler

from ...caller import Call
from ...errors import NotFound
from ...question import Datasets, Question
from ...rows import Rows
from ..store import Store
from ..tables import Tables
from . import graph
from .facts import Graph, Source

TYPE = "run_provenance"

Ask = Callable[[Question, Call], Rows]
Listing = Callable[[Call], list[tuple[str, str]]]
"""Pairs of (dataset id, RUN) of the provenance graphs in a repository."""


def listed_by_sql(store: Store, tables: Tables) -> Listing:
    """One statement, whose cost is that of the graphs that exist."""
    dataset, kind, run = tables.dataset, tables.dataset_type, tables.collection
    statement = (
        sa.select(tables.dialect.hex(dataset.c.id), run.c.name)
        .select_from(
            kind.join(dataset, dataset.c.dataset_type_id == kind.c.id).join(
                run, run.c.collection_id == dataset.c.run_id
            )
        )
        .where(kind.c.name == TYPE)
    )
    return lambda call: [(row[0], row[1]) for row in store.rows(statement, call)]


def listed_by_questions(ask: Ask) -> Listing:
    """By way of the adapter's own questions, for registries that SQL is not tested on."""

    def listing(call: Call) -> list[tuple[str, str]]:
        question = Datasets((TYPE,), ("*",), find_first=False).paged(call.max_rows)
        with suppress(NotFound):  # a repository without any graph may lack the type
            return sorted({(row[0], row[2]) for row in ask(question, call).rows})
        return []

    return listing


@dataclass(frozen=True, slots=True)
class RepositoryGraphs:
    """Where the graphs of a repository are. ``butler`` gives a Butler of one's own."""

    listing: Listing
    butler: Callable[[], Butler]

    def sources(self, call: Call) -> tuple[list[Source], list[str]]:
        """Every graph, and no notes: whether one can be read shows when it is read."""
        found = [
            Source(
                f"dataset:{identifier}",
                "",
                f"the provenance graph of run '{run}'",
                0,
                self._opener(identifier),
            )
            for identifier, run in self.listing(call)
        ]
        return found, []

    def _opener(self, identifier: str) -> Callable[[], AbstractContextManager[Graph]]:
        return lambda: self._opened(identifier)

    @contextmanager
    def _opened(self, identifier: str) -> Iterator[Graph]:
        butler = self.butler()
        ref = butler.get_dataset(UUID(identifier))
        if ref is None:
            raise FileNotFoundError(f"dataset {identifier} is gone")
        with graph.opened(butler.getURI(ref)) as found:
            yield found
