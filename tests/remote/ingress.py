"""A small ingress in front of a Butler server: it plays Gafaelfawr, keeps a record of what arrives, and fails as it is told.

As Gafaelfawr's ingress does it looks up the token of a request, refuses unknown ones, and tells the server who asks by ``X-Auth-Request-*``, which
it takes from nobody else. ``/auth/api/v1/user-info`` is Gafaelfawr's own. Under ``/test/`` a test reads the records and gives orders.
Imported by the server's process alone, which has few packages.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

USERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "gt-alice": ("alice", ("g_lab", "g_other")),
    "gt-bob": ("bob", ("g_lab",)),
    "gt-carol": ("carol", ()),
    "gt-dave": ("dave", ("g_lab",)),
    "gt-canary-7f3a91": ("erin", ()),
}
"""Tokens: whose they are, and the owner's groups."""

_OPEN = re.compile(r"^/api/butler/repo/[^/]+/butler\.(yaml|json)$")


class Ingress:
    """An ASGI application around another one."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self.records: list[dict[str, Any]] = []
        self.orders: dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        path, headers = scope["path"], dict(scope["headers"])
        token = headers.get(b"authorization", b"").decode("latin-1").removeprefix("Bearer ")
        if path.startswith("/test/"):
            await self._obey(path, receive, send)
        elif path == "/auth/api/v1/user-info":
            user, groups = USERS.get(token, ("", ()))
            told = {"username": user, "groups": [{"name": g, "id": 1} for g in groups]}
            await _answer(send, 200 if user else 401, told)
        else:
            record = {"method": scope["method"], "path": path, "token": token, "began": time.monotonic()}
            record["headers"] = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
            self.records.append(record)
            await self._pass(scope, receive, send, record, token)

    async def _pass(self, scope: Any, receive: Any, send: Any, record: Any, token: str) -> None:
        async def hearing() -> Any:
            message = await receive()
            record["body"] = record.get("body", "") + message.get("body", b"").decode("utf-8", "replace")
            return message

        cut = self.orders.get("cut")
        left = cut["lines"] if cut and re.search(cut["path"], scope["path"]) else None

        async def noting(message: Any) -> None:
            nonlocal left
            if left is not None and message.get("body"):
                lines = message["body"].splitlines(keepends=True)[:left]
                left -= len(lines)
                message = {**message, "body": b"".join(lines)}
            if message["type"] == "http.response.start":
                record["status"] = message["status"]
            elif not message.get("more_body"):
                record["ended"] = time.monotonic()
            await send(message)

        order = self.orders.get("fail")
        if order and re.search(order["path"], scope["path"]):
            await asyncio.sleep(order.get("seconds", 0.0))
            headers = [(k.encode(), v.encode()) for k, v in order.get("headers", {}).items()]
            await _answer(noting, order["status"], order.get("body", {}), headers)
            return
        known = USERS.get(token)
        if known is None and not _OPEN.match(scope["path"]):
            await _answer(noting, 401, {"detail": "no such token"})
            return
        own = [(k, v) for k, v in scope["headers"] if not k.startswith(b"x-auth-request-")]
        if known is not None:
            own += [(b"x-auth-request-user", known[0].encode()), (b"x-auth-request-token", token.encode())]
        try:
            await self._application({**scope, "headers": own}, hearing, noting)
        except Exception:
            if "ended" not in record:  # else a proxy would keep the connection
                raise

    async def _obey(self, path: str, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if path == "/test/records":
            told, self.records = self.records, []
            await _answer(send, 200, told)
        else:
            self.orders = json.loads(body)
            await _answer(send, 200, {})


async def _answer(send: Any, status: int, told: Any, headers: Any = ()) -> None:
    own = [] if any(k == b"content-type" for k, _ in headers) else [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": [*own, *headers]})
    body = told.encode() if isinstance(told, str) else json.dumps(told).encode()
    await send({"type": "http.response.body", "body": body})
