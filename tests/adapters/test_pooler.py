"""A registry behind a real pgbouncer, which lends its sessions for one transaction: the same answers, and no session of it taken for one's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from sqlalchemy.engine import make_url

from adapters.butler import open_repository
from adapters.butler.repository import ButlerRepository
from adapters.caller import Call
from adapters.protocol import Settings
from adapters.question import (
    Beside,
    DataIds,
    Datasets,
    DatasetsById,
    Kinship,
    Page,
    Question,
    Related,
    Sky,
    Where,
)
from tests.adapters.repositories import Repository
from tests.pgbouncer import SESSIONS, PgBouncer
from tests.plans.both import Setting
from tests.plans.requests import Request
from tests.postgres import Postgres

AT_ONCE = 24
"""Questions at a time: many more than there are sessions, and more than the repository has threads."""

ASYNCPG = (
    "default_transaction_read_only",
    "client_connection_check_interval",
    "jit",
    "join_collapse_limit",
    "plan_cache_mode",
)
"""What connections of the event loop say of themselves: a pooler that is not told of these refuses them."""

PREPARED = sa.text("SELECT name FROM pg_prepared_statements")
RAWS = Datasets(("raw",), ("HSC/raw/all",), page=Page(5), beside=Beside(timespan=True))
QUESTIONS: tuple[Question, ...] = (
    RAWS,
    Datasets(
        ("calexp",),
        ("HSC/*",),
        find_first=False,
        page=Page(50),
        where=Where("instrument = 'HSC' AND visit > 0"),
    ),
    Datasets(("calexp",), ("HSC/*",), find_first=False, page=Page(50), sky=Sky("CIRCLE 0 0 3")),
    DataIds(("instrument", "visit", "detector"), where=Where("visit > 0"), page=Page(50)),
)
DOCUMENT = """{ repository(name: "small") { datasets(query: {type: ["raw"], collections: ["HSC/raw/all"]}, first: 5) {
  nodes { uuid timespan { begin } dataId { map } } } } }"""


@pytest.fixture(
    scope="module",
    params=["a pooler that refuses what it does not know", "a pooler that lets everything pass"],
)
def pooler(request: pytest.FixtureRequest, postgres: Postgres) -> Iterator[PgBouncer]:
    found = PgBouncer(postgres, *(ASYNCPG if "lets" in request.param else ()))
    yield found
    found.stop()


@pytest.fixture
def pooled(pooler: PgBouncer, butler_repo: Callable[..., Repository], tmp_path: Path) -> Settings:
    """A configuration over the same registry, by way of the pooler."""
    config = yaml.safe_load((butler_repo("postgres").root / "butler.yaml").read_text())
    config["registry"]["db"] = pooler.url(make_url(config["registry"]["db"]))
    (tmp_path / "butler.yaml").write_text(yaml.safe_dump(config))
    return Settings(uri=str(tmp_path))


def test_answers_are_those_of_the_registry_without_it(
    pooled: Settings, pooler: PgBouncer, butler_repo: Callable[..., Repository]
) -> None:
    """All kinds of statements at once, several times over: a statement that was prepared in one session would be missed in the next, and a
    question that held one session and waited for another would wait for ever."""

    async def run() -> None:
        plain = open_repository("small", Settings(uri=butler_repo("postgres").uri))
        behind = open_repository("small", pooled)
        raws = await plain.ask(RAWS, Call())
        key = tuple(raws.rows[0][raws.index(name)] for name in raws.types["raw"].required)
        questions = [
            *QUESTIONS,
            DatasetsById(tuple(row[0] for row in raws.rows)),
            Related(
                raws.types["raw"].required,
                (key,),
                ("flat",),
                "raw",
                by=Kinship.CALIBRATION,
                collections=("HSC/calib",),
            ),
        ]
        wanted = [(await plain.ask(question, Call())).rows for question in questions]
        assert [n for n, rows in enumerate(wanted) if not rows] == []
        for _ in range(3):
            asked = [questions[n % len(questions)] for n in range(AT_ONCE)]
            answers = await asyncio.gather(*(behind.ask(question, Call()) for question in asked))
            for place, answer in enumerate(answers):
                assert answer.rows == wanted[place % len(questions)], asked[place]
        sessions = [one for one in pooler.shown("SERVERS") if one["database"] != "pgbouncer"]
        assert 0 < len(sessions) <= SESSIONS
        assert isinstance(behind, ButlerRepository) and behind._opened is not None
        direct = behind._opened.store.direct
        assert direct is not None and not direct.usable
        await plain.close()
        await behind.close()

    asyncio.run(run())


def test_nothing_is_prepared_in_sessions_that_are_lent(
    pooled: Settings, pooler: PgBouncer, butler_repo: Callable[..., Repository]
) -> None:
    async def run() -> None:
        behind = open_repository("small", pooled)
        for question in QUESTIONS:
            for _ in range(8):  # psycopg prepares what it has seen five times, in Butler's connections too
                await asyncio.gather(*(behind.ask(question, Call()) for _ in range(4)))
        assert isinstance(behind, ButlerRepository) and behind._opened is not None
        seen = behind._opened.store.rows(PREPARED, Call())
        await behind.close()
        assert seen == []

    asyncio.run(run())


def test_documents_are_answered_by_plan_as_without_it(
    pooled: Settings, butler_repo: Callable[..., Repository]
) -> None:
    answers = []
    for settings in (Settings(uri=butler_repo("postgres").uri), pooled):
        setting = Setting({"small": open_repository("small", settings)})
        both = setting.both(Request(DOCUMENT, {}))
        again = setting.both(Request(DOCUMENT, {}))
        setting.close()
        assert both.good and not both.planned.unplanned
        answers += [both.ordinary.body, both.planned.body, again.planned.body]
    assert len(set(answers)) == 1
