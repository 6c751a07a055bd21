"""Cursors: where a page ended, bound to the question that it belongs to.

Opaque to clients: base64url (RFC 4648, section 5, without padding) of compact JSON, [version, digest, key].
They hold values and no state, so they survive restarts and work at every replica; they are no secret and prove
nothing, and whoever takes one apart learns what the page showed anyway.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any

from adapters.errors import BadCursor
from adapters.question import KeyValue, Question

VERSION = 1
LONGEST = 16_384
Key = tuple[KeyValue, ...]
_ALPHABET = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def bound(question: Question, field: str, *labels: str) -> str:
    """What binds a cursor: the question without its page, the field that asked, the repositories in order."""
    text = json.dumps([question.digest(), field, *labels])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def write(digest: str, key: Sequence[Any]) -> str:
    """The cursor of the row with this key."""
    text = json.dumps([VERSION, digest, key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def read(cursor: str, digest: str) -> list[Any]:
    """The key in a cursor. Raises BadCursor for what is none, or belongs to another question."""
    if not 0 < len(cursor) <= LONGEST or _ALPHABET.fullmatch(cursor) is None:
        raise BadCursor(
            "after is no cursor of this service; take endCursor, or the cursor of an edge, as it is."
        )
    try:
        content = json.loads(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), parse_constant=_constant
        )
    except (binascii.Error, ValueError, RecursionError):
        content = None
    if not isinstance(content, list) or len(content) != 3 or not isinstance(content[2], list):
        raise BadCursor(
            "after is no cursor of this service; take endCursor, or the cursor of an edge, as it is."
        )
    if type(content[0]) is not int or content[0] != VERSION:
        raise BadCursor("after is a cursor of another version of this service; begin again without it.")
    if content[1] != digest:
        raise BadCursor(
            "after is the cursor of another question; a cursor is good for the same field, parent, repositories and "
            "arguments (first may differ)."
        )
    return content[2]


def key(values: Any) -> Key:
    """Values of a key that came from outside: strings, 64-bit integers, numbers, truth values and nulls."""
    if not isinstance(values, list) or not values or not all(map(_plain, values)):
        raise BadCursor(
            "after is damaged: its key is none; take endCursor, or the cursor of an edge, as it is."
        )
    return tuple(values)


def _plain(value: Any) -> bool:
    if isinstance(value, str):
        return not any("\ud800" <= letter <= "\udfff" or letter == "\0" for letter in value)
    if type(value) is int:
        return -(2**63) <= value < 2**63
    return value is None or isinstance(value, bool | float)


def _constant(name: str) -> float:
    """An infinity, which a number of a record may be; NaN is none that a row is found by."""
    if name == "NaN":
        raise ValueError(name)
    return float(name)
