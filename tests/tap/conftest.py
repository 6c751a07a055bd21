"""Fixtures: DaCHS with an ObsCore table of a small repository, that repository itself, and both adapters over the same data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from adapters.protocol import Settings
from tests.adapters.repositories import Repository

from . import dachs, obscore
from .asking import Opened


@pytest.fixture(scope="session")
def repository(butler_repo: Callable[..., Repository]) -> Repository:
    return butler_repo("sqlite", seed=7)


@pytest.fixture(scope="session")
def table(repository: Repository) -> list[dict[str, Any]]:
    """What the service's table holds."""
    return obscore.table(repository.name, repository.uri)


@pytest.fixture(scope="session")
def service(table: list[dict[str, Any]]) -> Iterator[dachs.Dachs]:
    server = dachs.Dachs()
    try:
        yield server.start(table)
    finally:
        server.stop()


@pytest.fixture(scope="session")
def tap(service: dachs.Dachs, repository: Repository) -> Iterator[Opened]:
    """The adapter over the service."""
    opened = Opened.tap(repository.name, service.uri, table="lsst.obscore")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def butler(repository: Repository) -> Iterator[Opened]:
    """The direct adapter over the repository that the service's table was made from."""
    from adapters.butler import open_repository

    opened = Opened(
        open_repository(repository.name, Settings(repository.uri, collections=("*",), ivoid=obscore.IVOID))
    )
    yield opened
    opened.close()
