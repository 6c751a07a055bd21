"""The store of saved results: what ``resolvers.results.Results`` promises, over the files of a folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, aclosing, asynccontextmanager, closing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import structlog
from anyio.to_thread import run_sync

from adapters import instant
from adapters.caller import Call, Caller, Deadline
from adapters.errors import AdapterError, NotFound, Timeout
from adapters.protocol import Repository
from adapters.rows import Facets, FieldInfo
from gateway.first_use import FirstUse
from gateway.http.errors import Masking
from gateway.results.folder import DIED, GONE, Folder
from gateway.results.full import StorageFull, TooMany, full
from gateway.results.jobs import Jobs
from gateway.results.record import Record, is_id, new_id
from gateway.results.settings import ResultsConfig
from gateway.thread import in_thread
from resolvers.asked import Asked
from resolvers.results import Found, Kept, Phase, Selected

if TYPE_CHECKING:  # Arrow and DuckDB
    import pyarrow as pa

    from gateway.results.frozen import Writer
    from gateway.results.tables import Tables
    from gateway.tables.table import End, Table

log = structlog.get_logger("gateway.results")

_SWEEP = 600.0
_SECOND = 1_000_000_000

Read = Callable[[Asked, Mapping[str, Repository], Caller, str, int], Awaitable["Table"]]
"""Reads a list as a table, with links below an address, and of so many rows at most."""


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
        self._tables = FirstUse(self._opened)
        self._jobs: Jobs[_Ended] = Jobs(config.max_running, config.max_running_each, config.max_waiting)

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

        def told(error: Exception) -> AdapterError:
            return self._told(error, record, call.caller)

        job = self._jobs.begin(record.id, owner, lambda turns: self._freeze(record, known, read, told, turns))
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
            raise NotFound(GONE)
        return _kept(record)

    async def delete(self, id: str, caller: Caller) -> None:
        await self._own(id, caller)
        await run_sync(self._folder.remove, id)
        await self._jobs.stop(id)

    async def columns(self, kept: Kept) -> Sequence[FieldInfo]:
        return await (await self._tables()).columns(kept.id) if kept.phase is Phase.COMPLETED else ()

    async def rows(self, selected: Selected, first: int, after: int | None, deadline: Deadline) -> Found:
        return await (await self._tables()).rows(selected, first, after, deadline)

    async def count(self, selected: Selected, deadline: Deadline) -> int:
        return await (await self._tables()).count(selected, deadline)

    async def facets(self, selected: Selected, by: Sequence[str], first: int, deadline: Deadline) -> Facets:
        return await (await self._tables()).facets(selected, by, first, deadline)

    async def identifiers(self, id: str, first: int, after: int | None, deadline: Deadline) -> Found:
        return await (await self._tables()).identifiers(id, first, after, deadline)

    async def table(self, kept: Kept) -> Table:
        """All of a COMPLETED result, as it was frozen. NotFound in another phase."""
        if kept.phase is not Phase.COMPLETED:
            raise NotFound("This result is not complete; its phase says how it stands.")
        return await (await self._tables()).whole(kept)

    def _opened(self) -> Tables:
        from gateway.results.tables import Tables

        return Tables(self._folder, self._config.memory)

    async def _own(self, id: str, caller: Caller) -> Record:
        """The record of a result that the caller saved, or that nobody with a name did; NotFound for any other."""
        record = (await run_sync(self._folder.settled, id)) if is_id(id) else None
        if record is None or record.owner not in (None, caller.username) or record.expires <= _now():
            raise NotFound(GONE)
        return record

    async def _freeze(
        self,
        record: Record,
        known: asyncio.Future[None],
        read: Callable[[], Awaitable[Table]],
        told: Callable[[Exception], AdapterError],
        turns: asyncio.Semaphore,
    ) -> _Ended:
        """Save one result, whatever comes of it. ``known``: told when others may see it. ``told``: what the caller is told of an error."""
        held = ExitStack()

        def begin() -> None:
            held.callback(self._folder.begin(record, lambda: self._check(record.owner)).release)

        try:
            try:
                await in_thread(begin)
            except (AdapterError, OSError) as error:
                return _Ended(record, told(error))
            known.set_result(None)
            try:
                async with turns:
                    ended = _Ended(await self._frozen(record, read))
                await self._last(lambda: self._note(ended.record))
            except asyncio.CancelledError:
                ended = _Ended(replace(record, phase=Phase.ABORTED, message=DIED))
                await self._last(lambda: self._failed(ended.record))
            except Exception as error:  # noqa: BLE001  whatever it was, the result says so
                words = told(error)
                ended = _Ended(replace(record, phase=Phase.ERROR, message=words.message), words)
                await self._last(lambda: self._failed(ended.record))
            return ended
        finally:
            await self._last(held.close)

    async def _last(self, work: Callable[[], None]) -> None:
        """What is left to do on the disk for a result that is at its end: in this turn of the loop where the process is about to end too."""
        if self._jobs.closing:
            work()
            return
        with suppress(asyncio.CancelledError):  # it is done, and was the last
            await in_thread(work)

    async def _frozen(self, record: Record, read: Callable[[], Awaitable[Table]]) -> Record:
        """Read the answer and write it; the record of what came of it."""
        record = replace(record, phase=Phase.EXECUTING)
        await in_thread(self._note, record)
        async with asyncio.timeout(self._config.timeout) as limit:
            try:
                table = await read()
                rows = await self._written(record, table)
            except TimeoutError:
                if limit.expired():
                    raise
                raise Timeout("A backend did not answer in time.") from None
        overflow = _cut(table.end)
        if overflow is not None and rows >= self._config.max_rows:
            overflow = f"The answer has more rows than the {self._config.max_rows} that a saved result holds; ask for less at once."
        return replace(
            record, phase=Phase.COMPLETED, rows=rows, overflow=overflow, unavailable=table.end.unavailable
        )

    async def _written(self, record: Record, table: Table) -> int:
        """How many rows there were."""
        tables = await self._tables()
        async with aclosing(cast("AsyncGenerator[pa.RecordBatch]", table.batches)) as rows:
            held = ExitStack()

            def begin() -> Writer:
                path = self._folder.part(record.id)
                return held.enter_context(
                    closing(tables.begin(path, table.schema, lambda: self._room(record)))
                )

            try:
                writer = await in_thread(begin)
                async for batch in rows:
                    await in_thread(writer.write, batch)
                await in_thread(writer.end)
            finally:
                await in_thread(held.close)
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

    def _told(self, error: Exception, record: Record, caller: Caller) -> AdapterError:
        """What the caller is told of an error; what is the service's own fault is in the log only, without what the caller had sent."""
        if isinstance(error, AdapterError):
            return error
        if isinstance(error, _Deleted):
            return NotFound(GONE)
        if isinstance(error, TimeoutError):
            seconds = self._config.timeout
            return Timeout(
                f"It took longer than the {seconds:g} seconds that saving a result may take; ask for less.",
                limit=seconds,
            )
        if (no_room := full(error)) is not None:
            return no_room
        masking = Masking()
        masking.hide(record.query, [] if caller.token is None else [caller.token.reveal()])
        (said,) = masking.refusal(error).errors
        reference = said["extensions"]["reference"]
        log.error("result not saved", reference=reference)
        return AdapterError(said["message"], reference=reference)

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
                await run_sync(self._folder.sweep, _now(), self._config.lifetime)
            except OSError as error:
                log.warning("results not swept", exception=type(error).__qualname__)
            await asyncio.sleep(min(_SWEEP, max(1.0, self._config.lifetime / 4)))


def _cut(end: End) -> str | None:
    """What a limit cut, without the words about repositories that did not answer: who looks at a result is told of those beside it."""
    from gateway.tables.pages import Missing

    silent = Missing(unavailable=set(end.unavailable)).said() or ""
    return (end.overflow or "").removesuffix(silent).strip() or None


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
