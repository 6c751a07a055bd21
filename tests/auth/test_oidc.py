"""Tokens of an OpenID Connect provider: which are good, and everything that has been tried against such tokens (RFC 8725)."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey, OctKey, RSAKey

from adapters.caller import Caller
from gateway.auth.keys import Keys
from gateway.auth.oidc import Oidc
from gateway.http.refusal import Refusal
from tests.auth.stand_in import Clock, Provider, rsa, scope


@asynccontextmanager
async def authority(provider: Provider, clock: Clock | None = None, **more: Any) -> AsyncIterator[Oidc]:
    clock = clock or Clock()
    keys = more.pop("keys", None) or Keys(provider.address, more.pop("jwks", None), clock=clock)
    settings: dict[str, Any] = {
        "issuer": provider.address,
        "audience": Provider.AUDIENCE,
        "algorithms": ["RS256"],
        "username": "sub",
        "groups": "groups",
        "seconds": 60,
        **more,
    }
    found = Oidc(keys, clock=clock, **settings)
    yield found
    await found.close()


async def refused(found: Oidc, token: str) -> Refusal:
    with pytest.raises(Refusal) as refusal:
        await found.caller(scope(token=token))
    return refusal.value


def spelled(*parts: Any) -> str:
    """A token of these parts, whatever they are."""
    raw = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in parts]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in raw)


async def test_a_good_token_has_a_name_and_groups(provider: Provider) -> None:
    async with authority(provider) as found:
        token = provider.token()
        assert found.known(scope(token=token)) is None and found.known(scope()) == Caller()
        caller = await found.caller(scope(token=token))
        assert caller == Caller("alice", frozenset({"g_hsc"})) and found.known(scope(token=token)) is caller
        assert caller.token is not None and caller.token.reveal() == token
    assert [url.removeprefix(provider.address) for url, _ in provider.requests] == [
        "/.well-known/openid-configuration",
        "/keys",
    ]
    assert "authorization" not in provider.requests[0][1] and "authorization" not in provider.requests[1][1]


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["elsewhere", Provider.AUDIENCE]},
        {"nbf": int(time.time()) - 5},
        {"nbf": int(time.time()) + 30},  # clocks differ
        {"groups": None},
        {"iat": None},
        {"extra": {"a": 1}},
    ],
)
async def test_other_good_tokens(provider: Provider, claims: dict[str, Any]) -> None:
    async with authority(provider) as found:
        assert (await found.caller(scope(token=provider.token(**claims)))).username == "alice"
        assert (await found.caller(scope(token=provider.token({"typ": "at+JWT"})))).username == "alice"


async def test_claims_that_are_configured_name_user_and_groups(provider: Provider) -> None:
    async with authority(provider, username="preferred_username", groups="isMemberOf") as found:
        token = provider.token(preferred_username="Alice", isMemberOf=["a", "b"])
        assert await found.caller(scope(token=token)) == Caller("Alice", frozenset({"a", "b"}))


BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "expired": {"exp": int(time.time()) - 61},
    "without an end": {"exp": None},
    "an end that is no number": {"exp": "tomorrow"},
    "not valid yet": {"nbf": int(time.time()) + 3600},
    "issued in the future": {"iat": int(time.time()) + 3600},
    "of another issuer": {"iss": "https://evil.example"},
    "of an issuer spelled otherwise": {"iss": "http://127.0.0.1/"},
    "without an issuer": {"iss": None},
    "issuer as a list": {"iss": ["http://127.0.0.1"]},
    "for another audience": {"aud": "https://other.example"},
    "for a longer audience": {"aud": Provider.AUDIENCE + ".evil"},
    "for other audiences": {"aud": ["a", "b"]},
    "without an audience": {"aud": None},
    "an empty list of audiences": {"aud": []},
    "without a name": {"sub": None},
    "an empty name": {"sub": ""},
    "a name that is no text": {"sub": 0},
    "groups as text": {"groups": "g_hsc"},
    "groups as a mapping": {"groups": {"g_hsc": 1}},
    "groups that are no texts": {"groups": [1]},
}


@pytest.mark.parametrize("bad", BAD_CLAIMS)
async def test_a_token_with_bad_claims_is_invalid(provider: Provider, bad: str) -> None:
    async with authority(provider) as found:
        refusal = await refused(found, provider.token(**BAD_CLAIMS[bad]))
    assert refusal.status == 401 and 'error="invalid_token"' in refusal.headers["WWW-Authenticate"]


def signed(header: Any, claims: Any, key: RSAKey) -> str:
    """A token with a good signature (RS256), whatever its header says."""
    text = spelled(header, claims)
    return f"{text}.{spelled(key.private_key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def attacks(provider: Provider) -> dict[str, str]:
    """Tokens that the provider never signed, by what they try."""
    good = provider.token()
    head, claims, signature = good.split(".")
    (key,) = provider.keys
    mine = rsa("first", 1)
    curve = ECKey.generate_key("P-256", {"kid": "first"})
    root = provider.claims(sub="root")
    none = {"alg": "none", "typ": "JWT", "kid": "first"}
    text = spelled({"alg": "HS256", "typ": "JWT", "kid": "first"}, root)
    confused = hmac.digest(key.as_pem(private=False), text.encode(), "sha256")
    return {
        "alg none": spelled(none, root) + ".",
        "alg None": spelled({**none, "alg": "None"}, root) + ".",
        "alg none with a signature": spelled(none, root) + f".{signature}",
        "alg empty": spelled({**none, "alg": ""}, root) + f".{signature}",
        "alg as a list": spelled({**none, "alg": ["RS256"]}, root) + f".{signature}",
        "no alg": spelled({"kid": "first"}, root) + f".{signature}",
        "HS256 with the public key as the secret": f"{text}.{spelled(confused)}",
        "another key under the same name": provider.token(key=mine),
        "an algorithm that is not accepted": provider.token({"alg": "RS512"}),
        "another kind of key": provider.token({"alg": "ES256"}, key=curve),
        "other claims under a good signature": f"{head}.{spelled(root)}.{signature}",
        "no signature": f"{head}.{claims}.",
        "half a signature": f"{head}.{claims}.{signature[: len(signature) // 2]}",
        "its own key in the header": provider.token({"jwk": mine.as_dict(private=False)}, key=mine),
        "an unknown critical parameter": signed(
            {"alg": "RS256", "kid": "first", "crit": ["exp"], "exp": 1}, root, key
        ),
        "payload not encoded": spelled({"alg": "RS256", "kid": "first", "b64": False, "crit": ["b64"]})
        + f".x.{signature}",
        "a logout token": provider.token({"typ": "logout+jwt"}),
        "an encrypted token": spelled({"alg": "RSA-OAEP", "enc": "A256GCM"}, b"a", b"b", b"c", b"d"),
        "direct encryption": spelled({"alg": "dir", "enc": "A256GCM"}, b"", b"b", b"c", b"d"),
        "claims that are no object": f"{head}.{spelled([1])}.{signature}",
        "a header that is no object": spelled([1], root) + f".{signature}",
        "a header of text": spelled("RS256", root) + f".{signature}",
        "deep JSON": spelled(b"[" * 300 + b"]" * 300, root) + f".{signature}",
        "no token at all": "abc",
        "dots": "..",
        "a long header": provider.token({"pad": "x" * 2000}),
    }


@pytest.mark.parametrize("what", [*attacks(Provider())])
async def test_a_forged_token_is_invalid(provider: Provider, what: str) -> None:
    async with authority(provider) as found:
        token = attacks(provider)[what]
        refusal = await refused(found, token)
        assert refusal.status == 401 and 'error="invalid_token"' in refusal.headers["WWW-Authenticate"]
        assert found.known(scope(token=token)) is None
        assert (await found.caller(scope(token=provider.token()))).username == "alice"


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/keys",
        "first'--",
        "http://127.0.0.1:9/keys",
        "",
        "FIRST",
        1,
        None,
        ["first"],
        {"a": 1},
    ],
)
async def test_a_name_of_a_key_is_a_name_and_nothing_else(provider: Provider, kid: Any) -> None:
    provider.keys.append(rsa("second"))
    async with authority(provider) as found:
        header = {"alg": "RS256", "kid": kid} if kid is not None else {"alg": "RS256"}
        token = spelled(header, provider.claims()) + "." + "A" * 342
        assert (await refused(found, token)).status == 401
    paths = {url.removeprefix(provider.address) for url, _ in provider.requests}
    assert paths <= {"/.well-known/openid-configuration", "/keys"}


async def test_a_token_without_a_kid_is_good_where_there_is_one_key(provider: Provider) -> None:
    async with authority(provider) as found:
        assert (await found.caller(scope(token=provider.token({"kid": None})))).username == "alice"


async def test_keys_that_a_token_points_to_are_not_fetched(provider: Provider) -> None:
    evil = Provider()
    mine = rsa("mine")
    evil.keys = [mine]
    with evil.served() as address:
        for name in ("jku", "x5u"):
            async with authority(provider) as found:
                token = provider.token({name: f"{address}/keys"}, key=mine)
                assert (await refused(found, token)).status == 401
    assert evil.requests == []


async def test_a_flood_of_unknown_kids_asks_the_provider_once_a_minute(provider: Provider) -> None:
    clock = Clock()
    async with authority(provider, clock) as found:
        await found.caller(scope(token=provider.token()))
        began = len(provider.requests)
        for second in range(120):
            tokens = [provider.token({"kid": f"k{second}-{n}"}) for n in range(2)]
            await asyncio.gather(*(refused(found, token) for token in tokens))
            clock.now += 1
        assert len(provider.requests) - began <= 2


async def test_a_new_key_is_found_when_it_is_used_and_an_old_one_is_forgotten(provider: Provider) -> None:
    clock = Clock()
    async with authority(provider, clock) as found:
        old = provider.token(sub="old")
        assert (await found.caller(scope(token=old))).username == "old"
        provider.keys = [rsa("second")]
        clock.now += 61
        assert (await found.caller(scope(token=provider.token(sub="new")))).username == "new"
        assert (await refused(found, old)).status == 401


async def test_a_key_that_was_withdrawn_is_forgotten_after_five_minutes(provider: Provider) -> None:
    clock = Clock()
    async with authority(provider, clock) as found:
        old = provider.token()
        await found.caller(scope(token=old))
        provider.keys = [rsa("second")]
        clock.now += 301
        assert (await refused(found, old)).status == 401


async def test_a_shared_secret_among_the_keys_is_none(provider: Provider) -> None:
    shared = OctKey.generate_key(256, {"kid": "shared"})
    provider.keys.append(shared)  # type: ignore[arg-type]
    async with authority(provider, algorithms=["RS256", "HS256"]) as found:
        assert (await refused(found, provider.token({"alg": "HS256"}, key=shared))).status == 401


async def test_a_token_is_believed_until_its_end_and_not_longer(provider: Provider) -> None:
    clock = Clock()
    async with authority(provider, clock) as found:
        token = provider.token(exp=int(time.time()) - 40)  # 20 seconds of leeway are left
        assert (await found.caller(scope(token=token))).username == "alice"
        clock.now += 15
        assert found.known(scope(token=token)) is not None
        clock.now += 6
        assert found.known(scope(token=token)) is None


async def test_a_provider_that_is_down_is_503_and_is_not_asked_by_everybody(provider: Provider) -> None:
    provider.status = 500
    clock = Clock()
    async with authority(provider, clock) as found:
        refusals = await asyncio.gather(*(refused(found, provider.token(sub=f"u{n}")) for n in range(20)))
        assert {refusal.status for refusal in refusals} == {503}
        assert all("Retry-After" in refusal.headers for refusal in refusals)
        assert len(provider.requests) == 1
        provider.status = 200
        assert (await refused(found, provider.token())).status == 503
        clock.now += 6
        assert (await found.caller(scope(token=provider.token()))).username == "alice"


async def test_keys_are_believed_for_an_hour_while_the_provider_is_down(provider: Provider) -> None:
    clock = Clock()
    async with authority(provider, clock) as found:
        await found.caller(scope(token=provider.token()))
        provider.status = 503
        clock.now += 3500
        assert (await found.caller(scope(token=provider.token(sub="b")))).username == "b"
        clock.now += 200
        assert (await refused(found, provider.token(sub="c"))).status == 503


@pytest.mark.parametrize("status", [301, 302, 307])
async def test_keys_are_not_looked_for_along_redirects(provider: Provider, status: int) -> None:
    provider.status = status
    async with authority(provider) as found:
        assert (await refused(found, provider.token())).status == 503
    assert len(provider.requests) == 1


async def test_a_configuration_of_another_issuer_is_none(provider: Provider) -> None:
    provider.claimed = "https://evil.example"
    async with authority(provider) as found:
        assert (await refused(found, provider.token())).status == 503
    assert len(provider.requests) == 1


async def test_keys_at_a_configured_address_need_no_discovery(provider: Provider) -> None:
    async with authority(provider, jwks=f"{provider.address}/keys") as found:
        assert (await found.caller(scope(token=provider.token()))).username == "alice"
    assert [url for url, _ in provider.requests] == [f"{provider.address}/keys"]
