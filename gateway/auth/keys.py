"""The keys by which an OpenID Connect provider signs (RFC 7517; OpenID Connect Discovery 1.0, section 4)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx2
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OctKey

from adapters.origin import Origin
from gateway.auth.challenge import unanswered

_SECONDS = 5.0  # the provider gets to answer
_FRESH = 300.0  # seconds for which keys are taken as they are
_STALE = 3600.0  # ... and for which they are still believed while the provider does not answer
_AGAIN = 5.0  # seconds between two tries of a provider that does not answer
_SELDOM = (
    60.0  # seconds between two looks for a key that is not there: anybody can send a token that names one
)


class Keys:
    """A provider's keys: read when they are needed, again when they are old or one is missing, and by one request at a time.

    Only the configured addresses are asked: what a token says of its key (``jku``, ``x5u``) is not looked at.
    """

    def __init__(
        self,
        issuer: str,
        url: str | None = None,
        *,
        insecure: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._url = url
        self._insecure = insecure
        self._clock = clock
        self._keys: KeySet | None = None
        self._read = self._looked = float("-inf")
        self._silent = False
        self._looking: asyncio.Task[None] | None = None
        self._client: httpx2.AsyncClient | None = None

    async def of(self, kid: object) -> KeySet:
        """The keys, among which the one called ``kid`` is, if the provider has it. Raises Refusal where there are none."""
        if self._looking is None and self._due(kid):
            self._looked = self._clock()
            self._looking = asyncio.ensure_future(self._look())
        if self._looking is not None and not self._will_do(kid):
            await asyncio.shield(self._looking)
        if self._keys is None or not self._believed():
            raise unanswered("the provider of keys")
        return self._keys

    def _due(self, kid: object) -> bool:
        """Whether to ask the provider now."""
        since = self._clock() - self._looked
        if self._keys is None or not self._fresh():
            return since > _AGAIN
        return not self._has(kid) and since > _SELDOM

    def _will_do(self, kid: object) -> bool:
        """Whether the keys that there are will do while the provider is asked: fresh ones that have this one, and old ones where it did not
        answer the last time, lest everybody waits for it."""
        return self._has(kid) and (self._fresh() or (self._silent and self._believed()))

    def _fresh(self) -> bool:
        return self._clock() - self._read <= _FRESH

    def _believed(self) -> bool:
        return self._clock() - self._read <= _STALE

    def _has(self, kid: object) -> bool:
        if self._keys is None:
            return False
        # A provider with one key need not name it (RFC 7517, section 4.5).
        return (kid is None and len(self._keys.keys) == 1) or any(key.kid == kid for key in self._keys)

    async def _look(self) -> None:
        began = self._clock()
        try:
            keys = KeySet.import_key_set(await self._json(await self._address()))
            # A shared secret verifies what everybody who knows it signs.
            self._keys = KeySet([key for key in keys if not isinstance(key, OctKey)])
            self._read, self._silent = began, False
        except (
            httpx2.HTTPError,
            httpx2.InvalidURL,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            JoseError,
        ):
            self._silent = True  # those that there are, are still believed for a while
        finally:
            self._looking = None

    async def _address(self) -> str:
        if self._url is None:
            found = await self._json(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            if found["issuer"] != self._issuer:
                raise ValueError("the configuration is another issuer's")
            url = str(found["jwks_uri"])
            if not (self._insecure or Origin.of(url).secure):
                raise ValueError("the keys would be read in the open")
            self._url = url
        return self._url

    async def _json(self, url: str) -> Any:
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=_SECONDS, follow_redirects=False)
        answer = await self._client.get(url)
        answer.raise_for_status()
        return answer.json()

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
