"""GET /files/{repository}/{uuid}[?component=...]: the stored bytes of a dataset, as they are.

The adapter says where the bytes are; nothing of a path ever comes from the request. A local file is streamed with
ranges and conditions by its ETag and Last-Modified; bytes elsewhere are redirected to. Errors have GraphQL's shape. A repository
that does not exist, one that is not this caller's to see and a dataset that does not exist are told in the same words. A client that takes nothing for
a minute is left.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from uuid import UUID

import anyio
import anyio.to_thread
import structlog
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.staticfiles import NotModifiedResponse
from starlette.types import Receive, Scope, Send

from adapters.caller import Call
from adapters.errors import BadUserInput, NotFound, Unsupported
from adapters.protocol import Repository
from adapters.rows import FileContent
from gateway.content.conditions import not_modified, wanted_ranges, with_ranges
from gateway.http.errors import Masking, secrets_in
from gateway.http.headers import sent
from gateway.http.patience import Stalled, patient

log = structlog.get_logger("gateway.content")

PATH = "/files/{repository}/{uuid}"
# A stored file may be HTML or SVG: it must neither run as ours nor be taken for another type than it is said to be.
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "no-referrer",
    "Vary": "Authorization",
}

Enter = Callable[[Request], Awaitable[tuple[Mapping[str, Repository], Call]]]


def files_route(enter: Enter) -> Route:
    """The route that serves files. ``enter`` says who asks, until when, and which repositories there are for this caller; it raises
    Refusal for one who is not let in."""

    async def download(request: Request) -> Response:
        masking = masking_of(request)
        try:
            repositories, call = await enter(request)
            repository, dataset = addressed(request, repositories)
            component = named_component(request.query_params.get("component"))
            return await stored(request, repository, dataset, component, call)
        except Exception as error:  # noqa: BLE001  whatever it was, the answer has GraphQL's shape
            return refused(masking, error)

    return Route(PATH, download, methods=["GET"], name="files")


def addressed(request: Request, repositories: Mapping[str, Repository]) -> tuple[Repository, str]:
    """The repository and the dataset (32 hex digits) that a path names. Raises BadUserInput, NotFound."""
    label, written = request.path_params["repository"], request.path_params["uuid"]
    try:
        dataset = UUID(written).hex
    except ValueError:
        raise BadUserInput("The address of a file ends in the UUID of its dataset.") from None
    if label not in repositories:
        raise nothing_here()
    return repositories[label], dataset


def named_component(written: str | None) -> str | None:
    """Raises BadUserInput for what cannot be a component's name."""
    if written and not re.fullmatch(r"[A-Za-z0-9_.]{1,200}", written):
        raise BadUserInput("'component' is no name of a component.")
    return written or None


def nothing_here(component: str | None = None) -> NotFound:
    return NotFound(
        f"There is no file of component '{component}' here." if component else "There is no file here."
    )


async def stored(
    request: Request,
    repository: Repository,
    dataset: str,
    component: str | None,
    call: Call,
    media_type: str | None = None,
) -> Response:
    """The stored bytes, those of them that the request wants, or a redirect to them; ``media_type`` where it is known better than by their name. Raises
    NotFound, what the adapter raises, and Refusal where the request has conditions that are not met, or wants bytes that are not there."""
    try:
        with anyio.fail_after(call.deadline.remaining()):
            content: FileContent = await repository.content(dataset, component, call)
    except NotFound:
        raise nothing_here(component) from None
    if content.path is None:
        if content.url is None:
            raise nothing_here(component)
        return RedirectResponse(content.url, 307, headers={**HEADERS, "Cache-Control": "no-store"})
    try:
        stat = await anyio.to_thread.run_sync(os.stat, content.path)
    except OSError:
        # Recorded, and gone: for the client the same as never stored.
        raise nothing_here(component) from None
    response = _File(
        content.path,
        headers=HEADERS,
        media_type=media_type or content.media_type,
        filename=safe_name(content.name),
        stat_result=stat,
    )
    etag, modified = response.headers["etag"], response.headers["last-modified"]
    if not_modified(request.scope, etag, modified):
        return NotModifiedResponse(response.headers)
    response.ranges = wanted_ranges(request.scope, etag, modified, stat.st_size)
    return response


class _File(FileResponse):
    """A file, or the ``ranges`` of it that were found to be wanted."""

    ranges: Sequence[tuple[int, int]] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(with_ranges(scope, self.ranges), receive, patient(send))
        except Stalled:
            log.warning("file broken off", code="STALLED")


def safe_name(name: str) -> str:
    """The last part of a name, without what a file system or a header could misread; never empty."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^\w.+@=,() -]", "_", last).strip(". ")[:200] or "dataset"


def masking_of(request: Request) -> Masking:
    """What formats the errors of a request, and keeps its secrets out of the log."""
    masking = Masking(request.scope.get("state", {}).get("request_id"))
    masking.hide(partial(secrets_in, sent(request.scope)))
    return masking


def refused(masking: Masking, error: Exception) -> Response:
    """An error in GraphQL's shape. What nobody here can do is 501."""
    refusal = masking.refusal(error)
    status = 501 if isinstance(error, Unsupported) else refusal.status
    return JSONResponse({"errors": refusal.errors}, status, headers=HEADERS | refusal.headers)
