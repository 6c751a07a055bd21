"""The store of saved results: what ``resolvers.results.Results`` promises, over the files of a folder."""

from __future__ import annotations

import asyncio
import math
import secrets
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import structlog
from anyio.to_thread import run_sync
from cachetools import LRUCache

from adapters import instant
from adapters.caller import Call, Caller, Deadline
from adapters.errors import AdapterError, NotFound, Timeout
from adapters.protocol import Repository
from adapters.rows import Facets, FieldInfo
from gateway.results.engine import Engine
from gateway.results.folder import DIED, Folder
from gateway.results.frozen import Writer, batches, field_info, kind, schema_of
from gateway.results.full import StorageFull, TooMany, full
from gateway.results.jobs import Jobs
from gateway.results.record import Record, is_id, new_id
from gateway.results.settings import ResultsConfig
from gateway.results.statement import Columns, Statement
from gateway.tables.table import End, Table
from resolvers.asked import Asked
from resolvers.results import Found, Kept, Phase, Selected
from resolvers.scalars import uuid_in

log = structlog.get_logger("gateway.results")

Read = Callable[[Asked, Mapping[str, Repository], Caller, str, int], Awaitable[Table]]
"""Reads a list as a table, with links below an address, and of so many rows at most."""

_SWEEP = 600.0
_SECOND = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_GONE = "There is no saved result with this id; it may have expired, or been deleted."


class _Deleted(Exception):
    """The result was deleted while it was being saved."""


@dataclass(frozen=True, slots=True)
class _Ended:
    record: Record
    error: AdapterError | None = None


