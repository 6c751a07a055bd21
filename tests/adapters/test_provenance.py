"""Quanta, their datasets and lineage of the demonstration repository's two runs, judged by networkx."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from typing import Any

import pytest

from adapters.butler.provenance import (
    Provenance,
)
from adapters.butler.provenance.facts import (
    place,
)
from adapters.caller import Call
from adapters.errors import BadCursor, BadUserInput, NotFound, TooComplex
from adapters.question import (
    Constraint,
    DatasetsById,
    Lineage,
    Op,
    Page,
    Quanta,
    QuantaById,
    QuantumDatasets,
    Question,
    Recorded,
    Used,
    Way,
)
from adapters.rows import Rows

from .recorded import ALL, CALL, FIRST, SECOND, Demo, kin

# -------------------- counts and lists


def test_every_quantum_is_there_once(provenance: Provenance) -> None:
    rows = provenance.quanta(Quanta(page=ALL), CALL)
    assert [column.name for column in rows.columns] == [
        "id",
        "task",
        "task_class",
        "run",
        "status",
        "message",
        "data_id",
    ]
    assert len({row[0] for row in rows.rows}) == len(rows.rows) == 2 * (141 + 4)
    per_task = Counter((row[3], row[1]) for row in rows.rows if row[6] != "{}")
    assert per_task == {
        (run, task): number
        for run in (FIRST, SECOND)
        for task, number in {"isr": 27, "calibrate": 27, "warp": 69, "coadd": 18}.items()
    }
    assert {row[4] for row in rows.rows} == {"SUCCESSFUL"}
    assert {row[5] for row in rows.rows if row[6] != "{}"} == {None}
    assert {row[2] for row in rows.rows if row[1] == "isr"} == {"gateway.demo.pipeline.IsrTask"}
    order = [(row[3], row[1], row[6], row[0]) for row in rows.rows]
    assert order == sorted(order) and not rows.more
    assert rows.key is not None and [rows.key(row) for row in rows.rows] == order


@pytest.mark.parametrize(
    "filters", [{}, {"runs": (FIRST,)}, {"runs": (FIRST,), "tasks": ("warp",)}, {"tasks": ("warp", "isr")}]
)
def test_quanta_by_pages_are_quanta_at_once(provenance: Provenance, filters: dict[str, Any]) -> None:
    asked = Quanta(**filters)
    every = provenance.quanta(replace(asked, page=ALL), CALL).rows
    assert provenance.count_quanta(asked, CALL) == len(every)
    found: list[Any] = []
    after = None
    while True:
        rows = provenance.quanta(replace(asked, page=Page(7, after)), CALL)
        found += rows.rows
        if not rows.more:
            break
        assert rows.key is not None and len(rows.rows) == 7
        after = rows.key(rows.rows[-1])
    assert found == every


def test_quanta_are_found_by_task_run_and_data_id(provenance: Provenance) -> None:
    def data_ids(*constraints: Constraint, **more: Any) -> list[dict[str, Any]]:
        rows = provenance.quanta(Quanta(constraints=constraints, page=ALL, **more), CALL).rows
        return [json.loads(row[6]) for row in rows]

    visit = Constraint("visit", Op.EQ, 903986)
    assert {d["visit"] for d in data_ids(visit)} == {903986}
    every = data_ids()
    for op, value, test in (
        (Op.IN, (22, 23), lambda v: v in (22, 23)),
        (Op.GE, 22, lambda v: v >= 22),
        (Op.GT, 22, lambda v: v > 22),
        (Op.LE, 22, lambda v: v <= 22),
        (Op.LT, 22, lambda v: v < 22),
        (Op.NE, 22, lambda v: v != 22),
    ):
        expected = [d for d in every if d.get("detector") is not None and test(d["detector"])]
        assert data_ids(Constraint("detector", op, value)) == expected != []
    assert data_ids(Constraint("physical_filter", Op.GLOB, "HSC-[!R]*")) == [
        d for d in every if d.get("physical_filter", "HSC-R") != "HSC-R"
    ]
    assert len(data_ids(tasks=("c*",), runs=("*/2",))) == 27 + 18 + 2
    assert data_ids(Constraint("healpix9", Op.EQ, 5)) == []
    assert provenance.quanta(Quanta(statuses=("FAILED", "PREDICTED")), CALL).rows == []


@pytest.mark.parametrize(
    ("question", "error", "words"),
    [
        (Quanta(constraints=(Constraint("visitt", Op.EQ, 1),)), BadUserInput, "'visit'"),
        (Quanta(constraints=(Constraint("visit", Op.EQ, "x"),)), BadUserInput, "an integer"),
        (Quanta(constraints=(Constraint("exposure.obs_id", Op.EQ, "x"),)), BadUserInput, "dimensions"),
        (Quanta(statuses=("DONE",)), BadUserInput, "SUCCESSFUL"),
        (Quanta(tasks=("warpp",)), NotFound, "'warp'"),
        (Quanta(runs=("HSC/runs/demo/3",)), NotFound, "'HSC/runs/demo/"),
        (Quanta(runs=("HSC/runs/all",)), BadUserInput, "CHAINED"),
        (Quanta(page=Page(1, (1, 2))), BadCursor, "cursor|damaged"),
        (Lineage(("0" * 32,), Way.UPSTREAM, 0), BadUserInput, "1 to 20"),
        (Lineage(("0" * 32,), Way.UPSTREAM, 21), BadUserInput, "1 to 20"),
        (Lineage(("0" * 32,), Way.UPSTREAM, types=("demo_calex",)), NotFound, "'demo_calexp'"),
        (
            Lineage(("0" * 32, "1" * 32), Way.UPSTREAM, page=Page(1, (1, "a", "b"))),
            BadUserInput,
            "one dataset",
        ),
        (Lineage(("0" * 32,), Way.UPSTREAM, page=Page(1, ("a", 1, 2))), BadCursor, "damaged"),
        (Used((("0" * 32, "1" * 32),), depth=99), BadUserInput, "1 to 20"),
        (Used((("0" * 32, "1" * 32),), runs=("HSC/runs/demo/9",)), NotFound, "nearest|mean"),
        (QuantumDatasets(("0" * 32,), "sideways"), BadUserInput, "inputs and outputs"),
    ],
)
def test_mistakes_are_told(
    provenance: Provenance, question: Question, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        method_of(provenance, question)(question, CALL)


def method_of(provenance: Provenance, question: Question) -> Callable[[Any, Call], Rows]:
    return {
        Quanta: provenance.quanta,
        Lineage: provenance.lineage,
        Used: provenance.used,
        QuantumDatasets: provenance.quantum_datasets,
    }[type(question)]


def test_a_known_run_without_record_has_no_quanta(provenance: Provenance) -> None:
    assert provenance.quanta(Quanta(runs=("HSC/raw/all",)), CALL).rows == []
    assert provenance.count_quanta(Quanta(runs=("HSC/raw/all",)), CALL) == 0


def test_quanta_by_id(provenance: Provenance) -> None:
    some = provenance.quanta(Quanta(tasks=("coadd",), page=Page(3)), CALL).rows
    ids = tuple(row[0] for row in some)
    found = provenance.quanta_by_id(QuantaById((*ids, ids[0], "f" * 32)), CALL).rows
    assert sorted(found) == sorted(some)


# -------------------- datasets of quanta


def test_datasets_of_quanta_are_the_edges(demo: Demo, provenance: Provenance) -> None:
    for run, whole in demo.graphs.items():
        quanta = [node for node, known in whole.nodes(data=True) if "task_label" in known]
        ids = tuple(node.hex for node in quanta)
        for role, beside in (("inputs", whole.predecessors), ("outputs", whole.successors)):
            rows = provenance.quantum_datasets(QuantumDatasets(ids, role, page=ALL), CALL)
            found: dict[int, set[str]] = {}
            for row in rows.rows:
                found.setdefault(row[0], set()).add(row[1])
            assert found == {p: s for p, q in enumerate(quanta) if (s := {d.hex for d in beside(q)})}, run
            total = provenance.count_quantum_datasets(QuantumDatasets(ids, role), CALL)
            assert total == len(rows.rows) == sum(map(len, found.values()))


def test_datasets_of_a_quantum_come_by_type_and_data_id(demo: Demo, provenance: Provenance) -> None:
    """Pages of one are the whole list, in the order of values, not of their text."""
    coadd = demo.id("demo_coadd", FIRST, patch=85, band="r")
    ((_, producer, _),) = provenance.recorded(Recorded((coadd,)), CALL).rows
    warps = provenance.quantum_datasets(QuantumDatasets((producer,), "inputs", page=ALL), CALL)
    visits = [row[warps.index("visit")] for row in warps.rows]
    assert visits == sorted(visits) and len(visits) > 3
    asked = QuantumDatasets((producer,), "outputs", ("demo_*", "coadd_[lm]*"))
    every = provenance.quantum_datasets(replace(asked, page=ALL), CALL)
    assert [row[2] for row in every.rows] == ["coadd_log", "coadd_metadata", "demo_coadd"]
    after, found = None, []
    for _ in every.rows:
        rows = provenance.quantum_datasets(replace(asked, page=Page(1, after)), CALL)
        assert rows.key is not None
        found.append(rows.rows[0][1])
        after = rows.key(rows.rows[0])
    assert found == [row[1] for row in every.rows]
    assert provenance.quantum_datasets(replace(asked, page=Page(1, after)), CALL).rows == []


def test_places_sort_as_values() -> None:
    values: list[tuple[Any, ...]] = [
        ("HSC", -5, "a"),
        ("HSC", 9, "a"),
        ("HSC", 10, "a"),
        ("HSC", 10, "a b"),
        ("HSC b", 1, "z"),
    ]
    assert sorted(values[3:] + values[:3], key=place) == values


# -------------------- lineage


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("way", list(Way))
def test_lineage_is_networkx(demo: Demo, provenance: Provenance, way: Way, depth: int) -> None:
    """Of all coadds, calexps, raws and flats at once, both ways."""
    ids = [i for kind in ("demo_coadd", "demo_calexp", "raw", "flat") for i in demo.ids(kind)]
    assert len(ids) > 100
    rows = provenance.lineage(Lineage(tuple(ids), way, depth, page=ALL), CALL)
    nodes = {node.hex: node for node in demo.whole}
    found: dict[int, dict[str, int]] = {}
    for row in rows.rows:
        assert row[1] not in found.setdefault(row[0], {}), "each dataset once"
        found[row[0]][row[1]] = row[-1]
    for parent, identifier in enumerate(ids):
        expected = kin(demo.whole, nodes[identifier], way, depth) if identifier in nodes else {}
        assert found.get(parent, {}) == expected
    order = [(row[0], row[-1], row[2], row[1]) for row in rows.rows]
    assert order == sorted(order)
    for row in islice(rows.rows, 0, None, 50):
        edge = (nodes[row[1]], nodes[row[-2]])
        assert demo.whole.has_edge(*(edge if way is Way.UPSTREAM else edge[::-1]))
    assert provenance.count_lineage(Lineage(tuple(ids), way, depth), CALL) == len(rows.rows)


def test_lineage_by_pages_and_types(demo: Demo, provenance: Provenance) -> None:
    coadd = demo.id("demo_coadd", FIRST, patch=85, band="r")
    for types in ((), ("demo_*",), ("demo_calexp", "raw")):
        asked = Lineage((coadd,), Way.UPSTREAM, 4, types)
        every = provenance.lineage(replace(asked, page=ALL), CALL)
        after, found = None, []
        while True:
            rows = provenance.lineage(replace(asked, page=Page(4, after)), CALL)
            assert rows.key is not None and len(rows.rows) <= 5 and rows.more is (len(rows.rows) == 5)
            found += [row[1] for row in rows.rows[:4]]
            if not rows.more:
                break
            after = rows.key(rows.rows[3])
        assert found == [row[1] for row in every.rows] and len(found) > 8
        if types == ("demo_*",):
            assert {row[2] for row in every.rows} == {"demo_warp", "demo_calexp", "demo_postIsr"}
    many = provenance.lineage(Lineage((coadd, coadd, "f" * 32), Way.UPSTREAM, 4, page=Page(2)), CALL)
    assert Counter(row[0] for row in many.rows) == {0: 3, 1: 3} and many.more


def test_pages_are_filled_past_datasets_that_are_gone(demo: Demo) -> None:
    """Where the registry has lost what was recorded, rows are fewer and pages are not."""
    coadd = demo.id("demo_coadd", FIRST, patch=85, band="r")
    lost = set(demo.ids("demo_warp", FIRST)) | set(demo.ids("demo_calexp", FIRST)[::2])

    def ask(question: Question, call: Call) -> Rows:
        rows = demo.registry.ask(question, call)
        if isinstance(question, DatasetsById):
            rows.rows = [row for row in rows.rows if row[0] not in lost]
        return rows

    asked = Lineage((coadd,), Way.UPSTREAM, 3)
    whole = [row[1] for row in demo.over(None).lineage(replace(asked, page=ALL), CALL).rows]
    left = [identifier for identifier in whole if identifier not in lost]
    poorer = demo.over(None, ask=ask)
    rows = poorer.lineage(replace(asked, page=Page(5)), CALL)
    assert [row[1] for row in rows.rows] == left[:6] and rows.more
    assert "no longer in the registry" in rows.notes[0]
    assert poorer.lineage(replace(asked, page=Page(len(left))), CALL).more is False
    assert poorer.count_lineage(asked, CALL) == len(left)


def test_too_wide_a_walk_is_refused(demo: Demo, provenance: Provenance) -> None:
    raw = demo.id("raw", exposure=903986, detector=22)
    asked = Lineage((raw,), Way.DOWNSTREAM, 5, types=("raw",))
    assert provenance.lineage(asked, CALL).rows == []
    with pytest.raises(TooComplex, match="More than 5"):
        provenance.lineage(asked, Call(max_rows=5))
