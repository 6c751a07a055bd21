"""Whether executions used two datasets together: ``used`` of the contract, and its three answers.

True: a way of at most ``depth`` quanta leads from one to the other, or one quantum read both.

Otherwise False, if what was recorded would show such a use, and None if it would not:

- Where recorded pipelines make datasets of the one's type from datasets of the other's (a coadd from calexps,
  over whatever steps), the execution that could have used them is the one that made the later one. False
  where that is recorded; None where it is not, however much is known of the earlier one: somebody may have
  made that coadd elsewhere.
- Where one is a calibration and the other is not (a flat and a raw, co-inputs), what counts is the other one.
  False where a recorded execution read or wrote it; None for a raw that no recorded execution touched,
  however often that flat was used for others.
- Else: False where a recorded execution read or wrote either of them.

Where ``runs`` are named only their executions count, for all three. What was recorded of one run and not of
another that it builds on is known as far as the first goes: a path that leads through the second is not seen.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...caller import Call
from ...errors import TooComplex
from ...question import DatasetsById, DatasetTypesByName, Way
from .datasets import Ask
from .store import ProvenanceStore
from .walk import Walk

CO_READ = """
WITH pair AS MATERIALIZED (
    SELECT j.key, one.n AS a, two.n AS b
    FROM json_each(:pairs) AS j
    CROSS JOIN dataset AS one ON one.id = json_extract(j.value, '$[0]')
    CROSS JOIN dataset AS two ON two.id = json_extract(j.value, '$[1]')
),
busy (dataset, readers) AS MATERIALIZED (
    SELECT n, (SELECT count(*) FROM (SELECT 1 FROM edge WHERE dataset = every.n AND role = 0 LIMIT 1000))
    FROM (SELECT a AS n FROM pair UNION SELECT b FROM pair) AS every
),
turned (key, few, many) AS MATERIALIZED (
    SELECT pair.key, iif(x.readers <= y.readers, a, b), iif(x.readers <= y.readers, b, a)
    FROM pair JOIN busy AS x ON x.dataset = pair.a JOIN busy AS y ON y.dataset = pair.b
)
SELECT key FROM turned WHERE EXISTS (
    SELECT 1 FROM edge AS mine CROSS JOIN edge AS theirs
        ON theirs.quantum = mine.quantum AND theirs.role = 0 AND theirs.dataset = turned.many
    WHERE mine.dataset = turned.few AND mine.role = 0 AND (:runs IS NULL OR EXISTS (
        SELECT 1 FROM quantum WHERE n = mine.quantum AND run IN (SELECT value FROM json_each(:runs)))))"""
"""Pairs that one quantum read; of each, the one that fewer quanta read is followed."""

BESIDE = """
SELECT j.key, dataset.id
FROM json_each(:ids) AS j
CROSS JOIN dataset AS own ON own.id = j.value
CROSS JOIN edge AS mine ON mine.dataset = own.n AND mine.role = 0
CROSS JOIN edge AS theirs ON theirs.quantum = mine.quantum AND theirs.role = 0
CROSS JOIN dataset ON dataset.n = theirs.dataset
WHERE theirs.dataset <> own.n
    AND (:types IS NULL OR dataset.type IN (SELECT value FROM json_each(:types)))
    AND (:runs IS NULL OR EXISTS (
        SELECT 1 FROM quantum WHERE n = mine.quantum AND run IN (SELECT value FROM json_each(:runs))))
GROUP BY j.key, theirs.dataset LIMIT :most"""
"""What was read together with these datasets."""

KNOWN = """
SELECT dataset.id, dataset.type,
    EXISTS (SELECT 1 FROM edge WHERE edge.dataset = dataset.n AND edge.role IN (0, 1, 2, 3) AND (:runs IS NULL OR EXISTS (
        SELECT 1 FROM quantum WHERE n = edge.quantum AND run IN (SELECT value FROM json_each(:runs))))),
    EXISTS (SELECT 1 FROM edge WHERE edge.dataset = dataset.n AND edge.role = 1 AND (:runs IS NULL OR EXISTS (
        SELECT 1 FROM quantum WHERE n = edge.quantum AND run IN (SELECT value FROM json_each(:runs)))))
