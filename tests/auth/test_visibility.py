"""A repository that a caller may not see is absent everywhere, and told like one that does not exist."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from uuid import UUID, uuid4

import pytest

from adapters.caller import Call, Caller
from adapters.errors import Forbidden, NotFound
from gateway.auth.access import Access
from gateway.limits import Budget, Limits
from resolvers.context import Context
from tests.auth.users import ALICE, BOB, CAROL, SEES, Guarded

HIDDEN, NONE = "his", "hos"
"""What alice may not see, and what does not exist: as far as she can tell, both are of one kind, and as near to what she sees."""

LIST = """query L($repositories: [String!]!, $after: String, $first: Int = 3) {
  datasets(repositories: $repositories, query: {type: "*", findFirst: false, collections: ["*"]}, first: $first, after: $after) {
    nodes { uuid id ivoid repository { name } } pageInfo { endCursor hasNextPage } completeness { state unavailable } explain
  }
}"""


def datasets(service: Guarded, token: str, label: str, first: int = 3) -> Any:
    return service.data(token, LIST, repositories=[label], first=first)["datasets"]


def node_id(*parts: str) -> str:
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


WAYS: dict[str, tuple[str, str]] = {
    "by name": ("{{ repository(name: {label!j}) {{ name description universe }} }}", ""),
    "beside what may be seen": (
        '{{ a: repository(name: {label!j}) {{ name }} b: repository(name: "free") {{ name }} }}',
        "",
    ),
    "in a search path": (LIST, '{{"repositories": [{label!j}]}}'),
    "at the end of a search path": (LIST, '{{"repositories": ["free", {label!j}]}}'),
    "at the beginning of a search path": (LIST, '{{"repositories": [{label!j}, "free"]}}'),
    "by cursor": (LIST, '{{"repositories": [{label!j}], "after": {cursor!j}}}'),
    "by the id of a dataset": ("{{ node(id: {dataset!j}) {{ id __typename }} }}", ""),
    "by the id of a repository": ("{{ node(id: {repository!j}) {{ id __typename }} }}", ""),
    "by the id of a collection": ("{{ node(id: {collection!j}) {{ id __typename }} }}", ""),
    "by the id of a type": ("{{ node(id: {type!j}) {{ id __typename }} }}", ""),
    "by the id of a quantum": ("{{ node(id: {quantum!j}) {{ id __typename }} }}", ""),
    "by several ids": ("{{ nodes(ids: [{dataset!j}, {repository!j}]) {{ id }} }}", ""),
    "by ivoid": ("{{ resolve(identifier: {ivoid!j}) {{ uuid }} }}", ""),
    "by the old address": ("{{ resolve(identifier: {butler!j}) {{ uuid }} }}", ""),
    "by uuid": ("{{ resolve(identifier: {uuid!j}) {{ uuid }} }}", ""),
    "what does not parse": ("{{ repository(name: {label!j}) {{ nonsense }} }}", ""),
    "explain": (
        '{{ datasets(repositories: [{label!j}], query: {{type: "nonsense"}}) {{ explain totalCount }} }}',
        "",
    ),
}


def filled(template: str, label: str, uuid: str, cursor: str) -> str:
    words = {
        "label": label,
        "cursor": cursor,
        "uuid": uuid,
        "dataset": node_id("Dataset", label, UUID(uuid).hex),
        "quantum": node_id("Quantum", label, UUID(uuid).hex),
        "repository": node_id("Repository", label),
        "collection": node_id("Collection", label, "HSC/defaults"),
        "type": node_id("DatasetType", label, "raw"),
        "ivoid": f"ivo://org.example/{label}?repo={label}&id={uuid}",
        "butler": f"butler://{label}/{uuid}",
    }
    spelled = re.sub(
        r"\{(\w+)!j\}",
        lambda found: json.dumps(words[found[1]]).replace("{", "{{").replace("}", "}}"),
        template,
    )
    return spelled.replace("{{", "{").replace("}}", "}")


@pytest.mark.parametrize("way", WAYS)
def test_hidden_and_absent_are_answered_alike(service: Guarded, way: str) -> None:
    page = datasets(service, BOB, HIDDEN)
    (real, *_), cursor = page["nodes"], page["pageInfo"]["endCursor"]
    document, variables = WAYS[way]
    answers = []
    for label, uuid in ((HIDDEN, real["uuid"]), (NONE, str(uuid4()))):
        body: dict[str, Any] = {"query": document if variables else filled(document, label, uuid, cursor)}
        if variables:
            body["variables"] = json.loads(filled(variables, label, uuid, cursor))
        response = service.http.post("/graphql", json=body, headers={"Authorization": f"Bearer {ALICE}"})
        headers = {
            name: value
            for name, value in response.headers.items()
            if name not in ("date", "x-request-id", "content-length")
        }
        answers.append((response.status_code, headers, response.text.replace(label, "?")))
    assert answers[0] == answers[1]
    assert real["uuid"] not in answers[0][2]


def test_the_ways_lead_somewhere_for_those_who_may_see(service: Guarded) -> None:
    """Or else they would all look alike for want of an answer."""
    page = datasets(service, BOB, HIDDEN)
    (real, *_), cursor = page["nodes"], page["pageInfo"]["endCursor"]
    for way in (
        "by name",
        "by cursor",
        "by the id of a dataset",
        "by the id of a type",
        "by ivoid",
        "by uuid",
    ):
        document, variables = WAYS[way]
        text = document if variables else filled(document, HIDDEN, real["uuid"], cursor)
        given = json.loads(filled(variables, HIDDEN, real["uuid"], cursor)) if variables else {}
        data = service.data(BOB, text, **given)
        assert all(value is not None for value in data.values()), way


def test_files_of_a_hidden_repository_are_not_there(service: Guarded) -> None:
    document = """{ repository(name: "his") { datasets(query: {type: "*", collections: ["*"]}, first: 500)
      { nodes { uuid files { url } } } } }"""
    nodes = service.data(BOB, document)["repository"]["datasets"]["nodes"]
    url = next(node["files"][0]["url"] for node in nodes if node["files"])
    assert service.http.get(url, headers={"Authorization": f"Bearer {BOB}"}).status_code == 200
    answers = []
    for address in (
        url,
        url.replace("/files/his/", "/files/hos/"),
        re.sub(r"[0-9a-f-]{32,36}", str(uuid4()), url),
    ):
        answer = service.http.get(address, headers={"Authorization": f"Bearer {ALICE}"})
        headers = {n: v for n, v in answer.headers.items() if n not in ("date", "x-request-id")}
        answers.append((answer.status_code, headers, answer.text))
    assert answers[0] == answers[1] == answers[2] and answers[0][0] == 404


def test_lists_and_suggestions_name_what_may_be_seen_alone(service: Guarded) -> None:
    for token, labels in SEES.items():
        assert {
            one["name"] for one in service.data(token, "{ repositories { name } }")["repositories"]
        } == labels
        for near in ("his1", "her", "hi", "hers ", "free1", "HIS", "HERS"):
            error = service.ask(token, f'{{ repository(name: "{near}") {{ name }} }}')["errors"][0]
            assert error["extensions"]["code"] == "NOT_FOUND"
            assert set(error["extensions"]["nearest"]) <= labels
            assert set(re.findall(r"'(\w+)'", error["message"])) - {near} <= labels


def test_readiness_tells_of_what_may_be_seen_alone(service: Guarded) -> None:
    def told(token: str | None) -> set[str]:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        response = service.http.get("/readyz", headers=headers)
        assert response.status_code == 200 and response.json()["status"] == "ready"
        return set(response.json()["repositories"])

    for token, labels in SEES.items():
        assert told(token) == labels
    assert told(None) == told("gt-nobody") == set()
    assert service.http.get("/healthz").json() == {"status": "ok"}


def test_a_cursor_of_another_users_list_shows_nothing_of_it(service: Guarded) -> None:
    page = datasets(service, BOB, "his")
    cursor = page["pageInfo"]["endCursor"]
    hers = {node["uuid"] for node in datasets(service, ALICE, "hers", 1000)["nodes"]}
    theirs = {node["uuid"] for node in datasets(service, BOB, "his", 1000)["nodes"]}
    for labels in (["hers"], ["free"], ["hers", "free"]):
        answer = service.ask(ALICE, LIST, repositories=labels, after=cursor)
        assert answer["errors"][0]["extensions"]["code"] == "BAD_CURSOR"
    assert not hers & theirs


class Named:
    """As much of a repository as its absence needs."""


def context(
    groups: set[str], read: dict[str, tuple[str, ...] | None], write: dict[str, tuple[str, ...]]
) -> Context:
    caller = Caller("alice", frozenset(groups))
    access = Access({label: Named() for label in read}, read)  # type: ignore[misc]
    return Context(
        repositories=access.readable(caller),
        writers=write,
        call=Call(caller),
        budget=Budget(1),
        limits=Limits(),
        base_url="https://gateway.example",
    )


def test_what_may_be_seen_and_not_written_is_forbidden_with_what_is_missing() -> None:
    read = {"mine": ("g",), "yours": ("h",), "all": None}
    found = context({"g"}, read, {"mine": ("w",), "yours": ("g",)})
    with pytest.raises(Forbidden) as forbidden:
        found.scope_to_write("mine")
    assert forbidden.value.details == {"repository": "mine", "missing": "write", "groups": ["w"]}
    with pytest.raises(Forbidden) as forbidden:
        found.scope_to_write("all")
    assert forbidden.value.details["groups"] == []
    # Who may write and not see: it does not exist.
    with pytest.raises(NotFound) as hidden:
        found.scope_to_write("yours")
    with pytest.raises(NotFound) as absent:
        found.scope_to_write("yourz")
    assert hidden.value.message.replace("yours", "yourz") == absent.value.message
    assert context({"g", "w"}, read, {"mine": ("w",)}).scope_to_write("mine").label == "mine"
    assert context(set(), {"all": None}, {"all": ("*",)}).scope_to_write("all").label == "all"


def test_who_reads_what() -> None:
    repositories: Any = {"a": 1, "b": 2, "c": 3, "d": 4}
    access = Access(repositories, {"a": None, "b": ("*",), "c": ("g", "h"), "d": ("x",)})

    def labels(name: str | None, *groups: str) -> list[str]:
        return list(access.readable(Caller(name, frozenset(groups))))

    assert labels(None) == ["a"]
    assert labels(None, "g", "*") == ["a"]
    assert labels("alice") == labels("alice", "*") == ["a", "b"]
    assert labels("alice", "h") == ["a", "b", "c"] and labels("alice", "G") == ["a", "b"]
    assert list(Access(repositories, dict.fromkeys(repositories)).readable(Caller())) == ["a", "b", "c", "d"]


def test_one_user_after_the_other_sees_their_own(service: Guarded) -> None:
    document = "{ viewer { readable } repositories { name } }"
    for token in (ALICE, BOB, CAROL) * 5:
        data = service.data(token, document)
        assert set(data["viewer"]["readable"]) == {one["name"] for one in data["repositories"]} == SEES[token]
