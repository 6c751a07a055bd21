"""The probes, the schema's text, and what every request passes on its way."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import orjson
import pytest
import strawberry
import structlog
from gql import Client, gql
from gql.transport.httpx import HTTPXTransport
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.extensions import MaskErrors
from structlog.testing import capture_logs

from gateway.http import GraphQLView, Health, middleware
from tests.http.service import SECRET_PATH, schema, serve, service


async def answering() -> None:
    pass


async def broken() -> None:
    raise OSError(f"no route to {SECRET_PATH}")


async def hanging() -> None:
    await asyncio.sleep(60)


def ready(health: Health) -> tuple[int, dict[str, Any]]:
    response = asyncio.run(health.readyz(Request({"type": "http"})))
    return response.status_code, orjson.loads(response.body)


def test_healthz_asks_nobody(address: str) -> None:
    with serve(service(pings={"hsc": hanging})[0]) as found:
        response = httpx2.get(f"{found}/healthz", timeout=1)
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("pings", "status", "word"),
    [
        ({"a": answering, "b": answering}, 200, "ready"),
        ({"a": answering, "b": broken}, 200, "degraded"),
        ({"a": broken, "b": hanging}, 503, "unavailable"),
        ({}, 503, "unavailable"),
    ],
)
def test_readyz_is_503_only_when_no_repository_answers(pings: dict[str, Any], status: int, word: str) -> None:
    found, body = ready(Health(pings, timeout=0.1))
    assert (found, body["status"]) == (status, word)


def test_readyz_says_which_repository_fails_and_nothing_of_its_insides() -> None:
    with capture_logs() as logs:
        _, body = ready(Health({"a": answering, "b": broken, "c": hanging}, timeout=0.1))
    assert body["repositories"]["a"]["ok"] is True
    assert body["repositories"]["b"] == {"ok": False, "reason": "unavailable"}
    assert body["repositories"]["c"] == {"ok": False, "reason": "timeout"}
    assert logs[0]["repository"] == "b"
    assert SECRET_PATH not in str(logs)


def test_many_probes_are_one_round_of_pings() -> None:
    pings = 0
    now = 0.0

    async def counted() -> None:
        nonlocal pings
        pings += 1
        await asyncio.sleep(0.01)

    async def probe() -> None:
        nonlocal now
        health = Health({"hsc": counted}, clock=lambda: now)
        request = Request({"type": "http"})
        await asyncio.gather(*(health.readyz(request) for _ in range(20)))
        assert pings == 1
        now = 2.5
        await health.readyz(request)
        assert pings == 2

    asyncio.run(probe())


def test_the_schema_is_served_as_text(client: httpx2.Client) -> None:
    response = client.get("/schema.graphql")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.text == schema.as_str()


def test_the_gql_library_reads_the_schema_and_asks(address: str) -> None:
    with Client(
        transport=HTTPXTransport(url=f"{address}/graphql"), fetch_schema_from_transport=True
    ) as session:
        assert session.client.schema.get_type("Tree")
        assert session.execute(gql("{ hello }")) == {"hello": "hello world"}


@pytest.mark.parametrize("sent", ["abc-123", "0af7651916cd43dd8448eb211c80319c", "Root=1-67891233-abcdef"])
def test_a_plain_request_id_is_kept(client: httpx2.Client, sent: str) -> None:
    assert client.get("/healthz", headers={"X-Request-Id": sent}).headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "x" * 200, 'a"b', "-x", "<script>"])
def test_any_other_request_id_is_replaced(client: httpx2.Client, sent: str) -> None:
    kept = client.get("/healthz", headers={"X-Request-Id": sent}).headers["x-request-id"]
    assert kept != sent
    assert len(kept) == 16


def test_of_several_request_ids_the_first_counts(client: httpx2.Client) -> None:
    sent = [("X-Request-Id", "one"), ("X-Request-Id", "two")]
    assert client.get("/healthz", headers=sent).headers.get_list("x-request-id") == ["one"]
    assert client.post("/graphql", json={"query": "{ hello }"}, headers=sent).headers["x-request-id"] == "one"


def test_whatever_is_logged_within_a_request_has_its_id() -> None:
    async def says(_: Request) -> Response:
        structlog.get_logger("any").warning("said")
        return Response()

    app = Starlette(routes=[Route("/says", says)], middleware=middleware())
    structlog.reset_defaults()
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs, serve(app) as found:
        for id in ("one", "two"):
            httpx2.get(f"{found}/says", headers={"X-Request-Id": id})
    assert [entry["request_id"] for entry in logs if entry["event"] == "said"] == ["one", "two"]


def test_a_request_is_one_line_in_the_log_without_its_query_string(client: httpx2.Client) -> None:
    with capture_logs() as logs:
        client.get("/graphql", params={"query": "{ hello }"}, headers={"X-Request-Id": "one"})
        client.get("/nowhere?secret=1")
    for entry in logs:
        assert entry.pop("duration_ms") >= 0
        assert entry.pop("event") == "request"
    assert logs[0] == {
        "method": "GET",
        "route": "/graphql",
        "status": 200,
        "request_id": "one",
        "log_level": "info",
    }
    assert (logs[1]["route"], logs[1]["status"]) == ("unmatched", 404)


def test_a_path_that_is_not_there_is_answered_in_the_shape_of_all_errors(client: httpx2.Client) -> None:
    response = client.get("/nowhere")
    assert response.status_code == 404
    assert response.json() == {"errors": [{"message": "Not Found", "extensions": {"code": "NOT_FOUND"}}]}
    assert client.post("/healthz").status_code == 405


def test_an_exception_beside_graphql_is_masked_too() -> None:
    async def fails(_: Request) -> None:
        raise RuntimeError(SECRET_PATH)

    app = Starlette(routes=[Route("/fails", fails)], middleware=middleware())
    with capture_logs() as logs, serve(app) as found:
        response = httpx2.get(f"{found}/fails")
    assert response.status_code == 500
    error = response.json()["errors"][0]
    assert error["extensions"]["code"] == "INTERNAL"
    assert SECRET_PATH not in response.text
    assert logs[0]["reference"] == error["extensions"]["reference"]
    assert logs[1]["status"] == 500


def test_a_schema_whose_extensions_would_be_ignored_is_refused() -> None:
    @strawberry.type
    class Query:
        hello: str = "world"

    with pytest.raises(ValueError, match="extensions"):
        GraphQLView(strawberry.Schema(Query, extensions=[MaskErrors]), lambda *_: None)
