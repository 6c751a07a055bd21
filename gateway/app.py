"""The application: which route leads where. Wiring only; nothing is read before the first question.

Arrow, DuckDB and what else tables, links and saved results take is imported when somebody first asks for one (``FirstUse``).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Route

from adapters.caller import Call, Caller
from adapters.protocol import Health, Repository
from gateway.auth import Authority, caller_of
from gateway.auth.access import Access
from gateway.auth.door import Door
from gateway.auth.opening import authority_of
from gateway.config import CONFIG_VARIABLE, Config, load
from gateway.content.route import content_route
from gateway.content.stored import files_route
from gateway.datalink.file import signed_files_route
from gateway.datalink.member import PATH as DATALINK
from gateway.datalink.secret import kept_secret
from gateway.datalink.signature import Signatures
from gateway.datalink.surroundings import Surroundings
from gateway.discovery import Discovery
from gateway.explorer import explorer_routes
from gateway.first_use import FirstUse, RouteAtFirstUse
from gateway.garbage import settle
from gateway.http import http_error, middleware, routes
from gateway.http.errors import Masking
from gateway.http.refusal import Refusal
from gateway.limits import Budget, Deadline
from gateway.limits.house import House
from gateway.log import set_up
from gateway.opening import open_repositories
from gateway.results.service import SavedResults
from gateway.services import Directory, Services
from gateway.tables.kept import Kept
from gateway.tables.links import PATH as TABLES
from gateway.tables.links import Links
from resolvers.asked import Asked
from resolvers.context import Context
from resolvers.schema import build_schema, sdl

if TYPE_CHECKING:  # Arrow
    from gateway.tables.answers import Answers
    from gateway.tables.route import Asking
    from gateway.tables.table import Table

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

    links = Links(
        Kept(config.state / "tables", seconds=config.tables.kept_hours * 3600, most=config.tables.kept_bytes)
    )
    house = House(config.tables.max_running, config.tables.max_running_each, config.tables.max_waiting)
    discovery = (
        None if config.discovery.url is None else Discovery(config.discovery.url, config.discovery.seconds)
    )
    directory = Directory(
        {label: Services(**one.services.model_dump()) for label, one in config.repositories.items()},
        None if discovery is None else discovery.of,
    )

    def answering() -> Answers:
        from gateway.tables.answers import Answers

        files = {label: one.obscore for label, one in config.repositories.items()}
        return Answers(links, results, directory, limits, files)

    answers = FirstUse(answering)

    async def read_result(
        asked: Asked, opened: Mapping[str, Repository], caller: Caller, base_url: str, most: int
    ) -> Table:
        return await (await answers()).of_list(asked, opened, caller, base_url, most)

    results = SavedResults(config.results, config.results.folder or config.state / "results", read_result)

    def make_context(request: Request, budget: Budget, deadline: Deadline) -> Context:
        caller = caller_of(request.scope)
        return Context(
            repositories=access.readable(caller),
            writers=writers,
            call=Call(caller, deadline.of_backends(), limits.max_cost),
            budget=budget,
            limits=limits,
            base_url=config.public_url or (lambda: str(request.base_url)),
            tables=links,
            results=results,
            datalink=directory.datalink,
        )

    async def enter(request: Request) -> tuple[Mapping[str, Repository], Call]:
        deadline = Deadline(limits.timeout)
        await door.enter(request.scope, deadline, basic=True)
        caller = caller_of(request.scope)
        return access.readable(caller), Call(caller, deadline, limits.max_cost)

    async def enter_tables(request: Request) -> tuple[Mapping[str, Repository], Caller, str]:
        opened, call = await enter(request)
        return opened, call.caller, (config.public_url or str(request.base_url)).rstrip("/")

    async def read_table(asking: Asking, most: int | None, obscore: bool) -> Table:
        return await (await answers()).table(asking, most, obscore)

    secret = config.datalink.secret
    signatures = Signatures(
        partial(kept_secret, config.state / "datalink")
        if secret is None
        else lambda: secret.get_secret_value().encode(),
        config.datalink.seconds,
    )

    async def enter_links(request: Request, masking: Masking) -> Surroundings:
        await enter(request)
        context = make_context(request, Budget(limits.max_cost), Deadline(limits.timeout))
        wanted = "false" if auth.mode == "anonymous" else "optional" if auth.anonymous else "true"
        return Surroundings(context, directory, signatures, masking, config.datalink.max_links, wanted)

    async def seen(request: Request) -> Collection[str]:
        # A probe has no token, and must not depend on whether one can be looked up: it gets its status all the same.
        try:
            readable, _ = await enter(request)
        except (Refusal, TimeoutError):
            return ()
        return readable

    def tables() -> Route:
        from gateway.tables.route import tables_route

        waiting = limits.timeout
        return tables_route(enter_tables, read_table, house, timeout=config.tables.timeout, waiting=waiting)

    def datalink() -> Route:
        from gateway.datalink.route import links_route

        of_links = House(limits.max_running, limits.max_running_each, limits.max_waiting)
        return links_route(enter_links, of_links, limits, most=config.datalink.max_ids)

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
            Route(f"{DATALINK}/links", RouteAtFirstUse(datalink), name="datalink"),
            signed_files_route(repositories, signatures, timeout=limits.timeout),
            content_route(enter, house, timeout=config.tables.timeout),
            Route(TABLES, RouteAtFirstUse(tables), name="tables"),
            *explorer_routes(),
        ],
        middleware=middleware(config.cors_origins, graphql),
        exception_handlers={HTTPException: http_error},
        lifespan=_closing(repositories, authority, results, discovery),
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
    repositories: Mapping[str, Repository],
    authority: Authority,
    results: SavedResults,
    discovery: Discovery | None,
) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """A lifespan in which saved results are looked after and services are discovered, and that closes the authority and every repository at its end, whatever
    happens to the others."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        try:
            async with results.open(), discovery.kept() if discovery else nullcontext():
                yield
        finally:
            for label, repository in repositories.items():
                try:
                    await repository.close()
                except Exception as error:  # noqa: BLE001  the others are still to be closed
                    log.warning("repository not closed", repository=label, exception=type(error).__qualname__)
            await authority.close()

    return lifespan
