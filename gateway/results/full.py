"""Errors of a store that has no room, or has as much to do as it may."""

from __future__ import annotations

import errno
from typing import ClassVar

from adapters.errors import AdapterError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StorageFull(AdapterError):
    """There is no room for what was to be kept; ``details`` hold ``limit`` where it is one of the configuration."""

    code: ClassVar[str] = "STORAGE_FULL"


class TooMany(AdapterError):
    """The caller has as many at work, or kept, as one may have; ``details`` hold ``limit``."""

    code: ClassVar[str] = "TOO_MANY_REQUESTS"


class Busy(AdapterError):
    """The service has as much to do as it may; ``details`` hold ``limit``."""

    code: ClassVar[str] = "SERVICE_BUSY"


def full(error: BaseException) -> StorageFull | None:
    """The error of a disk that is full, where this is one (ENOSPC, a quota, a limit of the process)."""
    if isinstance(error, StorageFull):
        return error
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in _FULL:
            return StorageFull(
                "There is no room on the service's disk for this result; delete results that you do not need (deleteResult), ask for "
                "less, or tell those who run the service."
            )
        seen = seen.__cause__ or seen.__context__
    return None
