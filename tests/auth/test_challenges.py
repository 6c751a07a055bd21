"""Who is not let in is told so before anything runs, in RFC 6750's words and GraphQL's shape. Over real sockets."""

from __future__ import annotations

import base64
from typing import Any

import httpx2
import pytest

from tests.auth.users import ALICE, BOB, CAROL, Guarded

ASK = {"query": "{ viewer { username } }"}
UNKNOWN = "gt-canaryNobodyNobodyNobo.canaryNobodyNobodyNob1"
GRAPHQL = "application/graphql-response+json"


def shape(response: httpx2.Response) -> dict[str, Any]:
    """The one error of a refusal."""
    body = response.json()
    assert set(body) == {"errors"} and response.headers["cache-control"] == "no-store"
    (error,) = body["errors"]
    assert set(error) == {"message", "extensions"}
    found: dict[str, Any] = error
    return found


@pytest.mark.parametrize("accept", ["application/json", GRAPHQL, "*/*"])
def test_without_credentials_the_challenge_has_no_error(service: Guarded, accept: str) -> None:
    response = service.http.post("/graphql", json=ASK, headers={"Accept": accept})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="Butler gateway"'
    assert shape(response)["extensions"] == {"code": "UNAUTHENTICATED"}
    assert response.headers["content-type"].startswith(GRAPHQL if accept == GRAPHQL else "application/json")


def test_a_token_that_is_not_valid_is_401_invalid_token(service: Guarded) -> None:
    response = service.post(UNKNOWN, ASK["query"])
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith(
        'Bearer realm="Butler gateway", error="invalid_token", '
    )
    assert shape(response)["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer")],
        [("Authorization", "Bearer a b")],
        [("Authorization", f"Bearer {'a' * 20_000}")],
        [("Authorization", "Digest x")],
        [("Authorization", f"Bearer {ALICE}"), ("Authorization", f"Bearer {ALICE}")],
        [("Authorization", f"Bearer {ALICE}"), ("authorization", "Basic x")],
    ],
)
def test_malformed_or_several_credentials_are_400_invalid_request(
    service: Guarded, headers: list[tuple[str, str]]
) -> None:
    response = service.http.post("/graphql", json=ASK, headers=headers)
    assert response.status_code == 400
    assert 'error="invalid_request"' in response.headers["www-authenticate"]
    assert shape(response)["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_nul_in_a_token_is_refused(service: Guarded) -> None:
    text = f"GET /graphql?query=%7Bviewer%7Busername%7D%7D HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ALICE}\x00\r\n\r\n"
    assert service.raw(text.encode()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("method", "path", "content"),
    [
        ("POST", "/graphql", b"{ this is not even JSON"),
        ("POST", "/graphql", b'{"query": "{ syntax error"}'),
        ("POST", "/graphql", b'{"query": "{ boom }"}'),
        ("GET", "/graphql", b""),
        ("GET", "/graphql?query={", b""),
        ("GET", "/files/hers/no-uuid", b""),
        ("GET", "/files/none/01234567-0123-0123-0123-0123456789ab", b""),
    ],
)
def test_nothing_is_parsed_before_it_is_known_who_asks(
    service: Guarded, method: str, path: str, content: bytes
) -> None:
    response = service.http.request(
        method, path, content=content, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 401 and shape(response)["extensions"]["code"] == "UNAUTHENTICATED"


def test_a_long_body_is_not_read_for_somebody_unknown(service: Guarded) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 15000000\r\n\r\n"
    assert service.raw(head + b"x" * 10).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("fields", ["{}:", ":{}", "{}:x-oauth-basic", "x-oauth-basic:{}", "alice:{}"])
def test_basic_holds_the_token_in_either_field(service: Guarded, fields: str) -> None:
    sent = base64.b64encode(fields.format(ALICE).encode()).decode()
    headers = {"Authorization": f"Basic {sent}"}
    response = service.http.post("/graphql", json=ASK, headers=headers)
    assert response.json() == {"data": {"viewer": {"username": "alice"}}}
    missing = service.http.get("/files/hers/01234567-0123-0123-0123-0123456789ab", headers=headers)
    assert missing.status_code == 404


def test_a_link_asks_for_basic_too_and_graphql_does_not(service: Guarded) -> None:
    """A page that fetches /graphql would show its visitor the browser's own dialogue."""
    links = service.http.get("/files/hers/01234567-0123-0123-0123-0123456789ab")
    assert links.headers["www-authenticate"] == (
        'Bearer realm="Butler gateway", Basic realm="Butler gateway", charset="UTF-8"'
    )
    assert "Basic" not in service.http.post("/graphql", json=ASK).headers["www-authenticate"]


def test_what_is_public_stays_so(service: Guarded) -> None:
    for path in ("/schema.graphql", "/healthz", "/readyz", "/"):
        assert service.http.get(path).status_code == 200, path
    assert service.http.delete("/graphql").status_code == 405
    assert service.http.get("/nowhere").status_code == 404


def test_a_cookie_or_an_address_is_no_credential(service: Guarded) -> None:
    for params, headers in [
        ({"access_token": ALICE}, {}),
        ({}, {"Cookie": f"gafaelfawr={ALICE}; Authorization=Bearer {ALICE}"}),
        ({}, {"Proxy-Authorization": f"Bearer {ALICE}"}),
        ({}, {"X-Forwarded-User": "alice", "Remote-User": "alice"}),
    ]:
        response = service.http.post("/graphql", json=ASK, params=params, headers=headers)
        assert response.status_code == 401, headers
        assert "set-cookie" not in response.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_simple_request_of_a_foreign_page_does_nothing(service: Guarded, site: str, kind: str) -> None:
    """Not even where the ingress has added the name of its visitor, whose cookie came along."""
    headers = {
        "Sec-Fetch-Site": site,
        "Origin": "https://evil.example",
        "X-Auth-Request-User": "alice",
        "X-Auth-Request-Token": ALICE,
        "Cookie": "gafaelfawr=x",
    }
    body = b'{"query": "{ viewer { username } }"}'
    post = service.ingress.post("/graphql", content=body, headers={**headers, "Content-Type": kind})
    get = service.ingress.get("/graphql", params=ASK, headers=headers)
    assert (post.status_code, get.status_code) == (403, 403)
    del headers["Sec-Fetch-Site"]  # a browser from before
    assert (
        service.ingress.post("/graphql", content=body, headers={**headers, "Content-Type": kind}).status_code
        == 415
    )


def test_who_is_known_is_told_who_they_are(service: Guarded) -> None:
    document = "{ viewer { username authenticated groups readable writable } }"
    assert service.data(ALICE, document)["viewer"] == {
        "username": "alice",
        "authenticated": True,
        "groups": ["g_hers", "g_writers"],
        "readable": ["hers", "free"],
        "writable": ["hers"],
    }
    assert service.data(BOB, document)["viewer"] == {
        "username": "bob",
        "authenticated": True,
        "groups": ["g_his"],
        "readable": ["his", "free"],
        "writable": [],
    }
    assert service.data(CAROL, document)["viewer"]["readable"] == ["free"]
