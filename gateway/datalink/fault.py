"""Errors in DataLink's words: a message begins with one of five (DataLink 1.1, section 3.4)."""

from __future__ import annotations

from adapters.errors import (
    AdapterError,
    BackendTimeout,
    BackendUnavailable,
    BadCursor,
    BadUserInput,
    NotFound,
    Timeout,
)
from gateway.http.errors import Masking

_CODES = {
    **dict.fromkeys((BadUserInput.code, BadCursor.code), "UsageFault"),
    **dict.fromkeys(
        (
            BackendUnavailable.code,
            BackendTimeout.code,
            Timeout.code,
            "TOO_MANY_REQUESTS",
            "SERVICE_BUSY",
        ),
        "TransientFault",
    ),
    NotFound.code: "NotFoundFault",
    AdapterError.code: "DefaultFault",
}


def said(code: str, message: str) -> str:
    """The message of an error with a ``code`` of ours. What a try later, another question or another identifier would not mend is a FatalFault."""
    return f"{_CODES.get(code, 'FatalFault')}: {message}"


def fault(error: Exception, masking: Masking) -> str:
    """The same of an exception; of one that was not meant for the caller there is only a reference to the log."""
    told = masking.refusal(error).errors[0]
    return said(told["extensions"]["code"], told["message"])
