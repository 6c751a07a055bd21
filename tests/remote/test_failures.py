"""What goes wrong at the server is told in the gateway's own words: which repository, and whether another try makes sense."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import Any

import pytest

from adapters.butler import api_rows
from adapters.capability import Capability
from adapters.errors import (
    AdapterError,
    BackendTimeout,
    BackendUnavailable,
    BadUserInput,
    Forbidden,
    NotFound,
    Unauthenticated,
    Unsupported,
)
from adapters.question import (
    Collections,
    Constraint,
    DataIds,
    Datasets,
    Kinship,
    Lineage,
    Op,
    Page,
    Quanta,
    Recorded,
    Related,
    Used,
    Way,
    Where,
)
from adapters.rows import TypeInfo

from .asker import call, opened
from .server import ButlerServer

RAWS = Datasets(("raw",), page=Page(2))
SAID = "secret-of-the-server postgresql://user:password@db.internal/registry"


def failing(server: ButlerServer, patience: float = 20.0, **order: Any) -> tuple[AdapterError, Any]:
    """The error of a question while the server fails, and what the same repository answers afterwards."""

    async def run() -> tuple[AdapterError, Any]:
        repository = opened(server.uri("lab"), options={"remember": 0})
        failure = {"path": "v1/", "body": SAID} | order
        with server.ordered(fail=failure), pytest.raises(AdapterError) as caught:
            await repository.ask(RAWS, call(seconds=patience))
        answer = await repository.ask(RAWS, call())
        await repository.close()
        return caught.value, answer

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("status", "kind", "retry"),
    [
        (401, Unauthenticated, False),
        (403, Forbidden, False),
        (404, BackendUnavailable, False),
        (301, BackendUnavailable, False),
        (408, BackendTimeout, True),
        (413, BadUserInput, None),
        (422, BadUserInput, None),
        (429, BackendUnavailable, True),
        (500, BackendUnavailable, True),
        (502, BackendUnavailable, True),
        (503, BackendUnavailable, True),
        (504, BackendTimeout, True),
    ],
)
def test_a_failure_says_which_repository_and_whether_to_try_again(
    status: int, kind: type[AdapterError], retry: bool | None, fresh: ButlerServer
) -> None:
    error, afterwards = failing(fresh, status=status)
    assert type(error) is kind and "'lab'" in error.message
    assert error.details["repository"] == "lab" and error.details.get("retry") is retry
    assert error.__cause__ is None and error.__context__ is None
    for secret in ("secret-of-the-server", "password", fresh.origin, "Request ID", "gt-alice"):
        assert secret not in f"{error.message} {error.details}"
    assert len(afterwards.rows) == 2


@pytest.mark.parametrize(
    "body", ["nothing", "<html>login</html>", "[]", '{"universe": 3}', '{"type": "general"}']
)
def test_an_answer_that_is_none_is_no_mistake_of_the_callers(body: str, fresh: ButlerServer) -> None:
    """A page to log in at, say, where an answer should be."""
    for path in ("v1/", "query/execute"):
        error, afterwards = failing(fresh, path=path, status=200, body=body)
        assert isinstance(error, BackendUnavailable) and error.details["retry"] is False
        assert "html" not in error.message and len(afterwards.rows) == 2


def test_an_answer_that_the_server_breaks_off_is_no_answer(
    fresh: ButlerServer,
) -> None:
    """Its streams end in good order when it fails: an empty one looks like no rows, one that ends with a page like all of them."""

    async def run(question: Any) -> None:
        repository = opened(fresh.uri("lab"))
        whole = await repository.ask(question, call())
        assert whole.rows
        cut = {"path": "query/execute", "lines": 0}
        with fresh.ordered(cut=cut), pytest.raises(BackendUnavailable) as caught:
            await repository.ask(question, call())
        assert caught.value.details == {"repository": "lab", "retry": True}
        nothing = replace(question, collections=("u/empty",))
        assert (await repository.ask(nothing, call())).rows == []
        await repository.close()

    patches = Related(("visit", "instrument", "detector"), (), ("deepCoadd",), "calexp")
    key = asyncio.run(a_calexp(fresh))
    for question in (Datasets(("raw",)), replace(patches, keys=(key,))):
        asyncio.run(run(question))


async def a_calexp(server: ButlerServer) -> tuple[Any, ...]:
    """The data ID of one that overlaps patches."""
    repository = opened(server.uri("lab"))
    rows = await repository.ask(Datasets(("Warp",), ("*",), page=Page(1)), call())
    visit = [rows.rows[0][rows.index(name)] for name in ("visit", "instrument")]
    wanted = tuple(Constraint(n, Op.EQ, v) for n, v in zip(("visit", "instrument"), visit, strict=True))
    ties = DataIds(("visit", "detector", "patch"), wanted, page=Page(1))
    found = await repository.ask(ties, call())
    await repository.close()
    return (*visit, found.rows[0][found.index("detector")])


def test_an_answer_that_ends_with_a_page_is_counted(
    fresh: ButlerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        repository = opened(fresh.uri("lab"))
        found = await repository.count(Datasets(("raw",), ("HSC/raw/all",), find_first=False), call())
        monkeypatch.setattr(api_rows, "PAGE", found)
        fresh.records()
        await repository.ask(Datasets(("raw",), ("HSC/raw/all",)), call())
        assert [r["path"].rpartition("/")[2] for r in fresh.records()] == ["execute", "count"]
        await repository.close()

    asyncio.run(run())


def test_a_server_that_says_nothing_runs_into_the_deadline(fresh: ButlerServer) -> None:
    error, afterwards = failing(fresh, 0.4, status=200, seconds=1.0)
    assert isinstance(error, BackendTimeout) and error.details == {"repository": "lab", "retry": True}
    assert len(afterwards.rows) == 2


def test_a_server_that_is_not_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://127.0.0.1:{free.getsockname()[1]}/api/butler/repo/lab/butler.yaml"

    async def run() -> None:
        repository = opened(uri)
        for asking in (repository.ask(RAWS, call()), repository.health(call(None))):
            with pytest.raises(BackendUnavailable) as caught:
                await asking
            assert caught.value.details == {"repository": "lab", "retry": True}
        await repository.close()

    asyncio.run(run())


def test_a_server_that_hangs_up_is_asked_once_more() -> None:
    """Only once: then it is down."""
    heard = list[str]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        heard.append(head.split()[1])
        if heard[-1].endswith("butler.yaml"):
            body = "remote_butler: {url: <butlerRoot>}"
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        writer.close()

    async def run() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            repository = opened(f"http://127.0.0.1:{port}/lab/butler.yaml")
            with pytest.raises(BackendUnavailable) as caught:
                await repository.ask(RAWS, call())
            assert caught.value.details["retry"] is True
            await repository.close()

    asyncio.run(run())
    assert heard == ["/lab/butler.yaml", "/lab/v1/universe", "/lab/v1/universe"]


def test_a_repository_that_the_server_does_not_know(fresh: ButlerServer) -> None:
    async def run() -> None:
        repository = opened(fresh.uri("other"))
        with pytest.raises(BackendUnavailable) as caught:
            await repository.ask(RAWS, call())
        assert caught.value.details["retry"] is False
        await repository.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "question",
    [
        Datasets(("raw",), where=Where("visit = ")),
        Datasets(("raw",), where=Where("nonsense = 3")),
        Datasets(("raw",), constraints=(Constraint("exposure", Op.EQ, 2**70),)),
        Datasets(("raw",), constraints=(Constraint("physical_filter", Op.EQ, "a\x00b"),)),
        Datasets(("raw",), constraints=(Constraint("physical_filter", Op.EQ, "\ud800"),)),
        Datasets(("raw",), where=Where("instrument = 'HSC' AND exposure.obs_id = 'a\x00b'")),
        Related(("instrument", "exposure", "detector"), (("HSC", "1", 2),), ("flat",), "raw"),
        Related(("instrument", "exposure", "detector"), (("HSC\x00", 1, 2),), ("flat",), "raw"),
        Related(("instrument", "exposure", "detector"), (("HSC", 2**70, 2),), ("flat",), "raw"),
        Related(("instrument", "exposure"), (("HSC",),), ("flat",)),
    ],
    ids=lambda question: repr(question)[:60],
)
def test_a_callers_mistake_is_told_as_such(question: Any, fresh: ButlerServer) -> None:
    async def run() -> None:
        repository = opened(fresh.uri("lab"))
        with pytest.raises(BadUserInput):
            await repository.ask(question, call())
        await repository.close()

    asyncio.run(run())


REFUSED = [
    Lineage(("0" * 32,), Way.UPSTREAM),
    Recorded(("0" * 32,)),
    Used((("0" * 32, "1" * 32),)),
    Quanta(),
    Related(("instrument",), (("HSC",),), ("camera",), by=Kinship.PROVENANCE),
    Related(("instrument",), (("HSC",),), ("camera",), used=True),
]


@pytest.mark.parametrize("question", REFUSED, ids=lambda question: type(question).__name__)
def test_what_recorded_executions_would_tell_is_refused_by_name(question: Any, fresh: ButlerServer) -> None:
    async def run() -> None:
        repository = opened(fresh.uri("lab"))
        with pytest.raises(Unsupported) as caught:
            await repository.ask(question, call())
        assert caught.value.details["capability"] in ("PROVENANCE", type(question).__name__)
        await repository.close()

    asyncio.run(run())


def test_what_a_server_cannot_do_is_not_among_the_capabilities(fresh: ButlerServer) -> None:
    repository = opened(fresh.uri("lab"))
    without = {Capability.PROVENANCE, Capability.WRITE}
    assert repository.capabilities == frozenset(Capability) - without
    assert fresh.records() == []  # opening reads nothing
    asyncio.run(repository.close())


def test_what_may_be_told_of_a_repository(fresh: ButlerServer) -> None:
    async def run() -> None:
        repository = opened(fresh.uri("lab"))
        told = await repository.health(call(None))
        assert told.facts["tokens"] == "rubin_science_platform" and "universe" not in told.facts
        assert "token" in told.warnings[0] and fresh.records() == []
        assert (await repository.health(call())).facts["universe"] == "daf_butler/8"
        universe = await repository.universe(call())
        assert universe.label == "daf_butler/8" and "patch" in universe.elements
        kind = TypeInfo("src", (), (), "ArrowAstropy", False)
        assert "columns" in await repository.components(kind, call())
        with pytest.raises(NotFound, match="Unheard"):
            await repository.components(TypeInfo("m", (), (), "Unheard", False), call())
        assert await repository.explain(Datasets(("raw",), ("u/empty",)), call())
        facets = await repository.facets(Datasets(("raw",)), ["instrument", "type"], 10, call())
        assert facets.complete and {row[:2] for row in facets.rows} >= {("HSC", "raw")}
        assert await repository.count(Collections(), call()) > 10
        await repository.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "options",
    [
        {"authentification": "disabled"},
        {"authentication": "none"},
        {"insecure": "yes"},
        {"concurrent": 0},
        {"concurrent": True},
        {"remember": -1},
        {"threads": "many"},
    ],
)
def test_an_option_that_is_wrong_is_named(options: dict[str, Any]) -> None:
    with pytest.raises(BadUserInput, match=next(iter(options))):
        opened("https://data.example.org/api/butler/repo/lab/butler.yaml", options=options)
