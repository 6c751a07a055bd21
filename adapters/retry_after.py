"""When a server that cannot answer now wants to be asked again (Retry-After; RFC 9110, section 10.2.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)


def seconds_of(written: str | None) -> dict[str, int]:
    """What an error's details say of it, ``retryAfter`` in whole seconds from now; nothing where the header is not there, or is none."""
    text = (written or "").strip()
    if _SECONDS.fullmatch(text):
        return {"retryAfter": int(text)}
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return {}
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return {"retryAfter": max(0, round((moment - datetime.now(UTC)).total_seconds()))}