class SavedResults:
    """``path`` is the folder, ``read`` what answers are read with."""

    def __init__(self, config: ResultsConfig, path: Path, read: Read) -> None:
        self._config = config
        self._folder = Folder(path)
        self._read = read
        self._engine = Engine(config.memory)
        self._jobs: Jobs[_Ended] = Jobs(config.max_running, config.max_running_each, config.max_waiting)
        self._schemas: LRUCache[str, pa.Schema] = LRUCache(256)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While the service runs: what has expired is deleted. At the end what is being saved is ABORTED."""
        sweeping = asyncio.ensure_future(self._sweep())
        try:
            yield
        finally:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)
            await self._jobs.close()

    async def save(
        self, asked: Asked, query: Any, call: Call, opened: Mapping[str, Repository], base_url: str
    ) -> Kept:
        owner = call.caller.username
        now = _now()
        expires = now + self._config.lifetime * _SECOND
        record = Record(new_id(), owner, asked.repositories, query, now, expires)
        known: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def read() -> Table:
            return await self._read(asked, opened, call.caller, base_url, self._config.max_rows)

        job = self._jobs.begin(record.id, owner, lambda turns: self._freeze(record, known, read, turns))
        # The job goes on if the request ends here; only this waiting does.
        begun: list[asyncio.Future[Any]] = [job, known]
        await asyncio.wait(begun, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([job], timeout=min(self._config.wait, 0.8 * call.deadline.remaining()))
        if not job.done():
            now_known = await run_sync(self._folder.read, record.id)
            return _kept(now_known or record)
        ended = job.result()
        if ended.error is not None:
            if known.done():
                await run_sync(self._folder.remove, record.id)
            raise ended.error
        return _kept(ended.record)

    async def find(self, id: str, caller: Caller, seen: Collection[str]) -> Kept:
        record = await self._own(id, caller)
        # Of several repositories too: what the caller may not see any more must not be shown by any way there is to a result.
        if not all(label in seen for label in record.repositories):
            raise NotFound(_GONE)
        return _kept(record)

    async def delete(self, id: str, caller: Caller) -> None:
        await self._own(id, caller)
        await run_sync(self._folder.remove, id)
        await self._jobs.stop(id)
        self._schemas.pop(id, None)

    async def columns(self, kept: Kept) -> Sequence[FieldInfo]:
        if kept.phase is not Phase.COMPLETED:
            return ()
        return [field_info(field) for field in await self._schema(kept.id)]

    async def rows(self, selected: Selected, first: int, after: int | None, deadline: Deadline) -> Found:
        columns, statement = await self._begun(selected.result)
        text = statement.places(selected.where, selected.order, first, after)
        places = [place for (place,) in await self._ask(selected.result, statement, text, deadline)]
        page, more = places[:first], len(places) > first
        if not page:
            return Found([], [], more)
        statement = Statement(columns)
        answer = await self._ask(selected.result, statement, statement.rows(page), deadline)
        by_place = {row[0]: row[1:] for row in answer}
        rows = [
            dict(zip(columns.names, _plain(by_place[place], columns.kinds), strict=True)) for place in page
        ]
        return Found(rows, page, more)

    async def count(self, selected: Selected, deadline: Deadline) -> int:
        _, statement = await self._begun(selected.result)
        ((count,),) = await self._ask(selected.result, statement, statement.count(selected.where), deadline)
        return int(count)

    async def facets(self, selected: Selected, by: Sequence[str], first: int, deadline: Deadline) -> Facets:
        columns, statement = await self._begun(selected.result)
        text = statement.facets(selected.where, by, first)
        answer = await self._ask(selected.result, statement, text, deadline)
        kinds = [columns.kinds[columns.place(name, "facets")] for name in by]
        rows = [(*_plain(row[:-1], kinds), row[-1]) for row in answer[:first]]
        return Facets(tuple(by), rows, len(answer) <= first)

    async def identifiers(self, id: str, first: int, after: int | None, deadline: Deadline) -> Found:
        _, statement = await self._begun(id)
        answer = await self._ask(id, statement, statement.identifiers(first, after), deadline)
        rows = [(label, uuid_in(dataset)) for _, label, dataset in answer[:first]]
        return Found(rows, [row[0] for row in answer[:first]], len(answer) > first)

    async def table(self, kept: Kept) -> Table:
        """All of a COMPLETED result, as it was frozen. NotFound in another phase."""
        if kept.phase is not Phase.COMPLETED:
            raise NotFound("This result is not complete; its phase says how it stands.")
        return Table(
            name=f"result_{kept.id.replace('-', '_')}",
            description="A saved result",
            schema=await self._schema(kept.id),
            batches=batches(self._folder.rows(kept.id)),
            end=End(overflow=completeness(kept)),
        )

    async def _own(self, id: str, caller: Caller) -> Record:
        """The record of a result that the caller saved, or that nobody with a name did; NotFound for any other."""
        record = (await run_sync(self._folder.settled, id)) if is_id(id) else None
        if record is None or record.owner not in (None, caller.username) or record.expires <= _now():
            raise NotFound(_GONE)
        return record

    async def _schema(self, id: str) -> pa.Schema:
        if id not in self._schemas:
            try:
                self._schemas[id] = await run_sync(schema_of, self._folder.rows(id))
            except FileNotFoundError:
                raise NotFound(_GONE) from None
        return self._schemas[id]

    async def _begun(self, id: str) -> tuple[Columns, Statement]:
        schema = await self._schema(id)
        columns = Columns(tuple(schema.names), tuple(kind(field.type) for field in schema))
        return columns, Statement(columns)

    async def _ask(
        self, id: str, statement: Statement, text: str, deadline: Deadline
    ) -> list[tuple[Any, ...]]:
        return await self._engine.ask(
            self._folder.rows(id), statement.columns, text, statement.parameters, deadline
        )

    async def _freeze(
        self,
        record: Record,
        known: asyncio.Future[None],
        read: Callable[[], Awaitable[Table]],
        turns: asyncio.Semaphore,
    ) -> _Ended:
        """Save one result, whatever comes of it. ``known``: told when others may see it."""
        try:
            hold = await run_sync(self._folder.begin, record, lambda: self._check(record.owner))
        except (AdapterError, OSError) as error:
            return _Ended(record, self._told(error))
        known.set_result(None)
        try:
            try:
                async with turns:
                    ended = _Ended(await self._frozen(record, read))
                await run_sync(self._note, ended.record)
            except asyncio.CancelledError:
                # In this turn of the loop: the process is about to end.
                ended = _Ended(replace(record, phase=Phase.ABORTED, message=DIED))
                self._failed(ended.record)
            except Exception as error:  # noqa: BLE001  whatever it was, the result says so
                told = self._told(error)
                ended = _Ended(replace(record, phase=Phase.ERROR, message=told.message), told)
                await run_sync(self._failed, ended.record)
            return ended
        finally:
            hold.release()

    async def _frozen(self, record: Record, read: Callable[[], Awaitable[Table]]) -> Record:
        """Read the answer and write it; the record of what came of it."""
        record = replace(record, phase=Phase.EXECUTING)
        await run_sync(self._note, record)
        async with asyncio.timeout(self._config.timeout) as limit:
            try:
                table = await read()
                rows = await self._written(record, table)
            except TimeoutError:
                if limit.expired():
                    raise
                raise Timeout("A backend did not answer in time.") from None
        overflow = table.end.overflow
        if overflow is not None and rows >= self._config.max_rows:
            overflow = f"The answer has more rows than the {self._config.max_rows} that a saved result holds; ask for less at once."
        return replace(
            record, phase=Phase.COMPLETED, rows=rows, overflow=overflow, unavailable=table.end.unavailable
        )

    async def _written(self, record: Record, table: Table) -> int:
        """How many rows there were."""
        async with aclosing(cast(AsyncGenerator[pa.RecordBatch], table.batches)) as rows:
            writer = await run_sync(
                Writer, self._folder.part(record.id), table.schema, lambda: self._room(record)
            )
            try:
                async for batch in rows:
                    await run_sync(writer.write, batch)
                await run_sync(writer.end)
            finally:
                writer.close()
        return writer.rows

    def _failed(self, record: Record) -> None:
        """Note that there will be no rows. Where even that has no room, the lock that is given back says it."""
        for path in (self._folder.part(record.id), self._folder.rows(record.id)):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self._folder.note(record)

    def _note(self, record: Record) -> None:
        if not self._folder.note(record):
            raise _Deleted

    def _told(self, error: Exception) -> AdapterError:
        """What the caller is told of an error; what is the service's own fault is in the log only."""
        if isinstance(error, AdapterError):
            return error
        if isinstance(error, _Deleted):
            return NotFound(_GONE)
        if isinstance(error, TimeoutError):
            seconds = self._config.timeout
            return Timeout(
                f"It took longer than the {seconds:g} seconds that saving a result may take; ask for less.",
                limit=seconds,
            )
        if (no_room := full(error)) is not None:
            return no_room
        reference = secrets.token_hex(6)
        log.error(
            "result not saved", reference=reference, exception_type=type(error).__qualname__, exc_info=error
        )
        return AdapterError(f"Internal error; quote reference {reference}", reference=reference)

    def _check(self, owner: str | None) -> None:
        """Whether there is room for one more result."""
        used = self._folder.usage(owner)
        if used.results >= self._config.max_results_each:
            raise TooMany(
                f"You have {used.results} saved results; the limit is {self._config.max_results_each}. Delete some (deleteResult), or wait "
                "until they expire.",
                limit=self._config.max_results_each,
                actual=used.results,
            )
        self._fits(used.bytes_own, used.bytes_all)

    def _room(self, record: Record) -> None:
        """Whether a result that is being written still has room, and is still wanted."""
        if self._folder.read(record.id) is None:
            raise _Deleted
        used = self._folder.usage(record.owner)
        self._fits(used.bytes_own, used.bytes_all)

    def _fits(self, own: int, total: int) -> None:
        for used, limit, whose in (
            (own, self._config.max_bytes_each, "your saved results"),
            (total, self._config.max_bytes, "all saved results together"),
        ):
            if used >= limit:
                raise StorageFull(
                    f"There is no room: {whose} may take {limit} bytes. Delete results that you do not need (deleteResult), or ask for less.",
                    limit=limit,
                    actual=used,
                )

    async def _sweep(self) -> None:
        while True:
            try:
                await run_sync(self._folder.sweep, _now())
            except OSError as error:
                log.warning("results not swept", exception=type(error).__qualname__)
            await asyncio.sleep(min(_SWEEP, max(1.0, self._config.lifetime / 4)))


def completeness(kept: Kept) -> str | None:
    """What is missing from a result, for the end of its table."""
    words = [kept.overflow] if kept.overflow else []
    if kept.unavailable:
        words.append(f"These repositories did not answer: {', '.join(kept.unavailable)}.")
    return " ".join(words) or None


def _kept(record: Record) -> Kept:
    return Kept(
        record.id,
        record.phase,
        record.query,
        record.created,
        record.expires,
        record.rows,
        record.overflow,
        record.unavailable,
        record.message,
    )


def _now() -> int:
    """Nanoseconds of TAI."""
    return instant.from_text(datetime.now(UTC).isoformat())


def _plain(values: Sequence[Any], kinds: Sequence[str]) -> Iterator[Any]:
    """Values as JSON has them. A number that is none is null."""
    for value, kind_ in zip(values, kinds, strict=True):
        if kind_ == "timestamp" and value is not None:
            text = (_EPOCH + timedelta(microseconds=value)).isoformat()
            yield (
                text.removesuffix("+00:00").rstrip("0") if "." in text else text.removesuffix("+00:00")
            ) + "Z"
        else:
            yield None if kind_ == "float" and value is not None and not math.isfinite(value) else value
