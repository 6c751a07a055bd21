"""The demonstration repository keeps its promises; it is really built, once for all these tests."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler, Timespan

from gateway.demo import repository
from gateway.demo.calibrations import COLLECTION, FLAT_EPOCHS, FLAT_GAP, REPLACED
from gateway.demo.execution import CAMPAIGNS
from gateway.demo.records import REAL_RUN, SKYMAP

RUNS = [campaign.run for campaign in CAMPAIGNS]


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built in a process of its own, as `make demo` does it, so that what it prints is seen."""
    place = tmp_path_factory.mktemp("demonstration") / "hsc"
    code = (
        "import sys; from pathlib import Path; from gateway.demo.repository import ensure; said = [];"
        "ensure(Path(sys.argv[1]), said.append); assert len(said) == 8, said"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(place)], check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return place


@pytest.fixture
def butler(root: Path) -> Iterator[Any]:
    with Butler.from_config(str(root)) as opened:
        yield opened


def raws(butler: Any) -> list[Any]:
    return list(butler.query_datasets("raw", ["HSC/raw/all"], with_dimension_records=True, limit=None))


def valid_flat(butler: Any, raw: Any) -> Any:
    return butler.find_dataset("flat", raw.dataId, collections=[COLLECTION], timespan=raw.dataId.timespan)


def used_inputs(butler: Any, run: str, dataset_id: Any) -> set[Any]:
    """The ids of the inputs of the quantum that made the dataset."""
    graph = butler.get("run_provenance", collections=[run]).bipartite_xgraph
    (quantum,) = graph.predecessors(dataset_id)
    return set(graph.predecessors(quantum))


def calexps_in_coadds(butler: Any, run: str) -> tuple[set[Any], set[Any]]:
    """(visit, detector, patch) of the calibrated frames that overlap a coadd of their band, and of those in it."""
    calexps = {ref.id: ref for ref in butler.query_datasets("demo_calexp", [run], limit=None)}
    with butler.query() as query:
        query = query.join_data_coordinates([ref.dataId for ref in calexps.values()])
        query = query.join_dimensions(["patch"]).where(skymap=SKYMAP)
        pairs = query.data_ids(["instrument", "visit", "detector", "skymap", "tract", "patch"])
        overlapping = {(pair["visit"], pair["detector"], pair["patch"]) for pair in pairs}
    graph = butler.get("run_provenance", collections=[run]).bipartite_xgraph
    used = set()
    for coadd in butler.query_datasets("demo_coadd", [run], limit=None):
        (made,) = graph.predecessors(coadd.id)
        for warp in graph.predecessors(made):
            (warped,) = graph.predecessors(warp)
            for calexp in graph.predecessors(warped):
                data_id = calexps[calexp].dataId
                used.add((data_id["visit"], data_id["detector"], coadd.dataId["patch"]))
    return overlapping, used


def test_the_real_records_are_all_there(butler: Any) -> None:
    count = {
        element: len(butler.query_dimension_records(element, instrument="HSC"))
        for element in ("visit", "detector", "visit_detector_region", "exposure", "visit_definition")
    }
    assert count == {
        "visit": 11,
        "detector": 16,
        "visit_detector_region": 33,
        "exposure": 11,
        "visit_definition": 11,
    }
    assert len(butler.query_dimension_records("patch", skymap=SKYMAP)) == 256


def test_an_exposure_has_the_time_of_its_visit_and_invents_no_pointing(butler: Any) -> None:
    visits = {visit.id: visit for visit in butler.query_dimension_records("visit", instrument="HSC")}
    for exposure in butler.query_dimension_records("exposure", instrument="HSC"):
        assert exposure.timespan == visits[exposure.id].timespan
        assert exposure.tracking_ra is None
        assert exposure.obs_id == visits[exposure.id].name


def test_imported_calexps_are_found_by_default_and_have_no_files(butler: Any) -> None:
    calexps = butler.query_datasets("calexp", ["HSC/defaults"], limit=None)
    assert len(calexps) == 33
    assert {ref.run for ref in calexps} == {REAL_RUN}
    assert not any(butler.stored_many(calexps).values())


