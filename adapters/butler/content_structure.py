"""Structures in YAML and JSON (``YamlFormatter``, ``JsonFormatter``), as what JSON can say.

YAML is read by a safe loader: a file whose tags name classes (Butler's ``unsafe_dump``) is refused, not built. An alias in YAML costs its reader
nothing and its writer everything that it stands for; so what comes out is counted.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from lsst.resources import ResourcePath
from pydantic_core import from_json

from ..content import Structure
from ..errors import TooComplex
from .content_yaml import loaded

MOST = 2_000_000
"""Values in one structure."""


def structure(place: ResourcePath, name: str, *, json: bool) -> Structure:
    """What is in the file. Raises ValueError for one that is not in this form, TooComplex."""
    content = place.read()
    return Structure(name, plainly(from_json(content) if json else loaded(content)))


def plainly(value: Any) -> Any:
    """A structure in JSON's words. Raises TooComplex."""
    return _Plainly().value(value)


class _Plainly:
    """Values in JSON's words: keys as text, NaN and infinities as null (RFC 8259 has none), bytes in base64, times in ISO 8601."""

    def __init__(self) -> None:
        self._left = MOST

    def value(self, value: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            raise TooComplex(
                f"Its file holds more than {MOST} values: it can be had as it is stored.",
                what="content",
                limit=MOST,
                actual=MOST + 1,
                forms=["NATIVE"],
            )
        if isinstance(value, dict):
            return {_key(key): self.value(one) for key, one in value.items()}
        if isinstance(value, list | tuple | set):
            return self._list(value)
        if isinstance(value, float) and not math.isfinite(value):
            return None
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        if isinstance(value, date | datetime):
            return value.isoformat()
        return value

    def _list(self, values: Iterable[Any]) -> list[Any]:
        return [self.value(one) for one in values]


def _key(key: Any) -> str:
    if isinstance(key, bool) or key is None:
        return {True: "true", False: "false", None: "null"}[key]
    return key.isoformat() if isinstance(key, date | datetime) else str(key)
