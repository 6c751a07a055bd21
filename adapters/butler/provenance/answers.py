"""Answers from recorded execution. Every one first looks whether there are new graphs to read (see
``Freshness``)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from ...caller import Call
from ...errors import BadUserInput
from ...question import Lineage, Page, Quanta, QuantaById, QuantumDatasets, Recorded, Used
from ...rows import Column, Kind, Rows
from ..order import check
from . import graph
from .datasets import Ask, RepositoryGraphs
from .files import GraphFiles
from .freshness import Freshness
from .known import Found, Key, KnownDatasets, single
from .listing import Listing
from .names import Names
from .store import ProvenanceStore
from .together import Together
from .walk import Walk

RECORDED = """
SELECT dataset.id, (
        SELECT min(quantum.id) FROM edge CROSS JOIN quantum ON quantum.n = edge.quantum
        WHERE edge.dataset = dataset.n AND edge.role = 1),
    EXISTS (SELECT 1 FROM edge WHERE edge.dataset = dataset.n AND edge.role = 0)
FROM json_each(:ids) AS j CROSS JOIN dataset ON dataset.id = j.value
WHERE EXISTS (SELECT 1 FROM edge WHERE edge.dataset = dataset.n AND edge.role IN (0, 1, 2, 3))
GROUP BY j.value"""

OF_QUANTA = """
WITH asked AS MATERIALIZED (
    SELECT json_extract(value, '$[0]') AS parent, json_extract(value, '$[1]') AS id, json_extract(value, '$[2]') AS type,
        json_extract(value, '$[3]') AS place, json_extract(value, '$[4]') AS dataset
    FROM json_each(:asked)
),
listed AS (
    SELECT asked.parent, dataset.id, dataset.type, dataset.place,
        row_number() OVER (PARTITION BY asked.parent ORDER BY dataset.type, dataset.place, dataset.id) AS number
    FROM asked
    CROSS JOIN quantum ON quantum.id = asked.id AND quantum.shown
    CROSS JOIN edge ON edge.quantum = quantum.n AND edge.role IN (:fact, :fact + 2, :fact + 4)
    CROSS JOIN dataset ON dataset.n = edge.dataset
    WHERE (:types IS NULL OR dataset.type IN (SELECT value FROM json_each(:types)))
        AND (dataset.type, dataset.place, dataset.id) > (asked.type, asked.place, asked.dataset)
)
SELECT parent, id, place, type FROM listed WHERE number <= :first ORDER BY parent, number"""

_LINEAGE_KEY = (Kind.LONG, Kind.STRING, Kind.UUID)
_DATASETS_KEY = (Kind.STRING, Kind.STRING, Kind.UUID)
_LINEAGE_COLUMNS = (Column("quantum", Kind.UUID), Column("depth", Kind.LONG))


class Provenance:
    """The questions about executions.

    Parameters
    ----------
    store
        Where what was read is kept.
    datasets, files
        Where graphs are found.
    ask
        Answers DatasetsById, DatasetTypesByName and CollectionsByName of the same repository.
    dimensions
        The dimensions of its universe.
    deepest
        The largest depth that may be asked for.

    Everything raises Unsupported where lsst-pipe-base is missing, and Timeout where graphs are still being
    read at the deadline.
    """

    def __init__(
        self,
        store: ProvenanceStore,
        datasets: RepositoryGraphs,
        files: GraphFiles,
        ask: Ask,
        dimensions: Mapping[str, Kind],
        deepest: int = 20,
    ) -> None:
        self._store = store
        self._fresh = Freshness(store, datasets, files)
        self._names = Names(store, ask)
        self._walk = Walk(store)
        self._known = KnownDatasets(ask)
        self._together = Together(store, self._walk, ask)
        self._listing = Listing(store, self._names, dimensions)
        self.deepest = deepest

    def refresh(self, call: Call) -> tuple[str, ...]:
        """Read what is new. Notes on graphs that cannot be read. Call it outside of a session of the
        registry, for it may take long; the questions below then find nothing to read."""
        graph.require()
        return self._fresh.refresh(call)

    # ancestors and descendants

    def lineage(self, question: Lineage, call: Call) -> Rows:
        """See Lineage. ``quantum`` is the one next to the dataset found: the one that wrote it going
        downstream, one that read it going upstream (of several at the same depth the one of the lowest id).
        """
        notes = self.refresh(call)
        self._check_depth(question.depth)
        types = self._names.types(question.types, call)
        after = single(question.page.after, question.ids, "dataset")
        if after is not None:
            check(_LINEAGE_KEY, after)

        def look(parents: Sequence[tuple[int, Key | None]], first: int) -> list[Found]:
            asked = [(p, question.ids[p], key or (0, "", "")) for p, key in parents]
            found = self._walk.levels(asked, question.way, question.depth, types, first, call)
            return [
                (parent, identifier, quantum, depth, kind)
                for parent, identifier, kind, quantum, depth in found
            ]

        rows = self._known.page(
            range(len(question.ids)),
            question.page.first,
            after,
            look,
            lambda found: (found[3], found[4], found[1]),
            _LINEAGE_COLUMNS,
            0,
            call,
        )
        rows.key = lambda row: (row[-1], row[2], row[1])
        rows.notes += notes
        return rows

    def count_lineage(self, question: Lineage, call: Call) -> int:
        self.refresh(call)
        self._check_depth(question.depth)
        types = self._names.types(question.types, call)
        asked = [(p, identifier, (0, "", "")) for p, identifier in enumerate(question.ids)]
        found = self._walk.levels(asked, question.way, question.depth, types, call.max_rows + 1, call)
        return self._known.count(found, call)

    def recorded(self, question: Recorded, call: Call) -> Rows:
        """See Recorded. What a recorded execution was to read or write and did not counts as recorded; what
        is only predicted does not."""
        notes = self.refresh(call)
        rows = self._store.rows(RECORDED, {"ids": json.dumps(question.ids)}, call)
        columns = (Column("id", Kind.UUID), Column("producer", Kind.UUID), Column("read", Kind.BOOL))
        return Rows(columns, [(row[0], row[1], bool(row[2])) for row in rows], notes=notes)

    # used together

    def used(self, question: Used, call: Call) -> Rows:
        """See Used; what tells False from None stands in ``together``. A row for every pair."""
        notes = self.refresh(call)
        verdicts = self._verdicts(question.pairs, question.runs, question.depth, call)
        columns = (Column("parent", Kind.LONG), Column("used", Kind.BOOL))
        return Rows(columns, list(enumerate(verdicts)), notes=notes)

    def verdicts(
        self, pairs: Sequence[tuple[str, str]], runs: Sequence[str] | None, depth: int, call: Call
    ) -> list[bool | None]:
        """``used`` for pairs of ids, in their order, without Rows."""
        self.refresh(call)
        return self._verdicts(pairs, runs, depth, call)

    def partners(
        self,
        ids: Sequence[str],
        types: Sequence[str],
        runs: Sequence[str] | None,
        depth: int,
        call: Call,
    ) -> dict[str, set[str]]:
        """For each id every dataset (of these types; names or globs, empty: all) of which ``used`` with it is
        True. Ids are those recorded, whether the registry still has them or not. Raises TooComplex past
        ``call.max_rows``."""
        self.refresh(call)
        self._check_depth(depth)
        wanted = self._names.types(types, call)
        return self._together.partners(ids, wanted, self._names.runs(runs, call), depth, call)

    def _verdicts(
        self, pairs: Sequence[tuple[str, str]], runs: Sequence[str] | None, depth: int, call: Call
    ) -> list[bool | None]:
        self._check_depth(depth)
        return self._together.verdicts(pairs, self._names.runs(runs, call), depth, call) if pairs else []

    # quanta

    def quanta(self, question: Quanta, call: Call) -> Rows:
        notes = self.refresh(call)
        rows = self._listing.page(question, call)
        rows.notes += notes
        return rows

    def count_quanta(self, question: Quanta, call: Call) -> int:
        self.refresh(call)
        return self._listing.count(question, call)

    def quanta_by_id(self, question: QuantaById, call: Call) -> Rows:
        notes = self.refresh(call)
        rows = self._listing.by_id(question, call)
        rows.notes += notes
        return rows

    def quantum_datasets(self, question: QuantumDatasets, call: Call) -> Rows:
        """See QuantumDatasets. What a quantum was to read or write counts too, where the registry has it."""
        notes = self.refresh(call)
        after = single(question.page.after, question.ids, "quantum")
        if after is not None:
            check(_DATASETS_KEY, after)
        rows = self._known.page(
            range(len(question.ids)),
            question.page.first,
            after,
            partial(self._of_quanta, question, self._names.types(question.types, call), call),
            lambda found: (found[3], found[2], found[1]),
            (),
            1,
            call,
        )
        rows.key = lambda row: (row[2], row[-1], row[1])
        rows.notes += notes
        return rows

    def count_quantum_datasets(self, question: QuantumDatasets, call: Call) -> int:
        self.refresh(call)
        types = self._names.types(question.types, call)
        unpaged = QuantumDatasets(question.ids, question.role, question.types, Page(0))
        parents = [(position, None) for position in range(len(question.ids))]
        return self._known.count(self._of_quanta(unpaged, types, call, parents, call.max_rows + 1), call)

    def _of_quanta(
        self,
        question: QuantumDatasets,
        types: list[str] | None,
        call: Call,
        parents: Sequence[tuple[int, Key | None]],
        first: int,
    ) -> list[Found]:
        if question.role not in ("inputs", "outputs"):
            raise BadUserInput(f"A quantum has inputs and outputs, and no '{question.role}'.")
        values: dict[str, Any] = {
            "asked": json.dumps([[p, question.ids[p], *(key or ("", "", ""))] for p, key in parents]),
            "fact": int(question.role == "outputs"),
            "types": None if types is None else json.dumps(types),
            "first": first,
        }
        return self._store.rows(OF_QUANTA, values, call)

    def _check_depth(self, depth: int) -> None:
        if not 1 <= depth <= self.deepest:
            raise BadUserInput(
                f"depth is a number of steps from 1 to {self.deepest}, not {depth}.",
                limit=self.deepest,
                actual=depth,
            )
