"""Who asks: the configured authority says it, before anything of a request runs.

``settings`` what can be configured, ``door`` where requests come in, ``credentials`` what they carry, ``gafaelfawr`` and ``oidc`` the
authorities, ``remembered`` what these said lately, ``access`` which repositories a caller may read and write.
"""

from __future__ import annotations

from typing import Protocol

from starlette.types import Scope

from adapters.caller import Caller

_KEY = "gateway.caller"
NOBODY = Caller()


class Authority(Protocol):
    """Something that knows the callers by what their requests carry."""

    def known(self, scope: Scope) -> Caller | None:
        """The caller where nobody has to be asked, one without a name where the request carries nothing; None where somebody has, or
        where the request is to be refused."""
        ...

    async def caller(self, scope: Scope) -> Caller:
        """The caller; one without a name where the request carries nothing.

        Raises
        ------
        gateway.http.refusal.Refusal
            400 or 401 with a challenge (RFC 6750); 503 where the authority does not answer.
        """
        ...

    async def close(self) -> None: ...


class Anonymous:
    """Everybody is nobody, and what a request carries is not looked at."""

    def known(self, _: Scope) -> Caller | None:
        return NOBODY

    async def caller(self, _: Scope) -> Caller:
        return NOBODY

    async def close(self) -> None:
        return None


def note_caller(scope: Scope, caller: Caller) -> None:
    """Note in a request who asks."""
    scope[_KEY] = caller


def caller_of(scope: Scope) -> Caller:
    """Who asks, as the door noted it. KeyError where a request came in by another way: it is nobody's, and gets nothing."""
    caller: Caller = scope[_KEY]
    return caller
