"""Questions for which one statement is left to send: what it takes was found out before."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from ..rows import Row, Rows

UNCHANGED = sa.text("pg_current_snapshot()::text = current_setting('gateway.state', true)")
"""Whether the registry is in the state that the session was told: PostgreSQL looks once a statement, before it reads anything."""


class Ready(NamedTuple):
    """A statement to send with its values, and the answer that its rows are; None: the question has to be asked in the ordinary way.

    ``state``: that of the registry for which this holds, where it does not hold for ever. Then the statement finds nothing in any other
    (``UNCHANGED``).
    """

    statement: sa.Select[Any]
    values: Mapping[str, Any]
    rows: Callable[[list[Row]], Rows | None]
    state: Hashable = None
