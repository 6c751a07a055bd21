"""A small gateway to abuse: a schema with a field for each way to fail, served by uvicorn on a real socket."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig

from adapters.errors import BackendUnavailable, NotFound
from gateway.http import http_error, middleware, routes
from gateway.http.wire import OneWrite
from gateway.limits import Budget, Deadline, Limits

CANARY = "canary-8d1f7c2a"
SECRET_PATH = "/srv/secret/passwd"

Long = strawberry.scalar(name="Long", serialize=int, parse_value=int)


class LongValue(int):
    pass


@dataclass
class Context:
    budget: Budget
    deadline: Deadline
    seen: Seen


@dataclass
class Seen:
    """What the resolvers went through."""

    started: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)
    contexts: int = 0


@strawberry.input
class Box:
    inner: Box | None = None
    text: str | None = None
    number: int | None = None


@strawberry.type
class Tree:
    name: str = "tree"

    @strawberry.field
    def child(self) -> Tree:
        return Tree()

    @strawberry.field
    def children(self, info: strawberry.Info[Context, None], first: int = 2) -> list[Tree]:
        info.context.budget.spend(1, first)
        return [Tree() for _ in range(first)]


@strawberry.type
class Query:
    @strawberry.field
    def tree(self) -> Tree:
        return Tree()

    @strawberry.field
    def hello(self, name: str = "world") -> str:
        return f"hello {name}"

    @strawberry.field
    def add(self, a: int, b: int = 0) -> int:
        return a + b

    @strawberry.field
    def echo(self, value: JSON) -> JSON:
        return value

    @strawberry.field
    def box(self, box: Box) -> str | None:
        return box.text

    @strawberry.field
    def exposure(self, id: LongValue) -> LongValue:
        return id

    @strawberry.field
    def boom(self, text: str = "") -> str | None:
        raise RuntimeError(f"cannot open {SECRET_PATH} for {text}")

    @strawberry.field
    def booms(self, count: int) -> list[Tree | None]:
        return [BrokenTree() for _ in range(count)]

    @strawberry.field
    def unspeakable(self) -> JSON | None:
        return {"path": Path(SECRET_PATH)}

    @strawberry.field
    def number(self) -> int | None:
        return SECRET_PATH  # type: ignore[return-value]

    @strawberry.field
    def missing(self) -> str | None:
        raise NotFound("Unknown collection 'HSC/runs'; did you mean 'HSC/run'?", nearest=["HSC/run"])

    @strawberry.field
    def backend(self) -> str | None:
        try:
            raise OSError(f"could not connect to {SECRET_PATH}")
        except OSError as error:
            raise BackendUnavailable("The repository 'hsc' does not answer.", repository="hsc") from error

    @strawberry.field
    async def late(self) -> str | None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(5)
        return "never"

    @strawberry.field
    async def slow(self, info: strawberry.Info[Context, None], seconds: float = 0.1) -> str | None:
        seen = info.context.seen
        seen.started.set()
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            seen.cancelled.set()
            raise
        seen.finished.set()
        return "done"

    @strawberry.field
    async def stubborn(self) -> str | None:
        for _ in range(30):
            try:
                await asyncio.sleep(0.1)
            except asyncio.CancelledError:
                continue
        return "done"

    @strawberry.field
    def remaining(self, info: strawberry.Info[Context, None]) -> float:
        return info.context.deadline.remaining()


class BrokenTree(Tree):
    @property
    def name(self) -> str:  # type: ignore[override]
        raise LookupError(SECRET_PATH)

    @name.setter
    def name(self, value: str) -> None:
        pass


@strawberry.type
class Mutation:
    @strawberry.mutation
    def touch(self) -> str:
        return "touched"


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def ticks(self) -> AsyncIterator[int]:
        yield 1


schema = strawberry.Schema(
    Query, Mutation, Subscription, config=StrawberryConfig(scalar_map={LongValue: Long})
)


def service(
    limits: Limits | None = None,
    *,
    origins: tuple[str, ...] = (),
    pings: dict[str, Any] | None = None,
    plans: bool = True,
    straight: bool = True,
) -> tuple[Starlette, Seen]:
    """The application, and what its resolvers see. ``straight``: requests for /graphql pass the router by, as the gateway's do."""
    seen = Seen()

    async def make_context(request: Request, budget: Budget, deadline: Deadline) -> Context:
        if request.headers.get("x-fail") == "unavailable":
            raise BackendUnavailable("Who you are cannot be asked now.")
        if request.headers.get("x-fail") == "bug":
            raise KeyError(SECRET_PATH)
        seen.contexts += 1
        return Context(budget, deadline, seen)

    async def answer() -> None:
        pass

    graphql, *others = routes(
        schema,
        make_context,
        limits or Limits(),
        {"hsc": answer} if pings is None else pings,
        schema.as_str(),
        origins=origins,
        plans=plans,
    )
    app = Starlette(
        routes=[graphql, *others],
        middleware=middleware(origins, graphql if straight else None),
        exception_handlers={HTTPException: http_error},
    )
    return app, seen


@contextmanager
def serve(app: ASGIApp) -> Iterator[str]:
    """The address of the application, served on a free port of this machine by a real uvicorn."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off", http=OneWrite))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive() and time.monotonic() < end, "uvicorn did not start"
        time.sleep(0.01)
    try:
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
