"""Who is at the other end of the socket.

``scope["client"]`` is not it: behind proxies that are believed, uvicorn puts there what X-Forwarded-For says. The connection itself
notes its peer, for all of its requests. Under a server that does not, no peer is known, and nobody is believed to be the ingress.
"""

from __future__ import annotations

import asyncio

from starlette.types import Scope

from gateway.http.wire import OneWrite

_KEY = "peer"


class NotesPeer(OneWrite):
    """HTTP for uvicorn, whose requests know their connection's peer: uvicorn copies ``app_state`` into each."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self.client is not None:
            self.app_state = {**self.app_state, _KEY: self.client[0]}


def peer_of(scope: Scope) -> str | None:
    """The address at the other end of a request's connection; None where it was not noted."""
    peer: str | None = scope.get("state", {}).get(_KEY)
    return peer
