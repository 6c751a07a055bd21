"""What is known of one saved result: the content of its file ``<id>.json``."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from resolvers.results import Phase

VERSION = 1
_ID = re.compile(r"[A-Za-z0-9_-]{22}", re.ASCII)


def new_id() -> str:
    """128 random bits, base64url (RFC 4648, section 5, without padding): whoever knows one was told it."""
    return secrets.token_urlsafe(16)


def is_id(text: str) -> bool:
    """Whether a text can be an id; nothing else becomes part of a path."""
    return _ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class Record:
    """``owner`` is the user's name, None for the anonymous one; ``repositories`` are labels. ``query`` is JSON as the client sent it. ``created``
    and ``expires`` are nanoseconds of TAI. ``rows`` is None until the phase is COMPLETED. ``message`` says why it came to no end."""

    id: str
    owner: str | None
    repositories: tuple[str, ...]
    query: Any
    created: int
    expires: int
    phase: Phase = Phase.PENDING
    rows: int | None = None
    overflow: str | None = None
    unavailable: tuple[str, ...] = ()
    message: str | None = None

    @property
    def ended(self) -> bool:
        return self.phase not in (Phase.PENDING, Phase.EXECUTING)

    def written(self) -> bytes:
        return json.dumps({"version": VERSION, **asdict(self)}, ensure_ascii=False).encode(
            "utf-8", "surrogatepass"
        )


def read(text: bytes) -> Record | None:
    """The record that a file holds; None for what this version does not read."""
    try:
        content = json.loads(text.decode("utf-8", "surrogatepass"))
        if content.pop("version") != VERSION:
            return None
        content["phase"] = Phase(content["phase"])
        content["repositories"] = tuple(content["repositories"])
        content["unavailable"] = tuple(content["unavailable"])
        return Record(**content)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
