"""Short questions on the event loop: the same answers, nothing left running, and threads wherever the loop will not do."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.util import greenlet_spawn

from adapters.butler import direct, open_repository
from adapters.butler.direct import MOST, LoopSession
from adapters.butler.repository import ButlerRepository
from adapters.butler.store import Store
from adapters.caller import Call
from adapters.errors import BadUserInput, Timeout
from adapters.notes import By, Work
from adapters.protocol import Settings
from adapters.question import (
    Among,
    Beside,
    Constraint,
    Datasets,
    DatasetsById,
    Kinship,
    Op,
    Page,
    Question,
    Related,
    Sky,
    Where,
)
from adapters.rows import Rows
from tests.adapters.repositories import Repository

RAWS = Datasets(("raw",), ("HSC/raw/all",), page=Page(5), beside=Beside(timespan=True))


@asynccontextmanager
async def opened(butler_repo: Callable[..., Repository]) -> AsyncIterator[ButlerRepository]:
    """Opened, with what it knows of the names and the statements of RAWS."""
    found = open_repository("small", Settings(uri=butler_repo("postgres").uri))
    assert isinstance(found, ButlerRepository)
    await found.ask(RAWS, Call())
    try:
        yield found
    finally:
        await found.close()


def store(repository: ButlerRepository) -> Store:
    assert repository._opened is not None
    return repository._opened.store


async def asked(repository: ButlerRepository, question: Question) -> tuple[Rows, bool]:
    """The answer, and whether it was found without a thread."""
    threads: list[str] = []
    done = store(repository).engine.pool.checkedout
    seen: list[Work] = []
    assert done() == 0

    def note(work: Work) -> None:
        seen.append(work)
        threads.append(threading.current_thread().name)

    rows = await repository.ask(question, Call(notes=note))
    sent = [thread for thread, work in zip(threads, seen, strict=True) if work.by is By.SQL]
    return rows, not any(thread.startswith("butler-") for thread in sent)


async def on_loop(
    repository: ButlerRepository, text: str, values: Mapping[str, Any], call: Call
) -> list[Any]:
    """A statement of the test's own, sent as one that was built before."""

    def run() -> list[Any]:
        with store(repository).session(call):
            return store(repository).rows(sa.text(text), call, values)

    return await greenlet_spawn(run)


