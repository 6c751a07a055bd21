"""GET /tables: a list as a table, whole.

The parameters are DALI's (IVOA DALI 1.1, section 3): their names have no case. QUESTION, KEPT or RESULT is what the field ``table`` of a list, or of a saved result, gave; RESPONSEFORMAT is
VOTable where it is left out; MAXREC is the most rows, and 0 asks for the columns alone; OBSCORE=true gives datasets the columns of ObsCore 1.1. Rows are read
and written page by page. What goes wrong before the first one is a VOTable that says so, with a status of 4xx or 5xx; what goes wrong later ends the
document without its end (VOTable: with QUERY_STATUS=ERROR), and then the connection, so that no client takes it for a whole one. So does a format that has
no place to say that rows are missing (CSV, JSON lines), where more of them are than the caller left out by MAXREC. A client that is gone, or takes nothing
for a minute, is not written for any more.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from functools import partial
from typing import NamedTuple

import structlog
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from adapters.caller import Caller
from adapters.errors import BadUserInput, Unsupported
from adapters.protocol import Repository
from gateway.http.errors import Masking, secrets_in
from gateway.http.headers import sent
from gateway.http.leaving import while_there
from gateway.http.patience import Stalled, part, patient, within
from gateway.limits import Deadline
from gateway.limits.house import House
from gateway.tables.formats import response_format
from gateway.tables.formats.document import refusal as refusal_document
from gateway.tables.links import PATH
from gateway.tables.table import Encoder, Format, Table
from gateway.thread import in_thread

log = structlog.get_logger("gateway.tables")

HEADERS = {
    "Cache-Control": "private, no-store",
    "Vary": "Authorization",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Referrer-Policy": "no-referrer",
}
_NAMES = ("QUESTION", "KEPT", "RESULT", "RESPONSEFORMAT", "MAXREC", "OBSCORE")


class Asking(NamedTuple):
    """Who asks for a table, and what: the parameters by their names in capitals."""

    parameters: Mapping[str, str]
    opened: Mapping[str, Repository]
    caller: Caller
    base_url: str


Enter = Callable[[Request], Awaitable[tuple[Mapping[str, Repository], Caller, str]]]
Read = Callable[[Asking, int | None, bool], Awaitable[Table]]


def tables_route(enter: Enter, read: Read, house: House, *, timeout: float, waiting: float) -> Route:
    """``enter`` says who asks and which repositories there are for this caller, and raises Refusal for one who is not let in; ``read`` finds the table of
    what is asked. A table is stopped after ``timeout`` seconds; it waits ``waiting`` seconds for a place in the house."""

    async def answer(request: Request) -> Response:
        return _Answer(request, enter, read, house, timeout, waiting)

    return Route(PATH, answer, methods=["GET"], name="tables")


class _Answer(Response):
    """The answer to one request, an ASGI application."""

    def __init__(
        self, request: Request, enter: Enter, read: Read, house: House, timeout: float, waiting: float
    ) -> None:
        self._request = request
        self._enter = enter
        self._read = read
        self._house = house
        self._timeout = timeout
        self._waiting = waiting
        self._begun: Encoder | None = None
        self.background = None
        self._masking = Masking(request.scope.get("state", {}).get("request_id"))
        self._masking.hide(partial(secrets_in, sent(request.scope)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_there(receive, self._answered(scope, patient(send)))

    async def _answered(self, scope: Scope, send: Send) -> None:
        try:
            opened, caller, base_url = await self._enter(self._request)
            parameters = _parameters(self._request.query_params)
            format = response_format(parameters.get("RESPONSEFORMAT", ""))
            most, obscore = _whole(parameters), _flag(parameters, "OBSCORE")
            user = caller.username
            if not self._house.enter(user):
                await self._house.wait(user, Deadline(self._waiting))
        except Exception as error:  # noqa: BLE001  whatever it was, the client is told
            await self._refuse(scope, send, error)
            return
        try:
            async with within(self._timeout, "A table"):
                await self._written(
                    scope,
                    send,
                    self._read(Asking(parameters, opened, caller, base_url), most, obscore),
                    format,
                    most,
                )
        except Stalled:
            log.warning("table broken off", code="STALLED")
        except Exception as error:  # noqa: BLE001
            if self._begun is None:
                await self._refuse(scope, send, error)
            else:
                await self._break_off(send, self._begun, error)
        finally:
            self._house.leave(user)

    async def _written(
        self, scope: Scope, send: Send, reading: Awaitable[Table], format: Format, most: int | None
    ) -> None:
        """Send a table. Raises what goes wrong before anything was sent."""
        table = await reading
        if not format.tells:
            _require_whole(table, None, 0)
        encoder = format.encoder(table)
        async with aclosing(table.batches) as batches:  # type: ignore[type-var]
            first = await anext(batches, None)
            count = 0 if first is None else first.num_rows
            content = await in_thread(_opening, encoder, first)
            self._begun = encoder
            await send(_start(table, format))
            if scope["method"] == "HEAD":
                await part(send, b"", more=False)
                return
            await part(send, content)
            async for batch in batches:
                count += batch.num_rows
                await part(send, await in_thread(encoder.rows, batch))
        if not format.tells:
            _require_whole(table, most, count)
        content = await in_thread(encoder.end, table.end.overflow)
        await part(send, content, more=False)

    async def _break_off(self, send: Send, encoder: Encoder, error: Exception) -> None:
        """Say in the document that it is not whole, and leave the answer without its end: the server then closes the connection."""
        told = self._masking.refusal(error).errors[0]
        log.warning("table broken off", code=told["extensions"]["code"])
        with suppress(Exception):
            await part(send, encoder.failed(told["message"]))

    async def _refuse(self, scope: Scope, send: Send, error: Exception) -> None:
        refusal = self._masking.refusal(error)
        told = refusal.errors[0]
        status = 501 if isinstance(error, Unsupported) else refusal.status
        document = refusal_document(f"{told['extensions']['code']}: {told['message']}")
        response = Response(
            document, status, {**HEADERS, **refusal.headers}, media_type="application/x-votable+xml"
        )
        if scope["method"] == "HEAD":
            response.body = b""
        with suppress(Stalled):
            await response(scope, _nothing, send)


def _require_whole(table: Table, most: int | None, count: int) -> None:
    """For a format that has no place to say that rows are missing. Who asked for so many rows and has got them knows that there may be more; but not that
    a repository did not answer. Raises Unsupported."""
    end = table.end
    if end.unavailable or (end.overflow is not None and most != count):
        way = "take another one" if end.unavailable else "take another one, or fewer rows (MAXREC)"
        why = end.overflow or f"These repositories did not answer: {', '.join(end.unavailable)}."
        raise Unsupported(f"Rows are missing, and this format has no place to say so: {way}. {why}")


async def _nothing() -> dict[str, str]:
    return {"type": "http.disconnect"}


def _opening(encoder: Encoder, first: object) -> bytes:
    return encoder.begin() + (b"" if first is None else encoder.rows(first))


def _start(table: Table, format: Format) -> dict[str, object]:
    named = {
        **HEADERS,
        "Content-Type": format.media_type,
        "Content-Disposition": f'attachment; filename="{_file_name(table.name)}{format.suffix}"',
    }
    headers = [(name.lower().encode(), value.encode()) for name, value in named.items()]
    return {"type": "http.response.start", "status": 200, "headers": headers}


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[:100] or "table"


def _parameters(query: QueryParams) -> dict[str, str]:
    """The parameters of this service. Others are none of its business; one that comes twice is BadUserInput."""
    found: dict[str, str] = {}
    for name, value in query.multi_items():
        known = name.upper()
        if known not in _NAMES:
            continue
        if known in found:
            raise BadUserInput(f"{known} stands in the address more than once.")
        found[known] = value
    return found


def _whole(parameters: Mapping[str, str]) -> int | None:
    text = parameters.get("MAXREC", "")
    if not text:
        return None
    if not re.fullmatch(r"[0-9]+", text):
        raise BadUserInput("MAXREC is a number of rows, 0 or more.")
    digits = text.lstrip("0")
    return None if len(digits) > 15 else int(digits or "0")  # no table has so many rows


def _flag(parameters: Mapping[str, str], name: str) -> bool:
    match parameters.get(name, "").lower():
        case "" | "false" | "0":
            return False
        case "true" | "1":
            return True
    raise BadUserInput(f"{name} is true or false.")
