"""Repositories that generated documents are asked of: the demonstration, and random ones of which two are alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.butler import open_repository
from adapters.protocol import Settings
from tests.demonstration import demonstration

from ..resolvers.conftest import IVOID, _silent  # noqa: F401
from .both import Setting
from .words import Words, learn


@dataclass
class World:
    setting: Setting
    words: Words

    def __repr__(self) -> str:
        return ", ".join(self.words.labels)


@pytest.fixture(scope="session")
def demo() -> Iterator[World]:
    settings = Settings(
        uri=str(demonstration()), collections=("HSC/defaults",), ivoid=IVOID.replace("/{repository}", "/x")
    )
    yield from _world({"hsc": open_repository("hsc", settings)})


@pytest.fixture(scope="session")
def pair(butler_repo: Callable[..., Any]) -> Iterator[World]:
    def opened(label: str, seed: int) -> Any:
        settings = Settings(butler_repo("sqlite", seed=seed).uri, collections=("HSC/defaults",), ivoid=IVOID)
        return open_repository(label, settings)

    yield from _world({"one": opened("one", 0), "two": opened("two", 1), "again": opened("again", 0)})


def _world(repositories: dict[str, Any]) -> Iterator[World]:
    setting = Setting(repositories)
    yield World(setting, learn(setting.data))
    setting.close()