def test_patches_tile_the_tract_where_the_detectors_are(butler: Any) -> None:
    with butler.query() as query:
        query = query.where(instrument="HSC", skymap=SKYMAP)
        pairs = list(query.data_ids(["visit", "detector", "patch"]))
        query = query.join_dataset_search("calexp", [REAL_RUN])
        of_calexps = list(query.data_ids(["visit", "detector", "patch"]))
    assert len(pairs) == len(of_calexps) == 130
    (tract,) = butler.query_dimension_records("tract", skymap=SKYMAP)
    patches = butler.query_dimension_records("patch", skymap=SKYMAP)
    assert all(tract.region.contains(patch.region.getCentroid()) for patch in patches)
    corner = {(patch.cell_x, patch.cell_y): patch.id for patch in patches}
    assert corner[(0, 0)] == 0
    assert corner[(1, 0)] == 1
    assert corner[(0, 1)] == 16


def test_every_raw_outside_the_gap_has_a_valid_flat_and_none_inside(butler: Any) -> None:
    gap = FLAT_GAP.timespan()
    without = {raw.dataId["exposure"] for raw in raws(butler) if valid_flat(butler, raw) is None}
    inside = {raw.dataId["exposure"] for raw in raws(butler) if gap.overlaps(raw.dataId.timespan)}
    assert without == inside == {904010, 904014}
    assert len(raws(butler)) == 33


def test_one_night_spans_two_flat_epochs(butler: Any) -> None:
    runs = {
        raw.dataId["exposure"]: valid_flat(butler, raw).run for raw in raws(butler) if "R" in str(raw.dataId)
    }
    assert runs[903338] == FLAT_EPOCHS[0].run
    assert runs[903342] == FLAT_EPOCHS[1].run


def test_the_last_flat_epoch_has_no_end(butler: Any) -> None:
    certified = list(butler.registry.queryDatasetAssociations("flat", [COLLECTION]))
    assert len(certified) == 128
    assert Counter(one.timespan.end is None for one in certified) == {False: 96, True: 32}
    future = Timespan.fromInstant(_time("2040-01-01T00:00:00"))
    data_id = {"instrument": "HSC", "detector": 0, "physical_filter": "HSC-R"}
    found = butler.find_dataset("flat", data_id, collections=[COLLECTION], timespan=future)
    assert found.run == FLAT_EPOCHS[3].run


def test_two_executions_give_versions_and_the_newer_is_found_first(butler: Any) -> None:
    for name, number in {"demo_calexp": 27, "demo_src": 27, "demo_warp": 69, "demo_coadd": 18}.items():
        assert [len(butler.query_datasets(name, [run], limit=None)) for run in RUNS] == [number, number]
        first = butler.query_datasets(name, ["HSC/runs/all"], limit=None)
        assert {ref.run for ref in first} == {RUNS[1]}
        every = butler.query_datasets(name, ["HSC/runs/all"], find_first=False, limit=None)
        assert len(every) == 2 * number


def test_tagged_collection_prefers_another_version_than_the_chain(butler: Any) -> None:
    tagged = butler.query_datasets("demo_calexp", ["HSC/tagged/best"], limit=None)
    assert {(ref.run, ref.dataId["band"]) for ref in tagged} == {(RUNS[0], "i"), (RUNS[1], "r")}


@pytest.mark.parametrize("run", RUNS)
def test_provenance_is_readable_and_complete(butler: Any, run: str) -> None:
    graph = butler.get("run_provenance", collections=[run])
    quanta = {label: len(of_task) for label, of_task in graph.quanta_by_task.items()}
    assert quanta == {"isr": 27, "calibrate": 27, "warp": 69, "coadd": 18}
    xgraph = graph.bipartite_xgraph
    for name in ("demo_postIsr", "demo_calexp", "demo_src", "demo_calexpSummary", "demo_warp", "demo_coadd"):
        for ref in butler.query_datasets(name, [run], limit=None):
            assert xgraph.nodes[ref.id]["produced"]
            assert len(list(xgraph.predecessors(ref.id))) == 1
    assert {xgraph.nodes[q]["status"].name for of in graph.quanta_by_task.values() for q in of.values()} == {
        "SUCCESSFUL"
    }


