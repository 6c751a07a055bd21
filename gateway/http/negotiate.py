"""Which of the two media types of GraphQL a client wants, and whether it sent the right one.

GraphQL over HTTP, sections 4.1 (media types), 5.1 (POST), 6.1 (Accept); RFC 9110, section 12.5.1.
"""

from __future__ import annotations

from gateway.http.headers import remembered
from gateway.http.refusal import Refusal, refuse

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"


@remembered
def response_type(accept: str | None) -> str:
    """The media type to answer in: the newer one only where a client names it, or refuses the older one by name, since wildcards come from
    clients that were written before it existed.

    Raises
    ------
    Refusal
        406: the header leaves neither.
    """
    if accept is None or not accept.strip():
        return JSON
    quality: dict[str, float] = {}
    for item in accept.split(","):
        media_range, _, parameters = item.partition(";")
        q = weight_of(parameters)
        if q is not None:
            name = media_range.strip().lower()
            quality[name] = max(q, quality.get(name, 0.0))
    wildcard = quality.get("application/*", quality.get("*/*", 0.0))
    json = quality.get(JSON, wildcard)
    graphql = quality.get(GRAPHQL, 0.0)
    if graphql and graphql >= json:
        return GRAPHQL
    if json:
        return JSON
    if quality.get(GRAPHQL, wildcard):
        return GRAPHQL
    raise refuse(f"The answer comes as {GRAPHQL} or {JSON}; the Accept header allows neither.", 406)


def check_content_type(content_type: str | None, content_encoding: str | None) -> None:
    """Accept a body that calls itself JSON in UTF-8, uncompressed, and nothing else.

    A page of another origin can send forms and text without asking (a "simple request"); it cannot send this.

    Raises
    ------
    Refusal
        415.
    """
    _check_type(content_type)
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise _unsupported("The body of a POST must not be compressed.")


@remembered
def _check_type(content_type: str | None) -> None:
    essence, _, parameters = (content_type or "").partition(";")
    if essence.strip().lower() != JSON:
        raise _unsupported(f"The body of a POST must be {JSON}.")
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip('"').lower() not in ("utf-8", "utf8"):
            raise _unsupported("The body of a POST must be encoded in UTF-8.")


def _unsupported(message: str) -> Refusal:
    return refuse(message, 415, headers={"Accept-Post": JSON})


def weight_of(parameters: str) -> float | None:
    """The weight among the parameters of a media range; None where it is no weight."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                q = float(value)
            except ValueError:
                return None
            return q if 0.0 <= q <= 1.0 else None
    return 1.0
