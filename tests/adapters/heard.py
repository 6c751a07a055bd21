"""What is sent to a repository's database, of whichever way it takes: from threads by SQLAlchemy, or on the event loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa

from adapters.butler.direct import LoopSession
from adapters.butler.store import Store

_BEGINNINGS = ("SET LOCAL", "SELECT set_config('gateway.state'")


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """The texts of its statements from here on, but for those that begin a question."""
    found: list[str] = []
    fetch = LoopSession.fetch

    def note(text: str) -> None:
        if not text.startswith(_BEGINNINGS):
            found.append(text)

    def executed(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        note(statement)

    async def fetched(session: LoopSession, text: str, values: list[Any]) -> list[Any]:
        if session._direct is store.direct:
            note(text)
        return await fetch(session, text, values)

    sa.event.listen(store.engine, "before_cursor_execute", executed)
    try:
        with patch.object(LoopSession, "fetch", fetched):
            yield found
    finally:
        sa.event.remove(store.engine, "before_cursor_execute", executed)
