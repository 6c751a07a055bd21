"""Bad input, over a real socket: always a 4xx, always in GraphQL's shape, never a 500 and never slow."""

from __future__ import annotations

import json
import socket
import time
from urllib.parse import urlsplit

import httpx2
import pytest

from gateway.limits import Limits
from tests.demonstration import PLANS
from tests.http.conftest import Way
from tests.http.service import serve, service

JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def way() -> Way:
    """Once is enough: what is refused here is refused before it is known how it would be answered."""
    return {"plans": PLANS, "straight": True}


def assert_graphql_error(response: httpx2.Response, code: str = "BAD_USER_INPUT") -> dict[str, object]:
    assert response.headers["content-type"].endswith("json; charset=utf-8")
    body = response.json()
    assert "data" not in body
    assert body["errors"][0]["message"]
    assert body["errors"][0]["extensions"]["code"] == code
    return body["errors"][0]


def deep(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"5",
        b"null",
        b'"x"',
        b"true",
        b"{",
        b"{}",
        b"[]",
        b'{"query": 1}',
        b'{"query": null}',
        b'{"query": ["{ hello }"]}',
        b'{"query": "{ hello }"} trailing',
        b'{"query": "{ hello }", "variables": [1]}',
        b'{"query": "{ hello }", "variables": "{}"}',
        b'{"query": "{ hello }", "variables": 0}',
        b'{"query": "{ hello }", "operationName": 1}',
        b'{"query": "{ hello }", "extensions": []}',
        b'{"query": "{ hello }", "variables": {"a": NaN}}',
        b'{"query": "{ hello }", "variables": {"a": -Infinity}}',
        b'{"query": "{ hello }", "variables": {"a": 1e999}}',
        b'{"query": "{ hello }", "variables": {"a": ' + b"9" * 5000 + b"}}",
        b'{"query": "{ hello }", "query": "{ boom }"}',
        b'{"query": "{ hello }", "variables": {"a": 1, "\\u0061": 2}}',
        b'{"query": "{ hello }", "variables": {"a": "\\u0000"}}',
        b'{"query": "{ hello }", "variables": {"\\u0000": 1}}',
        b'{"query": "{ hello }", "variables": {"a": [{"b": ["\\ud800"]}]}}',
        b'{"query": "{ hello }", "variables": {"a": "\\udc00\\ud800"}}',
        b'{"query": "{ hello(name: \\"\\ud800\\") }"}',
        b'{"query": "{ hello # \\u0000\\n }"}',
        b'{"query": "{ hello }", "operationName": "\\u0000"}',
        b'{"query": "\xff"}',
        b'{"query": "\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        '{"query": "{ hello }"}'.encode("utf-16"),
        b"\x00\x01\x02",
        deep(100_000),
        b'{"query": ' + deep(100_000) + b"}",
        b'{"query": "{ hello }", "variables": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}",
    ],
    ids=lambda body: repr(body[:60]),
)
def test_a_bad_body_gets_400_in_graphqls_shape(client: httpx2.Client, body: bytes) -> None:
    for accept in ("application/json", "application/graphql-response+json"):
        response = client.post("/graphql", content=body, headers=JSON | {"Accept": accept})
        assert response.status_code == 400
        assert_graphql_error(response)


def test_variables_nested_too_deeply_are_refused_by_name(client: httpx2.Client) -> None:
    body = b'{"query": "{ hello }", "variables": ' + b'{"a":' * 60 + b"1" + b"}" * 60 + b"}"
    response = client.post("/graphql", content=body, headers=JSON)
    assert response.status_code == 400
    error = assert_graphql_error(response, "QUERY_TOO_COMPLEX")
    assert error["extensions"]["limit"] == 50
    exact = b'{"query": "{ hello }", "variables": ' + b'{"a":' * 50 + b"1" + b"}" * 50 + b"}"
    assert client.post("/graphql", content=exact, headers=JSON).status_code == 200


