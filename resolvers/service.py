"""What this service is, and how much it does for one request."""

from __future__ import annotations

import strawberry

from .context import Context
from .scalars import Long


@strawberry.type(description="Version and limits of this service, so that a client can keep to them.")
class Service:
    version: str = strawberry.field(description="Version of the gateway.")
    max_first: int = strawberry.field(description="Largest value of first; more is BAD_USER_INPUT.")
    max_depth: int = strawberry.field(description="Deepest query: fields inside one another.")
    max_cost: Long = strawberry.field(
        description="Most rows that one request may ask for: the sum over its lists of actual parents times first."
    )
    timeout_seconds: float = strawberry.field(description="Longest time that a request may take.")


def service(context: Context) -> Service:
    limits = context.limits
    return Service(
        version=context.version,
        max_first=limits.max_first,
        max_depth=limits.max_depth,
        max_cost=Long(limits.max_cost),
        timeout_seconds=limits.timeout,
    )
