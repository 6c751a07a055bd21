"""How a client asks and in which form it is answered: methods, media types, operations, headers."""

from __future__ import annotations

import json

import httpx2
import pytest

from gateway.http.negotiate import GRAPHQL, JSON, response_type
from gateway.http.refusal import Refusal
from tests.http.service import serve, service


def ask(client: httpx2.Client, query: str, accept: str = JSON, **body: object) -> httpx2.Response:
    return client.post("/graphql", json={"query": query, **body}, headers={"Accept": accept})


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        ("application/json", JSON),
        ("Application/JSON; charset=utf-8", JSON),
        ("application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json; charset=utf-8", GRAPHQL),
        ("application/graphql-response+json,application/json;q=0.9", GRAPHQL),
        ("application/json, application/graphql-response+json", GRAPHQL),
        ("application/graphql-response+json;q=0.4, application/json;q=0.9", JSON),
        ("application/graphql-response+json;q=0.4, */*", JSON),
        ("application/graphql-response+json;q=0, */*;q=0.1", JSON),
        ("application/json;q=0, application/graphql-response+json;q=0.1", GRAPHQL),
        ("application/json;q=nonsense, application/graphql-response+json", GRAPHQL),
        ("application/json;q=0, */*", GRAPHQL),
        ("application/json;q=0, application/*;q=0.1", GRAPHQL),
    ],
)
def test_the_media_type_is_the_one_the_client_prefers(accept: str | None, chosen: str) -> None:
    assert response_type(accept) == chosen


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "image/*",
        "application/json;q=0",
        "application/json;q=0, application/graphql-response+json;q=0, */*",
        "application/json;q=0, application/*;q=0, */*",
        "*/*;q=0",
        ";;;",
        ",",
        "a;q=7",
    ],
)
def test_a_client_that_wants_neither_media_type_gets_406(client: httpx2.Client, accept: str) -> None:
    with pytest.raises(Refusal):
        response_type(accept)
    response = ask(client, "{ hello }", accept)
    assert response.status_code == 406
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("{ hello", {}),
        ("{ nonsense }", {}),
        ("query ($a: Int!) { add(a: $a) }", {"variables": {"a": "text"}}),
        ("query ($a: Int!) { add(a: $a) }", {}),
        ("query A { hello }", {"operationName": "B"}),
        ("{ " + "tree { " * 30 + "name" + " }" * 31, {}),
    ],
)
def test_a_request_that_fails_before_execution_has_no_data_and_the_status_of_its_media_type(
    client: httpx2.Client, query: str, body: dict[str, object]
) -> None:
    for accept, status in ((JSON, 200), (GRAPHQL, 400)):
        response = ask(client, query, accept, **body)
        assert response.status_code == status
        assert response.headers["content-type"] == f"{accept}; charset=utf-8"
        assert "data" not in response.json()


def test_a_field_that_fails_leaves_the_rest_and_the_status(client: httpx2.Client) -> None:
    for accept in (JSON, GRAPHQL):
        response = ask(client, "{ hello missing }", accept)
        assert response.status_code == 200
        assert response.json()["data"] == {"hello": "hello world", "missing": None}


def test_one_of_several_operations_is_chosen_by_name(client: httpx2.Client) -> None:
    document = 'query A { a: hello } query B { b: hello(name: "b") }'
    assert ask(client, document, operationName="B").json() == {"data": {"b": "hello b"}}


def test_get_takes_what_post_takes(client: httpx2.Client) -> None:
    parameters = {
        "query": "query A($a: Int!) { add(a: $a) } query B { hello }",
        "variables": json.dumps({"a": 5}),
        "operationName": "A",
        "extensions": "{}",
        "other": "ignored",
    }
    response = client.get("/graphql", params=parameters)
    assert response.json() == {"data": {"add": 5}}
    empty = {"query": "{ hello }", "variables": "", "operationName": "", "extensions": ""}
    assert client.get("/graphql", params=empty).json() == {"data": {"hello": "hello world"}}


