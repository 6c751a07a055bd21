"""A small repository of these tests' own, which they may lock, and a gateway over it and the demonstration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.repositories import build
from tests.demonstration import demonstration
from tests.end_to_end.asking import Asker
from tests.end_to_end.conftest import demo_entry
from tests.results.serving import entry, serving


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A repository that is not shared with other tests; whoever locks it or deletes from it puts that right again."""
    root = tmp_path_factory.mktemp("own") / "repository"
    built = build(root, seed=5, exposures=3)
    yield root
    built.close()


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ``asker``'s gateway has its configuration and its state."""
    return tmp_path_factory.mktemp("gateway")


@pytest.fixture(scope="session")
def asker(home: Path, own: Path) -> Iterator[Asker]:
    """A gateway that serves ``hsc``, the demonstration, ``own``, and ``down``, a repository that is not there."""
    assert demonstration().is_dir()
    repositories = {
        "hsc": demo_entry(),
        "own": entry(own),
        "down": {"adapter": "remote-butler", "uri": "http://127.0.0.1:9/api/butler/repo/down/butler.yaml"},
    }
    with serving(home, repositories) as (asker, _):
        yield asker
