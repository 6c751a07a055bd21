"""Users, their tokens, and the gateway that they ask."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import yaml

from tests.auth.stand_in import Gafaelfawr
from tests.demonstration import COMMAND, Gateway, running

INGRESS = "127.0.0.7"
"""The address from which the ingress talks to the gateway; that of everybody else is 127.0.0.1."""

ALICE = "gt-canaryAliceAliceAlice0.canaryAliceAliceAlice1"
BOB = "gt-canaryBobBobBobBobBob0.canaryBobBobBobBobBob1"
CAROL = "gt-canaryCarolCarolCarol0.canaryCarolCarolCarol1"
USERS = {ALICE: ("alice", ["g_hers", "g_writers"]), BOB: ("bob", ["g_his"]), CAROL: ("carol", [])}
SEES = {ALICE: {"hers", "free"}, BOB: {"his", "free"}, CAROL: {"free"}}


class Guarded:
    """A gateway with its stand-in for Gafaelfawr; remembers what it was answered."""

    def __init__(self, gateway: Gateway, gafaelfawr: Gafaelfawr, folder: Path) -> None:
        self.gateway = gateway
        self.gafaelfawr = gafaelfawr
        self.folder = folder
        self.answers: list[str] = []
        self.http = self._client("127.0.0.1")
        self.ingress = self._client(INGRESS)

    def _client(self, address: str) -> httpx2.Client:
        def note(response: httpx2.Response) -> None:
            response.read()
            self.answers.append(f"{response.headers.raw}{response.text}")

        return httpx2.Client(
            base_url=self.gateway.address,
            timeout=60,
            transport=httpx2.HTTPTransport(local_address=address),
            event_hooks={"response": [note]},
        )

    def post(self, token: str | None, document: str, **variables: Any) -> httpx2.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        return self.http.post("/graphql", json={"query": document, "variables": variables}, headers=headers)

    def ask(self, token: str | None, document: str, **variables: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.post(token, document, **variables).json()
        return answer

    def data(self, token: str | None, document: str, **variables: Any) -> Any:
        answer = self.ask(token, document, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def raw(self, text: bytes, address: str = "127.0.0.1") -> bytes:
        """What is answered to these bytes, until the connection ends or nothing more comes."""
        port = int(self.gateway.address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), 20, source_address=(address, 0)) as connection:
            connection.sendall(text)
            found = b""
            with suppress(TimeoutError):
                while part := connection.recv(65536):
                    found += part
                    connection.settimeout(0.5)
        self.answers.append(found.decode("latin-1"))
        return found

    def nothing_leaked(self) -> None:
        """No token is in anything that the process wrote, nor in any answer; the authority alone was sent them, in one header."""
        self.http.close()
        self.ingress.close()
        written = "".join(self.gateway.lines)
        assert '"level":"debug"' in written
        for file in self.folder.rglob("*"):
            if file.is_file() and file.name != "gateway.yaml":
                written += file.read_bytes().decode("latin-1")
        assert "canary" not in written
        assert "canary" not in "".join(self.answers)
        for url, headers in self.gafaelfawr.requests:
            assert url == f"{self.gafaelfawr.address}/auth/api/v1/user-info"
            holding = {name for name, value in headers.items() if "canary" in value}
            assert holding <= {"authorization"}


@contextmanager
def guarded(folder: Path, repositories: Mapping[str, Path], **auth: Any) -> Iterator[Guarded]:
    """A gateway in the mode gafaelfawr, at log level DEBUG."""
    gafaelfawr = Gafaelfawr()
    gafaelfawr.users = dict(USERS)
    readers = {"hers": {"read": ["g_hers"], "write": ["g_writers"]}, "his": {"read": ["g_his"]}}
    with gafaelfawr.served() as url:
        file = folder / "gateway.yaml"
        content = {
            "repositories": {
                label: {"uri": str(root), "collections": ["HSC/defaults"], **readers.get(label, {})}
                for label, root in repositories.items()
            },
            "auth": {"mode": "gafaelfawr", "url": url, "proxies": [INGRESS], "seconds": 60, **auth},
            "state": str(folder / "state"),
            "log": {"level": "DEBUG", "format": "json"},
        }
        file.write_text(yaml.safe_dump(content, sort_keys=False))
        with running([COMMAND, "serve", "--config", file, "--port", 0]) as gateway:
            found = Guarded(gateway, gafaelfawr, folder)
            found.data(CAROL, "{ repositories { universe } }")  # opened: what Butler logs at DEBUG is written
            yield found
