"""Promises about how the registry is read: few statements, no lock held, no thread shared, nothing lost under concurrency."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from lsst.daf.butler import Butler, ButlerConfig, Config

from adapters.butler import open_repository, store
from adapters.butler.repository import ButlerRepository
from adapters.caller import Call
from adapters.capability import Capability
from adapters.errors import BackendUnavailable, BadUserInput, Timeout
from adapters.protocol import Settings
from adapters.question import (
    Collections,
    Constraint,
    DataIds,
    Datasets,
    DatasetsById,
    Files,
    Memberships,
    Op,
    Question,
    Records,
    Regions,
    Sizes,
    Versions,
)
from adapters.rows import Rows
from tests.adapters import heard
from tests.adapters.repositories import Repository

KINDS = ("sqlite", "postgres")


@contextmanager
def opened(repository: Repository, **settings: Any) -> Iterator[ButlerRepository]:
    found = open_repository("small", Settings(uri=str(repository.root), **settings))
    assert isinstance(found, ButlerRepository)
    try:
        yield found
    finally:
        asyncio.run(found.close())


def statements(repository: ButlerRepository, question: Question) -> tuple[int, Rows]:
    """How many statements a question costs once the repository is open and its names are known."""

    async def ask() -> tuple[int, Rows]:
        await repository.ask(question, Call())
        assert repository._opened is not None
        with heard.statements(repository._opened.store) as seen:
            rows = await repository.ask(question, Call())
        return len(seen), rows

    return asyncio.run(ask())


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_of_datasets_costs_five_statements_and_never_more(
    kind: str, butler_repo: Callable[..., Repository]
) -> None:
    """Types, collections, what they hold, governors (one for each of instrument and skymap), the page; a chain costs one more."""
    with opened(butler_repo(kind)) as repository:
        for first in (1, 50):
            question = Datasets(("raw",), ("*",), find_first=False)
            count, rows = statements(repository, question.paged(first))
            assert rows.rows
            assert count <= 6


def test_a_page_after_a_commit_costs_one_statement_more(butler_repo: Callable[..., Repository]) -> None:
    """The page's own, which found that something was committed; the names are looked up again then."""
    question = Datasets(("raw",), ("*",), find_first=False).paged(5)

    async def ask(repository: ButlerRepository) -> None:
        for _ in range(3):
            first = await repository.ask(question, Call())
        assert repository._opened is not None
        store = repository._opened.store
        # A writer of its own takes the number of a transaction: the least that changes the registry's state.
        writer = sa.create_engine(store.engine.url)
        with writer.begin() as connection:
            connection.execute(sa.text("SELECT pg_current_xact_id()"))
        writer.dispose()
        with heard.statements(store) as seen:
            again = await repository.ask(question, Call())
        assert again.rows == first.rows
        assert len(seen) <= 7

    with opened(butler_repo("postgres")) as repository:
        asyncio.run(ask(repository))


@pytest.mark.parametrize("kind", KINDS)
def test_questions_that_nobody_repeats_leave_no_statements(
    kind: str, butler_repo: Callable[..., Repository]
) -> None:
    """A client that puts another number into the same query each time asks for hundreds of statements, a third of a megabyte each."""

    def questions(count: int) -> Iterator[Question]:
        for number in range(count):
            constraints = (Constraint("detector", Op.NE, 1_000 + number),)
            yield Datasets(("raw", "flat"), ("*",), constraints=constraints, find_first=False).paged(5)

    async def ask(repository: ButlerRepository) -> None:
        await repository.ask(Collections(), Call())
        assert repository._opened is not None
        kept = repository._opened.store.statements
        before = len(kept)
        for question in questions(20):
            await repository.ask(question, Call())
        assert len(kept) == before
        for question in questions(1):
            await repository.ask(question, Call())
        assert len(kept) == before + 1

    with opened(butler_repo(kind)) as repository:
        asyncio.run(ask(repository))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_looked_up_for_many_datasets_is_looked_up_at_once(
    kind: str, butler_repo: Callable[..., Repository]
) -> None:
    with opened(butler_repo(kind)) as repository:
        rows = asyncio.run(repository.ask(Datasets(("calexp",), ("*",), find_first=False).paged(500), Call()))
        assert len(rows.rows) > 5
        ids = tuple(row[0] for row in rows.rows)
        required = rows.types["calexp"].required
        places = [rows.index(name) for name in required]
        keys = tuple(tuple(row[place] for place in places) for row in rows.rows)
        for question in (
            DatasetsById(ids),
            Memberships(ids),
            Files(ids),
            Sizes(ids),
            Regions(required, keys),
            Versions(tuple(("calexp", *key) for key in keys)),
        ):
            count, _ = statements(repository, question)
            assert count <= 4, type(question).__name__


