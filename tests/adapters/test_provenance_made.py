"""Made-up graphs: what never came to be, what breaks off, and a run of 200,000 quanta."""

from __future__ import annotations

import re
import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path

import pytest

from adapters.butler.provenance import (
    GraphFiles,
    Provenance,
    ProvenanceStore,
    RepositoryGraphs,
    answers,
    listing,
    together,
    walk,
)
from adapters.butler.provenance.facts import (
    DatasetFact,
    Fact,
    Graph,
    QuantumFact,
    Role,
    Source,
    Status,
    place,
)
from adapters.caller import Call
from adapters.errors import TooComplex
from adapters.question import (
    Constraint,
    DatasetsById,
    Lineage,
    Op,
    Quanta,
    QuantumDatasets,
    Question,
    Recorded,
    Way,
)
from adapters.rows import Column, Kind, Rows

from .recorded import CALL, used

CHAIN: list[Fact] = [
    DatasetFact("a" * 32, "raw", place([1]), True),
    DatasetFact("b" * 32, "calexp", place([1]), True),
    DatasetFact("c" * 32, "coadd", place([1]), False),
    QuantumFact(
        "1" * 32, "calibrate", None, Status.FAILED, "x", "{}", [("a" * 32, Role.READ), ("b" * 32, Role.WROTE)]
    ),
    QuantumFact(
        "2" * 32,
        "coadd",
        None,
        Status.BLOCKED,
        None,
        "{}",
        [("b" * 32, Role.READ_NOT), ("c" * 32, Role.WROTE)],
    ),
]


@dataclass
class Made:
    """Provenance over made-up graphs; the registry has every dataset that is asked for."""

    provenance: Provenance
    store: ProvenanceStore


def made(state: Path, *graphs: tuple[str, list[Fact]]) -> Made:
    def ask(question: Question, call: Call) -> Rows:
        ids = question.ids if isinstance(question, DatasetsById) else ()
        names = {"id": Kind.UUID, "type": Kind.STRING, "run": Kind.STRING, "ingest_date": Kind.TIME}
        return Rows(tuple(starmap(Column, names.items())), [(i, "raw", "r", 0) for i in ids])

    sources = [(f"{n:032x}", run) for n, (run, _) in enumerate(graphs)]
    store = ProvenanceStore(state, "made")
    for (identifier, run), (_, facts) in zip(sources, graphs, strict=True):
        store.keep(source(identifier, Graph(run, False, iter(facts))), CALL)
    datasets = RepositoryGraphs(lambda call: sources, lambda: None)  # type: ignore[arg-type,return-value]
    return Made(Provenance(store, datasets, GraphFiles({}), ask, {"exposure": Kind.LONG}), store)


def source(identifier: str, graph: Graph) -> Source:
    return Source(f"dataset:{identifier}", "", "a graph", 0, lambda: nullcontext(graph))


def test_what_never_came_to_be_was_not_used(tmp_path: Path) -> None:
    provenance = made(tmp_path, ("r", CHAIN)).provenance
    raw, calexp, coadd = ("a" * 32, "b" * 32, "c" * 32)
    assert used(provenance, raw, calexp) is True
    assert used(provenance, calexp, coadd) is None, "it was never made"
    recorded = {row[0]: row[1:] for row in provenance.recorded(Recorded((raw, calexp, coadd)), CALL).rows}
    assert recorded == {raw: (None, True), calexp: ("1" * 32, False), coadd: (None, False)}
    statuses = [(row[4], row[5]) for row in provenance.quanta(Quanta(), CALL).rows]
    assert statuses == [("FAILED", "x"), ("BLOCKED", None)]
    assert provenance.partners([raw], (), None, 3, CALL) == {raw: {calexp}}


def quantum(name: str, reads: str, writes: str) -> QuantumFact:
    edges = [(c * 32, Role.READ) for c in reads] + [(c * 32, Role.WROTE) for c in writes]
    return QuantumFact(name * 32, f"t{name}", None, Status.SUCCESSFUL, None, "{}", edges)


def datasets(letters: str, *, produced: bool = True) -> list[Fact]:
    return [DatasetFact(c * 32, "raw", place([n]), produced) for n, c in enumerate(letters)]


def kindred(provenance: Provenance, letter: str, way: Way, depth: int) -> list[tuple[str, str, int]]:
    rows = provenance.lineage(Lineage((letter * 32,), way, depth), CALL).rows
    return [(row[1][0], row[-2][0], row[-1]) for row in rows]


def test_the_shortest_way_counts(tmp_path: Path) -> None:
    """Over two quanta, or three, or directly: each dataset once, at its nearest."""
    facts = [*datasets("abcd"), quantum("1", "a", "b"), quantum("2", "ab", "c"), quantum("9", "abc", "d")]
    provenance = made(tmp_path, ("r", facts)).provenance
    assert kindred(provenance, "d", Way.UPSTREAM, 3) == [("a", "9", 1), ("b", "9", 1), ("c", "9", 1)]
    assert kindred(provenance, "a", Way.DOWNSTREAM, 3) == [("b", "1", 1), ("c", "2", 1), ("d", "9", 1)]
    assert kindred(provenance, "c", Way.UPSTREAM, 1) == [("a", "2", 1), ("b", "2", 1)]


def test_a_graph_that_bites_its_tail_ends(tmp_path: Path) -> None:
    """No execution makes one, and no answer depends on that."""
    facts = [*datasets("abc"), quantum("1", "a", "b"), quantum("2", "b", "ac")]
    provenance = made(tmp_path, ("r", facts)).provenance
    assert kindred(provenance, "a", Way.UPSTREAM, 20) == [("b", "2", 1)]
    assert kindred(provenance, "b", Way.DOWNSTREAM, 20) == [("a", "2", 1), ("c", "2", 1)]


