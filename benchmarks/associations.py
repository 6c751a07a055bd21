"""How long associations take: the adapter (plain rows) against hand-written SQL, Butler's batched queries, and a loop of single look-ups."""

from __future__ import annotations

import asyncio
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import Butler, ButlerConfig, DataCoordinate

from adapters.butler import open_repository
from adapters.butler.store import Store
from adapters.caller import Call
from adapters.protocol import Settings
from adapters.question import Page, Question, Related, RelatedDataIds
from benchmarks.survey import DETECTORS, PATCHES, VISITS

PARENTS = 1_000
_LOOKED_UP = 50
_PATIENCE = 5.0  # seconds
_PATCH = ("skymap", "tract", "patch")
_CALEXP = ("instrument", "detector", "visit")
_RAW = ("instrument", "detector", "exposure")

_BARE = {
    True: """
SELECT k.key, f.dataset_id, r.name, f.timespan_begin, f.timespan_end
FROM json_each(:keys) k
CROSS JOIN exposure e ON e.instrument = json_extract(k.value, '$[0]') AND e.id = json_extract(k.value, '$[2]')
CROSS JOIN {flats} f ON f.dataset_type_id = {type} AND f.collection_id = {calib} AND f.instrument = e.instrument
  AND f.detector = json_extract(k.value, '$[1]') AND f.physical_filter = e.physical_filter
  AND f.timespan_begin < e.timespan_end AND f.timespan_end > e.timespan_begin
CROSS JOIN dataset d ON d.id = f.dataset_id
CROSS JOIN collection r ON r.collection_id = d.run_id
""",
    False: """
SELECT k.place, f.dataset_id::text, r.name, lower(f.timespan), upper(f.timespan)
FROM json_to_recordset(CAST(:keys AS json)) AS k(place int, instrument text, detector bigint, exposure bigint)
JOIN exposure e ON e.instrument = k.instrument AND e.id = k.exposure
JOIN {flats} f ON f.dataset_type_id = {type} AND f.collection_id = {calib} AND f.instrument = e.instrument
  AND f.detector = k.detector AND f.physical_filter = e.physical_filter AND f.timespan && e.timespan
JOIN dataset d ON d.id = f.dataset_id
JOIN collection r ON r.collection_id = d.run_id
""",
}
"""Raws to flats as one would write it by hand; the one for SQLite forces the order of its joins."""


class Measured:
    """One repository, the adapter that answers from it, and Butler."""

    def __init__(self, root: str, butlers: str) -> None:
        self._runner = asyncio.Runner()
        self._adapter = open_repository("bench", Settings(uri=root, collections=("HSC/runs/all",)))
        self._store = Store("bench", ButlerConfig(root))
        self._store.connect(Call())
        self.butler = Butler.from_config(butlers)
        random = Random(1)
        places = random.sample([("HSC", d, v) for d in range(DETECTORS) for v in range(VISITS)], PARENTS)
        self.observed: tuple[tuple[str | int, ...], ...] = tuple(places)
        self.patches: tuple[tuple[str | int, ...], ...] = tuple(
            ("rings", tract, patch) for tract in range(2) for patch in range(PATCHES)
        )

    def close(self) -> None:
        self._runner.run(self._adapter.close())
        self._runner.close()
        self._store.close()

    def ask(self, question: Question) -> Callable[[], int]:
        async def count() -> int:
            # Not the rows themselves: the runner writes down what its task returned (reprlib, in 3.11).
            return len((await self._adapter.ask(question, Call())).rows)

        return lambda: self._runner.run(count())

    # what is compared

    def flats(self) -> dict[str, Callable[[], int]]:
        question = Related(_RAW, self.observed, ("flat",), "raw", collections=("HSC/calib",), page=Page(1))
        return {
            "adapter": self.ask(question),
            "hand-written SQL": self._by_hand(),
            "Butler's batch": self._general(_RAW, self.observed, "flat", ["HSC/calib"], ()),
        }

    def _by_hand(self) -> Callable[[], int]:
        found = "SELECT calibration_association_table, id FROM dataset_type WHERE name = 'flat'"
        ((flats, kind),) = self._store.rows(sa.text(found), Call())
        calib = "SELECT collection_id FROM collection WHERE name = 'HSC/calib'"
        ((collection,),) = self._store.rows(sa.text(calib), Call())
        lite = self._store.sqlite
        statement = sa.text(_BARE[lite].format(flats=flats, type=kind, calib=collection))
        names = ("place", *_RAW)
        keys: Any = (
            self.observed
            if lite
            else [dict(zip(names, (i, *k), strict=True)) for i, k in enumerate(self.observed)]
        )
        connection = self._store.engine.connect()
        return lambda: len(connection.execute(statement, {"keys": json.dumps(keys)}).cursor.fetchall())

    def looked_up(self) -> float:
        """Seconds that a loop of find_dataset over all parents would take, from the first of them."""
        keys = self.observed[:_LOOKED_UP]
        begin = time.perf_counter()
        for key in keys:
            data_id = dict(zip(_RAW, key, strict=True))
            (record,) = self.butler.query_dimension_records(
                "exposure", instrument="HSC", exposure=data_id["exposure"]
            )
            data_id["physical_filter"] = record.physical_filter
            self.butler.find_dataset("flat", data_id, collections=["HSC/calib"], timespan=record.timespan)
        return (time.perf_counter() - begin) * PARENTS / len(keys)

    def patches_of(self) -> dict[str, Callable[[], int]]:
        def butlers() -> int:
            with self.butler.query() as query:
                query = query.join_data_coordinates(
                    self._coordinates(_CALEXP, self.observed)
                ).join_dimensions(["patch"])
                return len(list(query.data_ids([*_CALEXP, *_PATCH])))

        bare = RelatedDataIds(_CALEXP, self.observed, ("patch",), overlap=False)
        measured = self.ask(replace(bare, overlap=True))
        return {"adapter": self.ask(bare), "adapter, overlap measured": measured, "Butler": butlers}

    def coadds_of(self) -> dict[str, Callable[[], int]]:
        question = Related(
            _CALEXP, self.observed, ("deepCoadd",), "calexp", collections=("HSC/coadds",), overlap=False
        )
        given = (_CALEXP, self.observed, "deepCoadd", ["HSC/coadds"], (*_PATCH, "band"))
        return {"adapter": self.ask(question), "Butler": self._general(*given)}

    def calexps_of(self, patches: tuple[tuple[str | int, ...], ...]) -> dict[str, Callable[[], int]]:
        question = Related(
            _PATCH, patches, ("calexp",), collections=("HSC/runs/all",), overlap=False, page=Page(5_000)
        )
        given = (_PATCH, patches, "calexp", ["HSC/runs/all"], _CALEXP)
        return {"adapter": self.ask(question), "Butler": self._general(*given)}

    def _general(
        self, names: tuple[str, ...], keys: Any, wanted: str, path: list[str], more: tuple[str, ...]
    ) -> Callable[[], int]:
        """One of Butler's general queries with joined searches, find-first."""
        kind = self.butler.get_dataset_type(wanted)

        def run() -> int:
            with self.butler.query() as query:
                query = query.join_data_coordinates(self._coordinates(names, keys)).join_dataset_search(
                    wanted, path
                )
                rows = query.general([*names, *more], dataset_fields={wanted: ...}, find_first=True)
                return sum(1 for _ in rows.iter_tuples(kind))

        return run

    def _coordinates(self, names: tuple[str, ...], keys: Any) -> list[DataCoordinate]:
        group = self.butler.dimensions.conform(names)
        return [DataCoordinate.from_required_values(group, tuple(key)) for key in keys]