def test_a_writer_commits_while_a_client_slowly_reads(tmp_path: Path) -> None:
    """Nothing of a page holds a lock on a SQLite registry once the page is there, nor does an idle connection."""
    Butler.makeRepo(str(tmp_path / "repo"))
    with opened(_At(tmp_path / "repo"), collections=("*",)) as repository:
        asyncio.run(repository.ask(Collections(), Call()))
        butler = Butler.from_config(str(tmp_path / "repo"), writeable=True)
        for number in range(5):
            begin = time.monotonic()
            butler.collections.register(f"run/{number}")
            assert time.monotonic() - begin < 2
            rows = asyncio.run(repository.ask(Collections(), Call()))
            assert len(rows.rows) == number + 1
        database = sqlite3.connect(tmp_path / "repo" / "gen3.sqlite3", timeout=0)
        database.execute("BEGIN EXCLUSIVE")
        database.rollback()
        database.close()


def test_what_a_writer_committed_is_in_the_next_answer(tmp_path: Path) -> None:
    Butler.makeRepo(str(tmp_path / "repo"))
    with opened(_At(tmp_path / "repo")) as repository:
        assert asyncio.run(repository.ask(Collections(), Call())).rows == []
        Butler.from_config(str(tmp_path / "repo"), writeable=True).collections.register("new")
        assert [row[0] for row in asyncio.run(repository.ask(Collections(), Call())).rows] == ["new"]


@pytest.mark.parametrize("kind", KINDS)
def test_many_questions_at_once_get_the_answers_they_get_alone(
    kind: str, butler_repo: Callable[..., Repository]
) -> None:
    questions: list[Question] = [
        Datasets(("*",), ("*",), find_first=False).paged(200),
        Datasets(("calexp",), ("*",), constraints=(Constraint("tract", Op.GE, 0),), find_first=False),
        DataIds(("visit", "detector")),
        DataIds(("visit", "tract")),
        Records("exposure"),
        Collections(),
    ]
    with opened(butler_repo(kind)) as repository:

        async def all_at_once() -> None:
            alone = [(await repository.ask(question, Call())).rows for question in questions]
            for _ in range(4):
                together = await asyncio.gather(*(repository.ask(q, Call()) for q in questions * 4))
                assert [rows.rows for rows in together] == alone * 4

        asyncio.run(all_at_once())


@pytest.mark.parametrize("kind", KINDS)
def test_no_statement_that_blocks_runs_in_the_event_loops_thread(
    kind: str, butler_repo: Callable[..., Repository]
) -> None:
    """What PostgreSQL is asked on the event loop goes by asyncpg, which waits for nothing."""
    with opened(butler_repo(kind)) as repository:
        threads: set[str] = set()

        async def ask() -> None:
            await repository.ask(Collections(), Call())
            assert repository._opened is not None
            engine = repository._opened.store.engine

            def note(*_: Any) -> None:
                threads.add(threading.current_thread().name)

            sa.event.listen(engine, "before_cursor_execute", note)
            await repository.ask(Datasets(("*",), ("*",), find_first=False), Call())
            sa.event.remove(engine, "before_cursor_execute", note)

        asyncio.run(ask())
        assert threads
        assert all(name.startswith("butler-small") for name in threads)


def test_a_statement_ends_at_the_deadline(tmp_path: Path) -> None:
    Butler.makeRepo(str(tmp_path / "repo"))
    with opened(_At(tmp_path / "repo")) as repository:
        asyncio.run(repository.ask(Collections(), Call()))
        assert repository._opened is not None
        store = repository._opened.store
        endless = sa.text(
            "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
        )
        begin = time.monotonic()
        with pytest.raises(Timeout):
            store.rows(endless, Call(deadline=_In(0.3)))
        assert time.monotonic() - begin < 5


def test_a_statement_ends_at_the_deadline_on_postgresql(butler_repo: Callable[..., Repository]) -> None:
    with opened(butler_repo("postgres")) as repository:
        asyncio.run(repository.ask(Collections(), Call()))
        assert repository._opened is not None
        with pytest.raises(Timeout):
            repository._opened.store.rows(sa.text("SELECT pg_sleep(20)"), Call(deadline=_In(0.3)))