def active(repository: ButlerRepository, like: str) -> int:
    """How many statements that look like this the server is at work on."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE :like AND pid <> pg_backend_pid()"
    with store(repository).engine.connect() as connection:
        return int(connection.execute(sa.text(sql), {"like": like}).scalar_one())


def raw_ids(rows: Rows) -> list[str]:
    return [row[0] for row in rows.rows]


def test_a_question_that_was_asked_before_needs_no_thread(butler_repo: Callable[..., Repository]) -> None:
    async def run() -> None:
        async with opened(butler_repo) as repository:
            first, _ = await asked(repository, RAWS)
            again, quick = await asked(repository, RAWS)
            assert quick and raw_ids(again) == raw_ids(first) != []
            key = tuple(first.rows[0][first.index(name)] for name in first.types["raw"].required)
            required = first.types["raw"].required
            flats = Related(
                required, (key,), ("flat",), "raw", by=Kinship.CALIBRATION, collections=("HSC/calib",)
            )
            for question in (DatasetsById(tuple(raw_ids(first))), flats):
                await asked(repository, question)
                rows, quick = await asked(repository, question)
                assert quick and rows.rows, question

    asyncio.run(run())


def test_what_the_loop_will_not_do_is_done_in_a_thread(butler_repo: Callable[..., Repository]) -> None:
    """Twice, since it is not done on the loop the second time either."""
    raw = Datasets(("raw",), ("HSC/*",), find_first=False, page=Page(3))
    questions = (
        replace(raw, where=Where("instrument = 'HSC'")),
        replace(raw, types=("calexp",), sky=Sky("CIRCLE 320.75 -0.33 1")),
        replace(raw, among=Among(("instrument",), (("HSC",),))),
    )

    async def run() -> None:
        async with opened(butler_repo) as repository:
            for question in questions:
                for _ in range(2):
                    _, quick = await asked(repository, question)
                    assert not quick

    asyncio.run(run())


def test_what_took_long_once_is_asked_from_a_thread_at_once(butler_repo: Callable[..., Repository]) -> None:
    async def run() -> None:
        async with opened(butler_repo) as repository:
            first, _ = await asked(repository, RAWS)
            required = first.types["raw"].required
            keys = [tuple(row[first.index(name)] for name in required) for row in first.rows[:2]]
            sky = Related(required, (keys[0],), ("deepCoadd",), "raw", collections=("HSC/*",))
            await asked(repository, sky)  # looks its names up, which is no reason the next time
            rows, quick = await asked(repository, sky)
            assert not quick
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(repository, "_on_loop", None)  # it would not be called
                again, _ = await asked(repository, replace(sky, keys=(keys[1],)))
            assert again.columns == rows.columns

    asyncio.run(run())


def test_connections_are_not_kept_by_a_repository_that_was_closed(
    butler_repo: Callable[..., Repository],
) -> None:
    async def run() -> None:
        async with opened(butler_repo) as repository:
            held = store(repository)
            asking = asyncio.ensure_future(
                on_loop(repository, "SELECT pg_sleep(:seconds)", {"seconds": 0.3}, Call())
            )
            await _until(lambda: active(repository, "%pg_sleep($1)%") == 1)
            assert held.direct is not None
            await held.direct.close()
            await asking
            assert not any(held.direct._free.values())

    asyncio.run(run())


def test_a_statement_on_the_loop_ends_at_the_deadline_and_at_the_server(
    butler_repo: Callable[..., Repository],
) -> None:
    async def run() -> None:
        async with opened(butler_repo) as repository:
            began = time.monotonic()
            with pytest.raises(Timeout):
                await on_loop(
                    repository, "SELECT pg_sleep(:seconds)", {"seconds": 20.0}, Call(deadline=_In(0.3))
                )
            assert time.monotonic() - began < 3
            await _until(lambda: active(repository, "%pg_sleep($1)%") == 0)
            assert (await asked(repository, RAWS))[0].rows

    asyncio.run(run())


def test_a_question_that_nobody_waits_for_ends_at_the_server(butler_repo: Callable[..., Repository]) -> None:
    async def run() -> None:
        async with opened(butler_repo) as repository:
            asking = asyncio.ensure_future(
                on_loop(repository, "SELECT pg_sleep(:seconds)", {"seconds": 20.0}, Call())
            )
            await _until(lambda: active(repository, "%pg_sleep($1)%") == 1)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            await _until(lambda: active(repository, "%pg_sleep($1)%") == 0)
            assert (await asked(repository, RAWS))[0].rows

    asyncio.run(run())


def test_connections_that_the_server_closed_are_replaced(butler_repo: Callable[..., Repository]) -> None:
    async def run() -> None:
        async with opened(butler_repo) as repository:
            before = raw_ids((await asked(repository, RAWS))[0])
            url = store(repository).engine.url.set(drivername="postgresql")
            with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as other:
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            for _ in range(3):
                assert raw_ids((await asked(repository, RAWS))[0]) == before
            assert (await asked(repository, RAWS))[1]

    asyncio.run(run())


@pytest.mark.parametrize("value", [2**63, -(2**70), 5, "5", "\ud800", "a\x00b", 1.5, True])
def test_a_value_that_does_not_fit_is_answered_as_from_a_thread(
    value: Any, butler_repo: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    question = replace(RAWS, constraints=(Constraint("exposure", Op.EQ, value),))

    async def answer(repository: ButlerRepository) -> object:
        try:
            return raw_ids(await repository.ask(question, Call()))
        except BadUserInput as error:
            return error.message

    async def run() -> None:
        async with opened(butler_repo) as repository:
            found = [await answer(repository) for _ in range(3)]
            monkeypatch.setattr(direct.Direct, "usable", False)
            assert found == [await answer(repository)] * 3

    asyncio.run(run())


def test_many_questions_at_once_share_a_bounded_number_of_connections(
    butler_repo: Callable[..., Repository],
) -> None:
    async def run() -> None:
        async with opened(butler_repo) as repository:
            ids = raw_ids(await repository.ask(RAWS, Call()))
            await repository.ask(DatasetsById((ids[0],)), Call())
            questions: list[Question] = [RAWS, DatasetsById((ids[0],))] * 100
            answers = await asyncio.gather(*(repository.ask(question, Call()) for question in questions))
            assert all(raw_ids(rows)[0] == ids[0] for rows in answers)
            held = store(repository).direct
            assert held is not None
            assert (
                0 < len(held._free[False]) <= MOST["pages"] and 0 < len(held._free[True]) <= MOST["look-ups"]
            )

    asyncio.run(run())


def test_nothing_can_be_written_on_the_loop(butler_repo: Callable[..., Repository]) -> None:
    async def run() -> None:
        async with opened(butler_repo) as repository:
            with pytest.raises(direct.OffLoop):
                await on_loop(repository, "DELETE FROM collection WHERE name = :name", {"name": "x"}, Call())

    asyncio.run(run())


def test_connections_end_with_their_event_loop(butler_repo: Callable[..., Repository]) -> None:
    """A repository outlives the loops of a notebook; none of them keeps a connection open."""
    found = open_repository("small", Settings(uri=butler_repo("postgres").uri))
    assert isinstance(found, ButlerRepository)

    async def both() -> list[str]:
        await found.ask(RAWS, Call())
        return raw_ids(await found.ask(RAWS, Call()))

    assert asyncio.run(both()) == asyncio.run(both()) == asyncio.run(both())
    held = store(found).direct
    assert held is not None and not any(held._free.values())
    asyncio.run(found.close())


def test_a_question_given_up_on_the_loop_is_told_once(butler_repo: Callable[..., Repository]) -> None:
    """What was sent before it went to a thread is not counted among its work."""

    async def run() -> None:
        async with opened(butler_repo) as repository:
            fetch, given_up = LoopSession.fetch, []

            async def failing(session: LoopSession, text: str, values: list[Any]) -> list[Any]:
                rows = await fetch(session, text, values)
                if "dataset_tags" in text:
                    given_up.append(text)
                    raise direct.OffLoop
                return rows

            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(LoopSession, "fetch", failing)
                told: list[Work] = []
                rows = await repository.ask(RAWS, Call(notes=told.append))
            assert rows.rows and given_up
            assert sum("dataset_tags" in work.what for work in told if work.by is By.SQL) == 1

    asyncio.run(run())


async def _until(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < end, "it did not come true in time"
        await asyncio.sleep(0.05)


class _In:
    """A deadline in so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def remaining(self) -> float:
        return max(0.0, self._until - time.monotonic())
