"""Callers who come with a JSON Web Token of an OpenID Connect provider (RFC 7519; what can go wrong with them: RFC 8725)."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry, extract_compact
from starlette.types import Scope

from adapters.caller import Caller
from adapters.token import Token
from gateway.auth import NOBODY
from gateway.auth.challenge import invalid_token
from gateway.auth.credentials import token_of
from gateway.auth.keys import Keys
from gateway.auth.remembered import Remembered, Said

_LEEWAY = 60  # seconds that clocks may differ
# Tokens for other purposes are signed by the same keys (RFC 8725, section 3.11; RFC 9068, section 2.1).
_TYPES = (None, "jwt", "at+jwt", "application/at+jwt")
_MISTAKES = (JoseError, ValueError, TypeError, KeyError, AttributeError)


class Oidc:
    """See ``gateway.auth.Authority``.

    Parameters
    ----------
    issuer, audience
        What the claims ``iss`` and ``aud`` have to be.
    algorithms
        The signatures that are accepted; all are public-key ones.
    username, groups
        The claims that name the user and its groups.
    seconds
        How long a verified token is believed at most, and never past its end.
    """

    def __init__(
        self,
        keys: Keys,
        *,
        issuer: str,
        audience: str,
        algorithms: Sequence[str],
        username: str,
        groups: str,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._keys = keys
        # Header parameters that are not understood are ignored (RFC 7515, section 4.1), those of ``crit`` excepted.
        self._signatures = JWSRegistry(algorithms=list(algorithms), strict_check_header=False)
        self._claims = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
        )
        self._username = username
        self._groups = groups
        self._seconds = seconds
        self._users: Remembered[Caller] = Remembered(self._user, clock=clock)

    def known(self, scope: Scope) -> Caller | None:
        """See ``Authority.known``."""
        token = token_of(scope)
        return NOBODY if token is None else self._users.known(token)

    async def caller(self, scope: Scope) -> Caller:
        """See ``Authority.caller``."""
        token = token_of(scope)
        return NOBODY if token is None else await self._users.of(token)

    async def _user(self, token: Token) -> Said[Caller]:
        claims = self._verified(token, await self._keys.of(self._kid(token)))
        name, groups = claims.get(self._username), claims.get(self._groups) or ()
        if not isinstance(name, str) or not name:
            raise invalid_token(f"it has no claim {self._username} that names a user")
        if not isinstance(groups, list | tuple) or not all(isinstance(group, str) for group in groups):
            raise invalid_token(f"its claim {self._groups} is no list of groups")
        left = float(claims["exp"]) + _LEEWAY - time.time()
        return Said(Caller(name, frozenset(groups), token), min(self._seconds, left))

    def _kid(self, token: Token) -> object:
        """Which key a token says it is signed with. What cannot be a token of ours is refused before the provider is asked for it."""
        try:
            header = extract_compact(token.reveal().encode(), registry=self._signatures).headers()
            self._signatures.check_header(header)
            self._signatures.get_alg(header["alg"])
            typ = header.get("typ")
        except _MISTAKES:
            raise invalid_token(
                "it is no JSON Web Token, or its kind of signature is not accepted here"
            ) from None
        if (typ.lower() if isinstance(typ, str) else typ) not in _TYPES:
            raise invalid_token("it is for another purpose")
        return header.get("kid")

    def _verified(self, token: Token, keys: KeySet) -> dict[str, Any]:
        try:
            claims = jwt.decode(token.reveal(), keys, registry=self._signatures).claims
        except _MISTAKES:
            raise invalid_token("its signature is wrong") from None
        try:
            self._claims.validate(claims)
        except _MISTAKES:
            raise invalid_token(
                "it is expired, not valid yet, or of another issuer or for another audience"
            ) from None
        return claims

    async def close(self) -> None:
        await self._keys.close()
