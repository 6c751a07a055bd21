"""Quantum graph files of the configuration, readable or not, and what single quanta in graphs say."""

from __future__ import annotations

import asyncio
import os
import shutil
import zipfile
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from adapters.butler import open_repository
from adapters.butler.provenance import (
    GraphFiles,
    graph,
)
from adapters.butler.provenance.facts import (
    QuantumFact,
    Role,
    Status,
)
from adapters.errors import BadUserInput
from adapters.protocol import Settings
from adapters.question import (
    Collections,
    Constraint,
    Lineage,
    Op,
    Quanta,
    QuantumDatasets,
    Recorded,
    Way,
)

from .recorded import ALL, CALL, FIRST, SECOND, Demo, readings, used

# -------------------- files


@pytest.fixture(scope="module")
def predicted(demo: Demo, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The graph of a third run that nobody has executed, of one visit."""
    from lsst.pipe.base.all_dimensions_quantum_graph_builder import AllDimensionsQuantumGraphBuilder

    from gateway.demo.execution import INPUTS
    from gateway.demo.pipeline import pipeline_graph

    builder = AllDimensionsQuantumGraphBuilder(
        pipeline_graph(5.0, {}),
        demo.butler(),
        input_collections=list(INPUTS),
        output_run="HSC/runs/demo/3",
        where="instrument = 'HSC' AND skymap = 'discrete/ci_hsc' AND visit = 903986",
    )
    path = tmp_path_factory.mktemp("graphs") / "third.qg"
    builder.finish(attach_datastore_records=False).write(str(path))
    return path


def test_a_predicted_graph_shows_what_would_run(demo: Demo, tmp_path: Path, predicted: Path) -> None:
    provenance = demo.over(tmp_path, files=[str(predicted)])
    rows = provenance.quanta(Quanta(statuses=("PREDICTED",), page=ALL), CALL)
    per_task = Counter(row[1] for row in rows.rows if row[6] != "{}")
    assert per_task == {"isr": 4, "calibrate": 4, "warp": 9, "coadd": 9}
    assert {row[3] for row in rows.rows} == {"HSC/runs/demo/3"}
    (isr,) = (
        row[0]
        for row in provenance.quanta(
            Quanta(("isr",), ("*/3",), constraints=(Constraint("detector", Op.EQ, 22),)), CALL
        ).rows
    )
    inputs = provenance.quantum_datasets(QuantumDatasets((isr,), "inputs"), CALL)
    assert [row[2] for row in inputs.rows] == ["bias", "flat", "raw"]
    outputs = provenance.quantum_datasets(QuantumDatasets((isr,), "outputs"), CALL)
    assert outputs.rows == [] and outputs.notes
    # The flat that it would take is the valid one, which no execution used yet: a plan is no use.
    flat, raw = inputs.rows[1][1], inputs.rows[2][1]
    assert flat == demo.id("flat", "HSC/calib/flat/2013-08-01-redone", detector=22)
    assert used(provenance, raw, flat) is False
    assert provenance.recorded(Recorded((flat,)), CALL).rows == []
    assert used(provenance, raw, flat, runs=("HSC/runs/demo/3",)) is None
    down = provenance.lineage(Lineage((raw,), Way.DOWNSTREAM, 3, page=ALL), CALL)
    assert {row[3] for row in down.rows} == {FIRST, SECOND}


def test_a_changed_file_is_read_again_and_a_vanished_one_forgotten(
    demo: Demo, tmp_path: Path, predicted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "some.qg"
    shutil.copy(predicted, file)
    provenance = demo.over(tmp_path / "state", files=[file])
    plan = Quanta(statuses=("PREDICTED",))
    assert provenance.count_quanta(plan, CALL) == 26 + 4
    with readings(monkeypatch) as seen:
        assert provenance.count_quanta(plan, CALL) == 30 and seen == []
        os.utime(file, ns=(1, 1))
        assert provenance.count_quanta(plan, CALL) == 30 and len(seen) == 1
    file.unlink()
    rows = provenance.quanta(plan, CALL)
    assert rows.rows == [] and rows.notes == (
        "Not recorded: the quantum graph file 'some.qg', which the configuration names, cannot be found.",
    )
    assert provenance.count_quanta(Quanta(), CALL) == 290


@pytest.mark.parametrize("cut", [0, 100, 5_000])
def test_an_unreadable_file_is_told_and_the_rest_works(
    demo: Demo, tmp_path: Path, predicted: Path, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Truncated anywhere; it is not tried again at every question, and is as soon as it changes."""
    file = tmp_path / "broken.qg"
    file.write_bytes(predicted.read_bytes()[:cut])
    provenance = demo.over(tmp_path / "state", files=[file])
    with readings(monkeypatch) as seen:
        rows = provenance.quanta(Quanta(page=ALL), CALL)
        again = provenance.quanta(Quanta(page=ALL), CALL)
        assert seen.count(str(file)) == 1
    assert len(rows.rows) == 290 and rows.notes == again.notes
    assert rows.notes == (
        "Not recorded: the quantum graph file 'broken.qg' cannot be read; the server's log says why.",
    )
    shutil.copy(predicted, file)
    assert provenance.quanta(Quanta(page=ALL), CALL).notes == ()
    assert provenance.count_quanta(Quanta(), CALL) == 320


def test_an_unreadable_graph_of_the_repository_is_a_run_not_recorded(demo: Demo, tmp_path: Path) -> None:
    listing = [*demo.listing(CALL)[:1], ("f" * 32, "HSC/runs/demo/9")]
    provenance = demo.over(tmp_path, listing=lambda call: listing)
    rows = provenance.quanta(Quanta(page=ALL), CALL)
    assert len(rows.rows) == 145
    assert rows.notes[0].startswith("Not recorded: the provenance graph of run 'HSC/runs/demo/9'")


def test_a_provenance_file_of_a_run_that_the_repository_holds(demo: Demo, tmp_path: Path) -> None:
    """The same quanta, told of twice, are shown once, whichever source goes first."""
    butler = demo.butler()
    ref = butler.find_dataset("run_provenance", collections=FIRST)
    file = tmp_path / "first.qg"
    file.write_bytes(butler.getURI(ref).read())
    there = demo.listing(CALL)
    provenance = demo.over(tmp_path, files=[file], listing=lambda call: there)
    assert provenance.count_quanta(Quanta(), CALL) == 290
    there = []
    assert provenance.count_quanta(Quanta(), CALL) == 145
    coadd = demo.ids("demo_coadd", FIRST)[0]
    assert len(provenance.recorded(Recorded((coadd,)), CALL).rows) == 1
    there = demo.listing(CALL)
    assert provenance.count_quanta(Quanta(), CALL) == 290


def test_files_must_be_a_list() -> None:
    with pytest.raises(ValueError, match="list of paths"):
        GraphFiles({"quantum_graphs": "one.qg"})


def test_a_home_that_does_not_exist_is_refused() -> None:
    options = {"quantum_graphs": ["~nobody.here/one.qg"]}
    with pytest.raises(BadUserInput, match="home"):
        open_repository("hsc", Settings("nowhere", options=options))


def test_relative_paths_begin_at_a_folder(tmp_path: Path, predicted: Path) -> None:
    shutil.copy(predicted, tmp_path / "third.qg")
    found, notes = GraphFiles({"quantum_graphs": ["third.qg", str(predicted)]}, str(tmp_path)).sources()
    assert [source.name for source in found] == [f"file:{tmp_path / 'third.qg'}", f"file:{predicted}"]
    assert notes == []


def test_what_cannot_be_a_graph_is_told_to_the_operator(tmp_path: Path, predicted: Path) -> None:
    (tmp_path / "torn.qg").write_bytes(predicted.read_bytes()[:5_000])
    (tmp_path / "folder.qg").mkdir()
    with zipfile.ZipFile(tmp_path / "other.qg", "w") as archive:
        archive.writestr("readme", "no graph")
    names = ["torn.qg", "folder.qg", "other.qg", "missing.qg", str(predicted)]
    assert GraphFiles({"quantum_graphs": names}, str(tmp_path)).problems() == (
        f"quantum_graphs: '{tmp_path / 'torn.qg'}' is not a quantum graph, or not a whole one",
        f"quantum_graphs: '{tmp_path / 'folder.qg'}' cannot be read: is a directory",
        f"quantum_graphs: '{tmp_path / 'other.qg'}' is not a quantum graph",
        f"quantum_graphs: '{tmp_path / 'missing.qg'}' cannot be read: no such file or directory",
    )


def test_a_missing_file_is_logged_once_and_stops_nothing(demo: Demo, tmp_path: Path) -> None:
    options = {"quantum_graphs": ["missing.qg"]}
    repository = open_repository("hsc", Settings(str(demo.root), options=options, folder=str(tmp_path)))

    async def ask() -> None:
        await repository.universe(CALL)
        await repository.ask(Collections(), CALL)
        assert len((await repository.health(CALL)).problems) == 1
        await repository.close()

    with capture_logs() as logs:
        asyncio.run(ask())
    (told,) = (event for event in logs if event["log_level"] == "warning")
    assert told["repository"] == "hsc" and str(tmp_path / "missing.qg") in told["problem"]


# -------------------- what graphs say


def test_statuses_and_messages(demo: Demo) -> None:
    """Every status of lsst-pipe-base has a name here, and every caveat words."""
    from lsst.pipe.base import QuantumAttemptStatus, QuantumSuccessCaveats

    assert set(graph._CAVEATS) == {flag.name for flag in QuantumSuccessCaveats}
    everything = {
        status.name: graph._STATUS.get(status.name, Status.UNKNOWN) for status in QuantumAttemptStatus
    }
    assert everything == {
        "ABORTED": "ABORTED",
        "UNKNOWN": "UNKNOWN",
        "ABORTED_SUCCESS": "SUCCESSFUL",
        "FAILED": "FAILED",
        "BLOCKED": "BLOCKED",
        "SUCCESSFUL": "SUCCESSFUL",
    }

    def message(status: str, caveats: Any = None, error: Any = None, attempts: int = 1) -> str | None:
        return graph._message(status, SimpleNamespace(caveats=caveats, exception=error), attempts)

    none = QuantumSuccessCaveats.NO_CAVEATS
    assert message("SUCCESSFUL", none) is None
    adjusted = QuantumSuccessCaveats.from_adjust_quantum_no_work()
    assert message("SUCCESSFUL", adjusted) == (
        "none of its outputs was produced; too few of its inputs existed for it to run"
    )
    error = SimpleNamespace(type_name="ValueError", message="bad sky")
    assert message("FAILED", None, error, 3) == "ValueError: bad sky; 3 attempts"
    assert graph._message("BLOCKED", None, 0) is None
    assert message("ABORTED_SUCCESS", none) == "cut off after it had succeeded, before its log was written"


def test_what_was_blocked_read_nothing(demo: Demo, tmp_path: Path) -> None:
    """A real quantum's model with other attempts."""
    from lsst.pipe.base import QuantumAttemptStatus
    from lsst.pipe.base.quantum_graph import ProvenanceQuantumGraphReader, ProvenanceQuantumModel

    butler = demo.butler()
    uri = butler.getURI(butler.find_dataset("run_provenance", collections=FIRST))
    with ProvenanceQuantumGraphReader.open(uri) as reader:
        quantum = next(graph._blocks(reader, "quanta", ProvenanceQuantumModel))
        for status, read, logged in (
            (QuantumAttemptStatus.SUCCESSFUL, Role.READ, [True, True]),
            (QuantumAttemptStatus.FAILED, Role.READ, [False, True]),
            (QuantumAttemptStatus.UNKNOWN, Role.READ_NOT, [False, False]),
            (None, Role.READ_NOT, [False, False]),
        ):
            if status is None:
                quantum.attempts = []
            else:
                quantum.attempts[-1].status = status
            *datasets, fact = graph._executed(reader, quantum)
            assert isinstance(fact, QuantumFact)
            assert fact.status == (status.name if status else "BLOCKED")
            assert [one.produced for one in datasets] == logged  # type: ignore[union-attr]
            assert {role for _, role in fact.edges} == {read, Role.WROTE}