FROM json_each(:ids) AS j CROSS JOIN dataset ON dataset.id = j.value"""
"""Whether a recorded execution has anything to do with a dataset, and whether one wrote it."""


@dataclass(frozen=True, slots=True)
class _Known:
    type: str
    touched: bool
    made: bool


class Together:
    """``used``, for pairs and as sets."""

    def __init__(self, store: ProvenanceStore, walk: Walk, ask: Ask) -> None:
        self._store = store
        self._walk = walk
        self._ask = ask

    def verdicts(
        self, pairs: Sequence[tuple[str, str]], runs: Sequence[str] | None, depth: int, call: Call
    ) -> list[bool | None]:
        """True, False or None for each pair, by a handful of statements whatever their number."""
        every = list(dict.fromkeys(identifier for pair in pairs for identifier in pair))
        up = self._walk.met(every, Way.UPSTREAM, depth, runs, call, among=every)
        joined = {(every[place], found) for place, found in up}
        verdicts: list[bool | None] = [pair in joined or pair[::-1] in joined or None for pair in pairs]
        left = [place for place, verdict in enumerate(verdicts) if verdict is None]
        values = {"pairs": json.dumps([pairs[place] for place in left]), "runs": _list(runs)}
        for (key,) in self._store.rows(CO_READ, values, call) if left else ():
            verdicts[left[key]] = True
        left = [place for place in left if verdicts[place] is None]
        if left:
            judge = self._judge([pairs[place] for place in left], runs, call)
            for place in left:
                verdicts[place] = False if judge.decided(*pairs[place]) else None
        return verdicts

    def partners(
        self,
        ids: Sequence[str],
        types: Sequence[str] | None,
        runs: Sequence[str] | None,
        depth: int,
        call: Call,
    ) -> dict[str, set[str]]:
        """For each id every dataset used together with it. Raises TooComplex where there are more than
        ``call.max_rows``."""
        found: dict[str, set[str]] = {identifier: set() for identifier in ids}
        every = list(found)
        for way in Way:
            for place, other in self._walk.met(every, way, depth, runs, call, types=types):
                found[every[place]].add(other)
        values = {
            "ids": json.dumps(every),
            "runs": _list(runs),
            "types": _list(types),
            "most": call.max_rows + 1,
        }
        beside = self._store.rows(BESIDE, values, call)
        if len(beside) > call.max_rows:
            raise TooComplex(
                f"More than {call.max_rows} datasets were read together with these; ask for fewer types or runs.",
                limit=call.max_rows,
                actual=len(beside),
                what="datasets used together",
            )
        for place, other in beside:
            found[every[place]].add(other)
        return found

    def _judge(self, pairs: Sequence[tuple[str, str]], runs: Sequence[str] | None, call: Call) -> _Judge:
        ids = list(dict.fromkeys(identifier for pair in pairs for identifier in pair))
        rows = self._store.rows(KNOWN, {"ids": json.dumps(ids), "runs": _list(runs)}, call)
        known = {row[0]: _Known(row[1], bool(row[2]), bool(row[3])) for row in rows}
        # Of datasets that occur in no execution only the registry knows the type; it matters beside one that
        # does occur.
        touched = {identifier for identifier, one in known.items() if one.touched}
        foreign = {i for pair in pairs if touched.intersection(pair) for i in pair if i not in known}
        if foreign:
            found = self._ask(DatasetsById(tuple(sorted(foreign))), call)
            known |= {row[0]: _Known(row[1], False, False) for row in found.rows}
        types = tuple(sorted({one.type for one in known.values()}))
        described = self._ask(DatasetTypesByName(types), call) if types else None
        calibrations = {row[0] for row in described.rows if row[4]} if described is not None else set()
        return _Judge(known, calibrations, self._descent(types, call))

    def _descent(self, types: Sequence[str], call: Call) -> dict[str, set[str]]:
        """For each of these types, every type that recorded pipelines make from it, over any number of steps."""
        readers: dict[str, set[str]] = defaultdict(set)
        written: dict[str, set[str]] = defaultdict(set)
        for task, output, name in self._store.rows("SELECT DISTINCT task, output, type FROM step", {}, call):
            if output:
                written[task].add(name)
            else:
                readers[name].add(task)
        descent = {}
        for start in types:
            seen: set[str] = set()
            ahead = [start]
            while ahead:
                fresh = {made for task in readers[ahead.pop()] for made in written[task]} - seen
                seen |= fresh
                ahead += fresh
            descent[start] = seen
        return descent


@dataclass(frozen=True, slots=True)
class _Judge:
    """What tells False from None, where nothing joins a pair."""

    known: Mapping[str, _Known]
    calibrations: set[str]
    descent: Mapping[str, set[str]]

    def decided(self, a: str, b: str) -> bool:
        """Whether a use of the two together would have been recorded."""
        one, two = self.known.get(a), self.known.get(b)
        if one is None or two is None:
            other = one or two
            return other is not None and other.touched
        forth, back = two.type in self.descent[one.type], one.type in self.descent[two.type]
        if forth is not back:
            return two.made if forth else one.made
        if (one.type in self.calibrations) is not (two.type in self.calibrations):
            return two.touched if one.type in self.calibrations else one.touched
        return one.touched or two.touched


def _list(values: Sequence[str] | None) -> str | None:
    return None if values is None else json.dumps(values)
