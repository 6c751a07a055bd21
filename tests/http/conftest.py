"""The small gateway on a socket, for the tests of HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypedDict

import httpx2
import pytest

from tests.demonstration import PLANS
from tests.http.service import serve, service


class Way(TypedDict):
    """How a request comes to its answer: see ``service``."""

    plans: bool
    straight: bool


_WAYS: dict[str, Way] = {
    "plans": {"plans": True, "straight": True},
    "ordinary": {"plans": False, "straight": True},
    "routed": {"plans": PLANS, "straight": False},
}


@pytest.fixture(scope="module", params=list(_WAYS)[not PLANS :])
def way(request: pytest.FixtureRequest) -> Way:
    """Each of the ways: what a test promises holds on all."""
    return _WAYS[request.param]


@pytest.fixture(scope="module")
def address(way: Way) -> Iterator[str]:
    """Where a small gateway with default limits listens."""
    with serve(service(**way)[0]) as found:
        yield found


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=address, timeout=20) as found:
        yield found
