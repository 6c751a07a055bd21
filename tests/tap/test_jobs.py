"""Services that answer by jobs only (UWS): the same answers, and no job is left behind."""

from __future__ import annotations

import asyncio
import time

import pytest

from adapters.caller import Call
from adapters.errors import AdapterError
from adapters.question import Datasets

from . import dachs
from .asking import CALL, Opened, Seconds
from .documents import error
from .proxy import Answer, Proxy, Request

RAWS = Datasets(("raw",)).paged(5)


def only_jobs(request: Request) -> Answer | None:
    return Answer(404, b"no such path") if request.path.endswith("/sync") else None


def deleted(proxy: Proxy) -> set[str]:
    return {one.path for one in proxy.requests if one.method == "DELETE"}


def test_a_service_that_refuses_sync_is_asked_by_jobs(service: dachs.Dachs, tap: Opened) -> None:
    with Proxy(service.uri, only_jobs) as proxy:
        jobs = Opened.tap("lsst", proxy.uri, table="lsst.obscore")
        assert [row[0] for row in jobs.ask(RAWS).rows] == [row[0] for row in tap.ask(RAWS).rows]
        refused = [one for one in proxy.requests if one.path.endswith("/sync")]
        assert len(refused) == 1, "what was refused once is not tried again"
        made = [one for one in proxy.requests if one.method == "POST" and one.path.endswith("/async")]
        jobs.close()
        assert len(made) == len(deleted(proxy)) == 3


def test_the_deadline_deletes_the_job() -> None:
    def forever(request: Request) -> Answer:
        if request.path.endswith("/async"):
            return Answer(303, headers={"Location": "/tap/async/j1"})
        return Answer(200, b"EXECUTING")

    with Proxy(behaviour=forever) as proxy:
        tap = Opened.tap("lsst", proxy.uri, mode="async")
        began = time.monotonic()
        with pytest.raises(AdapterError) as raised:
            tap.ask(RAWS, Call(deadline=Seconds(0.6)))
        assert raised.value.code == "TIMEOUT" and time.monotonic() - began < 3
        tap.close()
        assert deleted(proxy) == {"/tap/async/j1"}


def test_a_cancelled_question_deletes_its_job() -> None:
    def forever(request: Request) -> Answer:
        if request.path.endswith("/async"):
            return Answer(303, headers={"Location": "/tap/async/j2"})
        return Answer(200, b"QUEUED")

    with Proxy(behaviour=forever) as proxy:
        tap = Opened.tap("lsst", proxy.uri, mode="async")

        async def given_up() -> None:
            task = asyncio.create_task(tap.repository.ask(RAWS, CALL))
            await asyncio.sleep(0.4)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        tap.run(given_up())
        tap.close()
        assert deleted(proxy) == {"/tap/async/j2"}


@pytest.mark.parametrize(
    ("phase", "document", "code", "says"),
    [
        (b"ERROR", error("No such table"), "BAD_USER_INPUT", "No such table"),
        (b"ERROR", b"plain words", "BAD_USER_INPUT", "plain words"),
        (b"ABORTED", b"", "BACKEND_UNAVAILABLE", "gave the job up"),
    ],
)
def test_a_job_that_fails_says_why(phase: bytes, document: bytes, code: str, says: str) -> None:
    def failing(request: Request) -> Answer:
        if request.path.endswith("/async"):
            return Answer(303, headers={"Location": "/tap/async/j3"})
        return Answer(200, document if request.path.endswith("/error") else phase)

    with Proxy(behaviour=failing) as proxy:
        tap = Opened.tap("lsst", proxy.uri, mode="async")
        with pytest.raises(AdapterError, match=says) as raised:
            tap.ask(RAWS)
        assert raised.value.code == code
        tap.close()
        assert deleted(proxy) == {"/tap/async/j3"}


def test_a_job_elsewhere_is_not_followed() -> None:
    with Proxy() as elsewhere:

        def away(request: Request) -> Answer:
            return Answer(303, headers={"Location": f"{elsewhere.uri}/async/j4"})

        with Proxy(behaviour=away) as proxy:
            tap = Opened.tap("lsst", proxy.uri, mode="async")
            with pytest.raises(AdapterError, match="another host"):
                tap.ask(RAWS)
            tap.close()
        assert not elsewhere.requests
