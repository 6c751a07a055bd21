"""What it costs to know who asks, where it is known already: ``python -m benchmarks.auth``.

The same small questions of the demonstration repository, without authentication and with each kind of it, in one run, request about
request: in process (the ASGI application alone) and over sockets (a gateway process each). The authorities are the tests' stand-ins.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.auth.stand_in import Gafaelfawr, Provider
from tests.demonstration import COMMAND, configuration_file, demonstration, running

_INGRESS = "127.0.0.7"
_TOKEN = "gt-0123456789abcdefghijAB.0123456789abcdefghijCD"
_GROUPS = [f"g_{number}" for number in range(30)]
_ROUNDS, _WARM = 1500, 200

Headers = Mapping[str, str]


def main() -> None:
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        gafaelfawr, provider = Gafaelfawr(), Provider()
        gafaelfawr.users[_TOKEN] = ("alice", _GROUPS)
        url = stack.enter_context(gafaelfawr.served())
        issuer = stack.enter_context(provider.served())
        guard = {"mode": "gafaelfawr", "url": url, "proxies": [_INGRESS], "seconds": 3600}
        oidc = {"mode": "oidc", "issuer": issuer, "audience": Provider.AUDIENCE, "seconds": 3600}
        bearer = {"Authorization": f"Bearer {_TOKEN}"}
        jwt = {"Authorization": f"Bearer {provider.token(groups=_GROUPS, exp=int(time.time()) + 7200)}"}
        named = {"X-Auth-Request-User": "alice", "X-Auth-Request-Token": _TOKEN}
        ways: dict[str, tuple[dict[str, Any], Headers]] = {
            "anonymous": ({}, {}),
            "gafaelfawr, Bearer": (guard, bearer),
            "gafaelfawr, through its ingress": (guard, named),
            "oidc": (oidc, jwt),
        }
        files = {
            way: _configured(Path(folder), number, auth)
            for number, (way, (auth, _)) in enumerate(ways.items())
        }
        uuid = _dataset(files["anonymous"])
        questions = {
            "the smallest there is": "{ service { version } }",
            "one dataset by id": f'{{ repository(name: "hsc") {{ dataset(id: "{uuid}") {{ uuid run }} }} }}',
        }
        for name, document in questions.items():
            body = json.dumps({"query": document}).encode()
            _print(f"{name}, in process", asyncio.run(_in_process(ways, files, body)))
            _print(f"{name}, over a socket", _over_sockets(ways, files, body))
        print(
            f"Gafaelfawr's stand-in was asked {len(gafaelfawr.requests)} times, the provider's {len(provider.requests)}."
        )


def _configured(folder: Path, number: int, auth: Mapping[str, Any]) -> Path:
    home = folder / str(number)
    home.mkdir()
    file = configuration_file(home, auth=dict(auth), log={"level": "INFO", "format": "json"})
    if auth:
        content = yaml.safe_load(file.read_text())
        content["repositories"]["hsc"]["read"] = ["g_none", "g_17"]
        content["repositories"]["hidden"] = {"uri": str(demonstration()), "read": ["g_other"]}
        file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


def _dataset(file: Path) -> str:
    from gateway.app import create_app
    from gateway.config import load

    document = '{ repository(name: "hsc") { datasets(query: {type: "raw"}, first: 1) { nodes { uuid } } } }'

    async def ask() -> bytes:
        return await _asked(create_app(load(file)), {}, json.dumps({"query": document}).encode())

    found = json.loads(asyncio.run(ask()))
    return str(found["data"]["repository"]["datasets"]["nodes"][0]["uuid"])


async def _asked(app: Any, headers: Headers, body: bytes) -> bytes:
    """The answer of an application to a request, as its server would hand it over."""
    sent = {"content-type": "application/json", "content-length": str(len(body)), "host": "x", **headers}
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "root_path": "",
        "query_string": b"",
        "scheme": "http",
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "state": {"peer": _INGRESS},
    }
    parts: list[bytes] = []
    bodies = [body]

    async def receive() -> dict[str, Any]:
        if not bodies:
            await asyncio.sleep(3600)  # the client stays
        return {"type": "http.request", "body": bodies.pop(), "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
        else:
            parts.append(message.get("body", b""))

    await app(scope, receive, send)
    return b"".join(parts)


async def _in_process(
    ways: Mapping[str, tuple[Any, Headers]], files: Mapping[str, Path], body: bytes
) -> dict[str, list[float]]:
    import logging

    import structlog

    from gateway.app import create_app
    from gateway.config import load

    # No line for each request: the terminal would be what is measured.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    apps = {way: create_app(load(file)) for way, file in files.items()}
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(_WARM + _ROUNDS):
        for way in _turned(list(ways), number):
            began = time.perf_counter()
            answer = await _asked(apps[way], ways[way][1], body)
            if number >= _WARM:
                taken[way].append(time.perf_counter() - began)
            assert b'"errors"' not in answer, answer
    return taken


def _over_sockets(
    ways: Mapping[str, tuple[Any, Headers]], files: Mapping[str, Path], body: bytes
) -> dict[str, list[float]]:
    taken: dict[str, list[float]] = {way: [] for way in ways}
    with ExitStack() as stack:
        clients = {}
        for way, file in files.items():
            gateway = stack.enter_context(running([COMMAND, "serve", "--config", file, "--port", 0]))
            parts = urlsplit(gateway.address)
            clients[way] = http.client.HTTPConnection(
                str(parts.hostname), parts.port, timeout=60, source_address=(_INGRESS, 0)
            )
        for number in range(_WARM + _ROUNDS):
            for way in _turned(list(ways), number):
                headers = {"Content-Type": "application/json", **ways[way][1]}
                began = time.perf_counter()
                clients[way].request("POST", "/graphql", body, headers)
                answer = clients[way].getresponse().read()
                if number >= _WARM:
                    taken[way].append(time.perf_counter() - began)
                assert b'"errors"' not in answer, answer
    return taken


def _turned(ways: Sequence[str], number: int) -> Iterator[str]:
    """The ways, beginning with another one each time: what comes after what is no advantage to any."""
    turn = number % len(ways)
    return iter([*ways[turn:], *ways[:turn]])


def _quarter(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=4)[0]


def _print(what: str, taken: Mapping[str, Sequence[float]]) -> None:
    floor, low = statistics.median(taken["anonymous"]), _quarter(taken["anonymous"])
    print(
        f"\n{what} ({_ROUNDS:,} each)\n| way | median | of anonymous | lower quartile | of anonymous |\n|---|---|---|---|---|"
    )
    for way, times in taken.items():
        median, first = statistics.median(times), _quarter(times)
        print(
            f"| {way} | {median * 1e6:.0f} us | {median / floor:.3f} | {first * 1e6:.0f} us | {first / low:.3f} |"
        )


if __name__ == "__main__":
    main()
