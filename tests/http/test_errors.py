"""What a client may read of an error, and what the log keeps."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from typing import Any

import httpx2
import pytest
from graphql import GraphQLError, parse
from structlog.testing import capture_logs

from adapters.errors import BadCursor
from gateway.http.errors import Masking
from tests.http.service import CANARY, SECRET_PATH

Logs = list[MutableMapping[str, Any]]


@pytest.fixture
def logs() -> Iterator[Logs]:
    with capture_logs() as found:
        yield found


def errors(client: httpx2.Client, query: str, **body: Any) -> list[dict[str, Any]]:
    headers = body.pop("headers", {})
    return client.post("/graphql", json={"query": query, **body}, headers=headers).json()["errors"]


def test_an_unforeseen_exception_is_masked_by_a_reference_that_the_log_has(
    client: httpx2.Client, logs: Logs
) -> None:
    (error,) = errors(client, "{ hello boom }")
    reference = error["extensions"]["reference"]
    assert error["message"] == f"Internal error; quote reference {reference}"
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["path"] == ["boom"]
    assert SECRET_PATH not in json.dumps(error)
    (logged,) = [entry for entry in logs if entry["event"] == "internal error"]
    assert logged["reference"] == reference
    assert "RuntimeError" in logged["traceback"]
    assert "in boom" in logged["traceback"]
    assert logged["request_id"]


def test_what_the_client_sent_never_reaches_the_log(client: httpx2.Client, logs: Logs) -> None:
    token = f"gt-{CANARY}"
    headers = {"Authorization": f"Bearer {token}"}
    quoted = f'{CANARY} "quoted" \\ Ω'
    errors(client, f'{{ boom(text: "{CANARY}") }}', headers=headers)
    errors(client, f'{{ boom(text: "x{CANARY}x") nonsense_{CANARY.replace("-", "_")} }}', headers=headers)
    errors(client, "query ($t: String!) { boom(text: $t) }", variables={"t": quoted}, headers=headers)
    errors(client, "query ($t: String!) { boom(text: $t) }", variables={"t": token}, headers=headers)
    client.get("/graphql", params={"query": f'{{ boom(text: "{CANARY}") }}'})
    client.get(f"/{CANARY}?{CANARY}")
    assert len([entry for entry in logs if entry["event"] == "internal error"]) == 4
    assert len([entry for entry in logs if entry["event"] == "request"]) == 6
    assert CANARY not in json.dumps(logs, default=str)


def test_a_fault_repeated_in_every_row_is_logged_once(client: httpx2.Client, logs: Logs) -> None:
    found = errors(client, "{ booms(count: 500) { name } }")
    assert len(found) - 1 + found[-1]["extensions"]["omitted"] == 500
    assert len({error["extensions"]["reference"] for error in found[:-1]}) == 1
    assert len([entry for entry in logs if entry["event"] == "internal error"]) == 1


def test_a_value_the_service_got_wrong_is_not_shown(client: httpx2.Client) -> None:
    (error,) = errors(client, "{ number }")
    assert error["extensions"]["code"] == "INTERNAL"
    assert SECRET_PATH not in json.dumps(error)


def test_an_error_meant_for_the_caller_goes_out_whole(client: httpx2.Client, logs: Logs) -> None:
    (error,) = errors(client, "{ missing }")
    assert error["message"] == "Unknown collection 'HSC/runs'; did you mean 'HSC/run'?"
    assert error["extensions"] == {"code": "NOT_FOUND", "nearest": ["HSC/run"]}
    assert error["locations"] == [{"line": 1, "column": 3}]
    assert not [entry for entry in logs if entry["event"] == "internal error"]


def test_the_cause_of_an_error_meant_for_the_caller_stays_inside(client: httpx2.Client) -> None:
    (error,) = errors(client, "{ backend }")
    assert error["extensions"] == {"code": "BACKEND_UNAVAILABLE", "repository": "hsc"}
    assert SECRET_PATH not in json.dumps(error)


def test_a_backend_that_is_late_is_a_timeout_of_its_field(client: httpx2.Client) -> None:
    (error,) = errors(client, "{ hello late }")
    assert error["extensions"]["code"] == "TIMEOUT"


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("{ nonsense }", {}),
        ("{ add }", {}),
        ('{ add(a: "x") }', {}),
        ("query ($a: Int!) { add(a: $a) }", {"a": 2**40}),
        ("query ($a: Int) { add(a: $a) }", {}),
        ("query ($b: Int = 1) { add(a: 1, b: $b) }", {"b": None}),
        ("query ($b: Box!) { box(box: $b) }", {"b": {"nonsense": 1}}),
        ("query ($id: Long!) { exposure(id: $id) }", {"id": "x"}),
        ("query ($id: Long!) { exposure(id: $id) }", {"id": None}),
    ],
)
def test_graphqls_own_verdict_on_input_is_shown(
    client: httpx2.Client, query: str, variables: dict[str, Any]
) -> None:
    for error in errors(client, query, variables=variables):
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["locations"]


def test_a_scalar_that_breaks_is_masked_and_one_that_objects_is_not(logs: Logs) -> None:
    node = parse("{ a }").definitions[0]

    def refused(fault: Exception) -> tuple[int, dict[str, Any]]:
        wrapped = GraphQLError(f"Expected Long, but encountered '{fault}'", node, original_error=fault)
        refusal = Masking().request_errors([wrapped])
        return refusal.status, refusal.errors[0]

    status, error = refused(OSError(SECRET_PATH))
    assert (status, error["extensions"]["code"]) == (500, "INTERNAL")
    assert SECRET_PATH not in json.dumps(error)
    status, error = refused(BadCursor("no cursor", given="x"))
    assert (status, error["extensions"]) == (400, {"given": "x", "code": "BAD_CURSOR"})
    status, error = refused(ValueError("no number"))
    assert (status, error["extensions"]) == (400, {"code": "BAD_USER_INPUT"})
    assert "no number" in error["message"]


def test_a_misspelt_field_is_answered_with_the_nearest(client: httpx2.Client) -> None:
    assert "Did you mean 'hello'" in errors(client, "{ helo }")[0]["message"]


def test_a_context_that_cannot_be_made_is_answered_for_the_whole_request(
    client: httpx2.Client, logs: Logs
) -> None:
    for fail, status, code in (("unavailable", 503, "BACKEND_UNAVAILABLE"), ("bug", 500, "INTERNAL")):
        response = client.post("/graphql", json={"query": "{ hello }"}, headers={"X-Fail": fail})
        assert response.status_code == status
        assert response.json()["errors"][0]["extensions"]["code"] == code
        assert SECRET_PATH not in response.text


def test_an_answer_that_json_cannot_hold_is_masked(client: httpx2.Client, logs: Logs) -> None:
    response = client.post("/graphql", json={"query": "{ unspeakable }"})
    assert response.status_code == 500
    assert response.json()["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert SECRET_PATH not in response.text


def test_a_number_of_any_length_is_no_fault(client: httpx2.Client) -> None:
    huge = 10**30
    response = client.post("/graphql", json={"query": f"{{ echo(value: {huge}) }}"})
    assert response.json() == {"data": {"echo": huge}}


def test_one_mistake_under_a_long_list_is_told_a_few_times_and_counted() -> None:
    from graphql import GraphQLError

    from adapters.errors import BadUserInput
    from gateway.http.errors import MOST_ALIKE, Masking

    wrong = BadUserInput("no such element")
    errors = [
        GraphQLError("no such element", path=["nodes", n, "record"], original_error=wrong) for n in range(500)
    ]
    told = Masking().field_errors(errors)
    assert len(told) == MOST_ALIKE + 1
    assert [error["path"][1] for error in told[:-1]] == list(range(MOST_ALIKE))
    assert told[-1]["extensions"] == {"code": "BAD_USER_INPUT", "omitted": 500 - MOST_ALIKE}
    other = GraphQLError(
        "something else", path=["nodes", 0, "type"], original_error=BadUserInput("something else")
    )
    assert len(Masking().field_errors([*errors, other])) == MOST_ALIKE + 2
