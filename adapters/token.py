"""A caller's token: it goes to the backend of the repository at hand, and nowhere else."""

from __future__ import annotations

import hmac
import re
import secrets
from typing import NoReturn

_B64TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)  # RFC 6750, section 2.1
_KEY = secrets.token_bytes(32)


class Token:
    """An opaque secret that shows itself to nobody by accident: not in a repr, a format, a pickle, a copy of a dataclass.

    Two are equal when their secrets are; as a key of a cache it stands as a keyed hash (RFC 2104), worthless outside of this process.
    """

    __slots__ = ("_secret", "fingerprint")

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self.fingerprint = hmac.digest(_KEY, secret.encode("utf-8", "surrogatepass"), "sha256")

    def reveal(self) -> str:
        """The secret itself: for a header to a configured backend, and for nothing else."""
        return self._secret

    @property
    def well_formed(self) -> bool:
        """Whether it can stand in a header as it is; nothing else is sent anywhere."""
        return _B64TOKEN.fullmatch(self._secret) is not None

    def __repr__(self) -> str:
        return "Token(hidden)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and hmac.compare_digest(self.fingerprint, other.fingerprint)

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a token is not written anywhere")