def test_a_repository_that_is_not_there_is_unavailable_and_says_no_path(tmp_path: Path) -> None:
    Butler.makeRepo(str(tmp_path / "repo"))
    (tmp_path / "repo" / "gen3.sqlite3").unlink()
    with opened(_At(tmp_path / "repo")) as repository, pytest.raises(BackendUnavailable) as caught:
        asyncio.run(repository.ask(Collections(), Call()))
    assert str(tmp_path) not in caught.value.message


def test_an_untested_registry_is_answered_by_butlers_api_and_check_says_so(tmp_path: Path) -> None:
    config = Config()
    config["registry", "managers", "collections"] = (
        "lsst.daf.butler.registry.collections.nameKey.NameKeyCollectionManager"
    )
    Butler.makeRepo(str(tmp_path / "repo"), config=config)
    Butler.from_config(str(tmp_path / "repo"), writeable=True).collections.register("only")
    with opened(_At(tmp_path / "repo")) as repository:
        health = asyncio.run(repository.health(Call()))
        assert "public API" in health.facts["path"]
        assert any("not tested" in warning for warning in health.warnings)
        assert Capability.PROVENANCE not in repository.capabilities
        assert [row[0] for row in asyncio.run(repository.ask(Collections(), Call())).rows] == ["only"]


def test_a_sqlite_registry_without_statistics_is_warned_of(tmp_path: Path) -> None:
    Butler.makeRepo(str(tmp_path / "repo"))
    with opened(_At(tmp_path / "repo")) as repository:
        assert any("ANALYZE" in warning for warning in asyncio.run(repository.health(Call())).warnings)
    with sqlite3.connect(tmp_path / "repo" / "gen3.sqlite3") as database:
        database.execute("ANALYZE")
    with opened(_At(tmp_path / "repo")) as repository:
        assert not asyncio.run(repository.health(Call())).warnings


@pytest.mark.parametrize("options", [{"quantum_graphs": "one.qg"}, {"lineage_depth": "deep"}])
def test_a_wrong_option_is_refused_when_a_repository_is_named(options: dict[str, Any]) -> None:
    with pytest.raises(BadUserInput, match="options"):
        open_repository("small", Settings(uri="nowhere", options=options))


def test_without_lsst_pipe_base_there_is_no_provenance_and_the_rest_works(
    butler_repo: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.butler.provenance.graph.available", lambda: False)
    with opened(butler_repo("sqlite")) as repository:
        assert Capability.PROVENANCE not in repository.capabilities
        assert asyncio.run(repository.ask(Collections(), Call())).rows


def test_threads_are_bounded(butler_repo: Callable[..., Repository]) -> None:
    with opened(butler_repo("sqlite")) as repository:

        async def flood() -> None:
            await asyncio.gather(*(repository.ask(Collections(), Call()) for _ in range(200)))

        asyncio.run(flood())
        own = [thread for thread in threading.enumerate() if thread.name.startswith("butler-small")]
        assert len(own) <= 16


@pytest.mark.parametrize("told", [False, True])
def test_a_deadline_between_two_rows_is_a_deadline(
    told: bool, butler_repo: Callable[..., Repository]
) -> None:
    """SQLite works while its rows are fetched, and is interrupted there."""
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50000000) SELECT i FROM n"
    )
    found = store.Store("small", ButlerConfig(str(butler_repo("sqlite").root)))
    with pytest.raises(Timeout):
        found.rows(sa.text(endless), Call(deadline=_In(0.2), notes=[].append if told else None))
    found.close()


@pytest.mark.parametrize("kind", KINDS)
def test_waiting_for_a_connection_ends_at_the_deadline(
    kind: str, butler_repo: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "THREADS", 1)
    only_one = store.Store("small", ButlerConfig(str(butler_repo(kind).root)))
    taken, over = threading.Event(), threading.Event()

    def hold() -> None:
        with only_one.session(Call()):
            taken.set()
            over.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert taken.wait(10)
        began = time.monotonic()
        with pytest.raises(Timeout, match="busy"):
            only_one.rows(sa.text("SELECT 1"), Call(deadline=_In(0.3)))
        assert 0.2 < time.monotonic() - began < 2
    finally:
        over.set()
        holder.join()
    assert only_one.rows(sa.text("SELECT 1"), Call(deadline=_In(5))) == [(1,)]
    only_one.close()


@dataclass(frozen=True)
class _At:
    root: Path


class _In:
    """A deadline in so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def remaining(self) -> float:
        return max(0.0, self._until - time.monotonic())
