"""A gateway as a process, behind a stand-in for Gafaelfawr, with repositories that different users may read."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.repositories import build
from tests.auth.stand_in import Gafaelfawr, Provider
from tests.auth.users import Guarded, guarded


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Tests that are coroutines run in an event loop of their own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def gafaelfawr() -> Iterator[Gafaelfawr]:
    stand_in = Gafaelfawr()
    with stand_in.served():
        yield stand_in


@pytest.fixture
def provider() -> Iterator[Provider]:
    stand_in = Provider()
    with stand_in.served():
        yield stand_in


@pytest.fixture(scope="session")
def repositories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Three repositories with datasets of their own: for alice, for bob, for everybody who is let in."""
    home = tmp_path_factory.mktemp("repositories")
    built = [
        build(home / label, seed=seed, exposures=3) for seed, label in enumerate(("hers", "his", "free"), 1)
    ]
    yield {label: home / label for label in ("hers", "his", "free")}
    for one in built:
        one.close()


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory, repositories: dict[str, Path]) -> Iterator[Guarded]:
    """A gateway that lets nobody in without a token; what it writes is searched at its end."""
    folder = tmp_path_factory.mktemp("guarded")
    with guarded(folder, repositories) as found:
        yield found
    found.nothing_leaked()
