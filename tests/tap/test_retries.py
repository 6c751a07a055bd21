"""A question that got no answer is asked once more: when the service says, in time, and where that makes sense. It is asked over real sockets, of a
service that fails as it is told."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from adapters.caller import Call
from adapters.errors import AdapterError
from adapters.guarded import PATIENCE, Guarded
from adapters.protocol import Settings
from adapters.question import Datasets
from adapters.retry_after import seconds_of
from adapters.tap import open_repository

from . import dachs
from .asking import Opened, Seconds
from .proxy import Answer, Proxy, Request

EVERY = Datasets(("*",)).paged(3)
HANGS_UP = Answer(status=0)


class Failing:
    """Answers so to the first queries after it is told to, and notes when queries came."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.times = 0
        self.came: list[float] = []

    def __call__(self, request: Request) -> Answer | None:
        if request.method != "POST":
            return None
        self.came.append(time.monotonic())
        self.times -= 1
        return self.answer if self.times >= 0 else None


def asked(
    service: dachs.Dachs, answer: Answer, times: int = 1, seconds: float = 60.0
) -> tuple[Any, list[float]]:
    """The rows, or the error, of a question while the service fails so often; and when its queries came."""
    failing = Failing()
    with Proxy(service.uri, failing) as proxy:
        settings = Settings(proxy.uri, options={"table": "lsst.obscore", "mode": "sync"})
        tap = Opened(Guarded(open_repository("lsst", settings)))
        wanted = tap.ask(EVERY).rows
        assert wanted
        failing.answer, failing.times, failing.came = answer, times, []
        try:
            found = tap.ask(EVERY, Call(deadline=Seconds(seconds))).rows
            assert found == wanted
        except AdapterError as error:
            found = error
        tap.close()
    return found, failing.came


@pytest.mark.parametrize(
    "answer", [Answer(502), Answer(503), Answer(429), HANGS_UP], ids=["502", "503", "429", "hangs up"]
)
def test_a_service_that_fails_once_is_asked_once_more(service: dachs.Dachs, answer: Answer) -> None:
    found, came = asked(service, answer)
    assert isinstance(found, list) and len(came) == 2


def in_two_seconds() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2.5), usegmt=True)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("written", ["1", "a date"])
def test_it_is_asked_when_it_says(service: dachs.Dachs, status: int, written: str) -> None:
    after = in_two_seconds() if written == "a date" else written
    found, came = asked(service, Answer(status, headers={"Retry-After": after}))
    assert isinstance(found, list) and len(came) == 2
    assert came[1] - came[0] >= 1.0


@pytest.mark.parametrize(("after", "seconds"), [(3600, 60.0), (int(PATIENCE) + 1, 60.0), (3, 2.0)])
def test_a_pause_that_is_too_long_is_told_and_not_waited_for(
    service: dachs.Dachs, after: int, seconds: float
) -> None:
    found, came = asked(service, Answer(503, headers={"Retry-After": str(after)}), seconds=seconds)
    assert isinstance(found, AdapterError) and found.code == "BACKEND_UNAVAILABLE"
    assert found.details["retryAfter"] == after and found.details["retry"] is True
    assert len(came) == 1


@pytest.mark.parametrize("answer", [Answer(503), HANGS_UP], ids=["503", "hangs up"])
def test_a_service_that_fails_twice_is_down(service: dachs.Dachs, answer: Answer) -> None:
    found, came = asked(service, answer, times=2)
    assert isinstance(found, AdapterError) and found.code == "BACKEND_UNAVAILABLE"
    assert len(came) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500, 504])
def test_an_answer_that_would_be_the_same_is_not_asked_for_again(service: dachs.Dachs, status: int) -> None:
    found, came = asked(service, Answer(status))
    assert isinstance(found, AdapterError) and len(came) == 1


@pytest.mark.parametrize("written", [None, "", "soon", "-1", "1.5", "9" * 20, "Mon, 32 Foo 2026"])
def test_what_is_no_retry_after_says_nothing(written: str | None) -> None:
    assert seconds_of(written) == {}


def test_a_moment_that_is_over_is_now() -> None:
    assert seconds_of("Wed, 21 Oct 2015 07:28:00 GMT") == {"retryAfter": 0}
