"""One gateway over two repositories, as a process, for all tests here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.repositories import build
from tests.demonstration import COMMAND, configuration_file, demonstration, running
from tests.end_to_end.asking import Asker


def entry(uri: object, *collections: str) -> dict[str, Any]:
    """A repository's part of a configuration."""
    return {
        "adapter": "butler",
        "uri": str(uri),
        "collections": list(collections),
        "ivoid": "ivo://org.example/butler?repo={repository}&id={id}",
    }


def demo_entry() -> dict[str, Any]:
    """The demonstration repository's part of a configuration."""
    return entry(demonstration(), "HSC/defaults", "LSSTCam/defaults")


@pytest.fixture(scope="session")
def small_repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A second repository, whose instruments, types and some collections are called as the first one's."""
    root = tmp_path_factory.mktemp("small") / "repository"
    built = build(root, seed=1, exposures=3)
    yield root
    built.close()


@pytest.fixture(scope="session")
def asker(tmp_path_factory: pytest.TempPathFactory, small_repository: Path) -> Iterator[Asker]:
    """A gateway that serves ``hsc``, the demonstration, and ``small``."""
    repositories = {"hsc": demo_entry(), "small": entry(small_repository, "HSC/defaults")}
    config = configuration_file(tmp_path_factory.mktemp("gateway"), repositories=repositories)
    with running([COMMAND, "serve", "--config", config, "--port", 0]) as gateway:
        asker = Asker(gateway.address)
        assert asker.http.get("/readyz").json()["status"] == "ready"
        yield asker
        asker.http.close()
        assert gateway.process.poll() is None, "it ended by itself"
    log = "".join(gateway.lines)
    assert "Traceback" not in log
