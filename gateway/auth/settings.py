"""What can be configured about callers: the group ``auth``, and who may read and write a repository."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from ipaddress import ip_network
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from adapters.origin import Origin

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by a private key that are verified by a public one (RFC 8725, section 3.1): no ``none``, no shared secret."""


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"it should be an address such as https://data.example.org, not {value!r}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("it should be an address without a user or a password")
    return value


def _network(value: str) -> str:
    try:
        network = ip_network(value)
    except ValueError:
        raise ValueError(f"it should be an address or a network such as 10.0.0.0/24, not {value!r}") from None
    if not network.prefixlen:
        raise ValueError(f"it should be the ingress's own addresses; {value} is everybody")
    return value


def _group(value: str) -> str:
    if not value or value != value.strip():
        raise ValueError(f"it should be the name of a group, or *, not {value!r}")
    return value


Address = Annotated[str, AfterValidator(_address)]
Groups = Annotated[
    tuple[Annotated[str, AfterValidator(_group)], ...],
    BeforeValidator(lambda value: [value] if value == "*" else value),
    Field(min_length=1),
]


class AuthConfig(BaseModel):
    """Who is calling."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["anonymous", "gafaelfawr", "oidc"] = Field(
        default="anonymous",
        description="Who says who a caller is. anonymous: nobody, everybody is nobody and reads all; gafaelfawr: the Rubin Science "
        "Platform's Gafaelfawr; oidc: JSON Web Tokens of an OpenID Connect provider.",
    )
    anonymous: bool = Field(
        default=False,
        description="In the modes gafaelfawr and oidc: whether requests without a token are let in, to the repositories that have no "
        "read. Others get 401 before anything runs.",
    )
    seconds: float = Field(
        default=60,
        gt=0,
        le=3600,
        description="The seconds for which a verdict about a token is believed. A revoked token, or a group that was left, is noticed "
        "after it.",
    )
    insecure: bool = Field(
        default=False,
        description="Whether url, issuer and jwks may be http at other machines: tokens and keys are then open to whoever listens.",
    )
    url: Annotated[Address, AfterValidator(lambda value: value.rstrip("/"))] | None = Field(
        default=None,
        description="For gafaelfawr: its address, https://data.example.org; /auth/api/v1/user-info is asked below it.",
    )
    proxies: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        default=(),
        description="For gafaelfawr: addresses or networks of its ingress, whose X-Auth-Request-User and X-Auth-Request-Token are "
        "believed. It is the socket's peer that counts, whatever X-Forwarded-For says; from others these headers are as if not sent.",
    )
    issuer: Address | None = Field(
        default=None, description="For oidc: what iss has to be, letter by letter."
    )
    audience: str | None = Field(
        default=None,
        min_length=1,
        description="For oidc: what aud has to be, or hold: the gateway's own name at the provider.",
    )
    jwks: Address | None = Field(
        default=None,
        description="For oidc: the address of the provider's keys. Left out: what /.well-known/openid-configuration below issuer says.",
    )
    algorithms: tuple[Algorithm, ...] = Field(
        default=("RS256",),
        min_length=1,
        description="For oidc: the signatures that are accepted, whatever a token says.",
    )
    username: str = Field(
        default="sub",
        min_length=1,
        description="For oidc: the claim that is the user's name. preferred_username reads better, where the provider sees to it that "
        "two users never have the same.",
    )
    groups: str = Field(
        default="groups", min_length=1, description="For oidc: the claim that lists the user's groups."
    )


_NEEDED = {"gafaelfawr": ("url",), "oidc": ("issuer", "audience"), "anonymous": ()}
_OF = {
    "url": "gafaelfawr",
    "proxies": "gafaelfawr",
    **dict.fromkeys(("issuer", "audience", "jwks", "algorithms", "username", "groups"), "oidc"),
}


def mistakes(auth: AuthConfig, repositories: Any) -> Iterator[tuple[str, str]]:
    """Key and sentence of what does not go together, the first of which stops the gateway; better than nobody let in, or everybody.

    ``repositories``: by label, with ``read`` and ``write``.
    """
    for key in _NEEDED[auth.mode]:
        if getattr(auth, key) is None:
            yield f"auth.{key}", f"missing; auth.mode is {auth.mode}"
    for key, mode in _OF.items():
        if auth.mode != mode and getattr(auth, key) != AuthConfig.model_fields[key].default:
            yield f"auth.{key}", f"it is for the mode {mode}; auth.mode is {auth.mode}"
    for key in ("url", "issuer", "jwks"):
        address = getattr(auth, key)
        if address is not None and not (auth.insecure or Origin.of(address).secure):
            yield (
                f"auth.{key}",
                f"it should begin with https://, not {address!r}; auth.insecure would allow it",
            )
    for label, repository in repositories.items():
        for key in ("read", "write"):
            if auth.mode == "anonymous" and getattr(repository, key) is not None:
                yield f"repositories.{label}.{key}", "nobody would have a group; auth.mode is anonymous"


def who_calls(auth: AuthConfig) -> dict[str, str]:
    """What ``check`` says about callers."""
    if auth.mode == "anonymous":
        return {
            "mode": "anonymous",
            "let in": "everybody, as nobody: whoever reaches the gateway reads every repository",
        }
    said: dict[str, str] = {"mode": auth.mode}
    if auth.mode == "gafaelfawr":
        said["tokens"] = f"Bearer or Basic, looked up at {auth.url}/auth/api/v1/user-info"
        ingress = ", ".join(auth.proxies) or "nobody: auth.proxies is empty"
        said["headers"] = f"X-Auth-Request-User and X-Auth-Request-Token are believed from {ingress}"
    else:
        said["tokens"] = (
            f"JWT of {auth.issuer} for {auth.audience}, signed with {' or '.join(auth.algorithms)}"
        )
        said["keys"] = auth.jwks or "where /.well-known/openid-configuration of the issuer says"
        said["claims"] = f"{auth.username} is the user, {auth.groups} its groups"
    said["let in"] = (
        "requests without a token too, to repositories without read"
        if auth.anonymous
        else "requests with a token; others get 401"
    )
    said["revoked"] = f"a token, or a group that was left, is noticed after {auth.seconds:g} s (auth.seconds)"
    if auth.insecure:
        said["warning"] = "auth.insecure: tokens and keys may travel in the open"
    return said


def who_may(repository: Any, auth: AuthConfig) -> dict[str, str]:
    """What ``check`` says about who may read and write a repository."""
    everybody = "everybody" if auth.anonymous or auth.mode == "anonymous" else "every caller with a token"

    def said(groups: Collection[str] | None, left_out: str) -> str:
        if groups is None:
            return left_out
        return "every caller with a token" if "*" in groups else f"members of {', '.join(groups)}"

    writers = said(repository.write, "nobody")
    return {
        "read by": said(repository.read, everybody),
        "written by": writers if repository.write is None else f"{writers}, of those who may read",
    }
