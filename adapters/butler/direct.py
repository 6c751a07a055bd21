"""PostgreSQL asked on the event loop: statements that were built before, prepared on connections that are kept.

Where names are known and statements are built, a short question costs more in threads, transactions and in SQLAlchemy than in the
database. Such a question runs in a greenlet of the event loop, as SQLAlchemy's own asyncio side does, through the same code as
any other; where it needs anything else (a name that has to be looked up, Butler itself, long computing) that code raises OffLoop,
and the question is asked in a thread from the beginning.

Prepared statements belong to a session of the server, and a pooler that lends sessions for a transaction would mix them up: a server
whose own number of the session is not the one that it gave at the beginning stands behind such a pooler, and is asked from threads.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Hashable, Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import asyncpg  # type: ignore[import-untyped]
import sqlalchemy as sa
import structlog
from sqlalchemy.dialects.postgresql import asyncpg as spoken
from sqlalchemy.engine import URL
from sqlalchemy.util import await_only
from sqlalchemy.util.concurrency import in_greenlet

from ..caller import Call
from ..errors import Timeout
from ..notes import By, Work
from .ready import Ready

log = structlog.get_logger("adapters.butler")

MOST = {"pages": 4, "look-ups": 8}
"""Connections of each kind. Of those that bring many rows each holds the event loop for some milliseconds at a time."""

_PATIENCE = 0.25  # seconds after which a question that waits for one of them goes to a thread

_PREPARED = 100  # statements a connection
_AGAIN = 30.0  # seconds after which a server that could not be reached is tried again
_STATE = "SELECT set_config('gateway.state', pg_current_snapshot()::text, false)"
"""The state of the registry, which the session keeps in mind (``ready.UNCHANGED``)."""
_PARAMETER = re.compile(r"\$([0-9]+)")
_PLAIN = re.compile(r"[A-Za-z0-9_./:+ -]*")  # nothing that could end a text, or escape in one
_DIALECT: Any = spoken.dialect()  # type: ignore[no-untyped-call]


class OffLoop(BaseException):
    """This question cannot be answered on the event loop. No Exception, so that nobody takes it for a mistake. ``never``: nor can others
    of its kind."""

    never = False


class _Never(OffLoop):
    never = True


def off_loop() -> None:
    """What follows may take long, or is not made for an event loop: go on in a thread. Raises OffLoop on the loop."""
    if in_greenlet():
        raise _Never


class Sent:
    """A statement as asyncpg takes it: its text with numbered parameters, and the values of those that are not named."""

    __slots__ = ("__weakref__", "_given", "_parts", "text")

    def __init__(self, statement: sa.Executable, named: Mapping[str, Any]) -> None:
        compiled: Any = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
        state = compiled.construct_expanded_state(named, escape_names=False)
        self.text: str = state.statement
        self._given = [
            (name, None if name in named else state.parameters[name]) for name in state.positiontup or ()
        ]
        self._parts: list[str] = _PARAMETER.split(self.text)  # what stands between, and the numbers

    def values(self, named: Mapping[str, Any]) -> list[Any]:
        """The parameters in their order."""
        return [named.get(name, value) for name, value in self._given]

    def settled(self, values: Sequence[Any]) -> str | None:
        """The text with these values written into it, where all are numbers and plain words: PostgreSQL plans a statement without parameters
        once, knowing its values, and others each time."""
        words = []
        for value in values:
            if type(value) is int:
                words.append(str(value) if value >= 0 else f"({value})")
            elif type(value) is str and _PLAIN.fullmatch(value):
                words.append(f"'{value}'")
            else:
                return None
        parts = self._parts.copy()
        parts[1::2] = [words[int(number) - 1] for number in parts[1::2]]
        return "".join(parts)


class _Connection:
    """One connection and what was prepared on it."""

    __slots__ = ("_numbers", "prepared", "raw", "state")

    def __init__(self, raw: Any) -> None:
        self.raw = raw
        self.state: Hashable = None  # of the registry, as the session was last told
        self.prepared: OrderedDict[str, Any] = OrderedDict()
        self._numbers = count()

    async def fetch(self, text: str, values: list[Any], remaining: float) -> list[Any]:
        statement = self.prepared.get(text)
        if statement is None:
            # Without a name it would be parsed and planned again each time it is sent: asyncpg keeps no statements of its own here.
            name = f"gateway_{next(self._numbers)}"
            statement = self.prepared[text] = await self.raw.prepare(text, name=name, timeout=remaining)
            if len(self.prepared) > _PREPARED:
                self.prepared.popitem(last=False)
        found: list[Any] = await statement.fetch(*values, timeout=remaining)
        return found


class LoopSession:
    """A question's connection. Each statement is a transaction of its own, as in READ COMMITTED each has a view of its own."""

    def __init__(self, direct: Direct, connection: _Connection, call: Call) -> None:
        self._direct = direct
        self._connection = connection
        self._call = call
        self._state: Hashable = None

    def state(self) -> Hashable:
        """See Store.state."""
        if self._state is None:
            self._state = await_only(self.told())
        return self._state

    async def told(self) -> Hashable:
        """The state of the registry now."""
        ((state,),) = await self.fetch(_STATE, [])
        self._connection.state = str(state)
        return self._connection.state

    async def unchanged(self, ready: Ready) -> list[Any] | None:
        """The rows of what is ready; None: the registry is in another state."""
        if self._connection.state != ready.state and await self.told() != ready.state:
            return None
        rows = await self.fetch(*self._sent(ready.statement, ready.values))
        return rows if rows or await self.told() == ready.state else None

    def rows(self, statement: sa.Executable, values: Mapping[str, Any] | None) -> list[Any]:
        """See Store.rows. A statement without named parameters is built for once, and not worth preparing. Raises OffLoop."""
        if values is None:
            raise OffLoop
        rows: list[Any] = await_only(self.fetch(*self._sent(statement, values)))
        return rows

    def _sent(self, statement: sa.Executable, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """The text of a statement, and what goes with it."""
        sent = self._direct.sent(statement, values)
        given = sent.values(values)
        settled = sent.settled(given)
        return (sent.text, given) if settled is None else (settled, [])

    async def fetch(self, text: str, values: list[Any]) -> list[Any]:
        """Rows of a prepared statement. Raises Timeout, OffLoop."""
        remaining = self._call.deadline.remaining()
        if remaining <= 0:
            raise Timeout("The time allowed for this request is over.")
        began = time.perf_counter()
        try:
            rows = await self._connection.fetch(text, values, remaining)
        except (TimeoutError, asyncpg.QueryCanceledError):
            raise Timeout("A query took longer than the time allowed for this request.") from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, ValueError, OverflowError):
            # A server that went away, a value that does not fit, a table that was altered: the other way says what is wrong, if it still is.
            self._connection.prepared.clear()
            raise OffLoop from None
        if self._call.notes is not None:
            took = time.perf_counter() - began
            self._call.notes(Work(By.SQL, text, took, len(rows), values))
        return rows