def test_what_was_to_be_read_and_was_missing_was_not_used(tmp_path: Path) -> None:
    facts = [*datasets("ac"), *datasets("d", produced=False), quantum("1", "ad", "c")]
    provenance = made(tmp_path, ("r", facts)).provenance
    assert used(provenance, "a" * 32, "c" * 32) is True
    assert used(provenance, "a" * 32, "d" * 32) is False
    assert kindred(provenance, "c", Way.UPSTREAM, 3) == [("a", "1", 1)]
    inputs = provenance.quantum_datasets(QuantumDatasets(("1" * 32,), "inputs"), CALL).rows
    assert {row[1][0] for row in inputs} == {"a", "d"}


def test_a_graph_that_fails_midway_leaves_nothing(tmp_path: Path) -> None:
    one = made(tmp_path, ("r", CHAIN))

    def facts() -> Iterator[Fact]:
        yield from CHAIN
        raise ValueError("the rest is missing")

    with pytest.raises(ValueError, match="rest"):
        one.store.keep(source("f" * 32, Graph("s", False, facts())), CALL)
    stray = [QuantumFact("3" * 32, "t", None, Status.SUCCESSFUL, None, "{}", [("d" * 32, Role.READ)])]
    with pytest.raises(sqlite3.IntegrityError):
        one.store.keep(source("f" * 32, Graph("s", False, iter(stray))), CALL)
    assert list(one.store.sources(CALL)) == [f"dataset:{0:032x}"]
    assert one.provenance.count_quanta(Quanta(), CALL) == 2


LARGE = 200_000


def large(number: int) -> Iterator[Fact]:
    """Raws to calexps, each with the one flat."""
    yield DatasetFact("f" * 32, "flat", "", True)
    for n in range(number):
        raw, calexp = f"{n:032x}", f"{10**9 + n:032x}"
        yield DatasetFact(raw, "raw", place([n]), True)
        yield DatasetFact(calexp, "calexp", place([n]), True)
        edges = [(raw, Role.READ), ("f" * 32, Role.READ), (calexp, Role.WROTE)]
        yield QuantumFact(
            f"{2 * 10**9 + n:032x}", "isr", "Isr", Status.SUCCESSFUL, None, f'{{"exposure": {n}}}', edges
        )


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Made:
    one = made(tmp_path_factory.mktemp("big"))
    one.store.keep(source(f"{0:032x}", Graph("r", False, large(LARGE))), CALL)
    sources = [(f"{0:032x}", "r")]
    one.provenance._fresh._datasets = RepositoryGraphs(lambda call: sources, lambda: None)  # type: ignore[arg-type,return-value]
    return one


def test_one_edge_of_a_large_run(big: Made) -> None:
    calexp = f"{10**9 + 777:032x}"
    assert big.provenance.count_quanta(Quanta(), CALL) == LARGE
    found = walk.Walk(big.store).levels([(0, calexp, (0, "", ""))], Way.UPSTREAM, 3, None, 10, CALL)
    assert [(row[1], row[2]) for row in found] == [("f" * 32, "flat"), (f"{777:032x}", "raw")]
    pairs = [("f" * 32, f"{777:032x}"), (calexp, "f" * 32), (calexp, f"{778:032x}")]
    assert big.provenance.verdicts(pairs, None, 3, CALL) == [True, True, False]
    some = Quanta(constraints=(Constraint("exposure", Op.EQ, 777),))
    assert [row[0] for row in big.provenance.quanta(some, CALL).rows] == [f"{2 * 10**9 + 777:032x}"]


def test_the_fan_of_a_flat_is_bounded(big: Made) -> None:
    with pytest.raises(TooComplex):
        big.provenance.partners(["f" * 32], (), None, 1, Call(max_rows=1000))
    with pytest.raises(TooComplex):
        big.provenance.count_quanta(Quanta(), Call(max_rows=1000))


def test_memory_of_an_ingest_does_not_grow_with_the_graph(tmp_path: Path) -> None:
    peaks = []
    for number in (5_000, 50_000):
        store = ProvenanceStore(tmp_path / str(number), "made")
        tracemalloc.start()
        store.keep(source("0", Graph("r", False, large(number))), CALL)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0] < 8 * 2**20


@pytest.mark.parametrize(
    "statement",
    [
        walk.LEVELS,
        walk.MET,
        together.CO_READ,
        together.BESIDE,
        together.KNOWN,
        answers.RECORDED,
        answers.OF_QUANTA,
        listing.BY_ID,
        *(" ".join((listing._SELECT, f"WHERE shown AND {fixed}", after, listing._ORDER)) for fixed, after in zip(
            ("", "run = :run AND", "run = :run AND task = :task AND"), listing._AFTER, strict=True
        )),
    ],
)  # fmt: skip
def test_statements_enter_by_an_index(big: Made, statement: str) -> None:
    """No table is gone through, and no page of quanta is sorted."""
    names = re.findall(r":(\w+)", statement)
    values = dict.fromkeys(names) | dict.fromkeys({"asked", "ids", "pairs"}.intersection(names), "[]")
    plan = [row[3] for row in big.store.rows(f"EXPLAIN QUERY PLAN {statement}", values, CALL)]
    for table in (
        "graph",
        "quantum",
        "dataset",
        "edge",
        "step",
        "near",
        "far",
        "mine",
        "theirs",
        "own",
        "one",
        "two",
    ):
        assert not [line for line in plan if line.split()[:2] == ["SCAN", table]]
    if "ORDER BY run" in statement:
        (line,) = plan
        assert "USING INDEX quantum_in_order" in line and ("data_id" in line or ":after" not in statement)
