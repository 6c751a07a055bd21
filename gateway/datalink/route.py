"""GET and POST /datalink/links: what belongs to datasets, for any client of DataLink (IVOA DataLink 1.1).

ID stands once for each dataset, in any spelling of its IVOA identifier; names of parameters have no case. What is wrong with one identifier is a row of the document; what is
wrong with the request is a VOTable that says so, with a status of 4xx. Of more identifiers than one request may have the first ones are answered, each whole, and the document
says OVERFLOW (section 2.1.1): clients such as pyvo send all they have, and then ask for what was left over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import NamedTuple
from urllib.parse import parse_qsl

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.errors import BadUserInput
from adapters.media_types import DATALINK
from gateway.datalink.collecting import collected
from gateway.datalink.fault import said
from gateway.datalink.link import Link, document
from gateway.datalink.member import PATH
from gateway.datalink.surroundings import Surroundings
from gateway.http.body import read_body
from gateway.http.errors import Masking, secrets_in
from gateway.http.headers import sent
from gateway.http.leaving import while_there
from gateway.http.refusal import ClientGone
from gateway.limits import Deadline, Limits
from gateway.limits.house import House
from gateway.tables.formats import FORMATS, response_format
from gateway.tables.formats.document import refusal as refusal_document
from gateway.tables.route import HEADERS
from gateway.tables.table import Table

Enter = Callable[[Request, Masking], Awaitable[Surroundings]]
_FORM = "application/x-www-form-urlencoded"
_FIELDS = 200_000  # parameters in one form
_GONE = 499  # for the log: the client left before it was answered


class _Asked(NamedTuple):
    """``left``: how many identifiers more there were than are answered."""

    identifiers: list[str]
    media_type: str
    left: int = 0


def links_route(enter: Enter, house: House, limits: Limits, *, most: int) -> Route:
    """``enter`` says who asks and finds what the answer needs, and raises Refusal for one who is not let in. ``most``: identifiers in one request."""

    async def links(request: Request) -> Response:
        masking = Masking(request.scope.get("state", {}).get("request_id"))
        masking.hide(partial(secrets_in, sent(request.scope)))
        deadline = Deadline(limits.timeout)
        try:
            around = await enter(request, masking)
            asked = await _asked(request, limits, deadline, most)
        except ClientGone:
            return Response(status_code=_GONE)
        except Exception as error:  # noqa: BLE001  whatever it was, the client is told
            return _refused(error, masking)
        response = await while_there(request.receive, answered(asked, around, deadline, masking))
        return response or Response(status_code=_GONE)

    async def answered(asked: _Asked, around: Surroundings, deadline: Deadline, masking: Masking) -> Response:
        user = around.context.call.caller.username
        try:
            if not house.enter(user):
                await house.wait(user, deadline)
            try:
                with anyio.fail_after(deadline.remaining()):
                    content = await _written(asked, around)
            finally:
                house.leave(user)
                around.context.stop()
        except Exception as error:  # noqa: BLE001
            return _refused(error, masking)
        return Response(content, headers=HEADERS, media_type=asked.media_type)

    return Route(f"{PATH}/links", links, methods=["GET", "POST"], name="datalink")


def _refused(error: Exception, masking: Masking) -> Response:
    refusal = masking.refusal(error)
    told = refusal.errors[0]
    return Response(
        refusal_document(said(told["extensions"]["code"], told["message"])),
        refusal.status,
        {**HEADERS, **refusal.headers},
        media_type="application/x-votable+xml",
    )


async def _asked(request: Request, limits: Limits, deadline: Deadline, most: int) -> _Asked:
    """Each identifier once, in the order asked. One without a value is as good as not there (DALI 1.1, section 2.2)."""
    pairs = request.query_params.multi_items()
    if request.method == "POST":
        kind = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
        if kind != _FORM:
            raise BadUserInput(f"The parameters of a POST are sent as {_FORM}, not as {kind[:100]}.")
        length = request.headers.get("content-length")
        body = await read_body(
            request.receive, None if length is None else length.encode(), limits.max_body, deadline
        )
        pairs += await anyio.to_thread.run_sync(_fields, body)
    found: dict[str, None] = {}
    media_type = DATALINK
    for name, value in pairs:
        match name.upper():
            case "ID" if value:
                found[value] = None
            case "RESPONSEFORMAT":
                media_type = _media_type(value)
    identifiers = list(found)
    return _Asked(identifiers[:most], media_type, max(0, len(identifiers) - most))


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        raise BadUserInput(f"There are more than {_FIELDS} parameters.", limit=_FIELDS) from None


def _media_type(value: str) -> str:
    """Whoever asks for text/xml gets it under that name; any other word for VOTable means a links document."""
    if value.replace(" ", "").lower() == DATALINK:
        return DATALINK
    try:
        found = response_format(value).media_type
    except BadUserInput:
        found = None  # its words tell of formats that tables have, and links have not
    if found == "text/xml":
        return found
    if found != FORMATS["VOTABLE"].media_type:
        raise BadUserInput("Links are written as VOTable only: leave RESPONSEFORMAT out.")
    return DATALINK


async def _written(asked: _Asked, around: Surroundings) -> bytes:
    links, descriptors = await collected(asked.identifiers, around)
    rows: list[tuple[str, Link]] = [(identifier, link) for identifier, some in links for link in some]
    table = document(rows, descriptors)
    batches = [batch async for batch in table.batches]
    overflow = None
    if asked.left:
        count = len(asked.identifiers)
        overflow = f"These are the links of the first {count} identifiers; ask again for the other {asked.left}, {count} at a time."
    return await anyio.to_thread.run_sync(_encoded, table, batches, overflow)


def _encoded(table: Table, batches: list[object], overflow: str | None) -> bytes:
    encoder = FORMATS["VOTABLE"].encoder(table)
    return b"".join([encoder.begin(), *map(encoder.rows, batches), encoder.end(overflow)])
