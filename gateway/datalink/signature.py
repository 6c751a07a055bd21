"""Addresses of files that work on their own for a while: whoever holds one reads that file, and nothing else.

The signature is an HMAC (RFC 2104) with SHA-256 over repository, dataset, component and the second from which it is worth nothing. It is made for callers
who may read the file. It holds nothing of their tokens, and leaves them no way back: one that is passed on, or whose user lost the right, works until
then.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from collections.abc import Callable
from functools import cached_property
from urllib.parse import quote, urlencode

from adapters.errors import Forbidden
from gateway.datalink.member import PATH as DATALINK
from resolvers.scalars import uuid_out

PATH = f"{DATALINK}/file/{{repository}}/{{uuid}}"
_SECONDS = re.compile(r"[0-9]{1,12}")


class Signatures:
    """``secret`` is asked when the first signature is made or looked at; all processes that answer for one another share it. ``seconds``: how long an
    address works."""

    def __init__(
        self, secret: Callable[[], bytes], seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._found = secret
        self._seconds = seconds
        self._clock = clock

    @cached_property
    def _secret(self) -> bytes:
        return self._found()

    def address(self, base_url: str, label: str, dataset: str, component: str | None) -> str:
        """The address of a file of a dataset (32 hex digits), signed."""
        expires = int(self._clock() + self._seconds)
        parameters = {} if component is None else {"component": component}
        parameters |= {
            "expires": str(expires),
            "signature": self._signed(label, dataset, component, expires),
        }
        path = PATH.format(repository=quote(label, safe=""), uuid=uuid_out(dataset))
        return f"{base_url}{path}?{urlencode(parameters)}"

    def check(
        self, label: str, dataset: str, component: str | None, expires: str | None, signature: str | None
    ) -> None:
        """Raises Forbidden unless the address was signed here, for this file, and not too long ago."""
        if expires is None or signature is None or not _SECONDS.fullmatch(expires):
            raise unsigned()
        right = self._signed(label, dataset, component, int(expires))
        if not hmac.compare_digest(right.encode(), signature.encode("utf-8", "surrogatepass")):
            raise unsigned()
        if int(expires) <= self._clock():
            raise Forbidden(
                "This address has expired; ask for the DataLink document of the dataset again, which has a new one."
            )

    def _signed(self, label: str, dataset: str, component: str | None, expires: int) -> str:
        text = json.dumps(["datalink file", label, dataset, component, expires]).encode()
        digest = hmac.digest(self._secret, text, hashlib.sha256)
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def unsigned() -> Forbidden:
    return Forbidden(
        "This address has no signature for this file: take it whole from the DataLink document of the dataset."
    )


def random_secret() -> bytes:
    return secrets.token_bytes(32)