@pytest.mark.parametrize(
    "query_string",
    [
        "",
        "query=",
        "variables={}",
        "query={hello}&variables=5",
        "query={hello}&variables=[]",
        "query={hello}&variables={",
        'query={hello}&variables={"a":NaN}',
        'query={hello}&variables={"a":"\\u0000"}',
        "query={hello}&extensions=null&extensions=null",
        "query={hello}&query={boom}",
        "query=%FF",
        "query={hello}%00",
        "query=%ED%A0%80",
        "&".join(["query={hello}"] + ["x=1"] * 200),
    ],
)
def test_a_bad_url_gets_400(client: httpx2.Client, query_string: str) -> None:
    response = client.get(f"/graphql?{query_string}", headers={"Accept": GRAPHQL})
    assert response.status_code == 400
    assert response.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


def test_a_mutation_by_get_gets_405_and_is_not_run(client: httpx2.Client) -> None:
    for accept in (JSON, GRAPHQL):
        response = client.get("/graphql", params={"query": "mutation { touch }"}, headers={"Accept": accept})
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
    both = "query A { hello } mutation B { touch }"
    assert client.get("/graphql", params={"query": both, "operationName": "B"}).status_code == 405
    assert client.get("/graphql", params={"query": both, "operationName": "A"}).status_code == 200
    assert ask(client, "mutation { touch }").json() == {"data": {"touch": "touched"}}


def test_answers_are_not_stored_nor_sniffed_and_vary_by_what_they_depend_on(client: httpx2.Client) -> None:
    for response in (ask(client, "{ hello }"), ask(client, "{"), client.put("/graphql")):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["vary"] == "Accept, Origin, Accept-Encoding"
        assert response.headers["x-request-id"]


def test_the_cost_is_published_when_there_is_one(client: httpx2.Client) -> None:
    found = ask(client, "{ tree { children(first: 3) { children(first: 5) { name } } } }").json()
    assert found["extensions"] == {"cost": 3 + 3 * 5}
    assert "extensions" not in ask(client, "{ hello }").json()


def test_a_level_past_the_budget_is_refused_and_the_rest_stays(client: httpx2.Client) -> None:
    found = ask(client, "{ hello tree { name children(first: 1000001) { name } } }").json()
    assert found["errors"][0]["extensions"] == {
        "code": "QUERY_TOO_COMPLEX",
        "what": "cost",
        "limit": 1_000_000,
        "actual": 1_000_001,
    }
    assert found["errors"][0]["path"] == ["tree", "children"]


def test_integers_past_2_to_the_31_go_both_ways_exactly(client: httpx2.Client) -> None:
    query = "query ($id: Long!) { exposure(id: $id) }"
    for number in (2**31, 2**53, 2**63 - 1):
        assert ask(client, query, variables={"id": number}).json() == {"data": {"exposure": number}}


def test_a_page_of_another_origin_is_refused_unless_it_is_allowed() -> None:
    query = {"query": "{ hello }"}
    with (
        serve(service(origins=("https://portal.example",))[0]) as found,
        httpx2.Client(base_url=found, timeout=60) as client,
    ):

        def status(**headers: str) -> tuple[int, int]:
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            get = client.get("/graphql", params=query, headers=sent)
            post = client.post("/graphql", json=query, headers=sent)
            return get.status_code, post.status_code

        foreign, allowed = "https://evil.example", "https://portal.example"
        for site in ("cross-site", "same-site"):
            assert status(Sec_Fetch_Site=site) == (403, 403)
            assert status(Sec_Fetch_Site=site, Origin=foreign) == (403, 403)
            assert status(Sec_Fetch_Site=site, Origin="null") == (403, 403)
            assert status(Sec_Fetch_Site=site, Origin=allowed) == (200, 200)
            assert status(Sec_Fetch_Site=site, Origin=foreign, Authorization="Bearer x") == (200, 200)
            assert status(Sec_Fetch_Site=site, Authorization="Bearer x", Cookie="a=b") == (403, 403)
        for site in ("same-origin", "none"):
            assert status(Sec_Fetch_Site=site) == (200, 200)
        assert status() == (200, 200)

        def preflight(origin: str) -> httpx2.Response:
            headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            return client.options(
                "/graphql", headers=headers | {"Access-Control-Request-Headers": "content-type"}
            )

        assert preflight(allowed).headers["access-control-allow-origin"] == allowed
        assert "access-control-allow-credentials" not in preflight(allowed).headers
        assert "access-control-allow-origin" not in preflight(foreign).headers


def test_without_configured_origins_no_page_is_allowed_in(client: httpx2.Client) -> None:
    headers = {"Origin": "https://portal.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in client.options("/graphql", headers=headers).headers