def test_logs_and_metadata_are_registered_and_readable(butler: Any) -> None:
    data_id = {"instrument": "HSC", "visit": 903334, "detector": 22}
    log = butler.get("calibrate_log", data_id, collections=[RUNS[1]])
    assert any("sources above 5.0 sigma" in record.message for record in log)
    assert butler.get("calibrate_metadata", data_id, collections=[RUNS[1]])["quantum"]


def test_exactly_one_overlapping_frame_is_not_used_and_only_in_the_second_run(butler: Any) -> None:
    overlapping, used = calexps_in_coadds(butler, RUNS[0])
    assert len(overlapping) == 110
    assert used == overlapping
    overlapping, used = calexps_in_coadds(butler, RUNS[1])
    assert len(overlapping) == 110
    assert overlapping - used == {(903346, 12, 85)}
    assert used <= overlapping


@pytest.mark.parametrize("run", RUNS)
def test_valid_and_used_flat_differ_for_exactly_the_replaced_one(butler: Any, run: str) -> None:
    differing = {}
    for raw in raws(butler):
        post = butler.find_dataset("demo_postIsr", raw.dataId, collections=[run])
        if post is None:
            continue
        inputs = {ref.datasetType.name: ref for ref in _datasets(butler, used_inputs(butler, run, post.id))}
        assert inputs["raw"].id == raw.id
        valid = valid_flat(butler, raw)
        if valid.id != inputs["flat"].id:
            differing[raw.dataId["exposure"], raw.dataId["detector"]] = (inputs["flat"].run, valid.run)
    assert differing == {(903986, REPLACED.detector): (REPLACED.epoch.run, REPLACED.run)}


def test_raws_without_a_flat_were_not_processed(butler: Any) -> None:
    processed = {
        (ref.dataId["exposure"], ref.dataId["detector"])
        for ref in butler.query_datasets("demo_postIsr", [RUNS[1]], limit=None)
    }
    everything = {(raw.dataId["exposure"], raw.dataId["detector"]) for raw in raws(butler)}
    assert {exposure for exposure, _ in everything - processed} == {904010, 904014}


def test_frames_and_products_hold_the_same_numbers_in_every_build(butler: Any) -> None:
    where = {"instrument": "HSC", "detector": 22}
    raw = butler.get("raw", where, exposure=903334, collections=["HSC/raw/all"])
    assert (len(raw), int(raw["adu"].sum()), int(raw["adu"].max())) == RAW_NUMBERS
    summary = butler.get("demo_calexpSummary", where, visit=903334, collections=[RUNS[1]])
    assert summary == pytest.approx(SUMMARY, rel=1e-4)


def test_the_same_stars_are_measured_in_two_visits(butler: Any) -> None:
    def stars(visit: int) -> Any:
        src = butler.get("demo_src", instrument="HSC", visit=visit, detector=22, collections=[RUNS[1]])
        return src[src["mag"] < 20.5]

    one, two = stars(903334), stars(903986)  # the same pointing, in r and in i
    assert len(one) >= 5
    degrees = [min(abs(two["ra"] - s["ra"]) + abs(two["dec"] - s["dec"])) for s in one]
    assert sum(distance < 0.002 for distance in degrees) >= 0.8 * len(one)


def test_lsstcam_ids_pass_31_bits_and_their_datasets_are_found(butler: Any) -> None:
    found = butler.query_datasets(
        "raw", ["LSSTCam/defaults"], where="exposure > 2147483648", instrument="LSSTCam"
    )
    assert sorted({ref.dataId["exposure"] for ref in found}) == [2025120200439, 2025120200440]
    assert len(found) == 4
    assert len(butler.get(found[0])) == 2048


