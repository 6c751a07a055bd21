"""What a request says of the copy that it has, and which bytes it wants: conditions (RFC 9110, section 13) and ranges (section 14) of a stored file.

Conditions that do not read as such are passed over where the standard wants it so (dates), or match nothing (entity tags). A Range that does not read
as one of bytes, or is no part of a GET, is passed over: the whole file is a right answer to any.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from starlette.types import Scope

from gateway.http.headers import Raw, joined, replace
from gateway.http.refusal import refuse

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_RANGE = re.compile(r"([0-9]{0,4000})-([0-9]{0,4000})")  # Python reads integers of 4,300 digits at most


def not_modified(scope: Scope, etag: str, modified: str) -> bool:
    """Whether the client has these bytes already, and is to be told just that (304). ``etag`` is a strong one; ``modified`` is Last-Modified.

    Raises
    ------
    gateway.http.refusal.Refusal
        412 where the client wants others than these.
    """
    if wanted := joined(scope, b"if-match"):
        changed = not _named(wanted, etag, weak=False)
    else:
        changed = _after(modified, joined(scope, b"if-unmodified-since"))
    if changed:
        raise refuse("The file is another one by now: If-Match or If-Unmodified-Since says so.", 412)
    if known := joined(scope, b"if-none-match"):
        return _named(known, etag, weak=True)
    since = joined(scope, b"if-modified-since")
    return _read(since) is not None and not _after(modified, since)


def wanted_ranges(scope: Scope, etag: str, modified: str, size: int) -> Sequence[tuple[int, int]]:
    """The parts that are asked for of so many bytes, first and last byte of each; none where the whole is.

    Raises
    ------
    gateway.http.refusal.Refusal
        416 where there are bytes in none of them.
    """
    unit, _, ranges = joined(scope, b"range").partition("=")
    if scope["method"] != "GET" or unit.strip().lower() != "bytes" or not size:
        return ()
    if joined(scope, b"if-range") not in ("", etag, modified):
        return ()
    found: list[tuple[int, int]] = []
    specified = [one for one in (part.strip(" \t") for part in ranges.split(",")) if one]
    for one in specified:
        read = _RANGE.fullmatch(one)
        if read is None or one == "-":
            return ()
        first, last = (None if text == "" else int(text) for text in read.groups())
        if first is None:
            first, last = max(size - (last or 0), 0), size - 1
        elif last is None:
            last = size - 1
        elif last < first:
            return ()
        if first < size:
            found.append((first, min(last, size - 1)))
    if specified and not found:
        raise refuse(
            f"The file has {size} bytes, and none of these.",
            416,
            headers={"Content-Range": f"bytes */{size}"},
            size=size,
        )
    return found


def with_ranges(scope: Scope, ranges: Sequence[tuple[int, int]]) -> Scope:
    """The same request, for these ranges; without If-Range, which was looked at."""
    headers: Raw = list(scope["headers"])
    replace(headers, b"if-range", None)
    text = ",".join(f"{first}-{last}" for first, last in ranges)
    replace(headers, b"range", f"bytes={text}".encode() if ranges else None)
    return {**scope, "headers": headers}


def _named(list_: str, etag: str, *, weak: bool) -> bool:
    """Whether a list of entity tags, or ``*``, has this one; a weak one in it counts where ``weak`` ones do (section 8.8.3.2)."""
    if list_.strip() == "*":
        return True
    return any(tag == etag and (weak or not mark) for mark, tag in _TAG.findall(list_))


def _after(modified: str, date: str) -> bool:
    """Whether it was modified after a date; False where the date is none."""
    at, then = _read(modified), _read(date)
    return at is not None and then is not None and at > then


def _read(date: str) -> datetime | None:
    """An HTTP date (section 5.6.7), in any of its three forms."""
    try:
        found = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
