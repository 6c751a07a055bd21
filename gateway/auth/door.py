"""Where every request comes in that is answered with data: who asks is found out first, or it is refused."""

from __future__ import annotations

import asyncio

from starlette.types import Scope

from adapters.caller import Caller
from gateway.auth import Authority, note_caller
from gateway.auth.challenge import unauthenticated, with_basic
from gateway.http.refusal import Refusal
from gateway.limits import Deadline


class Door:
    """``anonymous``: whether those are let in who do not say who they are."""

    def __init__(self, authority: Authority, *, anonymous: bool) -> None:
        self._authority = authority
        self._anonymous = anonymous

    def known(self, scope: Scope) -> bool:
        """Whether the caller is known without asking anybody, and let in. Raises Refusal."""
        caller = self._authority.known(scope)
        if caller is not None:
            self._let_in(scope, caller)
        return caller is not None

    async def enter(self, scope: Scope, deadline: Deadline, *, basic: bool = False) -> None:
        """Find out who asks, and let them in; ``gateway.auth.caller_of`` then says who it is. ``basic``: a refused client may be one
        that knows user names and passwords only.

        Raises
        ------
        gateway.http.refusal.Refusal
            400, 401 or 503: see ``gateway.auth.challenge``.
        TimeoutError
            The deadline passed.
        """
        try:
            if not self.known(scope):
                async with asyncio.timeout(deadline.remaining()):
                    caller = await self._authority.caller(scope)
                self._let_in(scope, caller)
        except Refusal as refusal:
            raise with_basic(refusal) if basic else refusal from None

    def _let_in(self, scope: Scope, caller: Caller) -> None:
        if not caller.authenticated and not self._anonymous:
            raise unauthenticated()
        note_caller(scope, caller)
