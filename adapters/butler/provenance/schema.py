"""The tables of recorded execution, and what raises their version.

Everything in them was read from quantum graphs and can be read again: a database of an older version is
emptied, not converted.
"""

from __future__ import annotations

VERSION = 1
"""Raise it whenever the tables, or what is written into them, change."""

TABLES = (
    # One row a graph that was read. run: the RUN that its quanta write to.
    """CREATE TABLE graph (
        n INTEGER PRIMARY KEY,
        source TEXT NOT NULL UNIQUE,
        stamp TEXT NOT NULL,
        rank INTEGER NOT NULL,
        run TEXT NOT NULL,
        predicted INTEGER NOT NULL,
        quanta INTEGER NOT NULL
    )""",
    # shown: 0 where a graph of a lower rank tells of the same quantum (a run that was predicted, and then
    # recorded).
    """CREATE TABLE quantum (
        n INTEGER PRIMARY KEY,
        graph INTEGER NOT NULL,
        id TEXT NOT NULL,
        shown INTEGER NOT NULL,
        run TEXT NOT NULL,
        task TEXT NOT NULL,
        task_class TEXT,
        status TEXT NOT NULL,
        message TEXT,
        data_id TEXT NOT NULL
    )""",
    "CREATE INDEX quantum_by_id ON quantum (id)",
    "CREATE INDEX quantum_by_graph ON quantum (graph)",
    "CREATE INDEX quantum_in_order ON quantum (run, task, data_id, id, status) WHERE shown",
    # place sorts as the data ID does, within a type.
    """CREATE TABLE dataset (
        n INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        place TEXT NOT NULL
    )""",
    # role: facts.Role. Integers, not ids: two entries of a dozen bytes an edge.
    """CREATE TABLE edge (
        quantum INTEGER NOT NULL,
        role INTEGER NOT NULL,
        dataset INTEGER NOT NULL,
        PRIMARY KEY (quantum, role, dataset)
    ) WITHOUT ROWID""",
    "CREATE INDEX edge_by_dataset ON edge (dataset, role, quantum)",
    # What tasks do by type: names to know, and which types are made from which.
    """CREATE TABLE step (
        graph INTEGER NOT NULL,
        task TEXT NOT NULL,
        output INTEGER NOT NULL,
        type TEXT NOT NULL,
        PRIMARY KEY (graph, task, output, type)
    ) WITHOUT ROWID""",
)

DROP = tuple(f"DROP TABLE IF EXISTS {name}" for name in ("graph", "quantum", "dataset", "edge", "step"))
