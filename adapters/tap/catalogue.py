"""What a service has: dataset types and collections, by one query that counts datasets of each, kept for a while."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from ..caller import Call
from ..errors import NotFound, Timeout, TooComplex, unknown
from ..rows import TypeInfo
from . import adql
from .columns import REQUIRED, Columns
from .service import Service

UNTYPED = "untyped"
"""The type of datasets of which the service says none."""

_MOST = 20_000  # combinations of a type and a collection
_CALLERS = 64  # whose catalogues are kept: a caller may see what another one may not


@dataclass(frozen=True, slots=True)
class Kind:
    """A dataset type: its name, and what the columns that say it hold (None: nothing)."""

    name: str
    values: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """``held``: how many datasets of a type a collection has. Collections without a name are those of None."""

    kinds: tuple[Kind, ...]
    held: dict[tuple[Kind, str | None], int]
    infos: dict[str, TypeInfo]

    @property
    def collections(self) -> list[str]:
        return sorted({name for _, name in self.held if name is not None})

    def types(self, patterns: Iterable[str]) -> tuple[list[Kind], list[str]]:
        """The types that names and globs mean, and notes on globs that mean none. A name may be that of a dataproduct_type too: then all of
        its subtypes are meant.

        Raises
        ------
        NotFound
            There is no such type.
        """
        found: dict[Kind, None] = {}
        notes = []
        for pattern in patterns:
            wild = adql.is_glob(pattern)
            own = [kind for kind in self.kinds if _means(pattern, kind, wild)]
            if not own and not wild:
                raise _unknown("dataset type", pattern, sorted(self.infos))
            if not own:
                notes.append(f"No dataset type matches '{pattern}'.")
            found |= dict.fromkeys(own)
        return list(found), notes

    def path(self, names: Sequence[str]) -> list[str]:
        """Collections by names and globs, in search order. Raises NotFound."""
        known = self.collections
        found: dict[str, None] = {}
        for name in names:
            if name in known:
                found[name] = None
            elif adql.is_glob(name):
                found |= dict.fromkeys(one for one in known if adql.matches(one, name))
            else:
                raise _unknown("collection", name, known)
        return list(found)

    def info(self, kind: Kind, columns: Columns) -> TypeInfo:
        """What a type is; one that came after the catalogue was looked up too."""
        return self.infos.get(kind.name) or _info(kind, columns)

    def kind(self, values: Sequence[str | None]) -> Kind:
        """The type of a row."""
        return Kind(next((value for value in values if value is not None), UNTYPED), tuple(values))


def _info(kind: Kind, columns: Columns) -> TypeInfo:
    # ObsCore's word for what is stored is the dataproduct_type, the last of the columns that say what a dataset is.
    return TypeInfo(kind.name, REQUIRED, columns.names, kind.values[-1] or UNTYPED, False)


def _means(pattern: str, kind: Kind, wild: bool) -> bool:
    names = {kind.name, *(value for value in kind.values if value is not None)}
    return any(adql.matches(name, pattern) for name in names) if wild else pattern in names


def _unknown(what: str, name: str, known: Sequence[str]) -> NotFound:
    message, details = unknown(what, name, known)
    return NotFound(message, **details)


class Catalogues:
    """A catalogue for every caller's token, each asked for once however many wait for it."""

    def __init__(self, service: Service, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._seconds = seconds
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[float, Catalogue]] = OrderedDict()
        self._locks: dict[Hashable, asyncio.Lock] = {}

    async def get(self, columns: Columns, call: Call) -> Catalogue:
        token = call.caller.token if self._service.options.forwards else None
        lock = self._locks.setdefault(token, asyncio.Lock())
        try:
            # Waiting for another call's query must not outlast this call.
            async with asyncio.timeout(call.deadline.remaining()):
                await lock.acquire()
        except TimeoutError:
            raise Timeout("The time allowed for this request is over.") from None
        try:
            since, found = self._kept.get(token, (0.0, None))
            if found is None or self._clock() - since > self._seconds:
                found = await self._ask(columns, call)
                self._kept[token] = (self._clock(), found)
                while len(self._kept) > _CALLERS:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(token)
            return found
        finally:
            self._locks.pop(token, None)
            lock.release()

    async def _ask(self, columns: Columns, call: Call) -> Catalogue:
        collection = columns.others[columns.collection].column
        by = (*columns.kind_of, collection)
        query = adql.select([*by, "COUNT(*) AS n_datasets"], columns.source, group=by)
        answer = await self._service.query(query, _MOST, call, "its types and collections")
        if answer.overflow or len(answer.rows) > _MOST:
            raise TooComplex(
                f"The service has more than {_MOST} combinations of a type and a collection; configure other columns for them.",
                limit=_MOST,
                actual=len(answer.rows),
                what="types and collections",
            )
        held: dict[tuple[Kind, str | None], int] = {}
        infos: dict[str, TypeInfo] = {}
        for *values, name, count in answer.rows:
            kind = Kind(next((value for value in values if value is not None), UNTYPED), tuple(values))
            held[kind, name] = held.get((kind, name), 0) + int(count)
            infos.setdefault(kind.name, _info(kind, columns))
        kinds = sorted({kind for kind, _ in held}, key=lambda kind: (kind.name, str(kind.values)))
        return Catalogue(tuple(kinds), held, infos)
