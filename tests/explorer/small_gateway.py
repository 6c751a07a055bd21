"""The smallest application that the page can be served with: its routes, and a schema that answers its examples."""

from __future__ import annotations

import json
from pathlib import Path

import strawberry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from strawberry.asgi import GraphQL

from gateway.explorer import explorer_routes

CANARY = "gt-canary-4bf3c0a95e7d"

LIST = """\
# Which repositories can I see?
# Where do I begin: what is served here?
query Repositories {
  repositories {
    name
    description
  }
}
"""
ONE = """\
# One repository by its name
# I know its label (see the variables).
# What is it?
query OneRepository($name: String!) {
  repository(name: $name) {
    name
    description
  }
}
"""


@strawberry.type
class Repository:
    name: str
    description: str


REPOSITORIES = [
    Repository(name="hsc", description="HSC, real subset"),
    Repository(name="lsst", description="LSSTCam"),
    # An answer longer than any screen.
    *(Repository(name=f"mock{number}", description="Made up") for number in range(20)),
]


@strawberry.type
class Query:
    @strawberry.field
    def repositories(self) -> list[Repository]:
        return REPOSITORIES

    @strawberry.field
    def repository(self, name: str) -> Repository | None:
        return next((repository for repository in REPOSITORIES if repository.name == name), None)

    @strawberry.field
    def has_token(self, info: strawberry.Info) -> bool:
        """Whether the canary came with this request; never the canary itself."""
        request: Request = info.context["request"]
        return request.headers.get("authorization") == f"Bearer {CANARY}"


def small_gateway(examples: Path) -> Starlette:
    """The application; its examples are written into this folder."""
    (examples / "01-list.graphql").write_text(LIST)
    (examples / "02-one.graphql").write_text(ONE)
    (examples / "02-one.json").write_text(json.dumps({"name": "lsst"}))
    schema = strawberry.Schema(Query)
    return Starlette(
        routes=[
            *explorer_routes(examples=examples),
            Route("/graphql", GraphQL(schema, graphql_ide=None)),
            Route("/schema.graphql", lambda _: PlainTextResponse(schema.as_str())),
        ]
    )
