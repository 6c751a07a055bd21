"""The endpoint gives the same bytes with plans and without.

Not compared: the order of errors (see ``both.told``), the references of internal errors, which are random, and the cost where an error made
an object null above its field (see ``both.same``).
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from adapters.caller import Call, Caller
from gateway.http.view import GraphQLView
from gateway.limits import Budget, Deadline, Limits
from resolvers.context import Context

from .both import GIVEN_UP, SCHEMA, Setting, effort, seen
from .conftest import World
from .documents import requests
from .faults import RAISED, SPOILED, Fault, Faulty
from .requests import Request


@pytest.fixture(autouse=True)
def _unlogged() -> Iterator[None]:
    """The log of internal errors, which the tests provoke."""
    structlog.configure(processors=[_drop])
    yield
    structlog.reset_defaults()


def _drop(*_: Any) -> Any:
    raise structlog.DropEvent


def answered(
    setting: Setting,
    request: Request,
    *,
    plans: bool,
    faults: Any = (),
    timeout: float = 30.0,
    stop: bool = True,
) -> tuple[int, bytes]:
    """Status and body. ``stop``: whatever the request left running is ended then."""
    limits = Limits(timeout=timeout)
    seen = {label: Faulty(one, faults) for label, one in setting.repositories.items()}

    def context(_: Any, budget: Budget, deadline: Deadline) -> Context:
        return Context(
            repositories=seen,  # type: ignore[arg-type]
            call=Call(Caller()),
            budget=budget,
            limits=limits,
            base_url="https://gateway.example/",
        )

    body = json.dumps(
        {"query": request.text, "variables": dict(request.variables), "operationName": request.operation}
    )
    view = GraphQLView(SCHEMA, context, limits, plans=plans)
    sent: list[Any] = []
    waiting = [{"type": "http.request", "body": body.encode(), "more_body": False}]

    async def receive() -> Any:
        if not waiting:
            await asyncio.sleep(60)
        return waiting.pop()

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"content-type", b"application/json"), (b"accept", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers}
    setting.loop.run_until_complete(view(scope, receive, send))
    if stop:
        setting.stop()
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


def comparable(body: bytes) -> bytes:
    """A body with its errors in an order of their own and without references."""
    found = json.loads(re.sub(rb"\b[0-9a-f]{12}\b", b"0" * 12, body))
    errors = found.get("errors", [])
    if any(_spread(found.get("data"), error.get("path") or ()) for error in errors):
        found.pop("extensions", None)
    errors.sort(key=json.dumps)
    return json.dumps(found).encode()


def _spread(data: Any, path: Any) -> bool:
    for step in path:
        if data is None:
            return True
        data = data[step]
    return False


def agree(setting: Setting, request: Request, faults: Any = ()) -> None:
    GIVEN_UP.clear()
    ordinary = answered(setting, request, plans=False, faults=faults)
    assert not GIVEN_UP, "plans are off"
    planned = answered(setting, request, plans=True, faults=faults)
    assert planned[0] == ordinary[0]
    if b'"errors"' not in ordinary[1]:
        seen("the same bytes")
        assert planned[1] == ordinary[1]
        assert GIVEN_UP == [] or not request.plannable
    assert comparable(planned[1]) == comparable(ordinary[1])


@pytest.mark.parametrize("name", ["demo", "pair"])
@effort(25)
@given(data=st.data())
def test_the_whole_body_is_the_same(request: pytest.FixtureRequest, name: str, data: st.DataObject) -> None:
    world = request.getfixturevalue(name)
    agree(world.setting, data.draw(requests(world.words, mess=data.draw(st.sampled_from([0, 0, 5])))))


@pytest.mark.parametrize("name", ["demo", "pair"])
@effort(15)
@given(data=st.data())
def test_with_faults_too(request: pytest.FixtureRequest, name: str, data: st.DataObject) -> None:
    world = request.getfixturevalue(name)
    agree(
        world.setting,
        data.draw(requests(world.words)),
        data.draw(st.lists(RAISED | SPOILED, min_size=1, max_size=3)),
    )


SLOW = Request(
    """{ repository(name: "hsc") { collections(first: 1) { nodes { name } }
    datasets(query: {type: "raw"}, first: 2) { nodes { run related(type: "flat", first: 1) { nodes { run } } } } } }"""
)


@pytest.mark.parametrize("kind", ["Datasets", "Related"])
def test_a_deadline_ends_both_ways(demo: World, kind: str) -> None:
    slow = [Fault("ask", kind, column="none", seconds=5.0)]
    ordinary, planned = (
        answered(demo.setting, SLOW, plans=plans, faults=slow, timeout=0.15) for plans in (False, True)
    )
    assert ordinary[0] == 504
    assert planned == ordinary


@pytest.mark.parametrize("plans", [False, True])
def test_nothing_goes_on_after_a_deadline(demo: World, plans: bool) -> None:
    """A question of many parents ends with its request, as one of a single parent does."""
    for kind in ("Datasets", "Related"):
        slow = [Fault("ask", kind, column="none", seconds=5.0)]
        assert answered(demo.setting, SLOW, plans=plans, faults=slow, timeout=0.15, stop=False)[0] == 504
        demo.setting.loop.run_until_complete(asyncio.sleep(0.05))
        assert asyncio.all_tasks(demo.setting.loop) == set()


def test_a_plan_that_gives_up_does_not_wait_for_what_else_it_asked(demo: World) -> None:
    """The ordinary executor stops the siblings of an error in a non-null place; a plan leaves them behind, and they end with the request."""
    failing = Request(
        """{ repository(name: "hsc") { datasets(query: {type: "raw"}, first: 1) { totalCount nodes { run } } } }"""
    )
    faults = [
        Fault("ask", "Datasets", raised=RuntimeError("broken"), column="none"),
        Fault("count", "Datasets", column="none", seconds=20.0),
    ]
    began = time.monotonic()
    ordinary, planned = (
        answered(demo.setting, failing, plans=plans, faults=faults, timeout=30.0) for plans in (False, True)
    )
    assert comparable(planned[1]) == comparable(ordinary[1])
    assert time.monotonic() - began < 18


def test_a_slow_question_is_the_same_in_time(demo: World) -> None:
    agree(demo.setting, SLOW, [Fault("ask", "Related", column="none", seconds=0.2)])
