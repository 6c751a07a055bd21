"""The application: which route leads where. Wiring only; nothing is read before the first question."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request

from adapters.caller import Call, Caller
from adapters.protocol import Health, Repository
from gateway.auth import Authority, caller_of
from gateway.auth.access import Access
from gateway.auth.door import Door
from gateway.auth.opening import authority_of
from gateway.config import CONFIG_VARIABLE, Config, load
from gateway.explorer import explorer_routes
from gateway.files import files_route
from gateway.garbage import settle
from gateway.http import http_error, middleware, routes
from gateway.http.refusal import Refusal
from gateway.limits import Budget, Deadline
from gateway.log import set_up
from gateway.opening import open_repositories
from resolvers.context import Context
from resolvers.schema import build_schema, sdl

log = structlog.get_logger("gateway.app")

# An orchestrator asks every few seconds whether the repositories answer: later than this is no.
PING_SECONDS = 2.0


def create_app(config: Config) -> Starlette:
    """The gateway over the configured repositories; ConfigError for an adapter that cannot be had.

    Who asks is found out before anything of a request runs, and a request knows those repositories only that its caller may read.
    """
    repositories = open_repositories(config)
    limits = config.limits
    schema = build_schema()
    auth = config.auth
    authority = authority_of(auth)
    door = Door(authority, anonymous=auth.anonymous or auth.mode == "anonymous")
    access = Access(repositories, {label: one.read for label, one in config.repositories.items()})
    writers = {label: one.write or () for label, one in config.repositories.items()}

    def make_context(request: Request, budget: Budget, deadline: Deadline) -> Context:
        caller = caller_of(request.scope)
        return Context(
            repositories=access.readable(caller),
            writers=writers,
            call=Call(caller, deadline, limits.max_cost),
            budget=budget,
            limits=limits,
            base_url=config.public_url or (lambda: str(request.base_url)),
        )

    async def enter(request: Request) -> tuple[Mapping[str, Repository], Call]:
        deadline = Deadline(limits.timeout)
        await door.enter(request.scope, deadline, basic=True)
        caller = caller_of(request.scope)
        return access.readable(caller), Call(caller, deadline, limits.max_cost)

    async def seen(request: Request) -> Collection[str]:
        # A probe has no token, and must not depend on whether one can be looked up: it gets its status all the same.
        try:
            readable, _ = await enter(request)
        except (Refusal, TimeoutError):
            return ()
        return readable

    pings = {label: partial(_ping, repository) for label, repository in repositories.items()}
    graphql, *others = routes(
        schema,
        make_context,
        limits,
        pings,
        sdl(),
        origins=config.cors_origins,
        plans=config.server.plans,
        door=door,
        seen=seen,
    )
    return Starlette(
        routes=[
            graphql,
            *others,
            files_route(enter),
            *explorer_routes(),
        ],
        middleware=middleware(config.cors_origins, graphql),
        exception_handlers={HTTPException: http_error},
        lifespan=_closing(repositories, authority),
    )


def from_environment() -> Starlette:
    """The application of a worker process: the configuration is the file that BUTLER_GATEWAY_CONFIG names."""
    config = load(Path(os.environ[CONFIG_VARIABLE]))
    set_up(config.log)
    app = create_app(config)
    settle()
    return app


async def _ping(repository: Repository) -> Health:
    return await repository.health(Call(Caller(), Deadline(PING_SECONDS)))


def _closing(
    repositories: Mapping[str, Repository], authority: Authority
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """A lifespan that closes the authority and every repository at its end, whatever happens to the others."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for label, repository in repositories.items():
                try:
                    await repository.close()
                except Exception as error:  # noqa: BLE001  the others are still to be closed
                    log.warning("repository not closed", repository=label, exception=type(error).__qualname__)
            await authority.close()

    return lifespan
