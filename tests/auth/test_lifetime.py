"""Over sockets: revocation after the configured second, an authority that is down, and requests that need no token."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.auth.users import ALICE, BOB, USERS, Guarded, guarded

ASK = "{ viewer { username readable } }"


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory, repositories: dict[str, Path]) -> Iterator[Guarded]:
    """A gateway that believes for a second, and lets in who says nothing."""
    with guarded(tmp_path_factory.mktemp("quick"), repositories, seconds=1, anonymous=True) as found:
        yield found
    found.nothing_leaked()


@pytest.fixture(autouse=True)
def as_it_was(quick: Guarded) -> Iterator[None]:
    yield
    quick.gafaelfawr.users = dict(USERS)
    quick.gafaelfawr.status, quick.gafaelfawr.pause = 200, 0.0
    time.sleep(1.1)


def test_revocation_takes_effect_after_a_second(quick: Guarded) -> None:
    assert quick.data(ALICE, ASK)["viewer"] == {"username": "alice", "readable": ["hers", "free"]}
    del quick.gafaelfawr.users[ALICE]
    began = time.monotonic()
    while (response := quick.post(ALICE, ASK)).status_code == 200:
        assert response.json()["data"]["viewer"]["username"] == "alice"
        assert time.monotonic() - began < 15
        time.sleep(0.05)
    assert response.status_code == 401 and 'error="invalid_token"' in response.headers["www-authenticate"]
    assert (
        quick.http.get("/files/hers/" + "0" * 32, headers={"Authorization": f"Bearer {ALICE}"}).status_code
        == 401
    )


def test_a_group_that_was_left_takes_its_repositories_along(quick: Guarded) -> None:
    assert quick.data(BOB, ASK)["viewer"]["readable"] == ["his", "free"]
    quick.gafaelfawr.users[BOB] = ("bob", [])
    time.sleep(1.1)
    assert quick.data(BOB, ASK)["viewer"]["readable"] == ["free"]
    assert (
        quick.ask(BOB, '{ repository(name: "his") { name } }')["errors"][0]["extensions"]["code"]
        == "NOT_FOUND"
    )


@pytest.mark.parametrize("status", [500, 503])
def test_nothing_is_shown_while_the_authority_is_down(quick: Guarded, status: int) -> None:
    quick.gafaelfawr.status = status
    response = quick.post(ALICE, ASK)
    assert response.status_code == 503 and int(response.headers["retry-after"]) > 0
    (error,) = response.json()["errors"]
    assert error["extensions"] == {"code": "BACKEND_UNAVAILABLE", "retry": True}
    assert "data" not in response.json() and quick.gafaelfawr.address not in response.text
    # Others are not held up, and probes neither.
    assert quick.data(None, ASK)["viewer"] == {"username": None, "readable": ["free"]}
    assert quick.http.get("/readyz", headers={"Authorization": f"Bearer {ALICE}"}).status_code == 200


def test_who_says_nothing_sees_what_is_public(quick: Guarded) -> None:
    document = "{ viewer { username authenticated groups readable writable } repositories { name } }"
    assert quick.data(None, document) == {
        "viewer": {
            "username": None,
            "authenticated": False,
            "groups": [],
            "readable": ["free"],
            "writable": [],
        },
        "repositories": [{"name": "free"}],
    }
    assert set(quick.http.get("/readyz").json()["repositories"]) == {"free"}


def test_who_says_something_wrong_is_not_nobody(quick: Guarded) -> None:
    assert quick.post("gt-unknown", ASK).status_code == 401
    response = quick.http.post("/graphql", json={"query": ASK}, headers={"Authorization": "Bearer"})
    assert response.status_code == 400


def test_a_look_up_that_takes_long_is_shared_and_ends_at_the_deadline(quick: Guarded) -> None:
    quick.gafaelfawr.pause = 0.5
    before = len(quick.gafaelfawr.requests)
    from tests.auth.stand_in import in_threads

    statuses = in_threads(8, lambda _: quick.post(BOB, ASK).status_code)
    assert statuses == [200] * 8 and len(quick.gafaelfawr.requests) - before == 1


def test_a_warm_cache_asks_nobody(quick: Guarded) -> None:
    quick.data(ALICE, ASK)
    before = len(quick.gafaelfawr.requests)
    began = time.monotonic()
    while time.monotonic() - began < 0.5:
        quick.data(ALICE, ASK)
    assert len(quick.gafaelfawr.requests) == before
