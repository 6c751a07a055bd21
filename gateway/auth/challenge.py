"""Answers to requests that do not say who asks, or say it wrongly (RFC 6750, section 3), or of whom it cannot be found out now."""

from __future__ import annotations

from gateway.http.refusal import Refusal, refuse

REALM = "Butler gateway"
_AGAIN = 5  # seconds after which a client may try again


def unauthenticated() -> Refusal:
    """401 for a request without a token, without an error code: the client may not have known that one is needed."""
    return refuse(
        "This service answers those who say who they are: send a token as Authorization: Bearer.",
        401,
        "UNAUTHENTICATED",
        headers=_challenge(),
    )


def invalid_token(reason: str) -> Refusal:
    """401 for a token that is not valid, or not any more."""
    return refuse(
        f"The token is not accepted: {reason}.",
        401,
        "UNAUTHENTICATED",
        headers=_challenge("invalid_token", reason),
    )


def malformed(reason: str) -> Refusal:
    """400 for a request whose credentials cannot be read."""
    return refuse(reason, 400, "BAD_USER_INPUT", headers=_challenge("invalid_request", reason))


def unanswered(authority: str) -> Refusal:
    """503: nobody is shown anything before it is known who asks."""
    return refuse(
        f"Who asks cannot be found out now: {authority} does not answer; try again later.",
        503,
        "BACKEND_UNAVAILABLE",
        headers={"Retry-After": str(_AGAIN), "Cache-Control": "no-store"},
        retry=True,
    )


def with_basic(refusal: Refusal) -> Refusal:
    """The same with a challenge for clients that know user names and passwords only (RFC 7617): STILTS, TOPCAT, a browser's own dialogue.
    A page that fetches would have its visitor see that dialogue: not for /graphql."""
    if refusal.status == 401:
        refusal.headers["WWW-Authenticate"] += f', Basic realm="{REALM}", charset="UTF-8"'
    return refusal


def _challenge(error: str | None = None, description: str = "") -> dict[str, str]:
    words = [f'Bearer realm="{REALM}"']
    if error is not None:
        quoted = "".join(c for c in description if " " <= c <= "~" and c not in '"\\')
        words += [f'error="{error}"', f'error_description="{quoted}"']
    return {"WWW-Authenticate": ", ".join(words), "Cache-Control": "no-store"}
