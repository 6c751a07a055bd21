"""A token goes to the server that the configuration names, and nowhere else; users never see what others were told."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from adapters.caller import Call, Caller
from adapters.errors import AdapterError, BackendUnavailable, BadUserInput, Forbidden, Unauthenticated
from adapters.protocol import Repository as Opened
from adapters.question import Collections, Datasets, DatasetTypes, Page
from adapters.token import Token

from .asker import In, call, opened
from .elsewhere import elsewhere
from .server import ButlerServer

RAWS, CALEXPS = (Datasets((name,), page=Page(5)) for name in ("raw", "calexp"))
CANARY = "gt-canary-7f3a91"


def asked(uri: str, *asking: Callable[[Opened], Any], **options: Any) -> list[Any]:
    """Answers, or the errors that came instead, one after the other from a repository that is opened for them."""

    async def run() -> list[Any]:
        repository = opened(uri, options=options)
        try:
            return [(await asyncio.gather(ask(repository), return_exceptions=True))[0] for ask in asking]
        finally:
            await repository.close()

    return asyncio.run(run())


def raws(repository: Opened) -> Any:
    return repository.ask(RAWS, call())


def test_interleaved_users_each_ask_with_their_own_token(fresh: ButlerServer) -> None:
    async def run() -> None:
        repository = opened(fresh.uri("lab"))
        wanted = [("alice", RAWS), ("bob", CALEXPS)] * 12
        answers = await asyncio.gather(*(repository.ask(what, call(who)) for who, what in wanted))
        for (_, what), rows in zip(wanted, answers, strict=True):
            assert {row[1] for row in rows.rows} == set(what.types)
        await repository.close()

    asyncio.run(run())
    queries = [r for r in fresh.records() if r["path"].endswith("/query/execute")]
    assert len(queries) == 24
    for record in queries:
        mine = "gt-alice" if '"raw"' in record["body"] else "gt-bob"
        assert record["token"] == mine and record["status"] == 200


def test_names_are_looked_up_for_each_token_and_kept_for_a_short_time(fresh: ButlerServer) -> None:
    def lookups() -> list[tuple[str, str]]:
        names = ("query_dataset_types", "query_collection_info")
        found = [(r["token"], r["path"].rpartition("/")[2]) for r in fresh.records()]
        return sorted(one for one in found if one[1] in names)

    both = (lambda r: r.ask(RAWS, call("alice")), lambda r: r.ask(RAWS, call("bob")))
    asked(fresh.uri("lab"), *both, *both)
    assert [token for token, _ in lookups()] == ["gt-alice", "gt-alice", "gt-bob", "gt-bob"]
    asked(fresh.uri("lab"), *both, *both, remember=0)
    assert len(lookups()) == 8


def test_whoever_is_not_in_the_group_is_refused_everything(fresh: ButlerServer) -> None:
    """Also right behind somebody who is."""
    questions = (RAWS, Collections(), DatasetTypes())
    found = asked(
        fresh.uri("lab"),
        lambda r: r.universe(call("alice")),
        lambda r: r.ask(RAWS, call("alice")),
        *((lambda r, q=q: r.ask(q, call("carol"))) for q in questions),
        lambda r: r.universe(call("carol")),
        lambda r: r.count(RAWS, call("carol")),
    )
    assert not isinstance(found[0], Exception) and found[1].rows
    for refused in found[2:]:
        assert isinstance(refused, Forbidden)
        assert refused.details == {"repository": "lab", "retry": False}


def test_without_a_token_nothing_is_sent(fresh: ButlerServer) -> None:
    nobody = Call(Caller("alice"))
    found = asked(fresh.uri("lab"), lambda r: r.ask(RAWS, nobody), lambda r: r.universe(nobody))
    assert all(isinstance(one, Unauthenticated) and one.details["retry"] is False for one in found)
    assert fresh.records() == []


def test_a_token_that_the_server_does_not_know_is_unauthenticated(fresh: ButlerServer) -> None:
    (found,) = asked(fresh.uri("lab"), lambda r: r.ask(RAWS, call("mallory")))
    assert isinstance(found, Unauthenticated) and found.details["repository"] == "lab"


@pytest.mark.parametrize("secret", ["", "two words", "line\nbreak", "tök", "a\x00b"])
def test_what_is_no_token_is_not_sent(secret: str, fresh: ButlerServer) -> None:
    caller = Call(Caller("alice", token=Token(secret)))
    (found,) = asked(fresh.uri("lab"), lambda r: r.ask(RAWS, caller))
    assert isinstance(found, Unauthenticated)
    assert fresh.records() == []


def test_a_server_that_wants_no_token_is_shown_none(fresh: ButlerServer) -> None:
    asked(fresh.uri("lab"), raws, authentication="disabled")
    assert {record["token"] for record in fresh.records()} == {"anonymous"}


# -------------------- elsewhere


@pytest.mark.parametrize(
    "form", ["{other}/api/butler/repo/lab", "http://user@{mine}/x", "file:///tmp", "//x"]
)
def test_a_client_configuration_that_leads_elsewhere_is_not_followed(form: str) -> None:
    with elsewhere() as mine, elsewhere() as other:
        url = form.format(other=other.origin, mine=mine.origin.removeprefix("http://"))
        mine.body = f"cls: lsst.daf.butler.remote_butler.RemoteButler\nremote_butler: {{url: '{url}'}}"
        (found,) = asked(f"{mine.origin}/lab/butler.yaml", raws)
        assert isinstance(found, BackendUnavailable) and found.details["retry"] is False
        assert other.heard == [] and "elsewhere" in found.message
        assert len(mine.heard) == 1 and "gt-alice" not in mine.heard[0]
        assert other.origin not in found.message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "remote_butler: 3",
        "a: *b",
        "cls: os.system\nremote_butler: {url: <butlerRoot>}",
        "x" * 99999,
    ],
)
def test_what_is_no_client_configuration_is_refused(text: str) -> None:
    with elsewhere() as mine:
        mine.body = text
        (found,) = asked(f"{mine.origin}/lab/butler.yaml", raws)
        assert isinstance(found, BackendUnavailable)
        assert "gt-alice" not in "".join(mine.heard)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_token_follows_a_redirection(status: int, fresh: ButlerServer) -> None:
    with elsewhere() as other:
        for path in ("query", "universe", "butler.yaml"):
            order = {"path": path, "status": status, "headers": {"Location": f"{other.origin}/x"}}
            with fresh.ordered(fail=order):
                (found,) = asked(fresh.uri("lab"), raws)
            assert isinstance(found, BackendUnavailable) and found.details["retry"] is False
        assert other.heard == []


def test_a_token_does_not_go_through_a_proxy_in_the_clear(
    fresh: ButlerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with elsewhere() as proxy:
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("http_proxy", proxy.origin)
        (found,) = asked(fresh.uri("lab"), raws)
        assert isinstance(found, BackendUnavailable) and "proxy" in found.message
        assert proxy.heard == []
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        (found,) = asked(fresh.uri("lab"), raws)
        assert found.rows and proxy.heard == []


def test_tokens_are_not_sent_in_the_clear_to_other_machines() -> None:
    uri = "http://data.example.org/api/butler/repo/dp1/butler.yaml"
    with pytest.raises(BadUserInput, match="https"):
        opened(uri)
    for address, options in ((uri, {"insecure": True}), (uri.replace("http", "https"), {})):
        asyncio.run(opened(address, options=options).close())
    for strange in (
        "/data/repo",
        "file:///data/butler.yaml",
        "https://u:p@host/butler.yaml",
        "https://host/",
    ):
        with pytest.raises(BadUserInput, match="uri"):
            opened(strange)


# -------------------- the canary


def test_a_token_is_in_no_log_no_error_and_no_repr(
    fresh: ButlerServer, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    def canary(seconds: float = 30.0) -> Call:
        return Call(Caller("erin", token=Token(CANARY)), In(seconds))

    written = [repr(canary()), repr(canary().caller), str(canary().caller.token)]
    failures = [
        {"status": status, "body": f"Bearer {CANARY}"} for status in (200, 302, 400, 401, 404, 422, 500, 504)
    ]
    failures += [{"status": 503, "headers": {"Retry-After": "5"}}, {"status": 200, "seconds": 3}]
    for failure in ({}, *failures):
        with fresh.ordered(fail={"path": "v1/" if failure else "never", **failure}):
            (found,) = asked(fresh.uri("lab"), lambda r: r.ask(RAWS, canary(0.7)))
        assert isinstance(found, AdapterError), found
        assert found.__cause__ is None or "token" not in type(found.__cause__).__name__
        written += [repr(found), repr(found.details), *traceback.format_exception(found)]
    assert any(record["token"] == CANARY for record in fresh.records())
    out, err = capfd.readouterr()
    everything = "\n".join([*written, caplog.text, out, err, fresh.said()])
    assert CANARY not in everything
