"""A small server on loopback that stands in front of a TAP service: records what it is sent, passes it on, or answers otherwise."""

from __future__ import annotations

import http.client
import select
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def query(self) -> str:
        """The ADQL that it asks."""
        return parse_qs(self.body.decode()).get("QUERY", [""])[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """``status`` 0: none, the connection is closed. ``stall``: seconds before anything is sent, cut short when the client leaves."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    stall: float = 0.0


Behaviour = Callable[[Request], Answer | None]


class Proxy:
    """``behaviour`` says what to answer; None: what the service behind says."""

    def __init__(self, upstream: str | None = None, behaviour: Behaviour = lambda request: None) -> None:
        self.behaviour = behaviour
        self.requests: list[Request] = []
        self.left = threading.Event()
        """A client went away before it was answered."""
        self._upstream = urlsplit(upstream or "http://127.0.0.1:9")
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(
                    self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body
                )
                proxy.requests.append(request)
                answer = proxy.behaviour(request) or proxy._passed_on(request)
                if answer.stall and self._gone(answer.stall):
                    proxy.left.set()
                    self.close_connection = True
                    return
                if not answer.status:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in {**answer.headers, "Content-Length": str(len(answer.body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_DELETE = _do

            def _gone(self, seconds: float) -> bool:
                until = time.monotonic() + seconds
                while time.monotonic() < until:
                    ready, _, _ = select.select([self.connection], [], [], 0.05)
                    if ready and not self.connection.recv(1, socket.MSG_PEEK):
                        return True
                return False

            def log_message(self, *_: object) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/tap"

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _passed_on(self, request: Request) -> Answer:
        connection = http.client.HTTPConnection(
            self._upstream.hostname or "", self._upstream.port, timeout=60
        )
        try:
            headers = {
                k: v for k, v in request.headers.items() if k not in ("host", "connection", "accept-encoding")
            }
            connection.request(request.method, request.path, request.body or None, headers)
            reply = connection.getresponse()
            kept = {k: v for k, v in reply.getheaders() if k.lower() in ("content-type", "location")}
            # What the service says of its own address is where it is reached through here.
            own, there = self.uri.removesuffix("/tap"), f"http://{self._upstream.netloc}"
            kept = {k: v.replace(there, own) for k, v in kept.items()}
            return Answer(reply.status, reply.read(), kept)
        finally:
            connection.close()
