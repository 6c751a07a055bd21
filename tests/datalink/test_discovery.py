"""What service discovery says of a repository's services is used, and its absence is no harm."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.discovery import Discovery
from gateway.services import Services
from tests.auth.stand_in import SAYS, Recording
from tests.demonstration import COMMAND, configuration_file, running
from tests.end_to_end.asking import Asker
from tests.end_to_end.conftest import demo_entry

PLATFORM = "https://data.example.org/api"


class Repertoire(Recording):
    """/discovery as repertoire.lsst.io documents it, with the services of a dataset ``hsc``."""

    def __init__(self) -> None:
        super().__init__()
        self.body: Any = {
            "applications": ["datalinker", "vo-cutouts"],
            "datasets": {
                "hsc": {
                    "butler_config": None,
                    "services": {
                        "datalink": {"url": f"{PLATFORM}/datalink", "openapi": None, "versions": {}},
                        "cutout": {
                            "url": f"{PLATFORM}/cutout",
                            "versions": {
                                "soda-async-1.0": {"url": f"{PLATFORM}/cutout/hsc/jobs"},
                                "soda-sync-1.0": {"url": f"{PLATFORM}/cutout/hsc/sync"},
                            },
                        },
                        "sia": {
                            "url": f"{PLATFORM}/sia/hsc",
                            "versions": {"sia-query-2.0": {"url": f"{PLATFORM}/sia/hsc/query"}},
                        },
                        "tap": {
                            "url": f"{PLATFORM}/tap",
                            "versions": {"tables": {"url": f"{PLATFORM}/tap/tables"}},
                        },
                    },
                }
            },
        }

    def routes(self) -> list[Route]:
        def discovery(request: Request) -> Response:
            return self.noted(request) or JSONResponse(self.body, headers=SAYS)

        return [Route("/repertoire/discovery", discovery)]


@pytest.fixture
def repertoire() -> Iterator[Repertoire]:
    stand_in = Repertoire()
    with stand_in.served():
        yield stand_in


@contextmanager
def discovering(folder: Path, url: str, **services: str) -> Iterator[Asker]:
    """A gateway that reads service discovery every second."""
    repositories = {"hsc": {**demo_entry(), "services": services}}
    config = configuration_file(
        folder, repositories=repositories, discovery={"url": f"{url}/repertoire", "seconds": 1}
    )
    with running([COMMAND, "serve", "--config", config, "--port", 0]) as gateway:
        asker = Asker(gateway.address)
        yield asker
        asker.http.close()
    assert "Traceback" not in "".join(gateway.lines)


def raw(asker: Asker) -> dict[str, Any]:
    found = asker.hsc('datasets(query: {type: ["raw"]}, first: 1) { nodes { ivoid datalink } }')
    node: dict[str, Any] = found["datasets"]["nodes"][0]
    return node


def becomes(asker: Asker, service: str, patience: float = 20) -> bool:
    """Whether links lead to a DataLink service, sooner or later."""
    until = time.monotonic() + patience
    while not (there := raw(asker)["datalink"].startswith(f"{service}/links?ID=ivo%3A")):
        if time.monotonic() > until:
            break
        time.sleep(0.1)
    return there


def read_again(repertoire: Repertoire) -> None:
    """Wait until it was read twice more: the first of them may have begun before."""
    count = len(repertoire.requests) + 2
    until = time.monotonic() + 20
    while len(repertoire.requests) < count:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_discovered_services_are_linked_to_and_no_token_is_sent(
    tmp_path: Path, repertoire: Repertoire
) -> None:
    with discovering(tmp_path, repertoire.address) as asker:
        asker.http.headers["Authorization"] = "Bearer gt-canary"
        assert becomes(asker, f"{PLATFORM}/datalink")
        own = asker.http.get("/datalink/links", params={"ID": raw(asker)["ivoid"]}).text
        assert f'value="{PLATFORM}/cutout/hsc/sync"' in own
        assert "#cutout" in own
    for url, headers in repertoire.requests:
        assert url.endswith("/repertoire/discovery")
        assert "authorization" not in headers
        assert "cookie" not in headers


def test_what_was_discovered_holds_while_discovery_fails_and_before_that_the_gateway_itself(
    tmp_path: Path, repertoire: Repertoire
) -> None:
    good, repertoire.body = repertoire.body, ["nonsense"]
    with discovering(tmp_path, repertoire.address) as asker:
        read_again(repertoire)
        assert raw(asker)["datalink"].startswith(f"{asker.address}/datalink/links?ID=")
        repertoire.body = good
        assert becomes(asker, f"{PLATFORM}/datalink")
        repertoire.status = 503
        read_again(repertoire)
        assert becomes(asker, f"{PLATFORM}/datalink", patience=0)


def test_what_is_configured_goes_above_what_is_discovered(tmp_path: Path, repertoire: Repertoire) -> None:
    mine = "https://mine.example.org/cutout"
    with discovering(tmp_path, repertoire.address, cutout=mine) as asker:
        assert becomes(asker, f"{PLATFORM}/datalink")
        own = asker.http.get("/datalink/links", params={"ID": raw(asker)["ivoid"]}).text
        assert f'value="{mine}/sync"' in own
        assert PLATFORM not in own


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "https://user:password@x/y", "https://x/y?a=b", ""]
)
def test_an_address_that_cannot_be_one_is_left_out(
    tmp_path: Path, repertoire: Repertoire, address: str
) -> None:
    repertoire.body["datasets"]["hsc"]["services"]["datalink"]["url"] = address
    discovery = Discovery(f"{repertoire.address}/repertoire", 60)
    asyncio.run(read_once(discovery))
    found = discovery.of("hsc")
    assert found == Services(None, f"{PLATFORM}/cutout/hsc", f"{PLATFORM}/tap", f"{PLATFORM}/sia/hsc")


async def read_once(discovery: Discovery) -> None:
    async with discovery.kept(), asyncio.timeout(20):
        while discovery.of("hsc") is None:
            await asyncio.sleep(0.05)
