"""Whether the process lives, whether its repositories answer, and what its schema is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

import orjson
import structlog
from starlette.requests import Request
from starlette.responses import Response

log = structlog.get_logger("gateway.http")

Ping = Callable[[], Awaitable[object]]
Seen = Callable[[Request], Awaitable[Collection[str]]]

_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Health:
    """The probes of an orchestrator.

    Parameters
    ----------
    pings
        For each repository's name, something that returns (whatever) when the repository answers and raises when
        it does not. The mapping is read anew for each round.
    timeout
        Seconds that one ping may take.
    keep
        Seconds that a round of pings is believed, so that many probes do not become many pings.
    seen
        The names that a request is told of. Left out: all.
    """

    def __init__(
        self,
        pings: Mapping[str, Ping],
        *,
        timeout: float = 2.0,
        keep: float = 2.0,
        seen: Seen | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pings = pings
        self._timeout = timeout
        self._keep = keep
        self._seen = seen
        self._clock = clock
        self._round = asyncio.Lock()
        self._checked: float | None = None
        self._found: dict[str, dict[str, Any]] = {}

    async def healthz(self, _: Request) -> Response:
        """200: the process runs and its event loop turns. Nothing is asked of anybody."""
        return _json({"status": "ok"}, 200)

    async def readyz(self, request: Request) -> Response:
        """200 while at least one repository answers (``degraded`` if not all do), else 503.

        For each repository that the request is told of it says whether it answered and how quickly or, in one word, why not. ``degraded``
        goes by those: that another one is down is no news of one that there is. The status goes by all, for the orchestrator.
        """
        names = self._pings.keys() if self._seen is None else await self._seen(request)
        async with self._round:
            if self._checked is None or self._clock() - self._checked >= self._keep:
                pinged = list(self._pings)
                results = await asyncio.gather(*(self._ping(name) for name in pinged))
                self._found = dict(zip(pinged, results, strict=True))
                self._checked = self._clock()
        answering = any(found["ok"] for found in self._found.values())
        told = {name: found for name, found in self._found.items() if name in names}
        whole = all(found["ok"] for found in told.values())
        status = "unavailable" if not answering else "ready" if whole else "degraded"
        return _json({"status": status, "repositories": told}, 200 if answering else 503)

    async def _ping(self, name: str) -> dict[str, Any]:
        began = self._clock()
        try:
            async with asyncio.timeout(self._timeout):
                await self._pings[name]()
        except TimeoutError:
            return {"ok": False, "reason": "timeout"}
        except Exception as fault:  # noqa: BLE001  any fault of a backend is one that does not answer
            # Its text may name hosts, paths and users: it is for the log, not for whoever can reach this URL.
            log.warning(
                "repository does not answer", repository=name, exception_type=type(fault).__qualname__
            )
            return {"ok": False, "reason": "unavailable"}
        return {"ok": True, "milliseconds": round((self._clock() - began) * 1000, 1)}


def schema_text(sdl: str) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that returns the schema in GraphQL's schema definition language."""
    body = sdl.encode()

    async def schema_graphql(_: Request) -> Response:
        return Response(body, 200, {**_HEADERS, "Content-Type": "text/plain; charset=utf-8"})

    return schema_graphql


def _json(content: dict[str, Any], status: int) -> Response:
    return Response(orjson.dumps(content), status, {**_HEADERS, "Content-Type": "application/json"})