def test_a_batch_is_refused_in_clear_words(client: httpx2.Client) -> None:
    response = client.post("/graphql", json=[{"query": "{ hello }"}, {"query": "{ hello }"}])
    assert response.status_code == 400
    assert "Batch" in assert_graphql_error(response)["message"]


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "x-application/jsonx",
        "application/jsonx",
        "text/plain; application/json",
        "application/json; charset=latin-1",
        "application/graphql",
    ],
)
def test_a_body_that_does_not_call_itself_json_gets_415(
    client: httpx2.Client, content_type: str | None
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    response = client.post("/graphql", content=b'{"query": "{ hello }"}', headers=headers)
    assert response.status_code == 415
    assert_graphql_error(response)


def test_a_compressed_body_gets_415(client: httpx2.Client) -> None:
    headers = JSON | {"Content-Encoding": "gzip"}
    assert client.post("/graphql", content=b"x", headers=headers).status_code == 415


@pytest.mark.parametrize(
    "content_type",
    ["application/json;charset=UTF-8", "Application/JSON", 'application/json; charset="utf-8"'],
)
def test_json_in_all_its_spellings_is_taken(client: httpx2.Client, content_type: str) -> None:
    response = client.post(
        "/graphql",
        content='{"query": "{ hello(name: \\"Ω\\") }"}'.encode(),
        headers={"Content-Type": content_type},
    )
    assert response.json() == {"data": {"hello": "hello Ω"}}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_other_methods_get_405(client: httpx2.Client, method: str) -> None:
    response = client.request(method, "/graphql")
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"
    if method != "HEAD":
        assert_graphql_error(response)


@pytest.fixture(scope="module")
def small() -> httpx2.Client:
    """A gateway that takes bodies of 1,000 bytes."""
    with (
        serve(service(Limits(max_body=1000, timeout=1.0))[0]) as found,
        httpx2.Client(base_url=found, timeout=60) as client,
    ):
        yield client


def test_a_body_over_the_limit_gets_413_by_its_announced_length(small: httpx2.Client) -> None:
    response = small.post("/graphql", json={"query": "{ hello }" + " " * 1000})
    assert response.status_code == 413
    assert_graphql_error(response)
    assert small.post("/graphql", json={"query": "{ hello }" + " " * 900}).status_code == 200


def test_a_chunked_body_is_refused_as_soon_as_it_passes_the_limit(small: httpx2.Client) -> None:
    sent = 0

    def endless() -> object:
        nonlocal sent
        for _ in range(100_000):
            sent += 1000
            yield b" " * 1000

    try:
        response = small.post("/graphql", content=endless(), headers=JSON)
    except httpx2.TransportError:
        # The connection was closed while we wrote: the same refusal, its answer lost on the way.
        pass
    else:
        assert response.status_code == 413
    assert sent < 50_000_000
    chunks = iter([b'{"query": ', b'"{ hello }"}'])
    assert small.post("/graphql", content=chunks, headers=JSON).json() == {"data": {"hello": "hello world"}}


def test_the_answer_to_a_chunked_body_over_the_limit_is_413(small: httpx2.Client) -> None:
    where = urlsplit(str(small.base_url))
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + b"7d0\r\n" + b" " * 2000 + b"\r\n"
        )
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["errors"][0]["extensions"]["limit"] == 1000


