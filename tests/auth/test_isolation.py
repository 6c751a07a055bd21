"""Two users with disjoint repositories, interleaved: no row, cursor or name crosses, and no token is written anywhere."""

from __future__ import annotations

import json
import random
import threading
from typing import Any

import pytest

from tests.auth.users import ALICE, BOB, CAROL, SEES, Guarded

NODES = "nodes { uuid id ivoid run type { name } repository { name } } pageInfo { endCursor }"
OWN = {ALICE: "hers", BOB: "his", CAROL: "free"}

# Questions with aliases, ids and loaders. What is in capitals is filled with what both users know of each other.
QUESTIONS = [
    '{ repositories { name defaultCollections datasets(query: {type: "*", findFirst: false, collections: ["*"]}, first: 20) { ROWS } } }',
    '{ a: repository(name: "hers") { name } b: repository(name: "his") { name } c: repository(name: "free") { name } }',
    '{ x: datasets(repositories: ["hers"], query: {type: "raw"}, first: 5) { ROWS } y: datasets(repositories: ["his"], query: {type: "raw"}, first: 5) { ROWS } }',
    '{ datasets(repositories: ["free", "his"], query: {type: "*", findFirst: false, collections: ["*"]}, first: 20) { ROWS } }',
    '{ datasets(repositories: ["hers"], query: {type: "*", findFirst: false, collections: ["*"]}, first: 20, after: "CURSOR") { ROWS } }',
    "{ nodes(ids: IDS) { id ... on Dataset { uuid repository { name } } } }",
    "{ a: resolve(identifier: UUID0) { uuid repository { name } } b: resolve(identifier: UUID1) { uuid repository { name } } }",
    "{ a: node(id: ID0) { id ... on Dataset { uuid run repository { name } } } b: node(id: ID1) { id ... on Dataset { uuid run repository { name } } } }",
    "{ viewer { username readable groups } repositories { name collections(first: 3) { nodes { name } } } }",
]


@pytest.fixture(scope="module")
def known(service: Guarded) -> dict[str, Any]:
    """Ids and cursors of every repository, and who they belong to."""
    found: dict[str, Any] = {"owner": {}, "ids": [], "uuids": [], "cursors": []}
    for token, label in OWN.items():
        document = f'{{ datasets(repositories: ["{label}"], query: {{type: "*", findFirst: false, collections: ["*"]}}, first: 1000) {{ {NODES} }} }}'
        page = service.data(token, document)["datasets"]
        assert len(page["nodes"]) > 50
        for node in page["nodes"]:
            assert node["uuid"] not in found["owner"]
            found["owner"][node["uuid"]] = label
            found["ids"].append(node["id"])
            found["uuids"].append(node["uuid"])
        found["cursors"].append(page["pageInfo"]["endCursor"])
    return found


def question(known: dict[str, Any], dice: random.Random) -> str:
    text = dice.choice(QUESTIONS).replace("ROWS", NODES)
    text = text.replace("IDS", json.dumps(dice.sample(known["ids"], 20)))
    for number in "01":
        text = text.replace(f"UUID{number}", json.dumps(dice.choice(known["uuids"])))
        text = text.replace(f"ID{number}", json.dumps(dice.choice(known["ids"])))
    return text.replace("CURSOR", dice.choice(known["cursors"]))


def check(known: dict[str, Any], token: str, answer: dict[str, Any]) -> int:
    """That an answer holds this user's rows only; how many."""
    rows = 0
    stack: list[Any] = [answer.get("data")]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            if "uuid" in value:
                rows += 1
                assert known["owner"][value["uuid"]] in SEES[token]
            if isinstance(value.get("repository"), dict):
                assert value["repository"]["name"] in SEES[token]
            if "username" in value:
                assert set(value["readable"]) == SEES[token]
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    for error in answer.get("errors", ()):
        assert error["extensions"]["code"] in ("NOT_FOUND", "BAD_CURSOR"), error
        assert set(error["extensions"].get("nearest", ())) <= SEES[token]
    text = json.dumps(answer)
    for uuid, label in known["owner"].items():
        if label not in SEES[token]:
            assert uuid not in text
    return rows


def test_no_row_crosses_between_users_who_ask_at_the_same_time(
    service: Guarded, known: dict[str, Any]
) -> None:
    seen = dict.fromkeys(OWN, 0)
    faults: list[BaseException] = []

    def ask(token: str, seed: int) -> None:
        dice = random.Random(seed)
        try:
            for _ in range(40):
                seen[token] += check(known, token, service.ask(token, question(known, dice)))
        except BaseException as fault:  # noqa: BLE001  told below
            faults.append(fault)

    threads = [threading.Thread(target=ask, args=(token, seed)) for seed, token in enumerate(list(OWN) * 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults[0]
    assert all(count > 100 for count in seen.values()), seen


def test_the_same_question_of_two_users_is_two_questions(service: Guarded, known: dict[str, Any]) -> None:
    """Byte for byte the same request, one after the other on the same connection."""
    document = QUESTIONS[0].replace("ROWS", NODES)
    for token in [ALICE, BOB, ALICE, CAROL, BOB]:
        data = service.data(token, document)
        assert {one["name"] for one in data["repositories"]} == SEES[token]
        assert check(known, token, {"data": data}) > 0


def test_tokens_in_every_place_are_written_nowhere(service: Guarded) -> None:
    """The session's end searches all that the process wrote: here is what it should not have."""
    for headers in [
        {"Authorization": f"Bearer {ALICE}"},
        {"Authorization": f"Bearer {ALICE} x"},
        {"Authorization": f"Basic {ALICE}"},
        {"Authorization": f"{ALICE}"},
        {"Authorization": "Bearer gt-canaryUnknownUnknown00.canaryUnknown"},
        {"X-Auth-Request-User": "alice", "X-Auth-Request-Token": ALICE},
        {"Cookie": f"token={ALICE}"},
        {"X-Forwarded-For": ALICE, "X-Api-Key": ALICE},
    ]:
        for http in (service.http, service.ingress):
            for response in (
                http.post("/graphql", json={"query": "{ repositories { name universe } }"}, headers=headers),
                http.post("/graphql", json={"query": "{ nonsense }"}, headers=headers),
                http.post("/graphql", content=b"{", headers={**headers, "Content-Type": "application/json"}),
                http.get("/files/hers/" + "0" * 32, headers=headers),
                http.get("/readyz", headers=headers),
                http.get("/none", headers=headers),
                http.get(f"/graphql?access_token={ALICE}", headers=headers),
            ):
                assert response.status_code < 500
    assert "canary" not in "".join(service.gateway.lines)
    assert any('"event":"request"' in line for line in service.gateway.lines)
