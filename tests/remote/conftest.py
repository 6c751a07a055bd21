"""One Butler server for the tests of the adapter, over repositories in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.adapters.repositories import Repository
from tests.adapters.test_related import certify_more

from .server import ButlerServer

PLACE = (8, 11, 8)
"""Universe, seed and exposures of the repository behind the server."""


@pytest.fixture(scope="session")
def lab(butler_repo: Callable[..., Repository]) -> Repository:
    """The repository behind the label ``lab``, reached directly."""
    universe, seed, exposures = PLACE
    found = butler_repo("postgres", universe, seed, exposures=exposures)
    certify_more(found)
    return found


@pytest.fixture(scope="session")
def server(lab: Repository, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ButlerServer]:
    started = ButlerServer({"lab": lab.uri}, tmp_path_factory.mktemp("butler-server") / "log")
    yield started
    started.stop()


@pytest.fixture
def fresh(server: ButlerServer) -> ButlerServer:
    """The server, of which nothing is on record yet."""
    server.records()
    return server
