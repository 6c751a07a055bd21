"""The caller's token: it arrives at the configured service, and nowhere else."""

from __future__ import annotations

import logging

import pytest
import structlog

from adapters.errors import AdapterError, BadUserInput, Unauthenticated
from adapters.protocol import Settings
from adapters.question import Datasets, Files
from adapters.tap import open_repository, options

from . import dachs
from .asking import CALL, Opened, of
from .obscore import IVOID
from .proxy import Answer, Proxy, Request

CANARY = "gt-canaryCANARYcanary0123456789.secretSECRETsecret012"
RAWS = Datasets(("raw",)).paged(3)


def test_token_arrives_at_the_service_with_every_query(service: dachs.Dachs, repository: object) -> None:
    with Proxy(service.uri) as proxy:
        tap = Opened.tap("lsst", proxy.uri, table="lsst.obscore", did=IVOID.replace("{repository}", "x"))
        rows = tap.ask(RAWS, of(CANARY))
        assert len(rows.rows) == 3 and len(proxy.requests) >= 3
        assert {request.headers.get("authorization") for request in proxy.requests} == {f"Bearer {CANARY}"}
        assert CANARY not in "".join(request.path + request.body.decode() for request in proxy.requests)
        tap.close()


def test_nobodys_call_is_anonymous(service: dachs.Dachs) -> None:
    with Proxy(service.uri) as proxy:
        tap = Opened.tap("lsst", proxy.uri, table="lsst.obscore")
        assert len(tap.ask(RAWS).rows) == 3
        assert not any("authorization" in request.headers for request in proxy.requests)
        tap.close()


def test_an_anonymous_service_gets_no_token(service: dachs.Dachs) -> None:
    with Proxy(service.uri) as proxy:
        tap = Opened.tap("lsst", proxy.uri, table="lsst.obscore", anonymous=True)
        assert len(tap.ask(RAWS, of(CANARY)).rows) == 3
        assert not any("authorization" in request.headers for request in proxy.requests)
        tap.close()


def test_callers_do_not_share_a_catalogue(service: dachs.Dachs) -> None:
    with Proxy(service.uri) as proxy:
        tap = Opened.tap("lsst", proxy.uri, table="lsst.obscore")
        for token in ("one", "two", "one"):
            tap.ask(RAWS, of(token))
        grouped = [one.headers["authorization"] for one in proxy.requests if "GROUP BY" in one.query]
        assert grouped == ["Bearer one", "Bearer two"]
        tap.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_token_never_reaches_the_target_of_a_redirect(status: int) -> None:
    with Proxy() as elsewhere:

        def away(request: Request) -> Answer:
            return Answer(status, headers={"Location": f"{elsewhere.uri}/sync?x=1"})

        with Proxy(behaviour=away) as proxy:
            tap = Opened.tap("lsst", proxy.uri)
            with pytest.raises(AdapterError) as raised:
                tap.ask(RAWS, of(CANARY))
            assert raised.value.code == "BACKEND_UNAVAILABLE" and "another host" in raised.value.message
            assert proxy.requests and not elsewhere.requests
            tap.close()


@pytest.mark.parametrize(
    "location",
    ["//evil.example/", "http://[", "http://127.0.0.1:99999999/", "file:///etc/passwd", "gopher:x"],
)
def test_a_redirect_to_nowhere_is_an_error(location: str) -> None:
    with Proxy(behaviour=lambda request: Answer(302, headers={"Location": location})) as proxy:
        tap = Opened.tap("lsst", proxy.uri)
        with pytest.raises(AdapterError, match="another host"):
            tap.ask(RAWS, of(CANARY))
        assert len(proxy.requests) == 1
        tap.close()


def test_a_redirect_within_the_service_is_followed(service: dachs.Dachs) -> None:
    waiting: dict[str, Answer] = {}

    with Proxy(service.uri) as proxy:

        def around(request: Request) -> Answer | None:
            if request.method == "GET":
                return waiting.pop(request.path)
            place = f"/tap/sync/{len(proxy.requests)}/run"
            waiting[place] = proxy._passed_on(request)
            return Answer(303, headers={"Location": place})

        proxy.behaviour = around
        tap = Opened.tap("lsst", proxy.uri, table="lsst.obscore")
        assert len(tap.ask(RAWS, of(CANARY)).rows) == 3
        tap.close()


def test_redirects_have_an_end() -> None:
    with Proxy(behaviour=lambda request: Answer(302, headers={"Location": request.path})) as proxy:
        tap = Opened.tap("lsst", proxy.uri)
        with pytest.raises(AdapterError, match="without an end"):
            tap.ask(RAWS)
        assert len(proxy.requests) < 10
        tap.close()