class Direct:
    """The connections of one event loop, of two kinds: pages are planned with their values, for a plan for any length of a page is
    several times slower; look-ups by id have one plan, which spares planning."""

    def __init__(self, name: str, url: URL) -> None:
        self._name = name
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._built: WeakKeyDictionary[sa.Executable, Sent] = WeakKeyDictionary()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._free: dict[bool, list[_Connection]] = {}
        self._turns: dict[bool, asyncio.Semaphore] = {}
        self._living: AsyncGenerator[None, None] | None = None
        self._not_before = 0.0

    def __repr__(self) -> str:
        return f"Direct({self._name!r})"

    @property
    def usable(self) -> bool:
        """Whether a server is there, and no pooler before it, as far as is known."""
        return time.monotonic() >= self._not_before

    def sent(self, statement: sa.Executable, named: Mapping[str, Any]) -> Sent:
        """The statement for asyncpg, made when it is first sent."""
        found = self._built.get(statement)
        if found is None:
            found = self._built[statement] = Sent(statement, named)
        return found

    async def look_up(self, statement: sa.Executable, values: Mapping[str, Any], call: Call) -> list[Any]:
        """The rows of one statement, whose plan serves for all values. Raises Timeout, OffLoop."""
        session = self._at_once(call, True) or await self._entered(call, True)
        try:
            sent = self.sent(statement, values)
            return await session.fetch(sent.text, sent.values(values))
        finally:
            self.leave(session, look_up=True)

    async def page(self, ready: Ready, call: Call) -> list[Any] | None:
        """The rows of what is ready in one state of the registry; None: it is in another. Raises Timeout, OffLoop."""
        session = self._at_once(call, False) or await self._entered(call, False)
        try:
            return await session.unchanged(ready)
        finally:
            self.leave(session, look_up=False)

    def enter(self, call: Call, *, look_up: bool) -> LoopSession:
        """A free connection, within a greenlet. Raises Timeout, OffLoop."""
        session: LoopSession = self._at_once(call, look_up) or await_only(self._entered(call, look_up))
        return session

    def leave(self, session: LoopSession, *, look_up: bool) -> None:
        connection = session._connection
        if self._loop is None:
            connection.raw.terminate()  # the repository was closed meanwhile
        elif not connection.raw.is_closed():
            self._free[look_up].append(connection)
        self._turns[look_up].release()

    def _at_once(self, call: Call, look_up: bool) -> LoopSession | None:
        """A connection that is free now: none has to be waited for or made."""
        if asyncio.get_running_loop() is not self._loop:
            return None
        turns, free = self._turns[look_up], self._free[look_up]
        if turns.locked() or not free or free[-1].raw.is_closed():
            return None
        # A semaphore that is not locked is had without a turn of the loop.
        with suppress(StopIteration):
            turns.acquire().send(None)
        return LoopSession(self, free.pop(), call)

    async def _entered(self, call: Call, look_up: bool) -> LoopSession:
        remaining = call.deadline.remaining()
        await self._begin()
        try:
            async with asyncio.timeout(min(_PATIENCE, remaining)):
                await self._turns[look_up].acquire()
        except TimeoutError:
            raise OffLoop from None
        try:
            if not self.usable:  # as was found out while this one waited
                raise OffLoop
            free = self._free[look_up]
            while free:
                connection = free.pop()
                if not connection.raw.is_closed():
                    return LoopSession(self, connection, call)
            return LoopSession(self, await self._connected(remaining, look_up), call)
        except BaseException:
            self._turns[look_up].release()
            raise

    async def _begin(self) -> None:
        """Connections belong to an event loop, and end with it: it closes what generators it has left."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        self._loop = loop
        self._free = {True: [], False: []}
        self._turns = {True: asyncio.Semaphore(MOST["look-ups"]), False: asyncio.Semaphore(MOST["pages"])}
        self._living = self._until_closed(self._free)
        await anext(self._living)

    @staticmethod
    async def _until_closed(free: dict[bool, list[_Connection]]) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            for connections in free.values():
                while connections:
                    connections.pop().raw.terminate()

    async def _connected(self, remaining: float, look_up: bool) -> _Connection:
        settings = {
            "default_transaction_read_only": "on",
            # A statement whose gateway died does not go on.
            "client_connection_check_interval": "5s",
            "jit": "off",
            # Joins are written in the order in which they are best made.
            "join_collapse_limit": "1",
            "plan_cache_mode": "force_generic_plan" if look_up else "force_custom_plan",
        }
        raw = None
        try:
            raw = await asyncpg.connect(
                self._dsn,
                timeout=min(10.0, remaining),
                statement_cache_size=0,
                server_settings=settings,
            )
            if raw.get_server_pid() != await raw.fetchval("SELECT pg_backend_pid()"):
                self._give_up("behind a pooler", float("inf"))
            await raw.set_type_codec(
                "uuid", schema="pg_catalog", encoder=_uuid, decoder=bytes.hex, format="binary"
            )
        except BaseException as error:
            if raw is not None:
                raw.terminate()
            if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError | OSError | ValueError):
                self._give_up(type(error).__name__, _AGAIN)
            raise
        return _Connection(raw)

    def _give_up(self, reason: str, seconds: float) -> NoReturn:
        if self.usable:
            log.info("registry is asked from threads", repository=self._name, reason=reason)
        self._not_before = time.monotonic() + seconds
        raise OffLoop

    async def close(self) -> None:
        living, self._living, self._loop = self._living, None, None
        if living is not None:
            with suppress(RuntimeError):  # of a loop that is gone
                await living.aclose()


def _uuid(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", ""))
