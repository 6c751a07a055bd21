"""Stored files and clients that take nothing: each is left, and neither a task nor an open file is kept for it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import Message
from structlog.testing import capture_logs

from adapters.butler import open_repository
from adapters.caller import Call
from adapters.protocol import Repository, Settings
from gateway.content.route import content_route
from gateway.content.stored import Enter, files_route
from gateway.datalink.file import signed_files_route
from gateway.datalink.signature import Signatures, random_secret
from gateway.http import patience
from gateway.limits.house import House
from tests.content.asking import Contents

SIGNATURES = Signatures(random_secret, 60)
ROUTES: Mapping[str, Callable[[Enter, Mapping[str, Repository]], Route]] = {
    "files": lambda enter, _: files_route(enter),
    "content": lambda enter, _: content_route(enter, House(1, 1, 0), timeout=60),
    "datalink": lambda _, opened: signed_files_route(opened, SIGNATURES, timeout=60),
}


def address(route: str, dataset: str) -> str:
    if route == "datalink":
        return SIGNATURES.address("", "tables", dataset.replace("-", ""), None)
    return f"/{route}/tables/{dataset}"


def read_here(root: Path) -> list[str]:
    """The files of a repository that this process has open."""
    found = []
    for one in os.listdir("/proc/self/fd"):
        try:
            path = os.readlink(f"/proc/self/fd/{one}")
        except OSError:
            continue  # closed by now
        if path.startswith(f"{root.resolve()}/") and "sqlite" not in path:
            found.append(path)
    return found


@pytest.mark.parametrize("wanted", [None, b"bytes=10-", b"bytes=0-9,20-"])
@pytest.mark.parametrize("route", ROUTES)
def test_who_takes_nothing_of_a_file_is_left(
    contents: Contents, root: Path, monkeypatch: pytest.MonkeyPatch, route: str, wanted: bytes | None
) -> None:
    monkeypatch.setattr(patience, "STALLED", 0.1)
    sent: list[str] = []
    held: list[str] = []

    async def send(message: Message) -> None:
        sent.append(message["type"])
        if message["type"] == "http.response.body":
            held.extend(read_here(root))
            await asyncio.Event().wait()

    async def receive() -> Message:
        return await asyncio.Event().wait()  # type: ignore[return-value]

    async def run() -> None:
        repository = open_repository("tables", Settings(str(root), collections=("tables",)))
        opened = {"tables": repository}

        async def enter(_: object) -> tuple[Mapping[str, Repository], Call]:
            return opened, Call()

        app = Starlette(routes=[ROUTES[route](enter, opened)])
        place = urlsplit(address(route, contents.ids["long"]))
        scope = {
            "type": "http",
            "method": "GET",
            "path": place.path,
            "query_string": place.query.encode(),
            "headers": [] if wanted is None else [(b"range", wanted)],
        }
        try:
            await asyncio.wait_for(app(scope, receive, send), 60)
        finally:
            await repository.close()

    with capture_logs() as log:
        asyncio.run(run())
    assert sent == ["http.response.start", "http.response.body"]
    assert held and not read_here(root)
    assert ("file broken off", "STALLED") in [(one["event"], one.get("code")) for one in log]
