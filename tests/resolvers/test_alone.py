"""A plan that does one thing after the other asks without tasks; where it does several at once, they are asked together as ever."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

import resolvers
from adapters.errors import BackendUnavailable
from adapters.question import Datasets, DatasetsById
from resolvers.loader import Loader
from tests.demonstration import PLANS
from tests.resolvers.conftest import Gateway

_OURS = str(Path(resolvers.__file__).parent)


@pytest.fixture
def tasks(demo: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The coroutines of the resolvers that tasks were made of, after that of the whole request."""
    found: list[str] = []

    def made(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
        code = getattr(work, "cr_code", None)
        if code is not None and code.co_filename.startswith(_OURS) and code.co_name != "execute":
            found.append(code.co_qualname)
        return asyncio.Task(work, loop=loop, **more)

    monkeypatch.setattr(demo, "twice", False)
    demo.loop.set_task_factory(made)
    yield found
    demo.loop.set_task_factory(None)


@pytest.fixture
def ids(demo: Gateway) -> list[str]:
    found = demo.good(
        '{ repository(name: "hsc") { datasets(query: {type: "raw"}, first: 2) { nodes { uuid } } } }'
    )
    return [node["uuid"] for node in found["repository"]["datasets"]["nodes"]]


@pytest.mark.skipif(not PLANS, reason="without plans every field may have company")
def test_what_is_asked_alone_needs_no_task(demo: Gateway, tasks: list[str], ids: list[str]) -> None:
    tasks.clear()
    query = 'query Q($id: UUID!) { repository(name: "hsc") { dataset(id: $id) { uuid type { name } dataId { detector } } } }'
    assert demo.good(query, id=ids[0])["repository"]["dataset"]["uuid"] == ids[0]
    assert len(demo.asked("hsc", DatasetsById)) == 1
    demo.good('{ repository(name: "hsc") { datasets(query: {type: "raw"}, first: 3) { nodes { uuid } } } }')
    assert len(demo.asked("hsc", Datasets)) == 1
    assert tasks == []


def test_what_is_asked_beside_others_is_asked_with_them(demo: Gateway, ids: list[str]) -> None:
    query = (
        'query Q($a: UUID!, $b: UUID!) { repository(name: "hsc") { a: dataset(id: $a) { uuid } '
        "b: dataset(id: $b) { uuid } c: dataset(id: $a) { run } } }"
    )
    demo.good(query, a=ids[0], b=ids[1])
    questions = demo.asked("hsc", DatasetsById)
    assert sorted(len(question.ids) for question in questions) == [2]


def test_what_was_asked_alone_is_not_asked_again_when_the_plan_gives_up(
    demo: Gateway, ids: list[str]
) -> None:
    query = 'query Q($id: UUID!) { repository(name: "hsc") { dataset(id: $id) { uuid versions(first: -1) { totalCount } } } }'
    answer = demo(query, id=ids[0])
    assert answer.data["repository"]["dataset"] == {"uuid": ids[0], "versions": None}
    assert len(demo.asked("hsc", DatasetsById)) == 1


def test_an_error_met_alone_is_not_asked_for_again(demo: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    failure = BackendUnavailable("The store is away.", repository="hsc")
    monkeypatch.setattr(demo.repositories["hsc"], "failure", failure)
    answer = demo(
        '{ repository(name: "hsc") { datasets(query: {type: "raw"}, first: 3) { nodes { uuid } } } }'
    )
    assert answer.codes == ["BACKEND_UNAVAILABLE"]
    assert len(demo.asked("hsc", Datasets)) == 1


class Fetched:
    """A loader that remembers what it fetched; ``alone`` as long as it is said to be."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.failure: Exception | None = None
        self.alone = True
        self.loader: Loader[int, int] = Loader(self._fetch, -1, lambda: self.alone)

    async def _fetch(self, keys: list[int]) -> dict[int, int]:
        self.batches.append(keys)
        await asyncio.sleep(0)
        if self.failure is not None:
            raise self.failure
        return {key: key * 2 for key in keys if key < 10}


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 5))


async def several(waiting: list[Awaitable[int]]) -> list[int]:
    return list(await asyncio.gather(*waiting))


def test_one_key_is_fetched_at_once_and_kept() -> None:
    async def main() -> None:
        fetched = Fetched()
        assert [await fetched.loader.load(key) for key in (1, 20, 1)] == [2, -1, 2]
        assert fetched.batches == [[1], [20]]
        assert await fetched.loader.load_many([1, 3, 20, 3]) == [2, 6, -1, 6]
        assert await fetched.loader.load(3) == 6
        assert fetched.batches == [[1], [20], [3]]

    run(main())


@pytest.mark.parametrize("later", [True, False])
def test_keys_that_are_wanted_before_the_first_is_waited_for_are_fetched_together(later: bool) -> None:
    async def main() -> None:
        fetched = Fetched()
        waiting = [fetched.loader.load(key) for key in (1, 2, 3, 1)]
        fetched.alone = later
        assert await several(waiting) == [2, 4, 6, 2]
        assert fetched.batches == [[1, 2, 3]]

    run(main())


def test_a_key_that_was_wanted_and_given_up_can_be_wanted_again() -> None:
    async def main() -> None:
        fetched = Fetched()
        given_up: Any = fetched.loader.load(1)
        given_up.close()
        fetched.alone = False
        assert await several([fetched.loader.load(1), fetched.loader.load(2)]) == [2, 4]
        given_up = fetched.loader.load(3)
        assert await fetched.loader.load_many([3, 4]) == [6, 8]

    run(main())


def test_the_error_of_a_batch_is_that_of_its_keys() -> None:
    async def main() -> None:
        fetched = Fetched()
        fetched.failure = KeyError("x")
        for _ in range(2):
            with pytest.raises(KeyError):
                await fetched.loader.load(1)
            with pytest.raises(KeyError):
                await fetched.loader.load_many([2, 3])
        assert fetched.batches == [[1], [2, 3]]

    run(main())
