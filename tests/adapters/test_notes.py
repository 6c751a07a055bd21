"""Whoever listens to a call is told what was done for it; where nobody does, the answers are the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from lsst.daf.butler import ButlerConfig

from adapters.butler import open_repository
from adapters.butler.repository import ButlerRepository
from adapters.butler.store import Store
from adapters.caller import Call
from adapters.errors import AdapterError
from adapters.notes import By, Work
from adapters.protocol import Settings
from adapters.question import DataIds, Datasets, Question, Sky, Where
from adapters.rows import Rows
from tests.adapters.heard import statements
from tests.adapters.repositories import Repository

CANARY = "canary-2b8c11e4"
ASKED = Datasets(("raw",), ("HSC/defaults",))


@pytest.fixture(params=["sqlite", "postgres"])
def opened(
    request: pytest.FixtureRequest, butler_repo: Callable[..., Repository]
) -> Iterator[ButlerRepository]:
    found = open_repository("small", Settings(uri=str(butler_repo(request.param).root)))
    assert isinstance(found, ButlerRepository)
    asyncio.run(found.universe(Call()))
    yield found
    asyncio.run(found.close())


def asked(repository: ButlerRepository, question: Question) -> tuple[Rows, list[Work]]:
    """The answer, and what was told of it."""
    heard: list[Work] = []
    return asyncio.run(repository.ask(question, Call(notes=heard.append))), heard


def by(heard: list[Work], who: By) -> list[Work]:
    return [work for work in heard if work.by is who]


def test_every_statement_is_told_with_its_text_rows_and_time(opened: ButlerRepository) -> None:
    assert opened._opened is not None
    with statements(opened._opened.store) as seen:
        rows, heard = asked(opened, ASKED)
    # What begins a question on PostgreSQL is counted apart.
    told = [work for work in by(heard, By.SQL) if "pg_current_snapshot" not in work.what]
    assert [work.what for work in told] == seen
    assert all(work.seconds > 0 for work in told)
    assert rows.rows and told[-1].rows is not None and told[-1].rows >= len(rows.rows)
    assert rows.rows == asyncio.run(opened.ask(ASKED, Call())).rows


def test_names_that_were_known_are_told_as_such_and_only_then(opened: ButlerRepository) -> None:
    _, first = asked(opened, ASKED)
    assert not by(first, By.MEMORY)
    _, second = asked(opened, ASKED)
    assert {work.what for work in by(second, By.MEMORY)} >= {"dataset types", "search path"}
    assert len(by(second, By.SQL)) < len(by(first, By.SQL))


def test_what_is_worked_out_in_python_is_told(opened: ButlerRepository) -> None:
    _, heard = asked(opened, Datasets(("calexp",), ("HSC/*",), sky=Sky("CIRCLE 320.75 -0.33 1")))
    (work,) = by(heard, By.PYTHON)
    assert work.what.startswith("which regions of ")


def test_what_butlers_api_is_asked_is_told(opened: ButlerRepository) -> None:
    _, heard = asked(opened, DataIds(("visit", "detector"), where=Where("instrument = 'HSC'")))
    assert by(heard, By.API) or by(heard, By.SQL)
    assert opened._opened is not None
    api: list[Work] = []
    opened._opened.path._api.ask(DataIds(("instrument",)), Call(notes=api.append))  # type: ignore[attr-defined]
    assert [(work.by, work.what) for work in api] == [(By.API, "DataIds")]


def test_values_are_apart_from_the_text(opened: ButlerRepository) -> None:
    heard: list[Work] = []
    question = Datasets((CANARY,), (CANARY,))
    with pytest.raises(AdapterError):
        asyncio.run(opened.ask(question, Call(notes=heard.append)))
    assert heard and CANARY not in "".join(work.what for work in heard)


def test_a_statement_that_fails_is_told_too(butler_repo: Callable[..., Repository]) -> None:
    store = Store("small", ButlerConfig(str(butler_repo("sqlite").root)))
    heard: list[Work] = []
    with pytest.raises(AdapterError):
        store.rows(sa.text("SELECT nothing FROM nowhere"), Call(notes=heard.append))
    assert [(work.what, work.rows) for work in heard] == [("SELECT nothing FROM nowhere", None)]
    store.close()
