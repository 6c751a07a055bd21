"""What every request passes on its way in and out: its id, its line in the log, headers for browsers, compression,
CORS."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from typing import Any

import orjson
import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.http.compression import Compression
from gateway.http.errors import Masking

log = structlog.get_logger("gateway.access")

# What goes into a log unquoted and back into a header: no spaces, no control characters, no novel.
_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,127}")


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
        inbound = Headers(scope=scope).get("x-request-id", "")
        request_id = inbound if _REQUEST_ID.fullmatch(inbound) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        status: int | None = None

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
            await send(message)

        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, receive, send_on)
            except Exception as fault:  # noqa: BLE001  the last place that can give it a shape
                refusal = Masking(request_id).refusal(fault)
                if status is None:
                    response = _errors(refusal.errors, refusal.status)
                    await response(scope, receive, send_on)
            finally:
                route = scope.get("route")
                log.info(
                    "request",
                    method=scope["method"],
                    route=getattr(route, "path", None) or "unmatched",
                    # None: cancelled before there was an answer, at shutdown.
                    status=status,
                    duration_ms=round((time.perf_counter() - began) * 1000, 2),
                    request_id=request_id,
                )


def middleware(origins: Sequence[str] = ()) -> list[Middleware]:
    """The middleware of the application, outermost first.

    ``origins`` are those whose pages may call the service from a browser (``*`` for all); none by default. No cookies
    are ever asked for, and a token that such a page holds travels in Authorization.
    """
    stack = [Middleware(Edge), Middleware(Compression)]
    if origins:
        stack.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(origins),
                allow_methods=["GET", "POST"],
                allow_headers=["Content-Type", "Authorization", "X-Request-Id"],
                expose_headers=["X-Request-Id"],
                max_age=3600,
            )
        )
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
