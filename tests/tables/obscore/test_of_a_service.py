"""Datasets of a TAP service (DaCHS): its own ObsCore rows, as it has them."""

from __future__ import annotations

import math
from typing import Any

from adapters.caller import Call
from adapters.question import Datasets, Page
from gateway.tables.obscore.obscore import BESIDE, ObsCore
from tests.tables.obscore.asking import IVOID, datalink
from tests.tap.asking import Opened
from tests.tap.conftest import repository, service, table, tap

__all__ = ["repository", "service", "table", "tap"]  # fixtures


def same(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, float) and isinstance(theirs, float | int):
        return math.isclose(ours, theirs, rel_tol=1e-7)  # REAL columns of DaCHS
    return bool(ours == theirs)


def test_rows_are_the_services(tap: Opened, table: list[dict[str, Any]]) -> None:
    core = ObsCore("judged", IVOID, datalink)
    rows = tap.ask(Datasets(("*",), ("*",), find_first=False, page=Page(100_000), beside=BESIDE))
    batch = tap.run(core.batch(tap.repository, rows, Call()))
    batch.validate(full=True)
    by_did = {row["obs_publisher_did"]: row for row in table}
    assert sorted(batch["obs_publisher_did"].to_pylist()) == sorted(by_did)
    for found in batch.to_pylist():
        said = by_did[found["obs_publisher_did"]]
        for name in found.keys() & said.keys() - {"s_region"}:
            assert same(found[name], said[name]), name
        assert (found["s_region"] is None) == (said.get("s_region") is None)
        assert found["run"] == said["obs_collection"]
