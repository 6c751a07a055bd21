"""The gateway over the demonstration repository, in this process: a fault of it has its traceback here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.app import create_app
from gateway.config import from_mapping
from tests.demonstration import demonstration
from tests.end_to_end.conftest import demo_entry


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Starlette:
    demonstration()
    settings: dict[str, Any] = {
        "repositories": {"hsc": demo_entry()},
        "state": str(tmp_path_factory.mktemp("state")),
        "limits": {"timeout": 10.0, "max_cost": 50_000},
        "log": {"level": "ERROR"},
    }
    return create_app(from_mapping(settings, Path.cwd()))


@pytest.fixture(scope="session")
def client(app: Starlette) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as found:
        yield found