def test_a_body_that_never_ends_gets_408_at_the_deadline(small: httpx2.Client) -> None:
    where = urlsplit(str(small.base_url))
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(
            b"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
        )
        assert connection.recv(65536).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ " + "tree { " * 2000 + "name" + " }" * 2001, "QUERY_TOO_COMPLEX"),
        ("{ echo(value: " + "[" * 20_000 + "]" * 20_000 + ") }", "QUERY_TOO_COMPLEX"),
        ("{ echo(value: " + "[" * 9_000 + "]" * 9_000 + ") }", "QUERY_TOO_COMPLEX"),
        ("{ echo(value: " + "{a:" * 6_000 + "1" + "}" * 6_000 + ") }", "QUERY_TOO_COMPLEX"),
        ("query ($a: " + "[" * 9_000 + "Int" + "]" * 9_000 + ") { hello }", "QUERY_TOO_COMPLEX"),
        ("{ " + "... { " * 5_000 + "hello" + " }" * 5_001, "QUERY_TOO_COMPLEX"),
        ("{ " + " ".join(f"a{i}: hello" for i in range(10_000)) + " }", "QUERY_TOO_COMPLEX"),
        ("{ " + " ".join(f"a{i}: hello" for i in range(500)) + " }", "QUERY_TOO_COMPLEX"),
        ("{ hello " + "@aa" * 3_000 + " }", "QUERY_TOO_COMPLEX"),
        ("{ " + "hello " * 20_000 + "}", "QUERY_TOO_COMPLEX"),
        ("{ hello" + "," * 600_000 + "}", "QUERY_TOO_COMPLEX"),
        ("{ hello" + "#\n" * 100_000 + "}", "QUERY_TOO_COMPLEX"),
        ("{ " + " ".join(f"nonsense{i}" for i in range(900)) + " }", "BAD_USER_INPUT"),
        ("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }", "BAD_USER_INPUT"),
        ("{ hello", "BAD_USER_INPUT"),
        ("", "BAD_USER_INPUT"),
        ("# nothing", "BAD_USER_INPUT"),
        ("fragment F on Query { hello }", "BAD_USER_INPUT"),
        ("type Query { hello: String }", "BAD_USER_INPUT"),
        ("query A { hello } query B { hello }", "BAD_USER_INPUT"),
        ("{ ...F } fragment F on Query { ...F }", "BAD_USER_INPUT"),
        ("subscription { ticks }", "UNSUPPORTED"),
        ("{ add(a: 99999999999999999999) }", "BAD_USER_INPUT"),
        ("{ add(a: " + "9" * 10_000 + ") }", "BAD_USER_INPUT"),
        ("{ exposure(id: " + "9" * 10_000 + ") }", "BAD_USER_INPUT"),
        ('{ exposure(id: "no number") }', "BAD_USER_INPUT"),
        ('{ hello(name: "\\u0000") }', "BAD_USER_INPUT"),
        ('{ hello(name: """\\u0000""") { x } }', "BAD_USER_INPUT"),
        ('{ hello(name: "\\uD83D") }', "BAD_USER_INPUT"),
        ("{ hello @defer }", "BAD_USER_INPUT"),
    ],
    ids=lambda value: value[:40],
)  # fmt: skip
def test_a_bad_document_is_refused_quickly(client: httpx2.Client, query: str, code: str) -> None:
    began = time.perf_counter()
    response = client.post(
        "/graphql", json={"query": query}, headers={"Accept": "application/graphql-response+json"}
    )
    took = time.perf_counter() - began
    assert response.status_code == 400
    error = assert_graphql_error(response, code)
    if code == "QUERY_TOO_COMPLEX":
        assert error["extensions"]["actual"] > error["extensions"]["limit"]
    assert took < 15
    assert len(response.content) < 10_000


@pytest.mark.parametrize("links", [20, 40, 80, 150])
def test_a_fragment_bomb_does_not_reach_validation(links: int) -> None:
    chain = "".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(links))
    query = f"{{ ...F0 }} {chain} fragment F{links} on Query {{ hello }}"
    with (
        serve(service(Limits(max_definitions=1000))[0]) as found,
        httpx2.Client(base_url=found, timeout=60) as client,
    ):
        client.post("/graphql", json={"query": "{ hello }"})
        began = time.perf_counter()
        response = client.post("/graphql", json={"query": query})
        assert time.perf_counter() - began < 10
    assert_graphql_error(response, "QUERY_TOO_COMPLEX")
    assert len(response.json()["errors"]) == 1


def test_ten_unknown_directives_do_not_bring_ten_errors(client: httpx2.Client) -> None:
    response = client.post("/graphql", json={"query": "{ hello " + "@aa" * 10 + " }"})
    assert len(response.json()["errors"]) < 10


def test_the_worst_document_that_passes_every_limit_is_soon_validated(client: httpx2.Client) -> None:
    spreads = " ".join(f"...F{i}" for i in range(49))
    fragments = " ".join(
        f"fragment F{i} on Query {{ tree {{ {'child { ' * 17} name {'} ' * 17} }} }}" for i in range(49)
    )
    began = time.perf_counter()
    response = client.post("/graphql", json={"query": f"{{ {spreads} }} {fragments}"})
    assert time.perf_counter() - began < 15
    assert response.json()["data"]["tree"]


def test_an_upload_of_100000_data_ids_in_variables_is_taken(client: httpx2.Client) -> None:
    among = [
        {"instrument": "HSC", "detector": i % 112, "exposure": 9_000_000_000 + i} for i in range(100_000)
    ]
    body = json.dumps({"query": "query ($v: JSON!) { echo(value: $v) }", "variables": {"v": among}})
    began = time.perf_counter()
    response = client.post("/graphql", content=body.encode(), headers=JSON)
    print(f"{len(body) / 1e6:.1f} MB in {time.perf_counter() - began:.2f} s")
    assert response.json()["data"]["echo"] == among


def test_1500_data_ids_written_as_literals_are_taken(client: httpx2.Client) -> None:
    among = " ".join(f'{{instrument: "HSC", detector: {i % 112}, exposure: {i}}}' for i in range(1500))
    response = client.post("/graphql", json={"query": f"{{ echo(value: [{among}]) }}"})
    assert len(response.json()["data"]["echo"]) == 1500
