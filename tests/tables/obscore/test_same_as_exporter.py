"""The rows are those of Rubin's own exporter, for the same repository and the same configuration."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from lsst.daf.butler import Butler
from lsst.dax.obscore import ExporterConfig

from gateway.tables.obscore.configuration import Configured, configured, read
from tests.tables.obscore import exporter
from tests.tables.obscore.asking import Opened
from tests.tables.obscore.exporter import DID, Records

FILE = Path(__file__).with_name("everything.yaml")
CONTENT: dict[str, Any] = yaml.safe_load(FILE.read_text())
SPATIAL = ("s_ra", "s_dec", "s_fov", "s_region")
VISIT = ("visit_name", "visit_seconds")
OURS = ("obs_id", "obs_title", "access_url", "access_format")
"""What the exporter leaves empty where the configuration does not say it, or says it for other types."""

REPOSITORIES: list[tuple[str, dict[str, Any]]] = [
    ("demo", {}),
    ("sqlite", {}),
    ("sqlite", {"universe": 5}),
    ("postgres", {"seed": 1}),
]


def judged() -> Configured:
    return configured({**CONTENT, "obs_publisher_did_fmt": DID})


def differences(batch: pa.RecordBatch, records: Records, but: tuple[str, ...] = ()) -> list[str]:
    """Where a dataset's row has another value than every one of its records."""
    found = []
    for row in batch.to_pylist():
        known = records.get(row["obs_publisher_did"], [])
        for name in (known[0].keys() & row.keys()) - set(but) if known else ():
            values = [record[name] for record in known]
            if name in OURS and values == [None] * len(values):
                continue
            if row[name] is None and all("None" in str(value) for value in values if value is not None):
                continue  # the exporter writes the word None into what it puts together
            if not any(same(row[name], value) for value in values):
                found.append(f"{row['dataset_type']} {name}: {row[name]!r} and not {values!r}")
    return found


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float | int):
        return math.isclose(ours, theirs, rel_tol=1e-12)
    return bool(ours == theirs) and (ours is None) == (theirs is None)


@pytest.mark.parametrize(("kind", "more"), REPOSITORIES, ids=str)
def test_rows_are_the_exporters(opened: Callable[..., Opened], kind: str, more: dict[str, Any]) -> None:
    repository: Opened = opened(kind, **more)
    with repository.butler() as butler:
        content = held(butler)
        exported, made = exporter.exported(butler, content), exporter.made(butler, content)
    batch = repository.rows(repository.datasets(), judged())
    dids = batch["obs_publisher_did"].to_pylist()
    types = dict(zip(dids, batch["dataset_type"].to_pylist(), strict=True))
    assert len(made) > 200
    assert len(exported) > 0.6 * len(made)
    assert made.keys() <= set(dids)
    but = {
        # Two regions, of a visit and of a patch: the exporter has no word for where they overlap.
        **dict.fromkeys(("Warp", "demo_warp"), SPATIAL),
        # Random exposures belong to several visits, each of which the exporter gives: test_the_visit_of_an_exposure.
        **({} if kind == "demo" else {"raw": VISIT}),
    }
    for dataset_type in sorted(set(types.values())):
        exports = {did: one for did, one in exported.items() if types[did] == dataset_type}
        assert not differences(batch, exports, but.get(dataset_type, ()))
    for did, records in exported.items():
        assert "arp" not in types[did] or all(record["s_region"] is None for record in records)
    # What the exporter leaves out, where a region is not known: of exposures it would be the visit's, which it has not looked for here.
    alone = {did: records for did, records in made.items() if did not in exported}
    raws = {did: records for did, records in alone.items() if types[did] == "raw"}
    assert not differences(batch, raws, (*SPATIAL, *VISIT))
    assert not differences(batch, {did: alone[did] for did in alone.keys() - raws.keys()}, ())
    assert kind == "demo" or (raws and len(alone) > len(raws))


def test_the_visit_of_an_exposure_is_the_lowest(opened: Callable[..., Opened]) -> None:
    repository: Opened = opened("sqlite")
    rows = repository.datasets("raw")
    with repository.butler() as butler, butler.query() as query:
        links = list(query.dimension_records("visit_definition"))
        names = {(one.instrument, one.id): one.name for one in query.dimension_records("visit")}
    visits: dict[tuple[str, int], set[int]] = {}
    for link in links:
        visits.setdefault((link.instrument, link.exposure), set()).add(link.visit)
    assert max(map(len, visits.values())) > 1
    for row, found in zip(rows.rows, repository.rows(rows, judged()).to_pylist(), strict=True):
        instrument, exposure = row[rows.index("instrument")], row[rows.index("exposure")]
        visit = min(visits.get((instrument, exposure), set()), default=None)
        assert found["visit_name"] == (None if visit is None else names[instrument, visit])
        assert found["lsst_visit"] == exposure


def held(butler: Butler) -> dict[str, Any]:
    """The configuration with no type that the repository lacks: the exporter stops at one."""
    known = {one.name for one in butler.registry.queryDatasetTypes()}
    types = {name: said for name, said in CONTENT["dataset_types"].items() if name in known}
    return {**CONTENT, "dataset_types": types}


@pytest.mark.parametrize("kind", ["demo", "sqlite"])
def test_order_and_company_do_not_matter(opened: Callable[..., Opened], kind: str) -> None:
    repository: Opened = opened(kind)
    whole = repository.datasets()
    config = judged()
    together = {row["obs_publisher_did"]: row for row in repository.rows(whole, config).to_pylist()}
    order = [row[whole.index("id")] for row in whole.rows]
    backwards = repository.rows(whole.of(whole.rows[::-1]), config)
    dids = [one.rpartition("=")[2].replace("-", "") for one in backwards["obs_publisher_did"].to_pylist()]
    assert dids == order[::-1]
    assert backwards.to_pylist() == [together[did] for did in backwards["obs_publisher_did"].to_pylist()]
    for name in ("raw", "calexp", "flat", "skyMap"):
        # With what came along in the same statement, and without it.
        for rows in (repository.datasets(name), repository.datasets(name, beside=None)):
            for row in repository.rows(rows, config).to_pylist():
                assert row == together[row["obs_publisher_did"]]


def test_the_file_is_read_as_the_exporter_reads_it() -> None:
    from lsst.daf.butler import Config

    ours = read(FILE).config.model_dump()
    theirs = ExporterConfig.model_validate(Config(str(FILE))).model_dump()
    assert ours == {name: theirs[name] for name in ours}
