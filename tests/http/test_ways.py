"""Two ways to an answer, by plan and by the ordinary executor: which one is taken, and that a client cannot tell."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from tests.http.conftest import Way
from tests.http.service import schema


@pytest.fixture
def executed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One word for each document that the ordinary executor answers."""
    found: list[str] = []
    build = schema.execution_context_class.build

    def counted(*arguments: Any, **more: Any) -> Any:
        found.append("ordinary")
        return build(*arguments, **more)

    monkeypatch.setattr(schema.execution_context_class, "build", counted)
    return found


@pytest.mark.parametrize(
    "query",
    [
        "{ hello add(a: 1) tree { name child { name } children(first: 3) { name } } }",
        "{ late: slow(seconds: 0.01) remaining }",
        "query A { hello } ",
    ],
)
def test_a_plan_answers_where_plans_are_on(
    client: httpx2.Client, way: Way, executed: list[str], query: str
) -> None:
    assert "errors" not in client.post("/graphql", json={"query": query}).json()
    assert executed == ([] if way["plans"] else ["ordinary"])


@pytest.mark.parametrize(
    "query", ["{ hello boom }", "{ __schema { queryType { name } } }", "mutation { touch }", "{ number }"]
)
def test_the_ordinary_executor_answers_what_no_plan_covers(
    client: httpx2.Client, executed: list[str], query: str
) -> None:
    client.post("/graphql", json={"query": query})
    assert executed == ["ordinary"]


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_skip_and_include_leave_out_is_left_out(client: httpx2.Client, method: str, there: bool) -> None:
    query = (
        "query Q($there: Boolean!) { a: hello @include(if: $there) b: hello @skip(if: $there) "
        '...F @include(if: $there) } fragment F on Query { c: hello(name: "c") }'
    )
    if method == "POST":
        response = client.post("/graphql", json={"query": query, "variables": {"there": there}})
    else:
        variables = json.dumps({"there": there})
        response = client.get("/graphql", params={"query": query, "variables": variables})
    left = {"a": "hello world", "c": "hello c"} if there else {"b": "hello world"}
    assert response.json() == {"data": left}


def test_a_name_chooses_the_operation(client: httpx2.Client) -> None:
    query = 'query A { hello(name: "a") } query B { hello(name: "b") }'
    for name, code in (("A", None), ("B", None), ("C", "BAD_USER_INPUT"), (None, "BAD_USER_INPUT")):
        answer = client.post("/graphql", json={"query": query, "operationName": name}).json()
        if code is None:
            assert answer == {"data": {"hello": f"hello {str(name).lower()}"}}
        else:
            assert [error["extensions"]["code"] for error in answer["errors"]] == [code]


def test_errors_are_at_their_places_beside_what_could_be_answered(client: httpx2.Client) -> None:
    answer = client.post("/graphql", json={"query": "{ hello missing t: tree { name } backend }"}).json()
    assert answer["data"] == {
        "hello": "hello world",
        "missing": None,
        "t": {"name": "tree"},
        "backend": None,
    }
    told = {error["path"][0]: error["extensions"]["code"] for error in answer["errors"]}
    assert told == {"missing": "NOT_FOUND", "backend": "BACKEND_UNAVAILABLE"}