def test_nothing_in_the_repository_is_a_pickle_or_knows_where_it_was_built(root: Path) -> None:
    files = [path for path in root.rglob("*") if path.is_file()]
    assert not [path for path in files if path.suffix in {".pickle", ".pkl"}]
    registry = (root / repository.REGISTRY).read_bytes() + (root / "butler.yaml").read_bytes()
    assert str(root.parent).encode() not in registry
    assert b".building-" not in registry
    assert not [path for path in root.rglob("*") if path.is_dir() and not any(path.iterdir())]


def test_every_stored_file_is_where_its_record_says(butler: Any) -> None:
    refs = []
    for name in ("raw", "bias", "flat", "demo_calexp", "demo_coadd", "run_provenance", "isr_log"):
        refs.extend(butler.query_all_datasets("*", name=name, find_first=False, limit=None))
    # One by one: stored_many answers False for all but one of the datasets that share the provenance file.
    assert all(butler.stored(ref) for ref in refs)


def test_the_registry_has_statistics(root: Path) -> None:
    with sqlite3.connect(root / repository.REGISTRY) as registry:
        assert registry.execute("SELECT count(*) FROM sqlite_stat1").fetchone()[0] > 0
    registry.close()


def test_second_ensure_builds_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "build", _must_not_build)
    assert repository.ensure(root) == root


def test_interrupted_build_is_never_reused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "hsc"

    def interrupted(root: Path, progress: Any) -> None:
        root.mkdir()
        (root / "butler.yaml").write_text("half")
        raise KeyboardInterrupt

    monkeypatch.setattr(repository, "build", interrupted)
    with pytest.raises(KeyboardInterrupt):
        repository.ensure(target)
    assert not target.exists()
    # A killed process cannot clear up; what it leaves is cleared before the next build and not used.
    (tmp_path / ".hsc.building-killed").mkdir()
    monkeypatch.setattr(repository, "build", _small_build)
    repository.ensure(target)
    assert (target / "butler.yaml").read_text() == "whole"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hsc.lock", "hsc"]


def test_two_who_ask_at_once_build_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = []

    def slow(root: Path, progress: Any) -> None:
        builds.append(root)
        time.sleep(0.2)
        _small_build(root, progress)

    monkeypatch.setattr(repository, "build", slow)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(repository.ensure, [tmp_path / "hsc"] * 2))
    assert len(builds) == 1


def test_older_recipe_is_rebuilt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "hsc"
    monkeypatch.setattr(repository, "build", _small_build)
    repository.ensure(target)
    (target / "of-the-old-recipe").touch()
    monkeypatch.setattr(repository, "RECIPE", repository.RECIPE + 1)
    repository.ensure(target)
    assert not (target / "of-the-old-recipe").exists()


def test_foreign_directory_is_refused_and_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").write_text("precious")
    monkeypatch.setattr(repository, "build", _must_not_build)
    with pytest.raises(FileExistsError, match="no demonstration repository"):
        repository.ensure(tmp_path)
    assert (tmp_path / "mine").read_text() == "precious"


def test_configuration_names_collections_that_exist(root: Path, butler: Any) -> None:
    (entry,) = repository.configuration(root)["repositories"].values()
    assert entry["uri"] == str(root)
    assert set(entry["collections"]) <= set(butler.collections.query("*"))


def test_importing_the_module_imports_no_lsst() -> None:
    code = (
        "import sys, gateway.demo.repository; sys.exit(any(m.split('.')[0] == 'lsst' for m in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _must_not_build(root: Path, progress: Any) -> None:
    raise AssertionError(f"built {root}")


def _small_build(root: Path, progress: Any) -> None:
    root.mkdir()
    (root / "butler.yaml").write_text("whole")


def _datasets(butler: Any, ids: set[Any]) -> list[Any]:
    return [ref for ref in butler.get_many_datasets(ids) if ref is not None]


def _time(text: str) -> Any:
    from astropy.time import Time

    return Time(text, scale="tai")


# Of detector 22 in visit 903334, as the seed of the recipe makes them.
RAW_NUMBERS = (2048, 2730560, 3889)
SUMMARY = {"background": 305.324, "noise": 213.666, "sources": 15, "threshold": 5.0}
