"""What was learnt about a registry is forgotten when anybody commits to it: the next request sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import sqlalchemy
from lsst.daf.butler import Butler, CollectionType, DatasetType

from adapters.butler import open_repository
from adapters.butler.store import Store
from adapters.caller import Call
from adapters.errors import NotFound
from adapters.protocol import Settings
from adapters.question import Beside, Datasets, DatasetTypes, Page
from adapters.rows import Rows

from .heard import statements
from .repositories import Repository


class Changing:
    """A repository that is asked here and changed by a Butler of its own."""

    def __init__(self, repository: Repository) -> None:
        self._runner = asyncio.Runner()
        self._opened = open_repository("changing", Settings(repository.uri))
        self.butler = Butler.from_config(repository.uri, writeable=True)
        self._listening = ExitStack()
        self.statements: list[str] = []
        self.ask(DatasetTypes())
        self.statements = self._listening.enter_context(statements(self.registry()))

    def registry(self) -> Store:
        store: Store = self._opened._opened.store  # type: ignore[attr-defined]
        return store

    def ask(self, question: Any) -> Rows:
        self.statements.clear()
        return self._runner.run(self._opened.ask(question, Call()))

    def raws(self, *collections: str) -> int:
        return len(self.ask(Datasets(("raw",), collections, page=Page(1000))).rows)

    def close(self) -> None:
        self._listening.close()
        self.butler.close()
        self._runner.run(self._opened.close())
        self._runner.close()


@pytest.fixture(params=["sqlite", "postgres"])
def changing(request: pytest.FixtureRequest, butler_repo: Callable[..., Repository]) -> Iterator[Changing]:
    # A number of exposures that no other test asks for: it is changed.
    found = Changing(butler_repo(request.param, exposures=3))
    yield found
    found.close()


def test_a_request_sees_what_was_committed_before_it(changing: Changing) -> None:
    butler = changing.butler
    run = "u/fresh/run"
    if run not in butler.collections.query("*"):
        with pytest.raises(NotFound):
            changing.raws(run)
    butler.collections.register(run)
    butler.collections.register("u/fresh/tagged", CollectionType.TAGGED)
    butler.collections.register("u/fresh/chain", CollectionType.CHAINED)
    assert changing.raws(run) == changing.raws("u/fresh/tagged") == changing.raws("u/fresh/chain") == 0
    refs = butler.query_datasets("raw", "HSC/raw/all", limit=2)
    butler.registry.associate("u/fresh/tagged", refs)
    assert changing.raws("u/fresh/tagged") == 2
    butler.collections.redefine_chain("u/fresh/chain", ["u/fresh/tagged"])
    assert changing.raws("u/fresh/chain") == 2
    butler.registry.disassociate("u/fresh/tagged", refs[:1])
    assert changing.raws("u/fresh/chain") == 1
    butler.collections.redefine_chain("u/fresh/chain", [])
    assert changing.raws("u/fresh/chain") == 0
    butler.registry.disassociate("u/fresh/tagged", refs)
    kind = DatasetType("fresh_kind", ("visit",), "StructuredDataDict", universe=butler.dimensions)
    butler.registry.registerDatasetType(kind)
    assert changing.ask(Datasets(("fresh_kind",), (run,))).rows == []
    butler.registry.removeDatasetType("fresh_kind")
    with pytest.raises(NotFound):
        changing.ask(Datasets(("fresh_kind",), (run,)))


def test_nothing_is_looked_up_again_while_nobody_commits(changing: Changing) -> None:
    """PostgreSQL's own housekeeping commits now and then."""
    costs = []
    for _ in range(5):
        changing.ask(Datasets(("raw",), ("HSC/raw/all",), page=Page(3), beside=Beside(timespan=True)))
        costs.append(len(changing.statements))
    assert min(costs) == 1


def test_no_transaction_is_left_open(butler_repo: Callable[..., Repository]) -> None:
    """A reader that went on holding one would keep PostgreSQL from cleaning up."""
    repository = butler_repo("postgres", exposures=3)
    changing = Changing(repository)
    try:
        changing.raws("HSC/raw/all")
        with pytest.raises(NotFound):
            changing.raws("u/nowhere")
        engine = changing.registry().engine
        with engine.connect() as connection:
            states = connection.execute(
                sqlalchemy.text(
                    "SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
            assert "idle in transaction" not in {state for (state,) in states}
    finally:
        changing.close()
