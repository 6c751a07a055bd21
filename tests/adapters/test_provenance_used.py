"""What is recorded of a dataset, and which datasets executions used together."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from adapters.butler.provenance import (
    Provenance,
    ProvenanceStore,
)
from adapters.caller import Call
from adapters.question import (
    Lineage,
    Page,
    Recorded,
    Used,
    Way,
)

from .recorded import CALL, FIRST, SECOND, Demo, kin, used


def test_recorded(demo: Demo, provenance: Provenance) -> None:
    nodes = [node for node, known in demo.whole.nodes(data=True) if "dataset_type_name" in known]
    rows = provenance.recorded(Recorded((*(node.hex for node in nodes), "f" * 32)), CALL).rows
    assert {row[0]: row[1:] for row in rows} == {
        node.hex: (
            next((q.hex for q in demo.whole.predecessors(node)), None),
            any(True for _ in demo.whole.successors(node)),
        )
        for node in nodes
    }
    imported = demo.ids("calexp")
    assert imported and provenance.recorded(Recorded(tuple(imported)), CALL).rows == []


def test_the_flat_that_was_used_and_the_valid_one(demo: Demo, provenance: Provenance) -> None:
    raw = demo.id("raw", exposure=903986, detector=22)
    (before,) = demo.ids("flat", "HSC/calib/flat/2013-08-01", detector=22, physical_filter="HSC-I")
    (redone,) = demo.ids("flat", "HSC/calib/flat/2013-08-01-redone", detector=22, physical_filter="HSC-I")
    assert used(provenance, raw, before) is True
    assert used(provenance, raw, redone) is False
    calexp = demo.id("demo_calexp", FIRST, visit=903986, detector=22)
    assert used(provenance, calexp, before) is True
    assert used(provenance, calexp, redone) is False
    assert used(provenance, raw, before, runs=(SECOND,)) is True
    assert used(provenance, raw, redone, runs=("*/[12]",)) is False
    assert used(provenance, raw, before, runs=("HSC/raw/all",)) is None, "nothing is recorded of that run"


def test_used_is_null_where_nothing_could_have_been_recorded(demo: Demo, provenance: Provenance) -> None:
    recorded = {node.hex for node in demo.whole}
    idle = [raw for raw in demo.ids("raw", "HSC/raw/all") if raw not in recorded]
    flat = next(flat for flat in demo.ids("flat", "HSC/calib/flat/2013-08-01") if flat in recorded)
    coadd = demo.ids("demo_coadd", FIRST)[0]
    imported, other = demo.ids("calexp")[:2]
    assert idle, "the demonstration has raws that were not processed"
    assert used(provenance, idle[0], flat) is None, "of that raw nothing is recorded"
    assert used(provenance, idle[0], coadd) is False, "all that went into that coadd is recorded"
    assert used(provenance, imported, coadd) is False
    assert used(provenance, imported, other) is None
    assert used(provenance, "e" * 32, "f" * 32) is None
    camera = demo.ids("raw", "LSSTCam/raw/all")[0]
    assert used(provenance, camera, flat) is None


def test_a_coadd_that_others_made_is_not_known_not_to_have_used(demo: Demo, provenance: Provenance) -> None:
    """Much is recorded of the calexp, and nothing of who made the coadd: None. Of a run that is not counted
    nothing is recorded either."""
    first = demo.id("demo_calexp", FIRST, visit=903346, detector=12)
    coadd = demo.id("demo_coadd", SECOND, patch=85, band="r")
    assert used(provenance, first, coadd) is False
    assert used(provenance, first, coadd, runs=(FIRST,)) is None


def test_the_visit_that_the_second_run_rejected(demo: Demo, provenance: Provenance) -> None:
    for run, expected in ((FIRST, True), (SECOND, False)):
        calexp = demo.id("demo_calexp", run, visit=903346, detector=12)
        coadd = demo.id("demo_coadd", run, patch=85, band="r")
        assert used(provenance, calexp, coadd) is expected
        assert used(provenance, calexp, coadd, depth=1) is False, "a coadd reads warps, not calexps"
        assert used(provenance, calexp, coadd, depth=2, runs=(run,)) is expected
    totals = []
    for run in (FIRST, SECOND):
        found = provenance.partners(demo.ids("demo_coadd", run), ("demo_calexp",), (run,), 3, CALL)
        totals.append(sum(map(len, found.values())))
    assert totals == [110, 109]


def test_used_is_networkx(demo: Demo, provenance: Provenance) -> None:
    """True for random pairs is what networkx finds; partners are the same, as sets."""
    random = Random(5)
    whole = demo.whole
    kinds = {"raw", "flat", "bias", "demo_calexp", "demo_warp", "demo_coadd", "demo_postIsr", "coadd_config"}
    nodes = [n for n, known in whole.nodes(data=True) if known.get("dataset_type_name") in kinds]
    pairs = [tuple(random.sample(nodes, 2)) for _ in range(3000)]
    for depth in (1, 2, 4):
        sets: dict[Any, set[str]] = {}
        for node in nodes:
            beside = {d.hex for q in whole.successors(node) for d in whole.predecessors(q)} - {node.hex}
            sets[node] = beside.union(*(kin(whole, node, way, depth) for way in Way))
        expected = [b.hex in sets[a] for a, b in pairs]
        verdicts = provenance.verdicts([(a.hex, b.hex) for a, b in pairs], None, depth, CALL)
        assert [verdict is True for verdict in verdicts] == expected and 0 < sum(expected) < len(pairs)
        assert verdicts.count(None) == 0, "of all of these executions are recorded"
        every = provenance.partners([node.hex for node in nodes], (), None, depth, CALL)
        assert every == {node.hex: found for node, found in sets.items()}
        some = provenance.partners([nodes[0].hex], ("demo_calexp", "f*"), None, depth, CALL)[nodes[0].hex]
        types = {n.hex: known.get("dataset_type_name", "") for n, known in whole.nodes(data=True)}
        assert some == {i for i in sets[nodes[0]] if types[i] == "demo_calexp" or types[i].startswith("f")}


def test_the_api_gives_the_same_answers(demo: Demo, provenance: Provenance) -> None:
    other = demo.over(None, api=True)
    coadds = tuple(demo.ids("demo_coadd", FIRST)[:5])
    asked = Lineage(coadds, Way.UPSTREAM, 3, page=Page(6))
    a, b = provenance.lineage(asked, CALL), other.lineage(asked, CALL)
    assert (a.columns, a.rows, a.more, dict(a.types)) == (b.columns, b.rows, b.more, dict(b.types))
    pairs = ((coadds[0], demo.ids("calexp")[0]), (demo.ids("calexp")[0], demo.ids("calexp")[1]))
    assert (
        provenance.used(Used(pairs), CALL).rows
        == other.used(Used(pairs), CALL).rows
        == [(0, False), (1, None)]
    )


def test_the_number_of_statements_does_not_grow(
    demo: Demo, provenance: Provenance, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[str] = []
    real = ProvenanceStore.rows

    def counting(self: ProvenanceStore, statement: str, values: Any, call: Call) -> Any:
        counted.append(statement)
        return real(self, statement, values, call)

    monkeypatch.setattr(ProvenanceStore, "rows", counting)
    coadds, calexps = demo.ids("demo_coadd"), demo.ids("demo_calexp")

    def cost(work: Callable[[], object]) -> int:
        counted.clear()
        work()
        return len(counted)

    for number in (1, len(coadds)):
        few = tuple(coadds[:number])
        assert cost(lambda few=few: provenance.lineage(Lineage(few, Way.UPSTREAM, 3), CALL)) == 2  # type: ignore[misc]
        pairs = tuple((a, b) for a in few for b in calexps)
        assert cost(lambda pairs=pairs: provenance.used(Used(pairs), CALL)) == 5  # type: ignore[misc]
