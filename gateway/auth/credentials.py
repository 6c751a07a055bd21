"""The token that a request carries (RFC 6750, section 2; RFC 7617)."""

from __future__ import annotations

import base64
import binascii
import re

from starlette.types import Scope

from adapters.token import Token
from gateway.auth.challenge import malformed
from gateway.http.headers import sent

USER, TOKEN = b"x-auth-request-user", b"x-auth-request-token"
"""What Gafaelfawr's ingress says, and would be believed."""

_LIKE_ONE = re.compile(
    r"gt-.*|[^.]+\.[^.]+\.[^.]+"
)  # Gafaelfawr's, or a JWT in compact form (RFC 7515, section 3.1)
_NONE = ("", "x-oauth-basic")
_LONGEST = 16_384  # characters: JWTs with many groups have some thousands


def token_of(scope: Scope) -> Token | None:
    """The bearer token of a request; None where it has none.

    Sent as ``Authorization: Bearer``, or as ``Basic`` in either of its fields, as clients of table services do it that know user names
    and passwords only. The other field is empty, ``x-oauth-basic`` or a user's name, which is not looked at.

    Raises
    ------
    gateway.http.refusal.Refusal
        400 with ``invalid_request`` where the header is none of these, or there are several.
    """
    value = header_of(scope, b"authorization")
    if value is None:
        return None
    scheme, _, credentials = value.strip(" ").partition(" ")
    match scheme.lower():
        case "bearer":
            return checked(credentials.strip(" "))
        case "basic":
            return checked(_from_basic(credentials.strip(" ")))
    raise malformed(
        "The Authorization header should be 'Bearer <token>', or 'Basic' with the token as user or password."
    )


def header_of(scope: Scope, name: bytes) -> str | None:
    """The value of a header that may stand once; None where it was not sent. Raises Refusal."""
    headers = sent(scope)
    value = headers.get(name)
    if value is None:
        return None
    if len(headers) < len(scope["headers"]) and sum(one == name for one, _ in scope["headers"]) > 1:
        raise malformed(f"The request has several headers {name.decode()}; send one.")
    return value.decode("latin-1")


def checked(token: str) -> Token:
    """A token of the characters that one is made of. Raises Refusal."""
    found = Token(token)
    if len(token) > _LONGEST or not found.well_formed:
        raise malformed(
            f"There is no token where one should be: it is at most {_LONGEST:,} letters, digits and -._~+/ long."
        )
    return found


def _from_basic(credentials: str) -> str:
    try:
        user, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise malformed(
            "What follows Basic in the Authorization header is not base64 of user:password."
        ) from None
    if not colon:
        raise malformed(
            "What follows Basic in the Authorization header has no colon between user and password."
        )
    fields = [field for field in (user, password) if field not in _NONE]
    if len(fields) == 2:
        tokens = {field for field in fields if _LIKE_ONE.fullmatch(field)}
        if len(tokens) > 1:
            raise malformed("User and password in the Authorization header are two tokens; send one.")
        # Where neither looks like one, the user: Gafaelfawr does so.
        return tokens.pop() if tokens else user
    if not fields:
        raise malformed("Neither the user nor the password in the Authorization header is a token.")
    return fields[0]