def report(root: str, analysed: str | None = None) -> Iterator[str]:
    """Lines of a table, as they are measured: medians, rows, how many times longer than the adapter, and what is asked for.

    ``analysed``: a copy with statistics, for Butler alone, which takes minutes on a SQLite registry without them.
    """
    measured = Measured(root, analysed or root)
    several = f"{PARENTS:,}"
    try:
        flats = _in_turn(measured.flats())
        yield from _lines(
            f"{several} raws to flats", flats, {"hand-written SQL": ">= 0.5", "Butler's batch": ">= 3"}
        )
        looped = measured.looked_up()
        ratio = looped / flats["adapter"][0]
        yield f"| | find_dataset in a loop (from {_LOOKED_UP}) | {looped * 1e3:,.0f} ms | | {ratio:.1f} (>= 50) |"
        yield from _lines(
            f"{several} calexps to patches", _in_turn(measured.patches_of()), {"Butler": ">= 5"}
        )
        yield from _lines(f"{several} calexps to coadds", _in_turn(measured.coadds_of()), {"Butler": ">= 5"})
        one = _in_turn(measured.calexps_of(measured.patches[40:41]))
        yield from _lines("1 patch to calexps", one, {})
        many = _in_turn(measured.calexps_of(measured.patches))
        yield from _lines("162 patches to calexps", many, {"Butler": ">= 10"})
    finally:
        measured.close()


def _in_turn(work: dict[str, Callable[[], int]], runs: int = 9) -> dict[str, tuple[float, int]]:
    """Medians of runs that alternate, and rows. The first run only warms up; what takes seconds runs fewer times."""
    times: dict[str, list[float]] = {name: [] for name in work}
    rows: dict[str, int] = {}
    for _ in range(runs + 1):
        for name, one in work.items():
            if sum(times[name]) > _PATIENCE:
                continue
            gc.collect()
            begin = time.perf_counter()
            rows[name] = one()
            times[name].append(time.perf_counter() - begin)
    assert len(set(rows.values())) == 1, f"they do not answer the same: {rows}"
    return {name: (statistics.median(values[1:] or values), rows[name]) for name, values in times.items()}


def _lines(what: str, found: dict[str, tuple[float, int]], targets: dict[str, str]) -> list[str]:
    base = found["adapter"][0]
    lines = []
    for name, (seconds, rows) in found.items():
        target = f" ({targets[name]})" if targets.get(name) else ""
        shown = "" if name == "adapter" else f"{seconds / base:.1f}{target}"
        lines.append(
            f"| {what if name == 'adapter' else ''} | {name} | {seconds * 1e3:,.1f} ms | {rows:,} | {shown} |"
        )
    return lines


if __name__ == "__main__":
    for line in report(*sys.argv[1:3]):
        print(line, flush=True)
