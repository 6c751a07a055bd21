"""What of a request is a token, and what is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.auth.credentials import token_of
from gateway.http.errors import secrets_in
from gateway.http.refusal import Refusal
from tests.auth.stand_in import scope, secret

TOKEN = "gt-0123456789abcdefghijAB.0123456789abcdefghijCD"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"


def basic(text: str | bytes) -> str:
    raw = text.encode() if isinstance(text, str) else text
    return f"Basic {base64.b64encode(raw).decode()}"


def test_a_request_without_a_header_has_no_token() -> None:
    assert token_of(scope()) is None
    assert token_of(scope(("cookie", f"gafaelfawr={TOKEN}"), ("x-auth-request-token", TOKEN))) is None


@pytest.mark.parametrize(
    "value",
    [
        f"Bearer {TOKEN}",
        f"bearer {TOKEN}",
        f"BEARER   {TOKEN} ",
        basic(f"{TOKEN}:"),
        basic(f":{TOKEN}"),
        basic(f"{TOKEN}:x-oauth-basic"),
        basic(f"x-oauth-basic:{TOKEN}"),
        basic(f"alice:{TOKEN}"),
        basic(f"{TOKEN}:whatever"),
        basic(f"{TOKEN}:{TOKEN}"),
        basic(f"{TOKEN}:x").replace("Basic", "bAsIc"),
    ],
)
def test_the_token_is_found_in_bearer_and_in_either_field_of_basic(value: str) -> None:
    assert secret(token_of(scope(("authorization", value)))) == TOKEN


def test_a_token_of_no_known_form_is_the_user_as_gafaelfawr_has_it() -> None:
    assert secret(token_of(scope(("authorization", basic("opaque1:opaque2"))))) == "opaque1"
    assert secret(token_of(scope(("authorization", basic(f"alice:{JWT}"))))) == JWT


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer{TOKEN}",
        f"Bearer\t{TOKEN}",
        f"Bearer {TOKEN} {TOKEN}",
        f"Bearer {TOKEN}, Bearer {TOKEN}",
        f"Bearer {TOKEN}\x00",
        f"Bearer \x00{TOKEN}",
        "Bearer gt-\u00e9\u00e8".encode(),
        "Bearer \u0661\u0662".encode(),
        f"Bearer {TOKEN}\r\nX-Auth-Request-User: root",
        f"Bearer {'a' * 20_000}",
        f"Digest username={TOKEN}",
        TOKEN,
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic Zm9v\u00e9".encode(),
        basic("nocolon"),
        basic(":"),
        basic("x-oauth-basic:"),
        basic("x-oauth-basic:x-oauth-basic"),
        basic(b"\xff\xfe:\xff"),
        basic(f"{TOKEN}\x00:"),
        basic(f"{TOKEN}:{JWT}"),
        basic("a" * 20_000 + ":"),
        basic("gt-\ud800".encode("utf-8", "surrogatepass") + b":"),
    ],
)
def test_what_is_no_token_is_an_invalid_request(value: str | bytes) -> None:
    with pytest.raises(Refusal) as refused:
        token_of(scope(("authorization", value)))
    assert refused.value.status == 400
    assert 'error="invalid_request"' in refused.value.headers["WWW-Authenticate"]
    assert TOKEN not in str(refused.value.errors) and "aaaa" not in str(refused.value.errors)


def test_several_headers_are_an_invalid_request() -> None:
    with pytest.raises(Refusal) as refused:
        token_of(scope(("authorization", f"Bearer {TOKEN}"), ("authorization", basic(f"{TOKEN}:"))))
    assert refused.value.status == 400


@given(st.binary(max_size=300))
def test_any_header_is_a_token_or_a_refusal(value: bytes) -> None:
    for sent in (value, b"Bearer " + value, b"Basic " + base64.b64encode(value)):
        try:
            token = token_of(scope(("authorization", sent)))
        except Refusal as refused:
            header = refused.headers["WWW-Authenticate"]
            assert refused.status == 400 and header.isprintable() and header.isascii()
        else:
            assert token is not None and token.reveal().isascii() and token.reveal().isprintable()


def test_all_that_may_be_a_secret_is_kept_out_of_the_log() -> None:
    headers = {b"authorization": basic(f"alice:{TOKEN}").encode(), b"x-auth-request-token": JWT.encode()}
    assert {TOKEN, JWT} <= set(secrets_in(headers))
    assert TOKEN in secrets_in({b"authorization": f"Bearer {TOKEN}".encode()})
