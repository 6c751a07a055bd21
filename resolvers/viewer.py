"""Who the gateway takes the caller for."""

from __future__ import annotations

import strawberry

from .context import Context


@strawberry.type(description="The caller, and what the gateway allows.")
class Viewer:
    username: str | None = strawberry.field(description="Null for an anonymous caller.")
    authenticated: bool = strawberry.field(description="Whether the caller proved who it is.")
    groups: list[str] = strawberry.field(description="Groups of the caller, sorted.")
    readable: list[str] = strawberry.field(description="Labels of the repositories that the caller may read.")
    writable: list[str] = strawberry.field(
        description="Labels of the repositories that the caller may write."
    )


def viewer(context: Context) -> Viewer:
    caller = context.call.caller
    return Viewer(
        username=caller.username,
        authenticated=caller.authenticated,
        groups=sorted(caller.groups),
        readable=list(context.scopes),
        writable=[label for label in context.scopes if context.writable(label)],
    )
