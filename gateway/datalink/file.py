"""GET /datalink/file/{repository}/{uuid}?[component=...&]expires=...&signature=...: the file of a dataset for whoever holds a signed address.

No token is wanted, and none is looked at: clients of DataLink follow ``#this`` without it. What is answered is what /files answers: the bytes as they are
stored, with ranges, or a redirect to an address that the store signs now. The store is asked as nobody: files that a backend gives to a token's owner
only have the backend's own address in the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.caller import Call, Caller
from adapters.protocol import Repository
from gateway.content.stored import addressed, masking_of, named_component, refused, stored
from gateway.datalink.signature import PATH, Signatures, unsigned
from gateway.limits import Deadline


def signed_files_route(
    repositories: Mapping[str, Repository], signatures: Signatures, *, timeout: float
) -> Route:
    """``repositories``: all of them; who may read which was looked at when the address was signed."""

    async def download(request: Request) -> Response:
        masking = masking_of(request)
        try:
            masking.hide([request.query_params.get("signature", "")])
            component = named_component(request.query_params.get("component"))
            # The signature comes first: without a right one nothing is told, not even which repositories there are.
            _check(request, signatures, component)
            repository, dataset = addressed(request, repositories)
            return await stored(request, repository, dataset, component, Call(Caller(), Deadline(timeout)))
        except Exception as error:  # noqa: BLE001  whatever it was, the answer has GraphQL's shape
            return refused(masking, error)

    return Route(PATH, download, methods=["GET"], name="signed-files")


def _check(request: Request, signatures: Signatures, component: str | None) -> None:
    try:
        dataset = UUID(request.path_params["uuid"]).hex
    except ValueError:
        raise unsigned() from None
    query = request.query_params
    signatures.check(
        request.path_params["repository"], dataset, component, query.get("expires"), query.get("signature")
    )
