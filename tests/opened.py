"""The repositories behind an application: it keeps them to itself, and tests count what they are asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from adapters.protocol import Repository, Settings
from gateway import opening


@contextmanager
def remembered() -> Iterator[list[Repository]]:
    """Those that are opened within the block, in their order."""
    opened: list[Repository] = []
    original = opening._opener

    def remembering(*words: Any) -> Any:
        def open_one(label: str, settings: Settings) -> Repository:
            opened.append(original(*words)(label, settings))
            return opened[-1]

        return open_one

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "_opener", remembering)
        yield opened
