"""The floor: what these answers cost without GraphQL, without Butler and without a framework.

A bare ASGI handler under uvicorn with uvloop and httptools, asyncpg, one hand-written statement for each question
(``benchmarks.engine.statements``), dicts in the shape of the gateway's answer, and orjson. It validates nothing, authorises
nobody and has one page size at a time: a server cannot do less and give the same data. It is asked with POST: the path names
the question, the body is a JSON object of its values.

Connections are kept and not reset between uses. Statements are prepared when they are first asked, and planned once: lengths of pages are written
into them, because PostgreSQL's plan for any length is several times slower, and planning for each request takes as long as 100 rows.
"""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Awaitable, Callable
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import asyncpg  # type: ignore[import-untyped]
import orjson

from benchmarks.engine import statements
from benchmarks.engine.known import FLATS, RAWS, Registry
from benchmarks.engine.process import serve_here

_HEADERS = [(b"content-type", b"application/json")]
_CONNECTIONS = 8
_TAI_UTC = 37_000_000_000  # nanoseconds, since 2017
_texts: dict[int, str] = {}


def instant(tai: int) -> str:
    """UTC text of nanoseconds TAI, as the gateway gives it. Each is worked out once: there are few."""
    text = _texts.get(tai)
    if text is None:
        seconds, fraction = divmod(tai - _TAI_UTC, 1_000_000_000)
        day = datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
        text = _texts[tai] = f"{day}.{fraction:09d}".rstrip("0").rstrip(".") + "Z"
    return text


def _raw(row: Any, run: str = RAWS) -> dict[str, Any]:
    uuid, exposure, detector, physical_filter, begin = row
    return {
        "uuid": uuid,
        "run": run,
        "type": {"name": "raw"},
        "dataId": {
            "instrument": statements.INSTRUMENT,
            "exposure": exposure,
            "detector": detector,
            "physicalFilter": physical_filter,
        },
        "timespan": {"begin": instant(begin)},
    }


def _raw_with_flat(row: Any) -> dict[str, Any]:
    uuid, exposure, detector, physical_filter, seen, flat, flat_run, begin, end = row
    return {
        "uuid": uuid,
        "run": RAWS,
        "type": {"name": "raw"},
        "dataId": {
            "instrument": statements.INSTRUMENT,
            "exposure": exposure,
            "detector": detector,
            "physicalFilter": physical_filter,
        },
        "timespan": {"begin": instant(seen)},
        "calibration": None
        if flat is None
        else {
            "collection": FLATS,
            "validity": {"begin": instant(begin), "end": instant(end)},
            "node": {"uuid": flat, "run": flat_run},
        },
    }


class Floor:
    """The handler."""

    def __init__(self, known: Registry) -> None:
        self._known = known
        self._short, self._long = statements.short_page(known), statements.long_page(known)
        self._nested, self._one = statements.nested(known), statements.one(known)
        self._opening = asyncio.Lock()
        self._free: Any = None
        self._routes: dict[str, Callable[[Any], Awaitable[Any]]] = {
            "/raws": self._raws,
            "/flats": self._flats,
            "/one": self._by_id,
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        route = self._routes.get(scope["path"])
        body = b""
        if route is None:
            body = b"{}"
        else:
            while True:
                message = await receive()
                body += message["body"]
                if not message.get("more_body"):
                    break
            body = orjson.dumps({"data": {"repository": await route(orjson.loads(body))}})
        length = (b"content-length", b"%d" % len(body))
        await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, length]})
        await send({"type": "http.response.body", "body": body})

    async def _raws(self, values: Any) -> Any:
        first = values["first"]
        rows = await self._fetch(
            (self._short if first <= statements.SHORT else self._long).format(first=first)
        )
        return {"datasets": {"nodes": [_raw_with_flat(row) for row in rows]}}

    async def _flats(self, values: Any) -> Any:
        rows = await self._fetch(self._nested.format(**values))
        nodes = [
            {
                "uuid": uuid,
                "run": run,
                "dataId": {"physicalFilter": physical_filter, "detector": detector},
                "related": {"nodes": [_raw(row[4:]) for row in group if row[4] is not None]},
            }
            for (uuid, run, physical_filter, detector), group in groupby(rows, itemgetter(0, 1, 2, 3))
        ]
        return {"datasets": {"nodes": nodes}}

    async def _by_id(self, values: Any) -> Any:
        (row,) = await self._fetch(self._one, UUID(values["id"])) or [None]
        return {"dataset": None if row is None else _raw(row[:5], row[5])}

    async def _fetch(self, statement: str, *values: Any) -> Any:
        if self._free is None:
            await self._open()
        connection, prepared = one = await self._free.get()
        try:
            known = prepared.get(statement)
            if known is None:
                known = prepared[statement] = await connection.prepare(statement)
            return await known.fetch(*values)
        finally:
            self._free.put_nowait(one)

    async def _open(self) -> None:
        """Connections that wait for work, each with its prepared statements. asyncpg's own pool would cost a fifth of a look-up by id."""
        async with self._opening:
            if self._free is None:
                free: asyncio.LifoQueue[Any] = asyncio.LifoQueue()
                settings = {"plan_cache_mode": "force_generic_plan", "jit": "off"}
                for _ in range(_CONNECTIONS):
                    free.put_nowait((await asyncpg.connect(self._known.dsn, server_settings=settings), {}))
                self._free = free


if __name__ == "__main__":
    serve_here(Floor)
