"""Fixtures that every test may use: a PostgreSQL server, and small real Butler repositories.

``postgres`` is one server for the session, started when first asked for. ``butler_repo(kind, ...)`` builds a
repository once a session and hands out the same one again: treat it as read-only, or build your own with
``tests.adapters.repositories.build``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

from .adapters.repositories import Repository, build
from .postgres import Postgres

settings.register_profile(
    "default",
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
    database=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
settings.register_profile("ci", settings.get_profile("default"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running server; ``postgres.database()`` makes a database with btree_gist and gives its URL."""
    server = Postgres().start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def butler_repo(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Repository]]:
    """``butler_repo("sqlite" | "postgres", universe=8, seed=0, exposures=7)``: a built repository, cached."""
    built: dict[tuple[object, ...], Repository] = {}

    def make(kind: str = "sqlite", universe: int = 8, seed: int = 0, exposures: int = 7) -> Repository:
        key = (kind, universe, seed, exposures)
        if key not in built:
            url = request.getfixturevalue("postgres").database() if kind == "postgres" else None
            root = tmp_path_factory.mktemp(f"{kind}-u{universe}-s{seed}-")
            built[key] = build(root, seed=seed, universe=universe, url=url, exposures=exposures)
        return built[key]

    yield make
    for repository in built.values():
        repository.close()
