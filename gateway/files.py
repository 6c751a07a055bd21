"""GET /files/{repository}/{uuid}[?component=...]: the stored bytes of a dataset, as they are.

The adapter says where the bytes are; nothing of a path ever comes from the request. A local file is streamed with
range requests, ETag and Last-Modified; bytes elsewhere are redirected to. Errors have GraphQL's shape. A repository
that does not exist, one that is not this caller's to see and a dataset that does not exist are told in the same words.
"""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from uuid import UUID

import anyio
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.caller import Call
from adapters.errors import BadUserInput, NotFound, Unsupported
from adapters.protocol import Repository
from adapters.rows import FileContent
from gateway.http.errors import Masking, secrets_in
from gateway.http.headers import sent

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
        masking = Masking(request.scope.get("state", {}).get("request_id"))
        masking.hide(partial(secrets_in, sent(request.scope)))
        try:
            repositories, call = await enter(request)
            content = await _content(request, repositories, call)
            return await _response(content)
        except Unsupported as error:
            return _refused(masking, error, 501)
        except Exception as error:  # noqa: BLE001  whatever it was, the answer has GraphQL's shape
            return _refused(masking, error)

    return Route(PATH, download, methods=["GET"], name="files")


async def _content(request: Request, repositories: Mapping[str, Repository], call: Call) -> FileContent:
    label, written = request.path_params["repository"], request.path_params["uuid"]
    try:
        dataset = UUID(written).hex
    except ValueError:
        raise BadUserInput("The address of a file ends in the UUID of its dataset.") from None
    component = request.query_params.get("component") or None
    if component is not None and not re.fullmatch(r"[A-Za-z0-9_.]{1,200}", component):
        raise BadUserInput("'component' is no name of a component.")
    if label not in repositories:
        raise NotFound("There is no file here.")
    answer: Awaitable[FileContent] = repositories[label].content(dataset, component, call)
    try:
        with anyio.fail_after(call.deadline.remaining()):
            return await answer
    except NotFound:
        raise NotFound("There is no file here.") from None


async def _response(content: FileContent) -> Response:
    if content.path is None:
        if content.url is None:
            raise NotFound("There is no file here.")
        return RedirectResponse(content.url, 307, headers={**HEADERS, "Cache-Control": "no-store"})
    try:
        stat = await anyio.to_thread.run_sync(os.stat, content.path)
    except OSError:
        # Recorded, and gone: for the client the same as never stored.
        raise NotFound("There is no file here.") from None
    return FileResponse(
        content.path,
        headers=HEADERS,
        media_type=content.media_type,
        filename=_safe_name(content.name),
        stat_result=stat,
    )


def _safe_name(name: str) -> str:
    """The last part of a name, without what a file system or a header could misread; never empty."""
    last = re.split(r"[/\\]", name)[-1]
    return re.sub(r"[^\w.+@=,() -]", "_", last).strip(". ")[:200] or "dataset"


def _refused(masking: Masking, error: Exception, status: int | None = None) -> Response:
    refusal = masking.refusal(error)
    return JSONResponse(
        {"errors": refusal.errors}, status or refusal.status, headers=HEADERS | refusal.headers
    )
