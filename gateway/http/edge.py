"""What every request passes on its way in and out: its id, its line in the log, headers for browsers, compression,
CORS."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import orjson
import structlog
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.compression import Compression
from gateway.http.errors import Masking
from gateway.http.headers import answered, replace, sent

log = structlog.get_logger("gateway.access")

# What goes into a log unquoted and back into a header: no spaces, no control characters, no novel.
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")
# By its name structlog takes it for one of its own context variables, at a tenth of what binding one costs.
_CURRENT: ContextVar[str] = ContextVar(f"{structlog.contextvars.STRUCTLOG_KEY_PREFIX}request_id")


class Edge:
    """The outermost middleware.

    - A request keeps the X-Request-Id that it brings, if that is a plain word, or gets one. It is in
      ``scope["state"]["request_id"]``, in structlog's context variables, and in the answer.
    - One line in the log, by route and not by path: no query string, no header, no body.
    - An exception that nothing else caught becomes a masked error in GraphQL's shape.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        inbound = sent(scope).get(b"x-request-id", b"").decode("latin-1")
        # No secret, but unlike all others.
        request_id = inbound if _REQUEST_ID.fullmatch(inbound) else f"{random.getrandbits(64):016x}"
        scope.setdefault("state", {})["request_id"] = request_id
        status: int | None = None

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _mark(message, request_id)
            await send(message)

        began = time.perf_counter()
        outer = _CURRENT.set(request_id)
        try:
            await self._app(scope, receive, send_on)
        except Exception as fault:  # noqa: BLE001  the last place that can give it a shape
            refusal = Masking(request_id).refusal(fault)
            if status is None:
                response = _errors(refusal.errors, refusal.status)
                await response(scope, receive, send_on)
        finally:
            if log.is_enabled_for(logging.INFO):
                _tell(scope, status, time.perf_counter() - began, request_id)
            _CURRENT.reset(outer)


def _mark(start: Message, request_id: str) -> None:
    """Give an answer the headers that every answer has."""
    headers = answered(start)
    names = dict(headers)
    if b"x-request-id" in names:
        replace(headers, b"x-request-id", None)
    headers.append((b"x-request-id", request_id.encode()))
    if b"x-content-type-options" not in names:
        headers.append((b"x-content-type-options", b"nosniff"))
    if b"referrer-policy" not in names:
        headers.append((b"referrer-policy", b"no-referrer"))


def _tell(scope: Scope, status: int | None, seconds: float, request_id: str) -> None:
    """Write the line of a request. ``status`` is None for one that was cancelled before there was an answer, at shutdown."""
    log.info(
        "request",
        method=scope["method"],
        route=getattr(scope.get("route"), "path", None) or "unmatched",
        status=status,
        duration_ms=round(seconds * 1000, 2),
        request_id=request_id,
    )


class Straight:
    """The innermost middleware: a request for exactly the path of ``route`` goes there without a search among all routes. What the
    router would have noted is noted; where a prefix has to be cut off first (``root_path``), it is asked."""

    def __init__(self, app: ASGIApp, route: Route) -> None:
        self._app = app
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._route
        if scope["type"] == "http" and scope["path"] == route.path and not scope.get("root_path"):
            scope.update(route=route, endpoint=route.endpoint, path_params={})
            await route.handle(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def middleware(origins: Sequence[str] = (), straight: Route | None = None) -> list[Middleware]:
    """The middleware of the application, outermost first.

    ``origins`` are those whose pages may call the service from a browser (``*`` for all); none by default. No cookies
    are ever asked for, and a token that such a page holds travels in Authorization. ``straight``: the route that most requests are
    for, which answers its own exceptions.
    """
    stack = [Middleware(Edge), Middleware(Compression)]
    if origins:
        stack.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(origins),
                allow_methods=["GET", "POST"],
                allow_headers=["Content-Type", "Authorization", "X-Request-Id"],
                expose_headers=["X-Request-Id", "WWW-Authenticate", "Retry-After"],
                max_age=3600,
            )
        )
    if straight is not None:
        stack.append(Middleware(Straight, straight))
    return stack


async def http_error(_: Request, error: Exception) -> Response:
    """Starlette's own errors (no such path, no such method) in the shape of all others."""
    assert isinstance(error, HTTPException)
    code = "NOT_FOUND" if error.status_code == 404 else "BAD_USER_INPUT"
    return _errors(
        [{"message": error.detail, "extensions": {"code": code}}],
        error.status_code,
        dict(error.headers or {}),
    )


def _errors(errors: list[dict[str, Any]], status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps({"errors": errors}),
        status,
        {**(headers or {}), "Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"},
    )
