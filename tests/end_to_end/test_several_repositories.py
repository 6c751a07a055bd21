"""Several repositories: one list in search order, and what is left when one of them does not answer."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.demonstration import COMMAND, configuration_file, demonstration, running
from tests.end_to_end.asking import Asker
from tests.end_to_end.conftest import demo_entry, entry

BOTH = """query Both($repositories: [String!]!, $query: DatasetQuery!) {
  datasets(repositories: $repositories, query: $query, first: 10000) {
    totalCount nodes { uuid repository { name } dataId { required } }
    completeness { state message unavailable } explain
  }
}"""


def found(asker: Asker, repositories: list[str], **query: Any) -> list[tuple[str, tuple[Any, ...]]]:
    """Repository and data ID of everything that is found."""
    data = asker.data(BOTH, repositories=repositories, query=query)["datasets"]
    assert data["totalCount"] == len(data["nodes"])
    return [
        (node["repository"]["name"], tuple(sorted(node["dataId"]["required"].items())))
        for node in data["nodes"]
    ]


def test_find_first_takes_each_data_id_from_the_first_repository_that_has_it(asker: Asker) -> None:
    # Runs of the one and of the other: each repository searches those that it has, and alone would know no others.
    runs = {"hsc": ["HSC/calib/bias/2013-06"], "small": ["HSC/calib/gen/e0", "HSC/calib/gen/e1"]}
    alone = {
        label: {key for _, key in found(asker, [label], type=["bias"], collections=names)}
        for label, names in runs.items()
    }
    query = {"type": ["bias"], "collections": [*runs["hsc"], *runs["small"]]}
    assert alone["hsc"] & alone["small"], "both have biases of HSC's detectors"
    for order in (["hsc", "small"], ["small", "hsc"]):
        winners = found(asker, order, **query, findFirst=True)
        keys = [key for _, key in winners]
        assert len(keys) == len(set(keys))
        assert set(keys) == alone["hsc"] | alone["small"]
        assert all(label == order[0] for label, key in winners if key in alone[order[0]])
    every = found(asker, ["hsc", "small"], **query, findFirst=False)
    assert {label for label, key in every if key in alone["hsc"] & alone["small"]} == {"hsc", "small"}


def test_what_one_repository_does_not_know_is_explained_and_not_missed(asker: Asker) -> None:
    data = asker.data(BOTH, repositories=["hsc", "small"], query={"type": ["deepCoadd"]})["datasets"]
    assert data["totalCount"] > 0
    assert data["completeness"]["state"] == "COMPLETE"
    assert "hsc: Unknown dataset type 'deepCoadd'" in " ".join(data["explain"])


def not_listening(tmp: Path) -> Path:
    """A repository whose PostgreSQL server is down: nothing listens on port 9 of this machine."""
    root = tmp / "down"
    root.mkdir()
    (root / "butler.yaml").write_text(
        "datastore:\n  cls: lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore\n"
        "registry:\n  db: postgresql://nobody@127.0.0.1:9/none\n"
    )
    return root


def never_there(tmp: Path) -> Path:
    """A repository whose SQLite file is gone."""
    root = tmp / "gone"
    root.mkdir()
    shutil.copy(demonstration() / "butler.yaml", root)
    return root


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asker]:
    """A gateway of which one repository answers and two do not."""
    tmp = tmp_path_factory.mktemp("broken")
    repositories = {
        "down": entry(not_listening(tmp), "HSC/defaults"),
        "hsc": demo_entry(),
        "gone": entry(never_there(tmp), "HSC/defaults"),
    }
    config = configuration_file(tmp, repositories=repositories)
    with running([COMMAND, "serve", "--config", config, "--port", 0]) as gateway:
        asker = Asker(gateway.address)
        yield asker
        asker.http.close()
    assert not (tmp / "gone" / "gen3.sqlite3").exists()  # a missing registry is not made by looking for it


def test_the_repository_that_answers_is_whole(broken: Asker) -> None:
    answer = broken.ask("{ repositories { name universe collections(first: 2) { nodes { name } } } }")
    down, hsc, gone = answer["data"]["repositories"]
    assert down == {"name": "down", "universe": None, "collections": None}
    assert gone == {"name": "gone", "universe": None, "collections": None}
    assert (hsc["universe"], len(hsc["collections"]["nodes"])) == ("daf_butler/8", 2)
    failures = {(e["extensions"]["code"], e["extensions"]["repository"]) for e in answer["errors"]}
    assert failures == {("BACKEND_UNAVAILABLE", "down"), ("BACKEND_UNAVAILABLE", "gone")}
    assert "127.0.0.1" not in str(answer["errors"])  # where the database is, is nobody's business


def test_a_search_over_all_is_partial_and_names_who_is_missing(broken: Asker) -> None:
    document = BOTH.replace("totalCount ", "").replace(" explain", "")
    data = broken.data(document, repositories=["down", "hsc", "gone"], query={"type": ["raw"]})["datasets"]
    assert len(data["nodes"]) == 37
    assert data["completeness"]["state"] == "PARTIAL"
    assert sorted(data["completeness"]["unavailable"]) == ["down", "gone"]
    assert "down" in data["completeness"]["message"]


def test_a_count_over_all_is_null_with_a_reason_and_the_list_stays(broken: Asker) -> None:
    answer = broken.ask(BOTH, repositories=["hsc", "gone"], query={"type": ["raw"]})
    assert answer["data"]["datasets"]["totalCount"] is None
    assert len(answer["data"]["datasets"]["nodes"]) == 37
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BACKEND_UNAVAILABLE"}


def test_the_gateway_is_ready_while_one_repository_answers(broken: Asker) -> None:
    response = broken.http.get("/readyz")
    assert response.status_code == 200
    states = {label: state["ok"] for label, state in response.json()["repositories"].items()}
    assert states == {"down": False, "hsc": True, "gone": False}
