"""GET /content/{repository}/{uuid}?form=...[&component=...][&columns=a,b]: the content of a dataset in a form of the caller's choice.

Names of parameters have no case (IVOA DALI 1.1, section 3), nor has the value of form, which is NATIVE where it is left out. ``columns`` is a line of
CSV: names, or patterns with * and ?, with commas between.

Tables are read and written part by part, so that any length fits into the same memory. What goes wrong before the first rows has GraphQL's shape and a
status; what goes wrong later ends the answer without its end, so that no client takes it for a whole one. A client that is gone, or takes nothing for a
minute, is not written for any more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import structlog
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from adapters.caller import Call
from adapters.content import Content
from adapters.errors import BadUserInput, NotFound, unknown
from adapters.protocol import Repository
from gateway.content.stored import (
    HEADERS,
    Enter,
    addressed,
    masking_of,
    named_component,
    nothing_here,
    refused,
    safe_name,
    stored,
)
from gateway.first_use import FirstUse
from gateway.http.leaving import while_there
from gateway.http.patience import Stalled, part, patient, within
from gateway.limits.house import House
from gateway.thread import in_thread
from resolvers.content import MEDIA_TYPES, ContentForm, unlisted

if TYPE_CHECKING:
    from gateway.content.writing import Writing

log = structlog.get_logger("gateway.content")

PATH = "/content/{repository}/{uuid}"

_NAMES = ("form", "component", "columns")
_LONGEST = 100_000  # characters of columns


def _writing() -> Callable[[Content, ContentForm], Writing]:
    from gateway.content.writing import write  # Arrow, astropy

    return write


_write = FirstUse(_writing)


def content_route(enter: Enter, house: House, *, timeout: float) -> Route:
    """``enter`` says who asks, until when, and which repositories there are for this caller; it raises Refusal for one who is not let in. ``house``: places
    for contents that are converted at a time. One is stopped after ``timeout`` seconds."""
    threads = anyio.CapacityLimiter(os.cpu_count() or 1)

    async def answer(request: Request) -> Response:
        return _Answer(request, enter, house, threads, timeout)

    return Route(PATH, answer, methods=["GET"], name="content")


class _Answer(Response):
    """The answer to one request, an ASGI application."""

    def __init__(
        self, request: Request, enter: Enter, house: House, threads: anyio.CapacityLimiter, timeout: float
    ) -> None:
        self._timeout = timeout
        self._request = request
        self._enter = enter
        self._house = house
        self._threads = threads
        self._masking = masking_of(request)
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await while_there(receive, self._answered(scope, receive, send))

    async def _answered(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            repositories, call = await self._enter(self._request)
            repository, dataset = addressed(self._request, repositories)
            form, component, columns = _parameters(self._request.query_params)
            if form is ContentForm.NATIVE:
                response: Response | None = await stored(self._request, repository, dataset, component, call)
            else:
                user = call.caller.username
                if not self._house.enter(user):
                    await self._house.wait(user, call.deadline)
                try:
                    response = await self._converted(
                        repository, dataset, component, columns, form, call, scope, patient(send)
                    )
                finally:
                    self._house.leave(user)
        except Exception as error:  # noqa: BLE001  whatever it was, the client is told
            response = refused(self._masking, error)
        if response is not None:
            await response(scope, receive, send)

    async def _converted(
        self,
        repository: Repository,
        dataset: str,
        component: str | None,
        columns: tuple[str, ...] | None,
        form: ContentForm,
        call: Call,
        scope: Scope,
        send: Send,
    ) -> Response | None:
        """Send a content. Where the stored file is in this form already, the response that gives it. Raises what goes wrong before anything was sent."""
        try:
            with anyio.fail_after(call.deadline.remaining()):
                content: Content = await repository.read(dataset, component, columns, call)
        except NotFound:
            raise nothing_here() from None
        try:
            if getattr(content, "stored", None) == MEDIA_TYPES[form]:
                return await stored(self._request, repository, dataset, component, call, MEDIA_TYPES[form])
            write = await _write()
            writing = write(content, form)
            with anyio.fail_after(call.deadline.remaining()):
                first = await self._first(writing.parts)
            try:
                async with within(self._timeout, "A content"):
                    await send(_start(content.name, writing.suffix, writing.media_type))
                    if scope["method"] != "HEAD":
                        await part(send, first)
                        while (found := await self._next(writing.parts)) is not None:
                            await part(send, found)
                    await part(send, b"", more=False)
            except Stalled:
                log.warning("content broken off", code="STALLED")
            except Exception as error:  # noqa: BLE001  the answer has begun, and cannot become another
                told = self._masking.refusal(error).errors[0]
                log.warning("content broken off", code=told["extensions"]["code"])
                with suppress(Exception):
                    await part(send, writing.failed(told["message"]))
        finally:
            content.close()
        return None

    async def _next(self, parts: Iterator[bytes]) -> bytes | None:
        return await in_thread(next, parts, None, limiter=self._threads)

    async def _first(self, parts: Iterator[bytes]) -> bytes:
        """The beginning with the first rows: so much has to be right before it is said that all is well."""
        found: list[bytes] = []
        while len(found) < 2 and (part := await self._next(parts)) is not None:
            if part:
                found.append(part)
        return b"".join(found)


def _start(name: str, suffix: str, media_type: str) -> dict[str, object]:
    named = {
        **HEADERS,
        "Content-Type": media_type,
        "Content-Disposition": f'attachment; filename="{_ascii(safe_name(name + suffix))}"',
    }
    headers = [(key.lower().encode(), value.encode()) for key, value in named.items()]
    return {"type": "http.response.start", "status": 200, "headers": headers}


def _ascii(name: str) -> str:
    return name.encode("ascii", "replace").decode().replace("?", "_")


def _parameters(query: QueryParams) -> tuple[ContentForm, str | None, tuple[str, ...] | None]:
    """Form, component and columns. Raises BadUserInput, with the nearest names, for what nobody would miss if it were passed over."""
    found: dict[str, str] = {}
    for name, value in query.multi_items():
        known = name.lower()
        if known not in _NAMES:
            message, details = unknown("parameter", name, _NAMES)
            raise BadUserInput(message, **details)
        if known in found:
            raise BadUserInput(f"{known} stands in the address more than once.")
        found[known] = value
    form = _form(found)
    component = named_component(found.get("component"))
    written = found.get("columns")
    if written is None:
        return form, component, None
    if form is ContentForm.NATIVE:
        raise BadUserInput("The stored file is given as it is: ask for columns in another form.")
    if len(written) > _LONGEST:
        raise BadUserInput(
            f"columns is {len(written)} characters long; it may have {_LONGEST}.",
            limit=_LONGEST,
            actual=len(written),
        )
    return form, component, tuple(unlisted(written))


def _form(found: Mapping[str, str]) -> ContentForm:
    written = found.get("form", ContentForm.NATIVE.name)
    try:
        return ContentForm[written.upper()]
    except KeyError:
        names = [form.name for form in ContentForm]
        message, details = unknown("form", written, names)
        raise BadUserInput(f"{message} There are {', '.join(names)}.", **details) from None