def test_token_never_goes_to_where_the_bytes_are(tap: Opened) -> None:
    ids = tuple(row[0] for row in tap.ask(Datasets(("raw",)).paged(8)).rows)
    files = tap.ask(Files(ids), of(CANARY))
    assert files.rows and all(row[1].startswith("https://archive.example/") for row in files.rows)
    content = tap.run(tap.repository.content(files.rows[0][0], None, of(CANARY)))
    # Nothing was fetched: that host does not exist.
    assert content.url == files.rows[0][1] and content.path is None
    assert CANARY not in repr(content) + repr(files)


def test_token_is_in_no_error_log_or_repr(caplog: pytest.LogCaptureFixture) -> None:
    written: list[str] = []
    structlog.configure(processors=[lambda _, __, event: written.append(repr(event)) or ""])  # type: ignore[func-returns-value]
    caplog.set_level(logging.DEBUG)
    answers = [Answer(401), Answer(403), Answer(500), Answer(200, b"<html>"), Answer(429)]
    try:
        for answer in answers:
            with Proxy(behaviour=lambda request, answer=answer: answer) as proxy:  # type: ignore[misc]
                tap = Opened.tap("lsst", proxy.uri)
                with pytest.raises(AdapterError) as raised:
                    tap.ask(RAWS, of(CANARY))
                error = raised.value
                assert proxy.requests[0].headers["authorization"] == f"Bearer {CANARY}"
                chain = repr([error, error.details, error.__cause__, vars(tap.repository), of(CANARY)])
                assert CANARY not in chain and CANARY not in str(error)
                assert error.__context__ is None or error.__suppress_context__
                tap.close()
        tap = Opened.tap("lsst", "http://127.0.0.1:9/tap")
        with pytest.raises(AdapterError):
            tap.ask(RAWS, of(CANARY))
        tap.close()
    finally:
        structlog.reset_defaults()
    assert written and CANARY not in "".join(written) + caplog.text


@pytest.mark.parametrize("secret", ["a b", "x\r\nX-Evil: 1", "é", ""])
def test_what_is_no_token_is_not_sent(secret: str) -> None:
    with Proxy(behaviour=lambda request: Answer(500)) as proxy:
        tap = Opened.tap("lsst", proxy.uri)
        with pytest.raises(Unauthenticated) as raised:
            tap.ask(RAWS, of(secret))
        assert not proxy.requests and (not secret or secret not in raised.value.message)
        tap.close()


@pytest.mark.parametrize(
    ("uri", "more", "forwards"),
    [
        ("https://data.example/tap", {}, True),
        ("http://data.example/tap", {}, False),
        ("http://data.example/tap", {"insecure": True}, True),
        ("http://127.0.0.1:8080/tap", {}, True),
        ("http://[::1]:8080/tap", {}, True),
        ("http://localhost/tap", {}, True),
        ("http://127.0.0.1.example.org/tap", {}, False),
        ("https://data.example/tap", {"anonymous": True}, False),
    ],
)
def test_tokens_go_over_https_unless_the_configuration_says_otherwise(
    uri: str, more: dict[str, bool], forwards: bool
) -> None:
    assert options.read(Settings(uri, options=more)).forwards is forwards


@pytest.mark.parametrize(
    ("uri", "more", "says"),
    [
        ("file:///etc/passwd", {}, "address"),
        ("https://user:pw@data.example/tap", {}, "password"),
        ("https://data.example/tap?x=1", {}, "query"),
        ("https://data.example:port/tap", {}, "address"),
        ("http://[/tap", {}, "address"),
        ("https://data.example/tap", {"table": "ivoa.obscore; DROP"}, "table"),
        ("https://data.example/tap", {"names": {"visit": "a b"}}, "names"),
        ("https://data.example/tap", {"mode": "fast"}, "mode"),
        ("https://data.example/tap", {"timeout": -1}, "timeout"),
        ("https://data.example/tap", {"insecure": "yes"}, "insecure"),
        ("https://data.example/tap", {"did": "ivo://x"}, "did"),
        ("https://data.example/tap", {"tabel": "x"}, "tabel"),
        ("https://data.example/tap", {"time_scale": "GPS"}, "time_scale"),
        ("https://data.example/tap", {"dimensions": "obs_id"}, "dimensions"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(uri: str, more: dict[str, object], says: str) -> None:
    with pytest.raises(BadUserInput, match=says):
        open_repository("lsst", Settings(uri, options=more))
    assert CALL.caller.token is None
