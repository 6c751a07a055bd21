"""Services that are slow, cut, broken or gone: clear errors, in time, and nothing left running."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from adapters.caller import Call
from adapters.errors import AdapterError, TooComplex
from adapters.question import Datasets, DatasetsById, Order, Sky

from . import dachs
from .asking import CALL, Opened, Seconds
from .documents import OBSCORE, error, votable
from .proxy import Answer, Proxy, Request

EVERY = Datasets(("*",))
UUID = "00000000-0000-4000-8000-00000000000"


def stalled(service: dachs.Dachs, proxy: Proxy, word: str = "ORDER BY", seconds: float = 20) -> None:
    """Let the proxy stall queries with this word, once the adapter knows the service."""
    proxy.behaviour = lambda request: Answer(504, stall=seconds) if word in request.query else None


def test_the_deadline_cuts_a_query_and_closes_its_connection(service: dachs.Dachs) -> None:
    with Proxy(service.uri) as proxy:
        stalled(service, proxy)
        tap = Opened.tap("lsst", proxy.uri, table="lsst.obscore")
        began = time.monotonic()
        with pytest.raises(AdapterError) as raised:
            tap.ask(EVERY.paged(1), Call(deadline=Seconds(2.0)))
        assert raised.value.code == "TIMEOUT" and time.monotonic() - began < 5
        assert proxy.left.wait(30)
        tap.close()


def test_a_slow_service_is_told_from_the_callers_deadline(service: dachs.Dachs) -> None:
    with Proxy(service.uri) as proxy:
        stalled(service, proxy)
        tap = Opened.tap("lsst", proxy.uri, table="lsst.obscore", timeout=1)
        with pytest.raises(AdapterError) as raised:
            tap.ask(EVERY.paged(1), Call(deadline=Seconds(30)))
        assert raised.value.code == "BACKEND_TIMEOUT"
        assert raised.value.details == {"repository": "lsst", "retry": True}
        assert proxy.left.wait(30)
        tap.close()


def test_a_question_after_its_deadline_asks_nothing() -> None:
    with Proxy() as proxy:
        tap = Opened.tap("lsst", proxy.uri)
        with pytest.raises(AdapterError) as raised:
            tap.ask(EVERY, Call(deadline=Seconds(0)))
        assert raised.value.code == "TIMEOUT" and not proxy.requests
        tap.close()


def test_a_cancelled_question_closes_its_connection(service: dachs.Dachs) -> None:
    with Proxy(service.uri) as proxy:
        tap = Opened.tap("lsst", proxy.uri, table="lsst.obscore")
        tap.ask(EVERY.paged(1))
        stalled(service, proxy)

        async def given_up() -> None:
            task = asyncio.create_task(tap.repository.ask(EVERY.paged(2), CALL))
            await asyncio.sleep(0.5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        tap.run(given_up())
        assert proxy.left.wait(30)
        tap.close()


def test_others_go_on_while_one_waits(service: dachs.Dachs) -> None:
    with Proxy(service.uri) as proxy:
        tap = Opened.tap("lsst", proxy.uri, table="lsst.obscore")
        tap.ask(EVERY.paged(1))
        stalled(service, proxy, "'calexp'", 3)

        async def both() -> list[str]:
            done: list[str] = []

            async def one(type: str) -> None:
                with pytest.raises(AdapterError) if type == "calexp" else _nothing():
                    await tap.repository.ask(Datasets((type,)).paged(1), CALL)
                done.append(type)

            await asyncio.gather(one("calexp"), one("raw"))
            return done

        assert tap.run(both()) == ["raw", "calexp"]
        tap.close()


class _nothing:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (Answer(401, b"{}"), "UNAUTHENTICATED", "token"),
        (Answer(403, b"{}"), "FORBIDDEN", "refuses"),
        (Answer(500, b"oops"), "BACKEND_UNAVAILABLE", "500"),
        (Answer(503, b"oops"), "BACKEND_UNAVAILABLE", "503"),
        (Answer(429, b"oops"), "BACKEND_UNAVAILABLE", "429"),
        (Answer(504, b"oops"), "BACKEND_TIMEOUT", "too long"),
        (Answer(200, b"<html>hello"), "BACKEND_UNAVAILABLE", "no VOTable"),
        (Answer(200, b""), "BACKEND_UNAVAILABLE", "no VOTable"),
        (
            Answer(200, b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><VOTABLE/>'),
            "BACKEND_UNAVAILABLE",
            "no VOTable",
        ),
        (Answer(200, votable({"a": "int"}, [(1,)])), "BACKEND_UNAVAILABLE", "no ObsCore table"),
        (Answer(400, error("No such table: ivoa.obscore")), "BAD_USER_INPUT", "No such table"),
        (Answer(200, error("Query timed out (took too long).")), "BACKEND_TIMEOUT", "timed out"),
    ],
)
def test_what_a_broken_service_says_becomes_a_clear_error(answer: Answer, code: str, says: str) -> None:
    with Proxy(behaviour=lambda request: answer) as proxy:
        tap = Opened.tap("lsst", proxy.uri, mode="sync")
        with pytest.raises(AdapterError, match=says) as raised:
            tap.ask(EVERY)
        assert raised.value.code == code and raised.value.details["repository"] == "lsst"
        tap.close()


def test_a_service_that_is_gone_is_unavailable() -> None:
    with Proxy() as proxy:
        uri = proxy.uri
    tap = Opened.tap("lsst", uri)
    with pytest.raises(AdapterError) as raised:
        tap.ask(EVERY)
    assert raised.value.code == "BACKEND_UNAVAILABLE" and raised.value.details == {
        "repository": "lsst",
        "retry": True,
    }
    tap.close()


def test_a_gigantic_answer_is_cut_off() -> None:
    with Proxy(behaviour=lambda request: Answer(200, b" " * 3_000_000)) as proxy:
        tap = Opened.tap("lsst", proxy.uri, max_bytes=1_000_000)
        with pytest.raises(AdapterError, match="more than 1000000 bytes"):
            tap.ask(EVERY)
        tap.close()


def row(n: int, **more: Any) -> tuple[Any, ...]:
    values = {
        "dataproduct_type": "image",
        "obs_collection": "main",
        "obs_publisher_did": f"ivo://org.example/data?repo=lsst&id={UUID}{n}",
        "obs_id": f"o{n}",
        **more,
    }
    return tuple(values.get(name) for name in OBSCORE)


class Small:
    """A service of five rows that sends two at most, or does not know CASE, or both."""

    def __init__(self, most: int, cases: bool = True) -> None:
        self.most = most
        self.cases = cases

    def __call__(self, request: Request) -> Answer:
        query = request.query
        if "CASE" in query and not self.cases:
            return Answer(400, error("Parse error at CASE"))
        if "SELECT TOP 1 *" in query:
            return Answer(200, votable(OBSCORE, [row(0)]))
        if "GROUP BY" in query:
            return Answer(
                200,
                votable({"a": "char*", "b": "char*", "c": "char*", "n": "int"}, [(None, "image", "main", 5)]),
            )
        if "COUNT(obs_id)" in query:
            return Answer(200, votable({"n_all": "int", "n_0": "int"}, [(5, 5)]))
        if "COUNT(t_min)" in query:
            return Answer(200, votable({"n_all": "int", "n_0": "int"}, [(5, 3)]))
        names = [
            word.rpartition(" AS ")[::2]
            for word in query.partition(" FROM ")[0].partition("TOP ")[2].partition(" ")[2].split(", ")
        ]
        begin = (
            1 + int(query.partition("obs_publisher_did > '")[2].partition("'")[0][-1])
            if "did > '" in query
            else 0
        )
        found = [dict(zip(OBSCORE, row(n), strict=True)) for n in range(begin, 5)][: self.most]
        fields = {alias: OBSCORE.get(column, "int") for column, alias in names}
        return Answer(
            200,
            votable(
                fields, [[one.get(c) for c, _ in names] for one in found], overflow=begin + self.most < 5
            ),
        )


def test_rows_that_the_service_cuts_are_never_lost_silently() -> None:
    with Proxy(behaviour=Small(2)) as proxy:
        tap = Opened.tap("lsst", proxy.uri)
        first = tap.ask(EVERY.paged(100))
        assert (
            len(first.rows) == 2 and first.more and first.overflow is not None and "2 rows" in first.overflow
        )
        found, page = list(first.rows), first
        while page.more:
            assert page.key is not None
            page = tap.ask(EVERY.paged(100, page.key(page.rows[-1])))
            found += page.rows
        assert [one[0][-1] for one in found] == list("01234") and page.overflow is None
        tap.close()


def test_a_list_that_cannot_be_paged_is_refused_when_it_is_cut(service: dachs.Dachs) -> None:
    with Proxy(behaviour=Small(2)) as proxy:
        tap = Opened.tap("lsst", proxy.uri)
        with pytest.raises(TooComplex, match="2 rows at most"):
            tap.ask(DatasetsById(tuple(f"{UUID}{n}".replace("-", "") for n in range(5))))
        tap.close()


def test_an_order_that_the_service_cannot_sort_is_refused_by_name() -> None:
    with Proxy(behaviour=Small(9, cases=False)) as proxy:
        tap = Opened.tap("lsst", proxy.uri)
        assert len(tap.ask(Datasets(("*",), order=(Order("obs_id"),))).rows) == 5
        with pytest.raises(AdapterError, match=r"have no t_min") as raised:
            tap.ask(Datasets(("*",), order=(Order("timespan.begin"),)))
        assert raised.value.code == "UNSUPPORTED"
        tap.close()


def test_counting_passes_no_limit(tap: Opened) -> None:
    with pytest.raises(TooComplex):
        tap.count(EVERY, Call(max_rows=10))
    with pytest.raises(TooComplex):
        tap.count(Datasets(("*",), sky=Sky("RANGE -inf +inf -90 90")), Call(max_rows=10))
