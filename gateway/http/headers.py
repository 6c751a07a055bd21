"""Headers as the server gives them: bytes, names in lower case (ASGI). Objects that look each one up anew cost a small request more than
its answer does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from typing import TypeVar

from starlette.types import Message, Scope

_KEY = "gateway.headers"
_LONGEST = 200

T = TypeVar("T")
Sent = Mapping[bytes, bytes]
Raw = list[tuple[bytes, bytes]]


def sent(scope: Scope) -> Sent:
    """The headers of a request; of one that was sent several times, the first. Read once for a request."""
    found: Sent | None = scope.get(_KEY)
    if found is None:
        raw = list(scope["headers"])
        found = dict(raw)
        if len(found) < len(raw):
            found = dict(reversed(raw))
        scope[_KEY] = found
    return found


def text(headers: Sent, name: bytes) -> str | None:
    """The value of a header; None where it was not sent."""
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def joined(scope: Scope, name: bytes) -> str:
    """The value of a header that is a list, which may come in several lines."""
    headers = sent(scope)
    if len(headers) == len(scope["headers"]):
        return headers.get(name, b"").decode("latin-1")
    return ",".join(value.decode("latin-1") for one, value in scope["headers"] if one == name)


def remembered(read: Callable[[str | None], T]) -> Callable[[str | None], T]:
    """What a header says, worked out once: clients are few kinds, and each sends the same words every time. Not kept are long ones,
    nor what is refused."""
    kept = lru_cache(maxsize=256)(read)

    @wraps(read)
    def known(words: str | None) -> T:
        return kept(words) if words is None or len(words) <= _LONGEST else read(words)

    return known


def answered(start: Message) -> Raw:
    """The headers of an answer that begins, to be changed."""
    headers = start["headers"] = list(start.get("headers", ()))
    return headers


def replace(headers: Raw, name: bytes, value: bytes | None) -> None:
    """Give an answer this header, or none of the name."""
    headers[:] = [one for one in headers if one[0] != name]
    if value is not None:
        headers.append((name, value))


def vary(headers: Raw, names: bytes) -> None:
    """Say that an answer depends on these headers of its request too."""
    for place, (name, value) in enumerate(headers):
        if name == b"vary":
            headers[place] = (name, _vary(value, names))
            return
    headers.append((b"vary", names))


@lru_cache(maxsize=64)
def _vary(value: bytes, names: bytes) -> bytes:
    return b"%b, %b" % (value, names)
