"""The small gateway on a socket, for the tests of HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.http.service import serve, service


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Where a small gateway with default limits listens."""
    with serve(service()[0]) as found:
        yield found


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=address, timeout=20) as found:
        yield found
