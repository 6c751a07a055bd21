"""``butler-gateway explain`` over services: what was asked of them, and nothing of the token that they were shown."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.adapters.repositories import Repository
from tests.demonstration import run
from tests.tap.conftest import repository, service, table
from tests.tap.dachs import Dachs

from .server import ButlerServer

__all__ = ["repository", "service", "table"]

TOKEN = "gt-alice"
DOCUMENT = """query Tied($label: String!) { repository(name: $label) {
  datasets(query: {type: ["calexp"], collections: ["*"], findFirst: false}, first: 2) {
    nodes { related(type: ["deepCoadd"], by: SPATIAL, collections: ["*"], first: 3) { edges { overlap node { run } } } } } } }"""


@pytest.fixture
def files(tmp_path: Path, server: ButlerServer, service: Dachs, repository: Repository) -> tuple[Path, Path]:
    """A document, and a configuration over a Butler server and a TAP service."""
    config, document = tmp_path / "gateway.yaml", tmp_path / "tied.graphql"
    repositories = {
        "lab": {"adapter": "remote-butler", "uri": server.uri("lab")},
        "sky": {"adapter": "tap", "uri": service.uri, "options": {"table": "lsst.obscore"}},
    }
    config.write_text(yaml.safe_dump({"repositories": repositories, "state": str(tmp_path / "state")}))
    document.write_text(DOCUMENT)
    return document, config


def explained(files: tuple[Path, Path], label: str, **environment: str) -> tuple[int, str]:
    document, config = files
    variables = f'{{"label": "{label}"}}'
    done = run("explain", document, "--config", config, "--variables", variables, **environment)
    assert TOKEN not in done.stdout + done.stderr
    return done.returncode, done.stdout


def test_associations_of_a_butler_server_are_told_as_asked_of_it(
    files: tuple[Path, Path], fresh: ButlerServer
) -> None:
    status, said = explained(files, "lab", BUTLER_RUBIN_ACCESS_TOKEN=TOKEN)
    assert status == 0
    assert "asked of Butler's API: Datasets" in said and "asked of Butler's API: Related" in said
    assert "2 questions, 0 statements (0 rows, 0.0 ms)" in said
    assert {record["token"] for record in fresh.records()} == {TOKEN}


def test_associations_of_a_tap_service_are_told_as_asked_of_it(files: tuple[Path, Path]) -> None:
    status, said = explained(files, "sky", BUTLER_RUBIN_ACCESS_TOKEN=TOKEN)
    assert status == 0
    assert "asked of the service: ADQL on lsst.obscore: datasets" in said
    assert "asked of services: ADQL on lsst.obscore" in said
    assert "Butler's API: ADQL" not in said and "0 statements" in said


def test_without_a_token_it_says_what_is_missing(files: tuple[Path, Path], fresh: ButlerServer) -> None:
    status, said = explained(files, "lab")
    assert status == 1
    assert "UNAUTHENTICATED at repository" in said
    assert not fresh.records()
