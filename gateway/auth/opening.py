"""The authority that a configuration names; what it needs is imported then."""

from __future__ import annotations

from gateway.auth import Anonymous, Authority
from gateway.auth.settings import AuthConfig


def authority_of(auth: AuthConfig) -> Authority:
    """Opening asks nothing: an authority that is down is found out by the first request."""
    if auth.mode == "gafaelfawr":
        from gateway.auth.gafaelfawr import Gafaelfawr

        assert auth.url is not None
        return Gafaelfawr(auth.url, auth.proxies, auth.seconds)
    if auth.mode == "oidc":
        from gateway.auth.keys import Keys
        from gateway.auth.oidc import Oidc

        assert auth.issuer is not None and auth.audience is not None
        return Oidc(
            Keys(auth.issuer, auth.jwks, insecure=auth.insecure),
            issuer=auth.issuer,
            audience=auth.audience,
            algorithms=auth.algorithms,
            username=auth.username,
            groups=auth.groups,
            seconds=auth.seconds,
        )
    return Anonymous()
