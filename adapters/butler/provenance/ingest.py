"""A graph's facts into the tables, and out of them again, within a transaction of the caller's. Memory does
not grow with the graph."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from .facts import DatasetFact, Fact, Graph, QuantumFact, Role, Source

_BATCH = 2_000  # facts that are written at once


def insert(connection: sqlite3.Connection, source: Source, graph: Graph) -> None:
    """Write a graph that is not there yet. Raises IntegrityError for an edge to a dataset that was not told
    of."""
    cursor = connection.execute(
        "INSERT INTO graph (source, stamp, rank, run, predicted, quanta) VALUES (?, ?, ?, ?, ?, 0)",
        [source.name, source.stamp, source.rank, graph.run, int(graph.predicted)],
    )
    number = cursor.lastrowid
    assert number is not None
    ((first,),) = connection.execute("SELECT coalesce(max(n), 0) + 1 FROM quantum")
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS absent (id TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute("DELETE FROM temp.absent")
    following = _Writer(connection, number, graph.run, first).write(graph.facts)
    _settle_absent(connection, first)
    connection.execute("UPDATE graph SET quanta = ? WHERE n = ?", [following - first, number])
    connection.execute(
        "INSERT INTO step SELECT DISTINCT ?, quantum.task, edge.role % 2, dataset.type "
        "FROM quantum CROSS JOIN edge ON edge.quantum = quantum.n CROSS JOIN dataset ON dataset.n = edge.dataset "
        "WHERE quantum.graph = ?",
        [number, number],
    )
    _settle_shown(connection, number, without=-1)


def remove(connection: sqlite3.Connection, number: int) -> None:
    """Take a graph out, and every dataset that no other graph tells of."""
    _settle_shown(connection, number, without=number)
    connection.execute("DELETE FROM edge WHERE quantum IN (SELECT n FROM quantum WHERE graph = ?)", [number])
    connection.execute("DELETE FROM quantum WHERE graph = ?", [number])
    connection.execute(
        "DELETE FROM dataset WHERE NOT EXISTS (SELECT 1 FROM edge WHERE edge.dataset = dataset.n)"
    )
    connection.execute("DELETE FROM step WHERE graph = ?", [number])
    connection.execute("DELETE FROM graph WHERE n = ?", [number])


class _Writer:
    """Facts by batches: datasets, then quanta, then edges, which look up the numbers of both."""

    def __init__(self, connection: sqlite3.Connection, graph: int, run: str, first: int) -> None:
        self._connection = connection
        self._graph = graph
        self._run = run
        self._number = first

    def write(self, facts: Iterable[Fact]) -> int:
        """Write them all; the number behind the last quantum's."""
        datasets: list[DatasetFact] = []
        quanta: list[QuantumFact] = []
        for fact in facts:
            if isinstance(fact, DatasetFact):
                datasets.append(fact)
            else:
                quanta.append(fact)
            if len(datasets) + len(quanta) >= _BATCH:
                self._flush(datasets, quanta)
                datasets, quanta = [], []
        self._flush(datasets, quanta)
        return self._number

    def _flush(self, datasets: list[DatasetFact], quanta: list[QuantumFact]) -> None:
        many = self._connection.executemany
        many(
            "INSERT OR IGNORE INTO dataset (id, type, place) VALUES (?, ?, ?)",
            (fact[:3] for fact in datasets),
        )
        many(
            "INSERT OR IGNORE INTO temp.absent (id) VALUES (?)",
            ((fact.id,) for fact in datasets if not fact.produced),
        )
        numbered = list(enumerate(quanta, self._number))
        self._number += len(quanta)
        many(
            "INSERT INTO quantum (n, graph, id, shown, run, task, task_class, status, message, data_id) "
            "VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)",
            ((n, self._graph, fact.id, self._run, *fact[1:6]) for n, fact in numbered),
        )
        # A dataset that was not told of has no number, and NULL is refused here, while a second edge of the
        # kind is not.
        many(
            "INSERT INTO edge (quantum, role, dataset) VALUES (?, ?, (SELECT n FROM dataset WHERE id = ?)) "
            "ON CONFLICT (quantum, role, dataset) DO NOTHING",
            ((n, int(role), dataset) for n, fact in numbered for dataset, role in fact.edges),
        )


def _settle_absent(connection: sqlite3.Connection, first: int) -> None:
    """What did not come to be was neither read nor written."""
    connection.execute(
        "UPDATE edge SET role = role + ? WHERE quantum >= ? AND role <= ? AND dataset IN "
        "(SELECT dataset.n FROM temp.absent CROSS JOIN dataset ON dataset.id = absent.id)",
        [int(Role.READ_NOT), first, int(Role.WROTE)],
    )


def _settle_shown(connection: sqlite3.Connection, number: int, without: int) -> None:
    """Of quanta that this graph and others tell of, show the one of the lowest rank (then the graph read
    first), not counting one graph."""
    connection.execute(
        "UPDATE quantum SET shown = NOT EXISTS ("
        "  SELECT 1 FROM quantum AS other CROSS JOIN graph AS theirs ON theirs.n = other.graph"
        "  WHERE other.id = quantum.id AND other.graph <> :without"
        "  AND (theirs.rank, theirs.n) < ((SELECT rank FROM graph WHERE n = quantum.graph), quantum.graph)"
        ") WHERE id IN (SELECT id FROM quantum WHERE graph = :number)",
        {"number": number, "without": without},
    )
