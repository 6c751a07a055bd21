"""Who may see a dataset gets its links, and with them its file without a token; for everybody else it does not exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
import yaml

from tests.adapters.repositories import build
from tests.auth.users import ALICE, BOB, Guarded, guarded
from tests.demonstration import COMMAND, demonstration, running
from tests.end_to_end.asking import Asker
from tests.end_to_end.conftest import demo_entry


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """A gateway that lets nobody in without a token; ``hers`` is alice's to read. What it writes and answers is searched at its end."""
    home = tmp_path_factory.mktemp("his") / "repository"
    his = build(home, seed=2, exposures=3)
    with guarded(tmp_path_factory.mktemp("guarded"), {"hers": demonstration(), "his": home}) as found:
        yield found
    found.nothing_leaked()
    his.close()


def links(service: Guarded, identifier: str, token: str | None) -> tuple[int, str]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    response = service.http.get("/datalink/links", params={"ID": identifier}, headers=headers)
    return response.status_code, response.text


def hers(service: Guarded) -> str:
    document = '{ repository(name: "hers") { datasets(query: {type: ["raw"], collections: ["*"]}, first: 1) { nodes { ivoid } } } }'
    return str(service.data(ALICE, document)["repository"]["datasets"]["nodes"][0]["ivoid"])


def test_a_caller_without_a_token_is_asked_for_one_in_both_ways(service: Guarded) -> None:
    response = service.http.get("/datalink/links", params={"ID": hers(service)})
    assert response.status_code == 401
    assert response.headers["content-type"].startswith("application/x-votable+xml")
    challenge = response.headers["www-authenticate"]
    assert "Bearer" in challenge
    assert "Basic" in challenge
    assert "Fault" in response.text


def test_a_hidden_dataset_is_told_of_like_one_that_does_not_exist(service: Guarded) -> None:
    identifier = hers(service)
    nowhere = identifier.replace("repo=hers", "repo=nowhere")
    (hidden, unknown) = (links(service, one, BOB) for one in (identifier, nowhere))
    assert hidden[0] == unknown[0] == 200
    assert "NotFoundFault" in hidden[1]
    assert hidden[1].replace("repo=hers", "repo=nowhere") == unknown[1]


def test_the_file_is_read_without_a_token_by_whoever_has_the_link(service: Guarded) -> None:
    status, document = links(service, hers(service), ALICE)
    assert status == 200
    (this,) = re.findall(r"<TD>([^<]*/datalink/file/[^<]*)</TD>", document)
    assert "gt-" not in this
    response = service.http.get(unescape(this))
    assert response.status_code == 200
    address, known = unescape(this), {"If-None-Match": response.headers["etag"]}
    assert service.http.get(address, headers=known).status_code == 304
    assert service.http.get(address, headers={"Range": "bytes=0-9"}).content == response.content[:10]
    refused = service.http.get(address, headers={"Range": "bytes=99999999-"})
    assert (refused.status_code, "errors" in refused.json()) == (416, True)
    path = response.request.url.path.replace("/datalink/file/", "/files/")
    assert service.http.get(path).status_code == 401
    assert service.http.get(path, headers={"Authorization": f"Bearer {ALICE}"}).content == response.content


def test_without_a_signature_no_repository_is_told_from_one_that_does_not_exist(service: Guarded) -> None:
    file = "00000000-0000-0000-0000-000000000000?expires=99999999999&signature=A"
    answers = [service.http.get(f"/datalink/file/{label}/{file}") for label in ("hers", "nowhere")]
    assert [one.status_code for one in answers] == [403, 403]
    assert answers[0].content == answers[1].content


def test_a_repository_that_is_down_is_an_error_of_its_own_datasets_alone(tmp_path: Path) -> None:
    down = tmp_path / "down"
    down.mkdir()
    config = yaml.safe_load((demonstration() / "butler.yaml").read_text())
    config["registry"]["db"] = "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    (down / "butler.yaml").write_text(yaml.safe_dump(config))
    file = tmp_path / "gateway.yaml"
    repositories = {"hsc": demo_entry(), "down": {"uri": str(down), "collections": ["any"]}}
    file.write_text(yaml.safe_dump({"repositories": repositories, "state": str(tmp_path / "state")}))
    with running([COMMAND, "serve", "--config", file, "--port", 0]) as gateway:
        asker = Asker(gateway.address)
        there = asker.hsc('datasets(query: {type: ["raw"]}, first: 1) { nodes { ivoid } }')["datasets"][
            "nodes"
        ]
        gone = "ivo://x?repo=down&id=00000000-0000-0000-0000-000000000000"
        text = asker.http.get("/datalink/links", params={"ID": [gone, there[0]["ivoid"]]}).text
        asker.http.close()
    assert text.count("TransientFault: ") == 1
    assert "#this" in text
    assert "/datalink/file/hsc/" in text
    assert "127.0.0.1:1/" not in text
