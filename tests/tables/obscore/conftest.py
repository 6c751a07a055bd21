"""Fixtures of the tests of ObsCore rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.repositories import Repository
from tests.demonstration import demonstration

from .asking import Opened


@pytest.fixture(scope="session")
def opened(butler_repo: Callable[..., Repository]) -> Iterator[Callable[..., Opened]]:
    """``opened("demo")``, or ``opened("sqlite", seed=1)`` and the like as with ``butler_repo``: a repository as the gateway opens it."""
    with ExitStack() as stack:
        kept: dict[Any, Opened] = {}

        def make(kind: str, **more: Any) -> Opened:
            key = (kind, *sorted(more.items()))
            if key not in kept:
                root = demonstration() if kind == "demo" else Path(butler_repo(kind, **more).uri)
                kept[key] = stack.enter_context(Opened.at(root))
            return kept[key]

        yield make
