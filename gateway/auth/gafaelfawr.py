"""Callers of the Rubin Science Platform: Gafaelfawr says who they are (gafaelfawr.lsst.io).

Behind its ingress a request carries the user's name and a delegated token in headers; both are believed from the configured
proxies only. A token that comes any other way, and the groups of every user, are looked up at Gafaelfawr's user-info route.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

import httpx2
from starlette.types import Scope

from adapters.caller import Caller
from adapters.token import Token
from gateway.auth.challenge import invalid_token, unanswered
from gateway.auth.credentials import TOKEN, USER, checked, header_of, token_of
from gateway.auth.peer import peer_of
from gateway.auth.remembered import Remembered, Said

_SECONDS = 5.0  # Gafaelfawr gets to answer
_REFUSED = 10.0  # seconds that a refused token stays refused, at most
_AT_ONCE = 16  # look-ups: more wait for a connection


class Gafaelfawr:
    """See ``gateway.auth.Authority``.

    Parameters
    ----------
    url
        Gafaelfawr's address, without ``/auth/api``: https://data.lsst.cloud.
    proxies
        Networks of the ingress.
    seconds
        How long an answer about a token is believed: a revoked token, or one whose user lost a group, is noticed after it.
    """

    def __init__(
        self, url: str, proxies: Sequence[str], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = f"{url}/auth/api/v1/user-info"
        self._proxies = [ip_network(proxy) for proxy in proxies]
        self._ingress = lru_cache(maxsize=1024)(self._is_ingress)
        self._seconds = seconds
        self._client: httpx2.AsyncClient | None = None
        self._users: Remembered[Caller | None] = Remembered(self._user, clock=clock)

    def known(self, scope: Scope) -> Caller | None:
        """See ``Authority.known``."""
        user, token = self._presented(scope)
        if token is None:
            return Caller(user)
        found = self._users.known(token)
        return found if found is not None and user in (None, found.username) else None

    async def caller(self, scope: Scope) -> Caller:
        """See ``Authority.caller``."""
        user, token = self._presented(scope)
        if token is None:
            return Caller(user)
        found = await self._users.of(token)
        if found is None:
            raise invalid_token("it is unknown, expired or revoked")
        if user is not None and user != found.username:
            raise invalid_token("it is another user's")
        return found

    def _presented(self, scope: Scope) -> tuple[str | None, Token | None]:
        """The user's name and the token that a request comes with. From others than the ingress its headers are not looked at. A name
        without a delegated token has no groups: the ingress has to be told to delegate one."""
        if self._proxies and self._ingress(peer_of(scope)) and (user := header_of(scope, USER)):
            delegated = header_of(scope, TOKEN)
            return user, checked(delegated) if delegated else None
        return None, token_of(scope)

    def _is_ingress(self, peer: str | None) -> bool:
        try:
            address = ip_address(peer or "")
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped  # as a socket that listens on :: says it
        return any(address in network for network in self._proxies)

    async def _user(self, token: Token) -> Said[Caller | None]:
        if self._client is None:
            # trust_env: no proxy and no .netrc of the environment gets to see, or to change, who asks.
            self._client = httpx2.AsyncClient(
                timeout=_SECONDS,
                follow_redirects=False,
                trust_env=False,
                limits=httpx2.Limits(max_connections=_AT_ONCE),
            )
        try:
            answer = await self._client.get(self._url, headers={"Authorization": f"Bearer {token.reveal()}"})
        except httpx2.HTTPError:
            raise unanswered("Gafaelfawr") from None
        if answer.status_code in (401, 403):
            return Said(None, min(_REFUSED, self._seconds / 2))
        if answer.status_code != 200:
            raise unanswered("Gafaelfawr")
        try:
            told = answer.json()
            groups = frozenset(str(group["name"]) for group in told.get("groups") or ())
            return Said(Caller(str(told["username"]), groups, token), self._seconds)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise unanswered("Gafaelfawr") from None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
