"""Which way to follow what executions recorded."""

from __future__ import annotations

from enum import Enum

import strawberry


@strawberry.enum(description="Which way to follow what executions recorded.")
class Direction(Enum):
    UPSTREAM = strawberry.enum_value("UPSTREAM", description="To what it was made from.")
    DOWNSTREAM = strawberry.enum_value("DOWNSTREAM", description="To what was made from it.")
