"""The demonstration repository opened for questions about its executions, and lsst-pipe-base's own graphs of
them in networkx, which judge the answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import networkx
import pytest
from lsst.daf.butler import ButlerConfig, LabeledButlerFactory

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
from adapters.butler.registry import Registry
from adapters.butler.store import Store
from adapters.butler.tables import Tables
from adapters.butler.universe import describe
from adapters.caller import Call
from adapters.question import (
    Constraint,
    Datasets,
    Op,
    Page,
    Used,
    Way,
)
from tests.demonstration import demonstration

CALL = Call()
FIRST, SECOND = "HSC/runs/demo/1", "HSC/runs/demo/2"
ALL = Page(10_000)


class Demo:
    """The repository opened for reading, its graphs as lsst-pipe-base reads them, and provenance over any
    state folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.factory = LabeledButlerFactory({"hsc": str(root)})
        config = ButlerConfig(str(root))
        self.store = Store("hsc", config)
        universe = self.butler().dimensions
        tables = Tables(universe, self.store.dialect, self.store.schema)
        self.api = ButlerApi(self.butler, "hsc", ("HSC/defaults",))
        self.dimensions = describe(universe).dimension_kinds
        self.listing = listed_by_sql(self.store, tables)
        self.registry: Registry
        own = self.over(None, ask=lambda question, call: self.registry.ask(question, call))
        self.registry = Registry(self.store, tables, ("HSC/defaults",), (), self.api, own)
        butler = self.butler()
        self.graphs = {
            run: butler.get("run_provenance", collections=run).bipartite_xgraph for run in (FIRST, SECOND)
        }
        self.whole = networkx.compose_all(list(self.graphs.values()))

    def butler(self) -> Any:
        return self.factory.create_butler("hsc")

    def over(self, state: Path | None, *, api: bool = False, files: Any = (), **more: Any) -> Provenance:
        listing = listed_by_questions(self.api.ask) if api else self.listing
        return Provenance(
            ProvenanceStore(state, "hsc"),
            RepositoryGraphs(more.pop("listing", listing), self.butler),
            GraphFiles({"quantum_graphs": files}),
            more.pop("ask", None) or (self.api.ask if api else self.registry.ask),
            self.dimensions,
            **more,
        )

    def ids(self, kind: str, *runs: str, **data_id: Any) -> list[str]:
        constraints = tuple(Constraint(name, Op.EQ, value) for name, value in data_id.items())
        question = Datasets((kind,), runs or ("*",), constraints, find_first=False, page=ALL)
        return list(dict.fromkeys(row[0] for row in self.registry.ask(question, CALL).rows))

    def id(self, kind: str, *runs: str, **data_id: Any) -> str:
        (found,) = self.ids(kind, *runs, **data_id)
        return found


@cache
def demo() -> Demo:
    """Opened once a process."""
    return Demo(demonstration())


@cache
def provenance() -> Provenance:
    """Over a temporary file, for tests that only ask."""
    return demo().over(None)


def kin(whole: Any, start: Any, way: Way, depth: int) -> dict[str, int]:
    """Datasets at most ``depth`` quanta away, by networkx."""
    seen = networkx.single_source_shortest_path_length(
        whole.reverse(copy=False) if way is Way.UPSTREAM else whole, start, cutoff=2 * depth
    )
    return {node.hex: length // 2 for node, length in seen.items() if length and length % 2 == 0}


def used(provenance: Provenance, *pair: str, **more: Any) -> bool | None:
    """Both ways round, as the answer must be."""
    rows = provenance.used(Used((pair, pair[::-1]), **more), CALL).rows  # type: ignore[arg-type]
    assert [row[0] for row in rows] == [0, 1] and rows[0][1] is rows[1][1]
    return rows[0][1]  # type: ignore[no-any-return]


@contextmanager
def readings(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The graphs that are opened meanwhile."""
    seen: list[str] = []
    real = graph.opened

    def counting(uri: Any) -> Any:
        seen.append(str(uri))
        return real(uri)

    with monkeypatch.context() as patched:
        patched.setattr(graph, "opened", counting)
        yield seen


def contents(state: Path) -> list[tuple[Any, ...]]:
    with sqlite3.connect(state / "provenance.sqlite3") as connection:
        return connection.execute(
            "SELECT graph.run, count(*), (SELECT count(*) FROM edge), (SELECT count(*) FROM dataset) "
            "FROM graph JOIN quantum ON quantum.graph = graph.n GROUP BY graph.n ORDER BY graph.run"
        ).fetchall()
