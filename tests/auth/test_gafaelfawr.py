"""Gafaelfawr says who asks: its answers, its silences, and whose headers are believed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from adapters.caller import Caller
from gateway.auth.gafaelfawr import Gafaelfawr
from gateway.http.refusal import Refusal
from tests.auth import stand_in
from tests.auth.stand_in import Clock, scope
from tests.auth.users import ALICE, BOB, USERS


@asynccontextmanager
async def authority(url: str, *proxies: str, clock: Clock | None = None) -> AsyncIterator[Gafaelfawr]:
    found = Gafaelfawr(url, proxies, 60, clock or Clock())
    yield found
    await found.close()


async def refused(found: Gafaelfawr, request: dict[str, Any]) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        await found.caller(request)
    return refusal.value


async def test_a_token_has_a_name_and_groups(gafaelfawr: stand_in.Gafaelfawr) -> None:
    gafaelfawr.users = dict(USERS)
    async with authority(gafaelfawr.address) as found:
        request = scope(token=ALICE)
        assert found.known(request) is None
        caller = await found.caller(request)
        assert caller == Caller("alice", frozenset({"g_hers", "g_writers"}))
        assert caller.token is not None and caller.token.reveal() == ALICE
        assert found.known(request) is caller
        assert (await found.caller(scope())).authenticated is False
    ((url, headers),) = gafaelfawr.requests
    assert url == f"{gafaelfawr.address}/auth/api/v1/user-info"
    assert headers["authorization"] == f"Bearer {ALICE}"


async def test_revocation_takes_effect_after_its_time_and_so_does_a_lost_group(
    gafaelfawr: stand_in.Gafaelfawr,
) -> None:
    gafaelfawr.users = dict(USERS)
    clock = Clock()
    async with authority(gafaelfawr.address, clock=clock) as found:
        await found.caller(scope(token=ALICE))
        await found.caller(scope(token=BOB))
        del gafaelfawr.users[ALICE]
        gafaelfawr.users[BOB] = ("bob", [])
        clock.now += 59.9
        assert (await found.caller(scope(token=ALICE))).username == "alice"
        assert (await found.caller(scope(token=BOB))).groups == {"g_his"}
        clock.now += 0.2
        assert found.known(scope(token=ALICE)) is None
        refusal = await refused(found, scope(token=ALICE))
        assert (refusal.status, refusal.errors[0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
        assert 'error="invalid_token"' in refusal.headers["WWW-Authenticate"]
        assert (await found.caller(scope(token=BOB))).groups == frozenset()


async def test_a_refused_token_stays_refused_for_a_shorter_time(gafaelfawr: stand_in.Gafaelfawr) -> None:
    clock = Clock()
    async with authority(gafaelfawr.address, clock=clock) as found:
        for _ in range(3):
            await refused(found, scope(token=ALICE))
        assert len(gafaelfawr.requests) == 1
        gafaelfawr.users = dict(USERS)
        clock.now += 9.9
        await refused(found, scope(token=ALICE))
        clock.now += 0.2
        assert (await found.caller(scope(token=ALICE))).username == "alice"


async def test_a_hundred_requests_at_once_ask_once(gafaelfawr: stand_in.Gafaelfawr) -> None:
    gafaelfawr.users = dict(USERS)
    gafaelfawr.pause = 0.1
    async with authority(gafaelfawr.address) as found:
        callers = await asyncio.gather(*(found.caller(scope(token=ALICE)) for _ in range(100)))
    assert {caller.username for caller in callers} == {"alice"} and len(gafaelfawr.requests) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 429, 404, 302, 307])
async def test_what_is_no_verdict_is_503_and_not_remembered(
    gafaelfawr: stand_in.Gafaelfawr, status: int
) -> None:
    gafaelfawr.users = dict(USERS)
    gafaelfawr.status = status
    async with authority(gafaelfawr.address) as found:
        refusal = await refused(found, scope(token=ALICE))
        assert (refusal.status, refusal.errors[0]["extensions"]["code"]) == (503, "BACKEND_UNAVAILABLE")
        assert int(refusal.headers["Retry-After"]) > 0 and "WWW-Authenticate" not in refusal.headers
        gafaelfawr.status = 200
        assert (await found.caller(scope(token=ALICE))).username == "alice"
    # No redirect was followed: the token went to the configured route alone.
    assert {url for url, _ in gafaelfawr.requests} == {f"{gafaelfawr.address}/auth/api/v1/user-info"}


async def test_a_token_that_is_known_keeps_working_while_nobody_answers() -> None:
    server = stand_in.Gafaelfawr()
    server.users = dict(USERS)
    clock = Clock()
    with server.served() as url:
        found = Gafaelfawr(url, (), 60, clock)
        await found.caller(scope(token=ALICE))
    clock.now += 59
    assert (await found.caller(scope(token=ALICE))).username == "alice"
    assert (await refused(found, scope(token=BOB))).status == 503
    clock.now += 2
    assert (await refused(found, scope(token=ALICE))).status == 503
    await found.close()


@pytest.mark.parametrize("told", ["[]", "null", '"x"', "{}", '{"username": "a", "groups": [1]}', "<html>"])
async def test_an_answer_that_is_none_is_503(told: str) -> None:
    from starlette.applications import Starlette
    from starlette.responses import Response
    from starlette.routing import Route

    from tests.http.service import serve

    async def answer(_: Any) -> Response:
        return Response(told, media_type="application/json")

    with serve(Starlette(routes=[Route("/auth/api/v1/user-info", answer)])) as url:
        async with authority(url) as found:
            assert (await refused(found, scope(token=ALICE))).status == 503


def from_ingress(peer: str | None, *, user: str = "alice", token: str | None = ALICE) -> dict[str, Any]:
    headers = [("x-auth-request-user", user)]
    if token is not None:
        headers.append(("x-auth-request-token", token))
    return scope(*headers, peer=peer)


@pytest.mark.parametrize("peer", ["10.1.2.3", "10.1.255.255", "::ffff:10.1.2.3", "fd00::7", "192.0.2.1"])
async def test_the_ingress_is_believed(gafaelfawr: stand_in.Gafaelfawr, peer: str) -> None:
    gafaelfawr.users = dict(USERS)
    async with authority(gafaelfawr.address, "10.1.0.0/16", "fd00::/64", "192.0.2.1") as found:
        caller = await found.caller(from_ingress(peer))
        assert (caller.username, caller.groups) == ("alice", {"g_hers", "g_writers"})
        assert caller.token is not None and caller.token.reveal() == ALICE
        assert found.known(from_ingress(peer)) is caller
        # What the client itself sent is not what counts.
        request = from_ingress(peer)
        request["headers"].append((b"authorization", f"Bearer {BOB}".encode()))
        assert (await found.caller(request)).username == "alice"


@pytest.mark.parametrize(
    "peer", ["10.2.0.1", "127.0.0.1", "::ffff:10.2.0.1", "fd01::7", "10.1.2.3:80", "", "ingress", None]
)
async def test_headers_of_others_are_as_if_they_had_not_been_sent(
    gafaelfawr: stand_in.Gafaelfawr, peer: str | None
) -> None:
    gafaelfawr.users = dict(USERS)
    async with authority(gafaelfawr.address, "10.1.0.0/16", "fd00::/64") as found:
        assert found.known(from_ingress(peer)) == Caller()
        request = from_ingress(peer)
        request["headers"].append((b"authorization", f"Bearer {BOB}".encode()))
        assert (await found.caller(request)).username == "bob"


async def test_without_proxies_nobody_is_the_ingress(gafaelfawr: stand_in.Gafaelfawr) -> None:
    async with authority(gafaelfawr.address) as found:
        assert found.known(from_ingress("127.0.0.1")) == Caller()


async def test_a_name_without_a_delegated_token_has_no_groups(gafaelfawr: stand_in.Gafaelfawr) -> None:
    async with authority(gafaelfawr.address, "10.0.0.0/8") as found:
        assert found.known(from_ingress("10.0.0.1", token=None)) == Caller("alice")
    assert gafaelfawr.requests == []


async def test_a_token_of_another_user_than_the_ingress_says_is_refused(
    gafaelfawr: stand_in.Gafaelfawr,
) -> None:
    gafaelfawr.users = dict(USERS)
    async with authority(gafaelfawr.address, "10.0.0.0/8") as found:
        for _ in range(2):
            assert (await refused(found, from_ingress("10.0.0.1", token=BOB))).status == 401
            assert found.known(from_ingress("10.0.0.1", token=BOB)) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("x-auth-request-user", "root"), ("x-auth-request-token", BOB), ("x-auth-request-token", "a\x00b")],
)
async def test_several_or_broken_headers_from_the_ingress_are_an_invalid_request(
    gafaelfawr: stand_in.Gafaelfawr, name: str, value: str
) -> None:
    async with authority(gafaelfawr.address, "10.0.0.0/8") as found:
        request = from_ingress("10.0.0.1", token=None if "\x00" in value else ALICE)
        request["headers"].append((name.encode(), value.encode()))
        assert (await refused(found, request)).status == 400
