"""Recorded execution in the state folder: over restarts, among threads and processes, and of runs that vanish."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler, ButlerConfig, DatasetType

from adapters.butler.api import ButlerApi
from adapters.butler.provenance import (
    GraphFiles,
    Provenance,
    ProvenanceStore,
    RepositoryGraphs,
    graph,
    listed_by_questions,
    listed_by_sql,
)
from adapters.butler.store import Store
from adapters.butler.tables import Tables
from adapters.caller import Call
from adapters.errors import Timeout, Unsupported
from adapters.question import Quanta, Recorded

from .recorded import CALL, FIRST, SECOND, Demo, contents, readings
from .repositories import build


def test_a_restart_reads_nothing(demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with readings(monkeypatch) as seen:
        first = demo.over(tmp_path)
        assert first.refresh(CALL) == () and len(seen) == 2
        assert first.refresh(CALL) == () and len(seen) == 2
        again = demo.over(tmp_path)
        assert again.count_quanta(Quanta(), CALL) == 290
        assert len(seen) == 2


def test_without_a_state_folder_a_temporary_file_does(demo: Demo) -> None:
    provenance = demo.over(None)
    assert provenance.count_quanta(Quanta(), CALL) == 290


@pytest.mark.parametrize("damage", ["newer", "no database", "older"])
def test_a_file_that_cannot_be_used(demo: Demo, tmp_path: Path, damage: str) -> None:
    """What is damaged or newer is left alone and done without; what is older is written anew."""
    file = tmp_path / "provenance.sqlite3"
    file.parent.mkdir(exist_ok=True)
    if damage == "no database":
        file.write_bytes(b"nothing of the kind" * 1000)
    else:
        with sqlite3.connect(file) as connection:
            connection.execute(f"PRAGMA user_version = {99 if damage == 'newer' else 0}")
            connection.execute("CREATE TABLE quantum (old)")
    before = file.read_bytes()
    assert demo.over(tmp_path).count_quanta(Quanta(), CALL) == 290
    if damage == "no database":
        assert file.read_bytes() == before
    elif damage == "older":
        assert len(contents(tmp_path)) == 2


def test_threads_read_each_graph_once(demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads over two gateways' worth of stores, at once."""
    both = [demo.over(tmp_path, api=True), demo.over(tmp_path, api=True)]
    start = threading.Barrier(8)
    counts: list[int] = []

    def work(number: int) -> None:
        start.wait()
        counts.append(both[number % 2].count_quanta(Quanta(), CALL))

    with readings(monkeypatch) as seen:
        threads = [threading.Thread(target=work, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counts == [290] * 8 and len(seen) == 2
    assert contents(tmp_path)[0][:2] == (FIRST, 145) and len(contents(tmp_path)) == 2


def _in_a_process(root: Path, state: Path, start: Any) -> None:
    provenance = Demo(root).over(state)
    start.wait()
    os._exit(0 if provenance.count_quanta(Quanta(), CALL) == 290 else 1)


def test_processes_read_each_graph_once(demo: Demo, tmp_path: Path) -> None:
    alone, state = tmp_path / "alone", tmp_path / "state"
    demo.over(alone).refresh(CALL)
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    processes = [context.Process(target=_in_a_process, args=(demo.root, state, start)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert contents(state) == contents(alone)


def test_a_removed_run_is_forgotten(demo: Demo, tmp_path: Path) -> None:
    there = demo.listing(CALL)
    provenance = demo.over(tmp_path, listing=lambda call: there)
    assert provenance.count_quanta(Quanta(), CALL) == 290
    raw = demo.id("raw", exposure=903986, detector=22)
    there = [pair for pair in there if pair[1] == FIRST]
    assert provenance.count_quanta(Quanta(), CALL) == 145
    coadd = demo.ids("demo_coadd", SECOND)[0]
    assert provenance.recorded(Recorded((raw, coadd)), CALL).rows == [(raw, None, True)]
    ((_, quanta, edges, datasets),) = contents(tmp_path)
    whole = demo.graphs[FIRST]
    assert quanta == 145 and edges == whole.number_of_edges()
    assert datasets == whole.number_of_nodes() - 145


def test_reading_that_takes_too_long_is_a_timeout(demo: Demo, tmp_path: Path) -> None:
    """Of those who wait; the one who reads goes on."""
    store = ProvenanceStore(tmp_path, "hsc")

    class Soon:
        def remaining(self) -> float:
            return 0.05

    with store._transaction(CALL), pytest.raises(Timeout, match="read for the first time"):
        store.forget(["x"], Call(deadline=Soon()))
    with (
        store.writer(CALL),
        pytest.raises(Timeout, match="read for the first time"),
        store.writer(Call(deadline=Soon())),
    ):
        raise AssertionError


def test_without_lsst_pipe_base_it_is_unsupported(
    provenance: Provenance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "find_spec", lambda name: None)
    with pytest.raises(Unsupported, match="lsst-pipe-base") as caught:
        provenance.quanta(Quanta(), CALL)
    assert caught.value.details["capability"] == "PROVENANCE"


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_graphs_of_a_repository_are_listed_both_ways(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """In a registry without the dataset type, and with a graph that has no file."""
    url = request.getfixturevalue("postgres").database() if kind == "postgres" else None
    repository = build(tmp_path / "repository", url=url, exposures=2)
    store = Store(repository.name, ButlerConfig(repository.uri))
    store.connect(CALL)
    tables = Tables(repository.butler().dimensions, store.dialect, store.schema)
    api = ButlerApi(repository.butler, repository.name)
    listings = (listed_by_sql(store, tables), listed_by_questions(api.ask))
    assert [listing(CALL) for listing in listings] == [[], []]
    with Butler.from_config(repository.uri, writeable=True) as butler:
        kindred = DatasetType("run_provenance", (), "StructuredDataDict", universe=butler.dimensions)
        butler.registry.registerDatasetType(kindred)
        (ref,) = butler.registry.insertDatasets(kindred, [{}], run="HSC/runs/w01")
    assert [listing(CALL) for listing in listings] == [[(ref.id.hex, "HSC/runs/w01")]] * 2
    graphs = RepositoryGraphs(listings[0], repository.butler)
    provenance = Provenance(ProvenanceStore(None, "r"), graphs, GraphFiles({}), api.ask, {})
    rows = provenance.quanta(Quanta(), CALL)
    assert rows.rows == [] and "of run 'HSC/runs/w01' cannot be read" in rows.notes[0]
    store.close()
    repository.close()
