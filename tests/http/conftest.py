"""The small gateway on a socket, for the tests of HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.demonstration import PLANS
from tests.http.service import serve, service


@pytest.fixture(
    scope="module", params=[True, False] if PLANS else [False], ids=lambda on: "plans" * on or "ordinary"
)
def plans(request: pytest.FixtureRequest) -> bool:
    """Whether documents are answered by plan: what a test promises holds either way."""
    return bool(request.param)


@pytest.fixture(scope="module")
def address(plans: bool) -> Iterator[str]:
    """Where a small gateway with default limits listens."""
    with serve(service(plans=plans)[0]) as found:
        yield found


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=address, timeout=20) as found:
        yield found
