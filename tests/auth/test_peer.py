"""Whose X-Auth-Request-* headers are believed is the socket's to say, and nobody else's."""

from __future__ import annotations

import pytest

from tests.auth.users import ALICE, BOB, INGRESS, Guarded

ASK = {"query": "{ viewer { username groups } }"}
AS_ALICE = {"X-Auth-Request-User": "alice", "X-Auth-Request-Token": ALICE}

LIES: list[dict[str, str]] = [
    {},
    {"X-Forwarded-For": INGRESS},
    {"X-Forwarded-For": f"{INGRESS}, {INGRESS}"},
    {"X-Forwarded-For": f"203.0.113.9, {INGRESS}"},
    {"X-Forwarded-For": f"{INGRESS}, 127.0.0.1"},
    {"X-Forwarded-For": f"[{INGRESS}]:80", "X-Forwarded-Proto": "https"},
    {"X-Real-IP": INGRESS, "Forwarded": f"for={INGRESS}", "X-Client-IP": INGRESS},
]


@pytest.mark.parametrize("lie", LIES)
def test_smuggled_headers_are_as_if_they_had_not_been_sent(service: Guarded, lie: dict[str, str]) -> None:
    """uvicorn believes X-Forwarded-For of 127.0.0.1, as server.proxies has it, and gives the client that address."""
    assert service.http.post("/graphql", json=ASK, headers={**AS_ALICE, **lie}).status_code == 401
    response = service.http.post(
        "/graphql", json=ASK, headers={**AS_ALICE, **lie, "Authorization": f"Bearer {BOB}"}
    )
    assert response.json()["data"]["viewer"] == {"username": "bob", "groups": ["g_his"]}
    assert service.http.get("/files/hers/" + "0" * 32, headers={**AS_ALICE, **lie}).status_code == 401


@pytest.mark.parametrize("lie", [{}, {"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-For": "127.0.0.1"}])
def test_the_ingress_is_believed_whomever_it_speaks_for(service: Guarded, lie: dict[str, str]) -> None:
    response = service.ingress.post("/graphql", json=ASK, headers={**AS_ALICE, **lie})
    assert response.json()["data"]["viewer"] == {"username": "alice", "groups": ["g_hers", "g_writers"]}
    assert service.ingress.get("/files/hers/" + "0" * 32, headers={**AS_ALICE, **lie}).status_code == 404


def test_through_the_ingress_a_request_without_a_name_needs_a_token(service: Guarded) -> None:
    assert service.ingress.post("/graphql", json=ASK).status_code == 401
    response = service.ingress.post("/graphql", json=ASK, headers={"Authorization": f"Bearer {BOB}"})
    assert response.json()["data"]["viewer"]["username"] == "bob"
    alone = service.ingress.post("/graphql", json=ASK, headers={"X-Auth-Request-Token": ALICE})
    assert alone.status_code == 401


@pytest.mark.parametrize(
    "name", [b"X_Auth_Request_User", b"X-Auth-Request_User", b"X-Auth-Request-User ", b" X-Auth-Request-User"]
)
def test_a_header_that_is_spelled_nearly_so_is_another(service: Guarded, name: bytes) -> None:
    """Some servers take _ for -, and a client could get such a name past an ingress that strips the right one."""
    text = b"GET /graphql?query=%7Bviewer%7Busername%7D%7D HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    answer = service.raw(text + name + b": alice\r\n\r\n", INGRESS)
    assert answer.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 400 ")) and b"alice" not in answer


def test_one_connection_stays_what_it_is(service: Guarded) -> None:
    """Requests that follow one another on a connection, of which one carries a token, are each their own."""
    ask = "GET /graphql?query=%7Bviewer%7Busername%7D%7D HTTP/1.1\r\nHost: x\r\n"
    text = f"{ask}Authorization: Bearer {BOB}\r\n\r\n{ask}Connection: close\r\n\r\n"
    answer = service.raw(text.encode())
    assert answer.count(b"HTTP/1.1 200 ") == 1 and answer.count(b"HTTP/1.1 401 ") == 1
    assert answer.index(b"200 ") < answer.index(b"401 ")
