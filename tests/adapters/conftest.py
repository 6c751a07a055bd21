"""Fixtures of the adapters' tests."""

from __future__ import annotations

import pytest

from adapters.butler.provenance import Provenance

from . import recorded


@pytest.fixture(scope="session")
def demo() -> recorded.Demo:
    """The demonstration repository, and lsst-pipe-base's own graphs of its executions."""
    return recorded.demo()


@pytest.fixture(scope="session")
def provenance() -> Provenance:
    """What it recorded, over a temporary file, for tests that only ask."""
    return recorded.provenance()
