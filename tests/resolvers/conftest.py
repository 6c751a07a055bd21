"""The schema over real Butler repositories, without HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy
from graphql import parse, validate

from adapters.butler import open_repository
from adapters.caller import Call, Caller
from adapters.errors import AdapterError
from adapters.protocol import Repository, Settings
from adapters.question import Question
from adapters.rows import Facets, Rows
from gateway.http.encode import to_json
from gateway.limits import Budget, Limits
from resolvers.context import Context
from resolvers.plan import Plans, execute
from resolvers.schema import build_schema
from tests.demonstration import PLANS

IVOID = "ivo://org.example/{repository}?repo={repository}&id={id}"


class Watched:
    """A real repository that remembers what it was asked, and fails when told to."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self.asked: list[Question] = []
        self.failure: AdapterError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._repository, name)

    async def ask(self, question: Question, call: Call) -> Rows:
        self.asked.append(question)
        if self.failure is not None:
            raise self.failure
        return await self._repository.ask(question, call)

    async def count(self, question: Question, call: Call) -> int:
        if self.failure is not None:
            raise self.failure
        return await self._repository.count(question, call)

    async def facets(self, question: Question, by: Sequence[str], first: int, call: Call) -> Facets:
        if self.failure is not None:
            raise self.failure
        return await self._repository.facets(question, by, first, call)


class Answer:
    """Data and errors of one request."""

    def __init__(self, data: Any, errors: list[Any]) -> None:
        self.data = data
        self.errors = errors

    @property
    def codes(self) -> list[str]:
        return [getattr(error.original_error, "code", "?") for error in self.errors]

    @property
    def messages(self) -> str:
        return "\n".join(error.message for error in self.errors)


class Gateway:
    """Executes documents over some repositories, each request with a context of its own."""

    def __init__(self, repositories: Mapping[str, Repository]) -> None:
        self.repositories = {label: Watched(repository) for label, repository in repositories.items()}
        self.loop = asyncio.new_event_loop()
        self.twice = PLANS  # every document is asked by plan and without, and the answers are compared

    def __call__(
        self,
        document: str,
        *,
        see: Sequence[str] | None = None,
        limits: Limits | None = None,
        caller: Caller | None = None,
        **variables: Any,
    ) -> Answer:
        limits = limits or Limits()
        seen = {label: self.repositories[label] for label in see or self.repositories}

        def ask(plans: Plans | None) -> tuple[Any, list[Any], int]:
            context = Context(
                repositories=seen,  # type: ignore[arg-type]
                call=Call(caller or Caller()),
                budget=(budget := Budget(limits.max_cost)),
                limits=limits,
                base_url="https://gateway.example/",
            )
            result = self.loop.run_until_complete(execute(schema, node, plans, context, variables=variables))
            if isinstance(result, list):
                return None, result, 0
            return result.data, list(result.errors or []), budget.spent

        schema = build_schema()
        node = parse(document)
        if invalid := validate(schema._schema, node):
            return Answer(None, invalid)
        ordinary = ask(None) if self.twice else None
        for repository in seen.values():
            repository.asked.clear()
        planned = ask(Plans(schema, node) if PLANS else None)
        if ordinary is not None:
            assert to_json({"data": planned[0]}) == to_json({"data": ordinary[0]})
            assert _told(planned[1]) == _told(ordinary[1])
            assert planned[2] == ordinary[2], "another cost"
        return Answer(orjson.loads(to_json({"data": planned[0]}))["data"], planned[1])

    def good(self, document: str, **options: Any) -> Any:
        """The data of a request that must not fail."""
        answer = self(document, **options)
        assert not answer.errors, answer.messages
        return answer.data

    def asked(self, label: str, kind: type[Question]) -> list[Any]:
        return [question for question in self.repositories[label].asked if isinstance(question, kind)]

    def close(self) -> None:
        for repository in self.repositories.values():
            self.loop.run_until_complete(repository.close())
        self.loop.close()


def _told(errors: Sequence[Any]) -> list[str]:
    return sorted(repr((error.message, error.path)) for error in errors)


@pytest.fixture(autouse=True)
def _silent() -> Iterator[None]:
    """strawberry logs every error that a test provokes."""
    logger = logging.getLogger("strawberry.execution")
    before, logger.disabled = logger.disabled, True
    yield
    logger.disabled = before


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The demonstration repository as hsc."""
    from gateway.demo.repository import ensure

    root = ensure(Path(tmp_path_factory.mktemp("demo")) / "repository")
    settings = Settings(
        uri=str(root),
        description="demo",
        collections=("HSC/defaults",),
        ivoid=IVOID.replace("/{repository}", "/x"),
    )
    gateway = Gateway({"hsc": open_repository("hsc", settings)})
    yield gateway
    gateway.close()


@pytest.fixture(scope="session")
def pair(butler_repo: Callable[..., Any]) -> Iterator[Gateway]:
    """Two random repositories whose data IDs overlap in part: one and two, and one again as again."""
    opened = {}
    for label, seed in (("one", 0), ("two", 1), ("again", 0)):
        settings = Settings(
            uri=butler_repo("sqlite", seed=seed).uri, collections=("HSC/defaults",), ivoid=IVOID
        )
        opened[label] = open_repository(label, settings)
    gateway = Gateway(opened)
    yield gateway
    gateway.close()


@pytest.fixture
def statements(demo: Gateway) -> Iterator[list[str]]:
    """The SQL statements that the demonstration repository runs from here on."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    demo.good('{ repository(name: "hsc") { datasets(query: {type: "raw"}, first: 1) { nodes { run } } } }')
    engine = demo.repositories["hsc"]._opened.store.engine
    sqlalchemy.event.listen(engine, "before_cursor_execute", note)
    demo.twice = False
    yield found
    demo.twice = PLANS
    sqlalchemy.event.remove(engine, "before_cursor_execute", note)
