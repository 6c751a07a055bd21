"""From the bytes of an HTTP request to one GraphQL operation, or a refusal; never an exception of another kind.

GraphQL over HTTP, section 5 (request); RFC 8259.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Generator
from dataclasses import dataclass, field
from types import coroutine
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import Message, Receive

from gateway.http.refusal import ClientGone, Refusal, refuse
from gateway.http.text import check_values, is_clean, unclean
from gateway.limits import Deadline, Limits

_MEMBERS = ("query", "operationName", "variables", "extensions")
# One byte over the socket after the refusal would be taken for the next request: the connection must close.
_CLOSE = {"Connection": "close"}


@dataclass(frozen=True, slots=True)
class Operation:
    """What a client asks to be executed. ``repr`` shows none of it, so that no log line can."""

    query: str = field(repr=False)
    operation_name: str | None = field(default=None, repr=False)
    variables: dict[str, Any] = field(default_factory=dict, repr=False)
    extensions: dict[str, Any] = field(default_factory=dict, repr=False)


async def read_body(receive: Receive, content_length: bytes | None, limit: int, deadline: Deadline) -> bytes:
    """The whole body, of which never more than ``limit`` bytes are held.

    Raises
    ------
    Refusal
        413, before anything is read where the length is announced, at the first byte too many otherwise; 408 where the body is
        not there by the deadline.
    ClientGone
        The connection closed before the body was complete.
    """
    if content_length is not None and content_length.isdigit() and int(content_length[:20]) > limit:
        raise _too_large(limit)
    body = bytearray()
    while True:
        message = await _received(receive, deadline)
        if message["type"] == "http.disconnect":
            raise ClientGone
        part = message.get("body", b"")
        if len(body) + len(part) > limit:
            raise _too_large(limit)
        if not message.get("more_body", False):
            return bytes(body + part) if body else part
        body += part


async def _received(receive: Receive, deadline: Deadline) -> Message:
    """The next message. A timer is set only where it is not there yet: the body of a small request came with its headers."""
    waiting = receive().__await__()
    try:
        first = next(waiting)
    except StopIteration as there:
        message: Message = there.value
        return message
    try:
        async with asyncio.timeout(deadline.remaining()):
            return await _rest(first, waiting)
    except TimeoutError:
        raise refuse(
            f"The request body did not arrive within {deadline.seconds:g} seconds.",
            408,
            "TIMEOUT",
            headers=_CLOSE,
            limit=deadline.seconds,
        ) from None


@coroutine
def _rest(first: Any, waiting: Generator[Any, None, Message]) -> Generator[Any, None, Message]:
    """Go on with what has begun to wait for ``first``."""
    try:
        yield first
    except BaseException:
        waiting.close()
        raise
    return (yield from waiting)


def _too_large(limit: int) -> Refusal:
    message = f"The request body is larger than {limit} bytes (max_body)."
    return refuse(message, 413, headers=_CLOSE, what="body", limit=limit)


def parse_post(body: bytes, limits: Limits) -> Operation:
    """The operation in a JSON body."""
    if not body:
        raise refuse("The request has no body; a JSON object with the member 'query' is expected.")
    return _operation(_parse_json(body, "The request body"), limits)


def parse_get(query_string: bytes, limits: Limits) -> Operation:
    """The operation in a URL: ``variables`` and ``extensions`` are JSON there."""
    try:
        pairs = parse_qsl(
            query_string.decode(),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=100,
        )
    except ValueError:
        raise refuse("The URL's query string is not valid UTF-8, or has more than 100 parameters.") from None
    request: dict[str, Any] = {}
    for name, value in pairs:
        if name not in _MEMBERS:
            continue
        if name in request:
            raise refuse(f"The parameter '{name}' is given more than once.")
        if name in ("variables", "extensions"):
            request[name] = _parse_json(value.encode(), f"The parameter '{name}'") if value else None
        else:
            request[name] = value
    return _operation(request, limits)


def _parse_json(data: bytes, what: str) -> Any:
    """Strict JSON: no NaN or infinity, no member named twice, integers exact.

    The standard library's scanner is used and not orjson, which takes the last of two members and makes floats of
    integers past 2^64; it would save a small request a microsecond.
    """
    try:
        return _DECODER.decode(data.decode())
    except RecursionError:
        reason = "is nested too deeply"
    except _NotStrict as error:
        reason = str(error)
    except UnicodeDecodeError:
        reason = "is not valid UTF-8"
    except json.JSONDecodeError as error:
        reason = f"is not valid JSON (line {error.lineno}, column {error.colno})"
    except ValueError:
        reason = "is not valid JSON (a number has too many digits)"
    raise refuse(f"{what} {reason}.")


class _NotStrict(Exception):
    pass


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _NotStrict("names a member of an object twice")
    return members


def _no_constant(name: str) -> Any:
    raise _NotStrict(f"is not valid JSON ({name} is no number in JSON)")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _NotStrict("holds a number outside the range of a double")
    return number


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)


def _operation(request: Any, limits: Limits) -> Operation:
    if isinstance(request, list):
        raise refuse("Batches of operations are not supported; send one operation per request.")
    if not isinstance(request, dict):
        raise refuse("The request must be a JSON object with the member 'query'.")
    query = request.get("query")
    if query is None:
        raise refuse("The request has no 'query'.")
    if not isinstance(query, str):
        raise refuse("'query' must be a string.")
    name = request.get("operationName")
    if name is not None and not isinstance(name, str):
        raise refuse("'operationName' must be a string.")
    maps: dict[str, dict[str, Any]] = {}
    for member in ("variables", "extensions"):
        value = request.get(member)
        if value is not None and not isinstance(value, dict):
            raise refuse(f"'{member}' must be an object.")
        maps[member] = value or {}
    if not is_clean(query) or not is_clean(name or ""):
        raise unclean("query")
    for member, value in maps.items():
        if value:
            check_values(value, member, limits.max_variables_depth)
    return Operation(query, name or None, maps["variables"], maps["extensions"])
