"""Tables, links and saved results are for whom the repositories are; their addresses hold no token and give nobody a right."""

from __future__ import annotations

from typing import Any

import httpx2

from tests.auth.users import ALICE, BOB, CAROL, Guarded

RAWS = """query Q($label: String!, $among: [DataIdMap!]) { repository(name: $label) {
    datasets(query: {type: "raw", collections: ["*"], among: $among}, first: 2) { nodes { ivoid datalink } table { url } } } }"""


def get(service: Guarded, token: str | None, url: str) -> httpx2.Response:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return service.http.get(url, headers=headers)


def his(service: Guarded, **variables: Any) -> Any:
    """What bob is told of his repository, which alice may not see."""
    return service.data(BOB, RAWS, label="his", **variables)["repository"]["datasets"]


def test_an_address_of_a_table_gives_nobody_a_right(service: Guarded) -> None:
    url = his(service)["table"]["url"]
    assert "canary" not in url
    assert get(service, BOB, url).status_code == 200
    for other in (ALICE, CAROL):
        refused = get(service, other, url)
        assert refused.status_code == 404
        assert b"his" not in refused.content.replace(b"'his'", b"")


def test_without_a_token_tables_and_links_answer_with_both_challenges(service: Guarded) -> None:
    found = his(service)
    for url in (found["table"]["url"], found["nodes"][0]["datalink"]):
        response = get(service, None, url)
        assert response.status_code == 401
        challenges = response.headers["www-authenticate"]
        assert "Bearer" in challenges
        assert "Basic" in challenges
        assert b'value="ERROR"' in response.content


def test_basic_will_do_with_the_token_in_either_field(service: Guarded) -> None:
    found = his(service)
    for url in (found["table"]["url"], found["nodes"][0]["datalink"]):
        for pair in ((BOB, ""), ("x-oauth-basic", BOB)):
            assert service.http.get(url, auth=pair).status_code == 200


def test_a_question_that_was_kept_is_its_callers(service: Guarded) -> None:
    among = [{"exposure": 2**31 + number, "detector": number * 7919 % 1000} for number in range(5_000)]
    url = his(service, among=among)["table"]["url"]
    assert "KEPT=" in url
    assert get(service, BOB, url).status_code == 200
    assert get(service, ALICE, url).status_code == 400


def test_a_hidden_dataset_has_no_links_and_looks_as_if_it_were_not(service: Guarded) -> None:
    dataset = his(service)["nodes"][0]
    assert b"#flat" in get(service, BOB, dataset["datalink"]).content
    hidden = get(service, ALICE, dataset["datalink"])
    nowhere = get(service, ALICE, dataset["datalink"].replace("repo%3Dhis", "repo%3Dhos"))
    assert hidden.status_code == nowhere.status_code == 200
    assert hidden.content.replace(b"repo=his", b"repo=hos") == nowhere.content
    assert b"NotFoundFault" in hidden.content


def test_a_saved_result_is_its_callers(service: Guarded) -> None:
    saved = service.data(
        BOB,
        'mutation { saveResult(repositories: ["his"], query: {type: "raw", collections: ["*"]}) { id phase table { url } } }',
    )["saveResult"]
    assert saved["phase"] == "COMPLETED"
    assert get(service, BOB, saved["table"]["url"]).status_code == 200
    assert get(service, ALICE, saved["table"]["url"]).status_code == 404
    errors = service.ask(ALICE, '{ result(id: "%s") { rowCount } }' % saved["id"])["errors"]  # noqa: UP031
    assert errors[0]["extensions"]["code"] == "NOT_FOUND"
