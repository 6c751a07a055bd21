"""The routes of the service that speak GraphQL or say how it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import strawberry
from starlette.routing import Route

from gateway.http.health import Health, Ping, Seen, schema_text
from gateway.http.view import GraphQLView, MakeContext
from gateway.limits import Limits

if TYPE_CHECKING:
    from gateway.auth.door import Door


def routes(
    schema: strawberry.Schema,
    make_context: MakeContext,
    limits: Limits,
    pings: Mapping[str, Ping],
    sdl: str,
    *,
    origins: Sequence[str] = (),
    plans: bool = True,
    door: Door | None = None,
    seen: Seen | None = None,
) -> list[Route]:
    """/graphql, /schema.graphql, /healthz and /readyz, for a Starlette application.

    They belong behind ``gateway.http.edge.middleware(origins, straight)``, with the first of them as ``straight`` and ``http_error`` as the handler of Starlette's
    HTTPException. See GraphQLView for ``make_context``, ``plans`` and ``door``, and Health for ``pings`` and ``seen``.
    """
    health = Health(pings, seen=seen)
    view = GraphQLView(schema, make_context, limits, origins=origins, plans=plans, door=door)
    return [
        # No methods: the view answers the wrong ones itself, in GraphQL's shape.
        Route("/graphql", view, name="graphql"),
        Route("/schema.graphql", schema_text(sdl), name="schema"),
        Route("/healthz", health.healthz, name="healthz"),
        Route("/readyz", health.readyz, name="readyz"),
    ]
