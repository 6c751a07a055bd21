"""A request that ends before its operation runs: the status and the GraphQL-shaped errors it is answered with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Which status a request gets that was refused as a whole under a code (a field that fails leaves it at 200).
STATUS = {
    "BAD_USER_INPUT": 400,
    "BAD_CURSOR": 400,
    "QUERY_TOO_COMPLEX": 400,
    "UNAUTHENTICATED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "UNSUPPORTED": 400,
    "TIMEOUT": 504,
    "TOO_MANY_REQUESTS": 429,
    "SERVICE_BUSY": 503,
    "STORAGE_FULL": 507,
    "BACKEND_UNAVAILABLE": 503,
    "BACKEND_TIMEOUT": 504,
    "INTERNAL": 500,
}


class Refusal(Exception):
    """Answer with these errors and without ``data``.

    Parameters
    ----------
    errors
        Formatted GraphQL errors, each with ``extensions.code``.
    status
        HTTP status.
    well_formed
        The HTTP request was in order and only its GraphQL was not: a client of the legacy media type
        ``application/json`` then gets 200 (GraphQL over HTTP, section 6.4.1); other refusals are the same for both.
    headers
        Further response headers.
    """

    def __init__(
        self,
        errors: list[dict[str, Any]],
        status: int,
        *,
        well_formed: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status)
        self.errors = errors
        self.status = status
        self.well_formed = well_formed
        self.headers = dict(headers or {})


def refuse(
    message: str,
    status: int = 400,
    code: str = "BAD_USER_INPUT",
    *,
    headers: Mapping[str, str] | None = None,
    **details: Any,
) -> Refusal:
    """The refusal of an HTTP request for one reason."""
    return Refusal([{"message": message, "extensions": {**details, "code": code}}], status, headers=headers)


class ClientGone(Exception):
    """The client closed the connection; nobody reads an answer."""
