"""A result belongs to the caller who saved it, and shows nothing that this caller may not see any more."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.adapters.repositories import build
from tests.auth.stand_in import Gafaelfawr
from tests.auth.users import ALICE, BOB, CAROL, INGRESS, USERS, Guarded
from tests.demonstration import COMMAND, running
from tests.results.serving import SAVE, held_up

LOOK = """query($id: ID!) { result(id: $id) { id phase query rows(first: 1) { nodes } facets(by: ["run"]) { items { count } }
    datasets(first: 1) { nodes { uuid } } columns { name } } }"""
DELETE = "mutation($id: ID!) { deleteResult(id: $id) }"


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    root = tmp_path_factory.mktemp("repositories")
    built = [build(root / label, seed=seed, exposures=3) for seed, label in enumerate(("hers", "free"), 8)]
    yield {label: root / label for label in ("hers", "free")}
    for one in built:
        one.close()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, homes: dict[str, Path]) -> Iterator[Guarded]:
    """A gateway where alice reads ``hers``, and everybody ``free``, without a token too."""
    folder = tmp_path_factory.mktemp("guarded")
    gafaelfawr = Gafaelfawr()
    gafaelfawr.users = dict(USERS)
    with gafaelfawr.served() as url:
        content = {
            "repositories": {
                "hers": {"uri": str(homes["hers"]), "collections": ["HSC/defaults"], "read": ["g_hers"]},
                "free": {"uri": str(homes["free"]), "collections": ["HSC/defaults"]},
            },
            "auth": {"mode": "gafaelfawr", "url": url, "proxies": [INGRESS], "seconds": 1, "anonymous": True},
            "results": {"max_results_each": 4, "max_running_each": 1, "wait": 0.5},
            "state": str(folder / "state"),
            "log": {"level": "DEBUG", "format": "json"},
        }
        (folder / "gateway.yaml").write_text(yaml.safe_dump(content))
        with running([COMMAND, "serve", "--config", folder / "gateway.yaml", "--port", 0]) as gateway:
            found = Guarded(gateway, gafaelfawr, folder)
            yield found
        found.nothing_leaked()


def save(service: Guarded, token: str | None, *labels: str) -> str:
    saved = service.data(token, SAVE, repositories=list(labels), query={"type": "raw"})["saveResult"]
    return ended(service, token, saved["id"])


def ended(service: Guarded, token: str | None, id: str) -> str:
    """The id of a result that is COMPLETED, sooner or later."""
    while (phase := service.data(token, LOOK, id=id)["result"]["phase"]) in ("PENDING", "EXECUTING"):
        time.sleep(0.05)
    assert phase == "COMPLETED"
    return id


def error(answer: dict[str, Any]) -> dict[str, Any]:
    (found,) = answer["errors"]
    assert not any((answer.get("data") or {}).values())
    return {"message": found["message"], **found["extensions"]}


def test_another_caller_is_told_what_is_told_of_an_unknown_id(service: Guarded) -> None:
    id = save(service, ALICE, "hers")
    own = save(service, ALICE, "free")
    unknown = error(service.ask(BOB, LOOK, id="A" * 22))
    assert unknown["code"] == "NOT_FOUND"
    for token in (BOB, CAROL, None):
        for one in (id, own):
            assert error(service.ask(token, LOOK, id=one)) == unknown
            assert error(service.ask(token, DELETE, id=one)) == unknown
    assert service.data(ALICE, LOOK, id=id)["result"]["rows"]["nodes"]
    for one in (id, own):
        assert service.data(ALICE, DELETE, id=one) == {"deleteResult": one}


def test_what_was_saved_without_a_name_belongs_to_whoever_knows_its_id(service: Guarded) -> None:
    id = save(service, None, "free")
    for token in (None, CAROL, ALICE):
        assert service.data(token, LOOK, id=id)["result"]["rows"]["nodes"]
    assert service.data(CAROL, DELETE, id=id) == {"deleteResult": id}


def test_a_result_cannot_be_saved_of_a_repository_that_is_not_seen(service: Guarded) -> None:
    for token in (BOB, None):
        hidden = error(service.ask(token, SAVE, repositories=["free", "hers"], query={"type": "raw"}))
        unknown = error(service.ask(token, SAVE, repositories=["free", "hurz"], query={"type": "raw"}))
        assert (hidden["code"], hidden["message"]) == (
            unknown["code"],
            unknown["message"].replace("hurz", "hers"),
        )


def test_who_may_not_see_a_repository_any_more_sees_no_result_of_it(service: Guarded) -> None:
    both, free = save(service, ALICE, "free", "hers"), save(service, ALICE, "free")
    name, groups = USERS[ALICE]
    service.gafaelfawr.users[ALICE] = (name, [group for group in groups if group != "g_hers"])
    try:
        time.sleep(1.2)  # a verdict about a token is believed for a second here
        assert service.data(ALICE, "{ viewer { readable } }")["viewer"]["readable"] == ["free"]
        assert error(service.ask(ALICE, LOOK, id=both)) == error(service.ask(ALICE, LOOK, id="A" * 22))
        assert service.data(ALICE, LOOK, id=free)["result"]["rows"]["nodes"]
    finally:
        service.gafaelfawr.users[ALICE] = (name, groups)
    time.sleep(1.2)
    assert service.data(ALICE, LOOK, id=both)["result"]["rows"]["nodes"], "and again, who may again"
    for id in (both, free):
        service.data(ALICE, DELETE, id=id)


def test_a_user_saves_so_many_at_a_time_and_keeps_so_many(service: Guarded, homes: dict[str, Path]) -> None:
    saved = [save(service, CAROL, "free") for _ in range(3)]
    with held_up(homes["free"]):
        answer = service.data(CAROL, SAVE, repositories=["free"], query={"type": "raw"})["saveResult"]
        assert answer["phase"] == "EXECUTING"
        busy = error(service.ask(CAROL, SAVE, repositories=["free"], query={"type": "raw"}))
        assert (busy["code"], busy["limit"]) == ("TOO_MANY_REQUESTS", 1)
        other = service.data(BOB, SAVE, repositories=["free"], query={"type": "raw"})["saveResult"]
        assert other["phase"] == "EXECUTING", "one user's do not take another's places"
    for token, id in ((CAROL, answer["id"]), (BOB, other["id"])):
        ended(service, token, id)
    full = error(service.ask(CAROL, SAVE, repositories=["free"], query={"type": "raw"}))
    assert (full["code"], full["limit"]) == ("TOO_MANY_REQUESTS", 4)
    for id in (*saved, answer["id"]):
        service.data(CAROL, DELETE, id=id)
    service.data(CAROL, DELETE, id=save(service, CAROL, "free"))
    service.data(BOB, DELETE, id=other["id"])
