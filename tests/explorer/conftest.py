"""What the tests of the page share: the built page, one browser for all of them, a small gateway to ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from gateway.explorer.build import build_page, is_built
from gateway.explorer.site import DIST
from tests.explorer.browser import ExplorerPage, chromium, explorer_page, serve
from tests.explorer.small_gateway import small_gateway


@pytest.fixture(scope="session")
def built_page() -> Path:
    """The page as it is in the sources; built now (half a minute) if `make page` has not."""
    if not is_built():
        build_page()
    return DIST


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One Chromium; each test has a profile of its own in it. It ends with these tests: while playwright's
    synchronous interface is open, its event loop keeps other tests from running one."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def address(built_page: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the small gateway is served."""
    with serve(small_gateway(tmp_path_factory.mktemp("examples"))) as found:
        yield found


@pytest.fixture
def explorer(browser: Browser, address: str) -> Iterator[ExplorerPage]:
    """The page of the small gateway, opened."""
    with explorer_page(browser, address) as page:
        page.open()
        yield page
