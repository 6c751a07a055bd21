"""From datasets to what they were made from, and to what was made from them: one statement for any number of
datasets and levels.

A walk goes from quantum to quantum and takes each at most once a level, so that its cost is that of the edges
it meets times its depth at worst; SQLite's planner is told the order of joins (CROSS JOIN), since it has no
statistics of these tables. Parameters: ``near`` and ``far`` are the roles on the side that the walk comes
from and on the one that it goes to (upstream: WROTE, READ), ``runs`` a JSON list of the runs whose quanta
count, ``types`` one of dataset types (both NULL: all), ``most`` what a walk may meet before it is given up.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from ...caller import Call
from ...errors import TooComplex
from ...question import Way
from .facts import Role
from .store import ProvenanceStore

_REACHED = """
reached (parent, quantum, depth) AS MATERIALIZED (
    SELECT asked.parent, near.quantum, 1
    FROM asked CROSS JOIN edge AS near ON near.dataset = asked.dataset AND near.role = :near
    WHERE :runs IS NULL OR EXISTS (
        SELECT 1 FROM quantum WHERE n = near.quantum AND run IN (SELECT value FROM json_each(:runs)))
    UNION
    SELECT reached.parent, near.quantum, reached.depth + 1
    FROM reached
    CROSS JOIN edge AS far ON far.quantum = reached.quantum AND far.role = :far
    CROSS JOIN edge AS near ON near.dataset = far.dataset AND near.role = :near
    WHERE reached.depth < :depth AND (:runs IS NULL OR EXISTS (
        SELECT 1 FROM quantum WHERE n = near.quantum AND run IN (SELECT value FROM json_each(:runs))))
    LIMIT :most
)"""

LEVELS = "".join(
    (
        """WITH RECURSIVE
asked (parent, dataset) AS MATERIALIZED (
    SELECT json_extract(j.value, '$[0]'), dataset.n
    FROM json_each(:asked) AS j CROSS JOIN dataset ON dataset.id = json_extract(j.value, '$[1]')
),
behind (parent, depth, type, id) AS MATERIALIZED (
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[2]'), json_extract(value, '$[3]'), json_extract(value, '$[4]')
    FROM json_each(:asked)
),""",
        _REACHED,
        """,
shortest AS (
    SELECT reached.parent, far.dataset, quantum.id AS quantum, reached.depth,
        row_number() OVER (PARTITION BY reached.parent, far.dataset ORDER BY reached.depth, quantum.id) AS place
    FROM reached
    CROSS JOIN edge AS far ON far.quantum = reached.quantum AND far.role = :far
    CROSS JOIN quantum ON quantum.n = reached.quantum
),
listed AS (
    SELECT shortest.parent, dataset.id, dataset.type, shortest.quantum, shortest.depth,
        row_number() OVER (PARTITION BY shortest.parent ORDER BY shortest.depth, dataset.type, dataset.id) AS place
    FROM shortest
    CROSS JOIN dataset ON dataset.n = shortest.dataset
    CROSS JOIN behind ON behind.parent = shortest.parent
    WHERE shortest.place = 1 AND (:types IS NULL OR dataset.type IN (SELECT value FROM json_each(:types)))
        AND (shortest.depth, dataset.type, dataset.id) > (behind.depth, behind.type, behind.id)
        AND NOT EXISTS (SELECT 1 FROM asked WHERE asked.parent = shortest.parent AND asked.dataset = shortest.dataset)
)
SELECT total.met, first.parent, first.id, first.type, first.quantum, first.depth
FROM (SELECT count(*) AS met FROM reached) AS total
LEFT JOIN (SELECT * FROM listed WHERE place <= :first) AS first ON true ORDER BY first.parent, first.place""",
    )
)
"""What lies at which depth: each parent's first rows behind the place given with it."""

MET = "".join(
    (
        """WITH RECURSIVE
asked (parent, dataset) AS MATERIALIZED (
    SELECT j.key, dataset.n FROM json_each(:ids) AS j CROSS JOIN dataset ON dataset.id = j.value
),
wanted (dataset) AS MATERIALIZED (
    SELECT dataset.n FROM json_each(:among) AS j CROSS JOIN dataset ON dataset.id = j.value
),""",
        _REACHED,
        """
SELECT total.met, pair.parent, pair.id
FROM (SELECT count(*) AS met FROM reached) AS total
LEFT JOIN (
    SELECT passed.parent, dataset.id
    FROM (SELECT DISTINCT parent, quantum FROM reached) AS passed
    CROSS JOIN edge AS far ON far.quantum = passed.quantum AND far.role = :far
    CROSS JOIN dataset ON dataset.n = far.dataset
    WHERE (:among IS NULL OR far.dataset IN (SELECT dataset FROM wanted))
        AND (:types IS NULL OR dataset.type IN (SELECT value FROM json_each(:types)))
    GROUP BY passed.parent, far.dataset LIMIT :most
) AS pair ON true""",
    )
)
"""What lies anywhere within the depth: pairs, of them only those with a dataset of ``among`` where it is not
NULL."""


class Walk:
    """The walks over one store."""

    def __init__(self, store: ProvenanceStore) -> None:
        self._store = store

    def levels(
        self,
        asked: Iterable[tuple[int, str, tuple[Any, ...]]],
        way: Way,
        depth: int,
        types: Sequence[str] | None,
        first: int,
        call: Call,
    ) -> list[tuple[Any, ...]]:
        """Rows of (parent, id, type, quantum, depth) for triples of (parent, id, key behind which to begin),
        at most ``first`` a parent.

        Raises TooComplex where the walk meets more quanta than ``call.max_rows``.
        """
        keys = [[parent, identifier, *after] for parent, identifier, after in asked]
        values = self._values(way, depth, None, types, call) | {"asked": json.dumps(keys), "first": first}
        rows = self._store.rows(LEVELS, values, call)
        return _bounded(rows, call)

    def met(
        self,
        ids: Sequence[str],
        way: Way,
        depth: int,
        runs: Sequence[str] | None,
        call: Call,
        *,
        types: Sequence[str] | None = None,
        among: Sequence[str] | None = None,
    ) -> list[tuple[int, str]]:
        """Pairs of (index of the id, dataset id). Raises TooComplex as ``levels`` does."""
        values = self._values(way, depth, runs, types, call)
        values |= {"ids": json.dumps(ids), "among": None if among is None else json.dumps(among)}
        rows = self._store.rows(MET, values, call)
        return [(row[0], row[1]) for row in _bounded(rows, call)]

    @staticmethod
    def _values(
        way: Way, depth: int, runs: Sequence[str] | None, types: Sequence[str] | None, call: Call
    ) -> dict[str, Any]:
        up = way is Way.UPSTREAM
        return {
            "near": int(Role.WROTE if up else Role.READ),
            "far": int(Role.READ if up else Role.WROTE),
            "depth": depth,
            "runs": None if runs is None else json.dumps(runs),
            "types": None if types is None else json.dumps(types),
            "most": call.max_rows + 1,
        }


def _bounded(rows: Sequence[tuple[Any, ...]], call: Call) -> list[tuple[Any, ...]]:
    """The rows without their first column, which says how many quanta the walk met, in each of them and even
    where it found nothing."""
    most = max(len(rows), rows[0][0])
    if most > call.max_rows:
        raise TooComplex(
            f"More than {call.max_rows} quanta lie on the way: ask with less depth, or for fewer datasets.",
            limit=call.max_rows,
            actual=most,
            what="quanta met",
        )
    return [row[1:] for row in rows if row[1] is not None]
