"""What can go wrong between a question and its answer, in words a caller can act on.

Every error carries a ``code`` (the value of ``extensions.code`` in a GraphQL answer), a message for people
that says what was wrong and what would be right, and ``details``: JSON-able facts for programs (the limit,
the nearest names). None of them may carry a password, a token, a path of the server or a statement's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, ClassVar


class AdapterError(Exception):
    """An error whose message is meant for the caller."""

    code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class BadUserInput(AdapterError):
    """The question itself is wrong: a name, a value, a combination."""

    code = "BAD_USER_INPUT"


class BadCursor(AdapterError):
    """``after`` is no cursor, or the cursor of another question."""

    code = "BAD_CURSOR"


class NotFound(AdapterError):
    """Something that was named does not exist, as far as this caller may know."""

    code = "NOT_FOUND"


class Unauthenticated(AdapterError):
    """The backend wants a token and was given none, or one that it does not accept; ``details["repository"]`` names it."""

    code = "UNAUTHENTICATED"


class Forbidden(AdapterError):
    """The caller may see this and not do that with it; ``details`` say what is missing. What a caller may not see is NotFound."""

    code = "FORBIDDEN"


class Unsupported(AdapterError):
    """The adapter lacks a capability that the question needs; ``details["capability"]`` names it."""

    code = "UNSUPPORTED"


class TooComplex(AdapterError):
    """The question passes a limit; ``details`` holds ``limit`` and ``actual``."""

    code = "QUERY_TOO_COMPLEX"


class Timeout(AdapterError):
    """The time allowed for the request is over."""

    code = "TIMEOUT"


class BackendUnavailable(AdapterError):
    """The repository does not answer; ``details["repository"]`` names it, ``details["retry"]`` says whether another try makes sense."""

    code = "BACKEND_UNAVAILABLE"


class BackendTimeout(AdapterError):
    """The repository was asked and did not answer in time; ``details`` as of BackendUnavailable."""

    code = "BACKEND_TIMEOUT"


_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

SILENT = (BackendUnavailable, BackendTimeout, Timeout, Unauthenticated, Forbidden)
"""One repository gave no answer, and another may: it is down, too slow, or refuses this caller."""


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """The known names that look most like ``name``, best first; case is no difference, nor is camelCase for snake_case."""
    folded: dict[str, str] = {}
    for candidate in known:
        folded.setdefault(_folded(candidate), candidate)
    return [folded[match] for match in get_close_matches(_folded(name), folded, n=count, cutoff=0.5)]


def _folded(name: str) -> str:
    return _HUMP.sub("_", name).casefold()


_LONGEST = 300


def shortened(name: str) -> str:
    """A name that a caller wrote, with its beginning alone where it is longer than any is."""
    return name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..."


def unknown(what: str, name: str, known: Iterable[str], **details: Any) -> tuple[str, dict[str, Any]]:
    """Message and details for a name that does not exist, with the nearest ones that do. Of a name longer than any is only its beginning repeated."""
    name = shortened(name)
    found = nearest(name, known)
    message = f"Unknown {what} '{name}'"
    message += f"; did you mean {' or '.join(repr(f) for f in found)}?" if found else "."
    return message, {"unknown": name, "nearest": found, **details}
