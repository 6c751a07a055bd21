"""A peer: strawberry with SQLAlchemy's AsyncEngine over asyncpg and DataLoaders, the way of its documentation.

Parsed and validated documents are cached, JSON is orjson's, uvicorn runs on uvloop and httptools: it is as fast as strawberry
gets without leaving its executor. The statements are those of Mercurius and Apollo.
"""

from __future__ import annotations

import re
from typing import Any, NewType

import orjson
import strawberry
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig

from benchmarks.engine.batches import batches
from benchmarks.engine.known import Registry
from benchmarks.engine.process import serve_here

Long = NewType("Long", int)


@strawberry.type
class ValidFlat:
    uuid: strawberry.ID
    run: str
    collection: str
    begin: str
    end: str


@strawberry.type
class Raw:
    uuid: strawberry.ID
    run: str
    type: str
    instrument: str
    exposure: Long
    detector: Long
    physical_filter: str
    begin: str

    @strawberry.field
    async def flat(self, info: strawberry.Info) -> ValidFlat | None:
        found: ValidFlat | None = await info.context["flats"].load(self)
        return found


@strawberry.type
class Flat:
    uuid: strawberry.ID
    run: str
    physical_filter: str
    detector: Long
    row: strawberry.Private[Any]

    @strawberry.field
    async def raws(self, info: strawberry.Info, first: int) -> list[Raw]:
        loaders = info.context["raws"]
        if first not in loaders:
            loaders[first] = info.context["tables"].loader_of_raws(first)
        found: list[Raw] = await loaders[first].load(self.row)
        return found


@strawberry.type
class Query:
    @strawberry.field
    async def raws(self, info: strawberry.Info, first: int) -> list[Raw]:
        return [_raw(row) for row in await info.context["tables"].rows("raws", first)]

    @strawberry.field
    async def flats(self, info: strawberry.Info, first: int) -> list[Flat]:
        found = await info.context["tables"].rows("flats", first)
        return [
            Flat(
                uuid=row.uuid,
                run=row.run,
                physical_filter=row.physicalFilter,
                detector=row.detector,
                row=row,
            )
            for row in found
        ]

    @strawberry.field
    async def raw(self, info: strawberry.Info, id: strawberry.ID) -> Raw | None:
        found = await info.context["tables"].rows("one", id)
        return _raw(found[0]) if found else None


def _raw(row: Any) -> Raw:
    return Raw(
        uuid=row.uuid,
        run=row.run,
        type=row.type,
        instrument=row.instrument,
        exposure=row.exposure,
        detector=row.detector,
        physical_filter=row.physicalFilter,
        begin=row.begin,
    )


class Tables:
    """The statements on two pools, as in the floor: pages are planned with their values, the look-up by id once."""

    def __init__(self, known: Registry) -> None:
        found = batches(known)
        self._statements = {
            name: text(re.sub(r"\$(\d)", r":p\1", statement)) for name, statement in found.items()
        }
        url = known.dsn.replace("postgresql://", "postgresql+asyncpg://")
        self._pages, self._look_ups = _engine(url, "force_custom_plan"), _engine(url, "auto")

    async def rows(self, name: str, *values: Any) -> Any:
        engine = self._look_ups if name == "one" else self._pages
        given = {f"p{number}": value for number, value in enumerate(values, 1)}
        async with engine.connect() as connection:
            return (await connection.execute(self._statements[name], given)).all()

    async def flats_of(self, raws: list[Raw]) -> list[ValidFlat | None]:
        keys = ([getattr(raw, name) for raw in raws] for name in ("instrument", "detector", "exposure"))
        found: list[ValidFlat | None] = [None] * len(raws)
        for row in await self.rows("flatsOf", *keys):
            found[row.n - 1] = ValidFlat(
                uuid=row.uuid, run=row.run, collection=row.collection, begin=row.begin, end=row.end
            )
        return found

    def loader_of_raws(self, first: int) -> DataLoader[Any, list[Raw]]:
        names = ("instrument", "detector", "physicalFilter", "begin", "end")

        async def load(flats: list[Any]) -> list[list[Raw]]:
            keys = ([getattr(flat, name) for flat in flats] for name in names)
            found: list[list[Raw]] = [[] for _ in flats]
            for row in await self.rows("rawsOf", *keys, first):
                found[row.n - 1].append(_raw(row))
            return found

        return DataLoader(load_fn=load, cache=False)


def _engine(url: str, plans: str) -> AsyncEngine:
    arguments = {"server_settings": {"plan_cache_mode": plans, "jit": "off"}}
    return create_async_engine(
        url,
        pool_size=8,
        max_overflow=0,
        pool_reset_on_return=None,
        isolation_level="AUTOCOMMIT",
        connect_args=arguments,
    )


class Peer(GraphQL[Any, None]):
    """strawberry's own ASGI application; a context for each request, orjson."""

    tables: Tables

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/healthz":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"{}"})
        else:
            await super().__call__(scope, receive, send)

    async def get_context(self, *_: Any, **__: Any) -> Any:
        flats: DataLoader[Any, Any] = DataLoader(load_fn=self.tables.flats_of, cache=False)
        return {"tables": self.tables, "flats": flats, "raws": {}}

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data)


def make(known: Registry) -> Peer:
    longs = StrawberryConfig(scalar_map={Long: strawberry.scalar(name="Long", serialize=lambda value: value)})
    schema = strawberry.Schema(Query, config=longs, extensions=[ParserCache, ValidationCache])
    peer = Peer(schema, graphql_ide=None)
    peer.tables = Tables(known)
    return peer


if __name__ == "__main__":
    serve_here(make)
