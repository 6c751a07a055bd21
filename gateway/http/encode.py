"""An answer as JSON."""

from __future__ import annotations

import json
from typing import Any

import orjson


def to_json(answer: Any) -> bytes:
    """UTF-8 JSON of dicts, lists, strings, numbers, booleans and None; NaN becomes null.

    orjson is fifteen times faster than the standard library, which is asked where orjson gives up: integers past
    2^64, and lists 254 deep in one another. A client may write both, and get them back.

    Raises
    ------
    TypeError, ValueError, RecursionError
        The answer holds something that is no JSON.
    """
    try:
        return orjson.dumps(answer)
    except TypeError:
        return json.dumps(answer, separators=(",", ":"), allow_nan=False).encode()
