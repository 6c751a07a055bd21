"""GET and POST /datalink/links: what belongs to datasets, for any client of DataLink (IVOA DataLink 1.1).

ID stands once for each dataset, in any spelling of its IVOA identifier; names of parameters have no case. What is wrong with one identifier is a row of the document; what is
wrong with the request is a VOTable that says so, with a status of 4xx.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from urllib.parse import parse_qsl

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.errors import BadUserInput
from gateway.datalink.collecting import collected
from gateway.datalink.fault import said
from gateway.datalink.link import MEDIA_TYPE, Link, document
from gateway.datalink.member import PATH
from gateway.datalink.surroundings import Surroundings
from gateway.http.body import read_body
from gateway.http.errors import Masking, secrets_in
from gateway.http.headers import sent
from gateway.limits import Deadline, Limits
from gateway.limits.house import House
from gateway.tables.formats import FORMATS, response_format
from gateway.tables.formats.document import refusal as refusal_document
from gateway.tables.route import HEADERS
from gateway.tables.table import Table

Enter = Callable[[Request, Masking], Awaitable[Surroundings]]
_FORM = "application/x-www-form-urlencoded"


def links_route(enter: Enter, house: House, limits: Limits, *, most: int) -> Route:
    """``enter`` says who asks and finds what the answer needs, and raises Refusal for one who is not let in. ``most``: identifiers in one request."""

    async def links(request: Request) -> Response:
        masking = Masking(request.scope.get("state", {}).get("request_id"))
        masking.hide(partial(secrets_in, sent(request.scope)))
        deadline = Deadline(limits.timeout)
        try:
            around = await enter(request, masking)
            identifiers = await _identifiers(request, limits, deadline, most)
            user = around.context.call.caller.username
            if not house.enter(user):
                await house.wait(user, deadline)
            try:
                with anyio.fail_after(deadline.remaining()):
                    content = await _written(identifiers, around)
            finally:
                house.leave(user)
                around.context.stop()
        except Exception as error:  # noqa: BLE001  whatever it was, the client is told
            refusal = masking.refusal(error)
            told = refusal.errors[0]
            message = said(told["extensions"]["code"], told["message"])
            return Response(
                refusal_document(message),
                refusal.status,
                {**HEADERS, **refusal.headers},
                media_type="application/x-votable+xml",
            )
        return Response(content, headers=HEADERS, media_type=MEDIA_TYPE)

    return Route(f"{PATH}/links", links, methods=["GET", "POST"], name="datalink")


async def _identifiers(request: Request, limits: Limits, deadline: Deadline, most: int) -> list[str]:
    """Each identifier once, in the order asked."""
    pairs = request.query_params.multi_items()
    if request.method == "POST":
        kind = request.headers.get("content-type", _FORM).partition(";")[0].strip().lower()
        if kind != _FORM:
            raise BadUserInput(f"The parameters of a POST are sent as {_FORM}, not as {kind[:100]}.")
        length = request.headers.get("content-length")
        body = await read_body(
            request.receive, None if length is None else length.encode(), limits.max_body, deadline
        )
        pairs += parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=10 * most)
    found: dict[str, None] = {}
    for name, value in pairs:
        match name.upper():
            case "ID":
                found[value] = None
            case "RESPONSEFORMAT" if value.replace(" ", "").lower() != MEDIA_TYPE:
                if response_format(value).media_type not in (FORMATS["VOTABLE"].media_type, "text/xml"):
                    raise BadUserInput("Links are written as VOTable only: leave RESPONSEFORMAT out.")
    if len(found) > most:
        raise BadUserInput(
            f"There are {len(found)} identifiers; one request may have {most}.",
            limit=most,
            actual=len(found),
        )
    return list(found)


async def _written(identifiers: list[str], around: Surroundings) -> bytes:
    links, descriptors = await collected(identifiers, around)
    rows: list[tuple[str, Link]] = [(identifier, link) for identifier, some in links for link in some]
    table = document(rows, descriptors)
    batches = [batch async for batch in table.batches]
    return await anyio.to_thread.run_sync(_encoded, table, batches)


def _encoded(table: Table, batches: list[object]) -> bytes:
    encoder = FORMATS["VOTABLE"].encoder(table)
    return b"".join([encoder.begin(), *map(encoder.rows, batches), encoder.end(None)])
