"""What is asked again on the event loop is neither parsed nor planned again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
import sqlalchemy as sa

from adapters.butler import direct
from adapters.butler.direct import LoopSession, Sent
from adapters.caller import Call
from adapters.question import Beside, Constraint, DatasetsById, Op, Question, Related
from tests.adapters.repositories import Repository
from tests.adapters.test_direct import RAWS, opened, raw_ids, store

_PLANS = "SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements"


@pytest.mark.parametrize("look_up", [True, False])
def test_a_question_asked_again_is_planned_once(
    butler_repo: Callable[..., Repository], look_up: bool
) -> None:
    async def run() -> None:
        async with opened(butler_repo) as repository:
            question: Question = RAWS
            if look_up:
                found = raw_ids(await repository.ask(RAWS, Call()))
                question = DatasetsById((found[0],), Beside(timespan=True))
            for _ in range(20):
                await repository.ask(question, Call())
            connections = store(repository).direct
            assert connections is not None
            (connection,) = connections._free[look_up]
            plans = {text: numbers for text, *numbers in await connection.raw.fetch(_PLANS)}
            asked = [numbers for text, numbers in plans.items() if "dataset_tags" in text]
            # A page has two: without the look at the registry's state until it is asked again, and with it.
            assert len(asked) == (1 if look_up else 2), plans
            assert max(shared for shared, _ in asked) >= 15
            assert not any(own for _, own in asked)

    asyncio.run(run())


@contextmanager
def round_trips() -> Iterator[list[str]]:
    """The texts of all that is sent on the event loop from here on."""
    sent: list[str] = []
    fetch = LoopSession.fetch

    async def noted(session: LoopSession, text: str, values: list[Any]) -> list[Any]:
        sent.append(text)
        return await fetch(session, text, values)

    with patch.object(LoopSession, "fetch", noted):
        yield sent


def test_a_page_asked_again_is_one_round_trip(butler_repo: Callable[..., Repository]) -> None:
    """Its statement finds nothing where anything was committed since its names were looked up; one that found nothing asks whether that is why."""

    async def run() -> None:
        async with opened(butler_repo) as repository:
            empty = replace(RAWS, constraints=(Constraint("detector", Op.EQ, 1_000_000),))
            for question in (RAWS, empty):
                await repository.ask(question, Call())
            with round_trips() as sent:
                assert (await repository.ask(RAWS, Call())).rows
            assert len(sent) == 1
            with round_trips() as sent:
                assert not (await repository.ask(empty, Call())).rows
            assert len(sent) == 2
            connections = store(repository).direct
            assert connections is not None
            (connection,) = connections._free[False]
            connection.state = "another"
            with round_trips() as sent:
                assert (await repository.ask(RAWS, Call())).rows
            assert len(sent) == 2

    asyncio.run(run())


def test_what_a_dataset_has_in_common_with_its_parent_is_not_read(
    butler_repo: Callable[..., Repository],
) -> None:
    async def run() -> None:
        async with opened(butler_repo) as repository:
            rows = await repository.ask(RAWS, Call())
            info = rows.types["raw"]
            keys = tuple(tuple(row[rows.index(name)] for name in info.required) for row in rows.rows)
            ids = tuple(raw_ids(rows))
            asked = Related(info.required, keys, ("flat",), "raw", ids, collections=("HSC/calib",))
            await repository.ask(asked, Call())
            with round_trips() as sent:
                found = await repository.ask(asked, Call())
            (text,) = (text for text in sent if "dataset_calibs" in text)
            columns, _, _ = text.rpartition("\n SELECT")[2].partition("\nFROM")  # behind what stands in WITH
            assert "detector" not in columns and "instrument" not in columns
            assert found.rows
            for row in found.rows:
                assert row[found.index("detector")] == keys[row[0]][info.required.index("detector")]

    asyncio.run(run())


def test_pages_of_another_length_are_the_same_rows(butler_repo: Callable[..., Repository]) -> None:
    async def run() -> None:
        async with opened(butler_repo) as repository:
            whole = (await repository.ask(RAWS.paged(4), Call())).rows
            for first in (1, 2, 3):
                page = await repository.ask(RAWS.paged(first), Call())
                assert [tuple(row) for row in page.rows[:first]] == [tuple(row) for row in whole[:first]]
                assert page.more

    asyncio.run(run())


def test_a_server_keeps_a_bounded_number_of_statements(
    butler_repo: Callable[..., Repository], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "_PREPARED", 4)

    async def run() -> None:
        async with opened(butler_repo) as repository:
            for first in range(1, 13):
                await repository.ask(RAWS.paged(first), Call())
            connections = store(repository).direct
            assert connections is not None
            (connection,) = connections._free[False]
            assert 4 <= len(await connection.raw.fetch(_PLANS)) <= 6

    asyncio.run(run())


def test_only_numbers_and_plain_words_are_written_into_a_statement() -> None:
    name, number = sa.column("name", sa.Text()), sa.column("number", sa.BigInteger())

    def written(word: object, most: object) -> str | None:
        statement = sa.select(name).where(name == sa.bindparam("word", type_=sa.Text()))
        sent = Sent(
            statement.where(number > sa.bindparam("most", type_=sa.BigInteger())), {"word": "", "most": 0}
        )
        return sent.settled(sent.values({"word": word, "most": most}))

    text = written("LSSTCam/raw/all", -(2**63))
    assert text is not None
    assert "'LSSTCam/raw/all'" in text and f"({-(2**63)})" in text and "$" not in text
    for word in ("O'Neil", "a\\b", "$1", "%", "é", "\n", "", None, b"a", True):
        taken = written(word, 1)
        assert (taken is not None) == (word == ""), word
    assert written("a", True) is None and written("a", 1.5) is None


def test_words_that_are_not_plain_are_asked_as_parameters(butler_repo: Callable[..., Repository]) -> None:
    async def run() -> None:
        async with opened(butler_repo) as repository:
            odd = replace(RAWS, constraints=(Constraint("physical_filter", Op.EQ, "O'Neil"),))
            for _ in range(3):
                assert not (await repository.ask(odd, Call())).rows

    asyncio.run(run())
