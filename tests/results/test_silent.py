"""A repository that does not answer, when a result is saved and when its datasets are asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from graphql import parse

from adapters.butler import open_repository
from adapters.caller import Call, Caller
from adapters.errors import BackendUnavailable
from adapters.protocol import Settings
from gateway.limits import Budget, Deadline, Limits
from gateway.results.service import SavedResults
from gateway.results.settings import ResultsConfig
from gateway.tables.reading import read
from resolvers.asked import Asked
from resolvers.context import Context
from resolvers.plan import execute
from resolvers.schema import build_schema
from tests.demonstration import demonstration

Ask = Callable[..., Awaitable[dict[str, Any]]]
SAVE = """mutation($query: DatasetQuery!) { saveResult(repositories: ["own", "other"], query: $query) {
    id rowCount phase completeness { state message unavailable } } }"""
PAGE = """query($id: ID!, $after: String, $first: Int!) { result(id: $id) { datasets(first: $first, after: $after) {
    nodes { uuid repository { name } } completeness { state message unavailable } pageInfo { hasNextPage endCursor } } } }"""
QUERY = {"type": "raw", "findFirst": False, "orderBy": ["detector", "exposure"]}


class Switched:
    """A real repository that can be made silent."""

    def __init__(self, name: str, root: Path) -> None:
        self._real = open_repository(name, Settings(uri=str(root), collections=("HSC/defaults",)))
        self.silent = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def ask(self, question: Any, call: Call) -> Any:
        if self.silent:
            raise BackendUnavailable("silent", repository=self._real.name)
        return await self._real.ask(question, call)


@asynccontextmanager
async def service(folder: Path, repositories: dict[str, Switched]) -> AsyncIterator[tuple[Ask, SavedResults]]:
    """What asks a gateway's schema about these repositories, and its store of results."""
    schema = build_schema()
    opened: Any = repositories

    async def reading(asked: Asked, opened: Any, caller: Caller, base: str, most: int) -> Any:
        return await read(
            asked, opened, caller, Limits(), datalink=lambda label: f"{base}/{label}", most=most
        )

    store = SavedResults(ResultsConfig(wait=60), folder, reading)

    async def ask(text: str, **variables: Any) -> dict[str, Any]:
        context = Context(
            repositories=opened,
            call=Call(Caller(), Deadline(60)),
            budget=Budget(10**6),
            limits=Limits(),
            base_url="http://gateway",
            results=store,
        )
        answer = await execute(
            schema, parse(text), None, context, variables=variables, operation_name=None, extensions={}
        )
        errors = [getattr(error.original_error, "code", str(error)) for error in answer.errors or ()]
        return {**(answer.data or {}), "errors": errors}

    try:
        async with store.open():
            yield ask, store
    finally:
        for one in repositories.values():
            await one.close()


@pytest.fixture
def repositories(own: Path) -> Iterator[dict[str, Switched]]:
    yield {"own": Switched("own", own), "other": Switched("other", demonstration())}


async def walked(ask: Ask, id: str, first: int, silent: Callable[[int], None]) -> list[tuple[str, str]]:
    """All datasets of a result, by its pages; ``silent`` is told how many requests there were. What is refused is asked for again."""
    found: list[tuple[str, str]] = []
    after, asked = None, 0
    while True:
        silent(asked)
        asked += 1
        answer = await ask(PAGE, id=id, after=after, first=first)
        if answer["errors"]:
            assert answer["errors"] == ["BACKEND_UNAVAILABLE"]
            continue
        page = answer["result"]["datasets"]
        found += [(node["repository"]["name"], node["uuid"]) for node in page["nodes"]]
        said = page["completeness"]
        assert (said["state"] == "COMPLETE") == (not said["unavailable"])
        assert page["pageInfo"]["hasNextPage"] or said["state"] == "COMPLETE"
        assert (
            len(page["nodes"]) == first or not page["pageInfo"]["hasNextPage"] or said["state"] == "PARTIAL"
        )
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize("first", [1, 4, 7])
@pytest.mark.parametrize("which", ["own", "other"])
def test_no_dataset_is_left_out_for_good_while_a_repository_is_silent(
    tmp_path: Path, repositories: dict[str, Switched], first: int, which: str
) -> None:
    async def run() -> None:
        async with service(tmp_path, repositories) as (ask, _):
            saved = (await ask(SAVE, query=QUERY))["saveResult"]
            assert saved["completeness"]["state"] == "COMPLETE"
            expected = await walked(ask, saved["id"], 1000, lambda asked: None)
            assert len(expected) == saved["rowCount"]
            labels = [label for label, _ in expected]
            assert sum(one != before for one, before in pairwise(labels)) > 2, "mixed"

            def sometimes(asked: int) -> None:
                repositories[which].silent = asked % 3 != 2

            assert await walked(ask, saved["id"], first, sometimes) == expected

    asyncio.run(run())


def test_what_was_silent_when_a_result_was_saved_is_said_once_and_what_helps(
    tmp_path: Path, repositories: dict[str, Switched]
) -> None:
    async def run() -> None:
        async with service(tmp_path, repositories) as (ask, store):
            repositories["other"].silent = True
            saved = (await ask(SAVE, query=QUERY))["saveResult"]
            said = {
                "state": "PARTIAL",
                "unavailable": ["other"],
                "message": "No answer from other when this was saved; what they hold is missing in it. Save it again.",
            }
            assert saved["phase"] == "COMPLETED" and saved["completeness"] == said
            repositories["other"].silent = False
            page = (await ask(PAGE, id=saved["id"], first=1000))["result"]["datasets"]
            assert len(page["nodes"]) == saved["rowCount"] and page["completeness"] == said
            table = await store.table(await store.find(saved["id"], Caller(), ["own", "other"]))
            assert table.end.unavailable == ("other",)
            assert table.end.overflow is not None and table.end.overflow.count("did not answer: other") == 1
            assert table.end.overflow.endswith("save it again.")
            repositories["own"].silent = True
            assert (await ask(PAGE, id=saved["id"], first=10))["errors"] == ["BACKEND_UNAVAILABLE"]

    asyncio.run(run())
