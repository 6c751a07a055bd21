"""Requests that a page of another origin made in its visitor's browser.

A browser says in Sec-Fetch-Site where a request came from (Fetch Metadata, W3C). Without this check a foreign page
could have a visitor inside an institute's network run queries by a mere image or link (cross-site request forgery).
"""

from __future__ import annotations

from collections.abc import Collection

from gateway.http.headers import Sent, text
from gateway.http.refusal import refuse


def check_origin(headers: Sent, allowed: Collection[str]) -> None:
    """Refuse what a foreign page sent, unless its origin is allowed.

    A request that carries ``Authorization`` and no cookie passes: a browser sends that header to another origin only
    after asking (CORS preflight), and never on its own. Clients that are no browsers send no Sec-Fetch-Site.

    Raises
    ------
    Refusal
        403.
    """
    if headers.get(b"sec-fetch-site") not in (b"cross-site", b"same-site"):
        return
    if "*" in allowed or text(headers, b"origin") in allowed:
        return
    if b"authorization" in headers and b"cookie" not in headers:
        return
    raise refuse(
        "Pages of other origins may not query this service unless its configuration names their origin.", 403
    )
