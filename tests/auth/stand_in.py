"""Stand-ins for Gafaelfawr and for an OpenID Connect provider: small servers of this test on this machine, which remember what they
were sent. They are neither of the two, and say so in every answer."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.token import Token
from tests.http.service import serve

_ANY = JWSRegistry(algorithms=["RS256", "HS256", "ES256", "RS512"], strict_check_header=False)
SAYS = {"X-Stand-In": "a stand-in of the gateway's tests"}


@cache
def rsa(kid: str, which: int = 0) -> RSAKey:
    """A key of this name, made once: it takes a tenth of a second. ``which`` of several with the same name."""
    del which
    return RSAKey.generate_key(2048, {"kid": kid})


class Recording:
    """Remembers the requests, and fails when told to. ``address`` is known while it is served."""

    def __init__(self) -> None:
        self.address = ""
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.status = 200
        self.pause = 0.0

    def noted(self, request: Request) -> Response | None:
        """Remember a request; what it is answered with while this fails."""
        self.requests.append((str(request.url), dict(request.headers)))
        time.sleep(self.pause)
        return None if self.status == 200 else JSONResponse({}, self.status, headers=SAYS)

    @contextmanager
    def served(self) -> Iterator[str]:
        with serve(Starlette(routes=self.routes())) as self.address:
            yield self.address

    def routes(self) -> list[Route]:
        raise NotImplementedError


class Gafaelfawr(Recording):
    """/auth/api/v1/user-info as gafaelfawr.lsst.io documents it. ``users`` by their tokens: name and groups."""

    def __init__(self) -> None:
        super().__init__()
        self.users: dict[str, tuple[str, list[str]]] = {}

    def routes(self) -> list[Route]:
        return [Route("/auth/api/v1/user-info", self.user_info), Route("/elsewhere", self.user_info)]

    def user_info(self, request: Request) -> Response:
        if (failing := self.noted(request)) is not None:
            if self.status in (302, 307):
                failing.headers["location"] = f"{self.address}/elsewhere"
            return failing
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.users:
            challenge = {"WWW-Authenticate": 'Bearer realm="stand-in", error="invalid_token"'}
            return JSONResponse({"detail": [{"type": "invalid_token"}]}, 401, headers={**SAYS, **challenge})
        name, groups = self.users[token]
        listed = [{"name": group, "id": 100_000 + place} for place, group in enumerate(groups)]
        return JSONResponse({"username": name, "uid": 4137, "gid": 4137, "groups": listed}, headers=SAYS)


class Provider(Recording):
    """Discovery and keys of an OpenID Connect provider, and tokens signed by its keys."""

    AUDIENCE = "https://gateway.example"

    def __init__(self) -> None:
        super().__init__()
        self.keys = [rsa("first")]
        self.claimed: str | None = None  # the issuer that its configuration names instead of its own

    def routes(self) -> list[Route]:
        return [
            Route("/.well-known/openid-configuration", self.configuration),
            Route("/keys", self.jwks),
        ]

    def configuration(self, request: Request) -> Response:
        return self.noted(request) or JSONResponse(
            {"issuer": self.claimed or self.address, "jwks_uri": f"{self.address}/keys"}, headers=SAYS
        )

    def jwks(self, request: Request) -> Response:
        return self.noted(request) or JSONResponse(
            KeySet(list(self.keys)).as_dict(private=False), headers=SAYS
        )

    def claims(self, **more: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": self.AUDIENCE,
            "sub": "alice",
            "groups": ["g_hsc"],
            "iat": now,
            "exp": now + 600,
            **more,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, header: Mapping[str, Any] = {}, *, key: Any = None, **claims: Any) -> str:
        """A token that is good where nothing else is said; a claim of None is left out."""
        key = key or self.keys[0]
        head = {"alg": "RS256", "kid": key.kid, **header}
        return jwt.encode(
            {name: value for name, value in head.items() if value is not None},
            self.claims(**claims),
            key,
            registry=_ANY,
        )


def scope(
    *headers: tuple[str, str | bytes], peer: str | None = None, token: str | None = None
) -> dict[str, Any]:
    """What an authority looks at of a request."""
    raw = [(name.encode(), value.encode() if isinstance(value, str) else value) for name, value in headers]
    if token is not None:
        raw.append((b"authorization", f"Bearer {token}".encode()))
    return {"type": "http", "headers": raw, "state": {} if peer is None else {"peer": peer}}


def secret(token: Token | None) -> str | None:
    return None if token is None else token.reveal()


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def in_threads(count: int, work: Any) -> list[Any]:
    """What so many threads at once bring home."""
    found: list[Any] = []
    threads = [threading.Thread(target=lambda n=n: found.append(work(n))) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
