"""How much a server grows while a client pages 100,000 datasets over a socket."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import Request, urlopen

_QUERY = """
query ($after: String) { repository(name: "bench") { datasets(query: {type: ["calexp"]}, first: 1000, after: $after) {
  nodes { uuid run dataId { map } } pageInfo { hasNextPage endCursor } } } }
"""


def report(root: str, total: int = 100_000) -> list[str]:
    """Lines of a table: resident memory after ten pages and after all of them, in MB."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "gateway.yaml"
        settings = {"adapter": "butler", "uri": str(Path(root).resolve()), "collections": ["bench/all"]}
        config.write_text(
            json.dumps({"repositories": {"bench": settings}, "state": str(Path(folder) / "state")})
        )
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "gateway.cli", "serve", "--config", str(config), "--port", str(port)]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            return _page(server.pid, port, total)
        finally:
            server.terminate()
            server.wait(20)


def _page(process: int, port: int, total: int) -> list[str]:
    _await(port)
    after, seen, early = None, 0, 0.0
    while seen < total:
        answer = _ask(port, after)
        connection = answer["data"]["repository"]["datasets"]
        seen += len(connection["nodes"])
        after = connection["pageInfo"]["endCursor"]
        if seen <= 10_000:
            early = _resident(process)
    late = _resident(process)
    return [
        f"| {seen} datasets in pages of 1,000 | {early:.0f} MB | {late:.0f} MB | {late - early:+.0f} MB |"
    ]


def _ask(port: int, after: str | None) -> dict[str, dict[str, dict[str, dict[str, list[object]]]]]:
    body = json.dumps({"query": _QUERY, "variables": {"after": after}}).encode()
    request = Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as response:
        answer = json.load(response)
    if "errors" in answer:
        raise RuntimeError(f"the gateway answered {answer['errors'][0]}")
    return answer  # type: ignore[no-any-return]


def _await(port: int) -> None:
    for _ in range(200):
        try:
            with urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the gateway did not start")


def _resident(process: int) -> float:
    """Megabytes of resident memory (Linux)."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024
