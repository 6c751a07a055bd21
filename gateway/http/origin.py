"""Requests that a page of another origin made in its visitor's browser.

A browser says in Sec-Fetch-Site where a request came from (Fetch Metadata, W3C). Without this check a foreign page
could have a visitor inside an institute's network run queries by a mere image or link (cross-site request forgery).
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers

from gateway.http.refusal import refuse


def check_origin(headers: Headers, allowed: Collection[str]) -> None:
    """Refuse what a foreign page sent, unless its origin is allowed.

    A request that carries ``Authorization`` and no cookie passes: a browser sends that header to another origin only
    after asking (CORS preflight), and never on its own. Clients that are no browsers send no Sec-Fetch-Site.

    Raises
    ------
    Refusal
        403.
    """
    if headers.get("sec-fetch-site") not in ("cross-site", "same-site"):
        return
    if "*" in allowed or headers.get("origin") in allowed:
        return
    if "authorization" in headers and "cookie" not in headers:
        return
    raise refuse(
        "Pages of other origins may not query this service unless its configuration names their origin.", 403
    )
