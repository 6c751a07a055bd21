"""One Butler repository behind the Protocol: opened late, asked from a bounded set of threads, SQL where it is tested and the public API elsewhere."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
import structlog
from lsst.daf.butler import Butler, ButlerConfig, DimensionUniverse, LabeledButlerFactory
from sqlalchemy.util import greenlet_spawn

from ..caller import Call
from ..capability import Capability
from ..content import Content, Shape
from ..errors import BackendUnavailable, BadUserInput, NotFound, Timeout
from ..notes import Work
from ..protocol import Health, Settings
from ..question import CollectionsByName, Files, Page, Question, Related
from ..rows import Facets, FileContent, Rows, TypeInfo, UniverseInfo
from . import glob
from .api import ButlerApi
from .content import READERS, Shapes, artefacts, read
from .direct import Direct, OffLoop, off_loop
from .engines import THREADS
from .fallback import Fallback
from .files import datastores
from .memory import Memory
from .mistakes import butlers_mistakes
from .provenance import GraphFiles, Provenance, ProvenanceStore, RepositoryGraphs, graph, listed_by_sql
from .ready import Ready
from .registry import Registry, short
from .store import Store
from .tables import Tables, untested
from .universe import describe

log = structlog.get_logger("adapters.butler")
T = TypeVar("T")

_LONG_KINDS = 500  # kinds of questions that are known to be none for the event loop


class _Path(Protocol):
    """What answers: SQL on tested registries, the API on others."""

    def ask(self, question: Question, call: Call) -> Rows: ...
    def count(self, question: Question, call: Call) -> int: ...
    def facets(self, question: Question, by: Sequence[str], first: int, call: Call) -> Facets: ...
    def explain(self, question: Question, call: Call) -> list[str]: ...
    def content(self, dataset: str, component: str | None, call: Call) -> FileContent: ...


@dataclass(slots=True)
class _Opened:
    store: Store
    factory: LabeledButlerFactory
    universe: DimensionUniverse
    info: UniverseInfo
    path: _Path
    shapes: Shapes
    sql: bool
    untested: tuple[str, ...]

    @property
    def direct(self) -> bool:
        """Whether short questions may be asked on the event loop."""
        return self.sql and self.store.direct is not None and self.store.direct.usable


class ButlerRepository:
    """A SQLite or PostgreSQL registry with its datastores, for reading.

    A Butler must not be shared between threads (SQLite crashes, PostgreSQL fails): every call of the API takes a clone of its own.
    """

    adapter = "butler"
    capabilities = frozenset(
        {
            Capability.WILDCARD,
            Capability.WHERE,
            Capability.SKY,
            Capability.TIME,
            Capability.CALIBRATION,
            Capability.PROVENANCE,
            Capability.FILES,
            Capability.CONTENT,
            Capability.INGEST_DATE,
        }
    )

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix=f"butler-{name}")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix=f"content-{name}")
        self._lock = threading.Lock()
        if not graph.available():
            # lsst-pipe-base reads the graphs, and is an optional dependency.
            self.capabilities -= {Capability.PROVENANCE}
        try:
            self._graphs = GraphFiles(settings.options, settings.folder)
            self._deepest = int(settings.options.get("lineage_depth", 20))
        except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: ~ of nobody
            raise BadUserInput(f"options: {error}") from None
        self._opened: _Opened | None = None
        self._long = Memory(_LONG_KINDS)
        self._recorded: ProvenanceStore | None = None

    # the Protocol

    async def universe(self, call: Call) -> UniverseInfo:
        if self._opened is not None:
            return self._opened.info
        return await self._run(lambda opened: opened.info, call)

    async def ask(self, question: Question, call: Call) -> Rows:
        opened = self._opened
        if opened is not None and opened.direct and short(question):
            # Other parents are tied in the same way: what took long for one level is asked from a thread at once.
            kind = replace(question, keys=(), ids=(), page=Page(0)) if isinstance(question, Related) else None
            if kind is None or self._long.get(kind) is None:
                try:
                    return await self._on_loop(opened, question, call)
                except OffLoop as why:
                    if kind is not None and why.never:
                        self._long.keep(kind, True)
        return await self._run(lambda opened: opened.path.ask(question, call), call)

    async def count(self, question: Question, call: Call) -> int:
        return await self._run(lambda opened: opened.path.count(question, call), call)

    async def facets(self, question: Question, by: Sequence[str], first: int, call: Call) -> Facets:
        return await self._run(lambda opened: opened.path.facets(question, by, first, call), call)

    async def explain(self, question: Question, call: Call) -> list[str]:
        return await self._run(lambda opened: opened.path.explain(question, call), call)

    async def content(self, dataset: str, component: str | None, call: Call) -> FileContent:
        return await self._run(lambda opened: opened.path.content(dataset, component, call), call)

    async def shapes(self, dataset_types: Collection[TypeInfo], call: Call) -> Mapping[str, Shape]:
        def look_up(opened: _Opened) -> dict[str, Shape]:
            return {one.name: opened.shapes.shape(one) for one in dataset_types}

        return await self._run(look_up, call) if self._opened is None else look_up(self._opened)

    async def read(
        self, dataset: str, component: str | None, columns: tuple[str, ...] | None, call: Call
    ) -> Content:
        def opening(opened: _Opened) -> Content:
            files = opened.path.ask(Files((dataset,)), call)
            return read(artefacts(files), component, columns)

        return await self._run(opening, call, self._readers)

    async def components(self, dataset_type: TypeInfo, call: Call) -> list[str]:
        def look_up(opened: _Opened) -> list[str]:
            factory = self._butler(opened).storageClasses
            try:
                return sorted(factory.getStorageClass(dataset_type.storage_class).allComponents())
            except KeyError:
                raise NotFound(
                    f"Storage class '{dataset_type.storage_class}' of dataset type '{dataset_type.name}' is not known to this server."
                ) from None

        return await self._run(look_up, call)

    async def health(self, call: Call) -> Health:
        return await self._run(lambda opened: self._health(opened, call), call)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._readers.shutdown(wait=False, cancel_futures=True)
        opened, self._opened = self._opened, None
        if opened is not None:
            if opened.store.direct is not None:
                await opened.store.direct.close()
            opened.store.close()
            opened.factory.close()
        if self._recorded is not None:
            self._recorded.close()

    # on the event loop, and in threads

    async def _on_loop(self, opened: _Opened, question: Question, call: Call) -> Rows:
        """A question that is answered without a thread. Raises OffLoop where it cannot be; then nothing was done, and is told, of it."""
        told: list[Work] = []
        asked = call if call.notes is None else replace(call, notes=told.append)
        direct, path = opened.store.direct, opened.path
        assert direct is not None and isinstance(path, Registry)
        ready = path.ready(question, asked)
        rows = None if ready is None else await self._at_once(direct, ready, asked)
        if rows is None:
            with butlers_mistakes(self.name):
                rows = await greenlet_spawn(path.ask, question, asked)
        for work in told:
            assert call.notes is not None
            call.notes(work)
        return rows

    @staticmethod
    async def _at_once(direct: Direct, ready: Ready, call: Call) -> Rows | None:
        """The answer to a question that was made ready before; None: it has to be asked in the ordinary way."""
        if ready.state is None:
            return ready.rows(await direct.look_up(ready.statement, ready.values, call))
        found = await direct.page(ready, call)
        return None if found is None else ready.rows(found)

    async def _run(
        self, work: Callable[[_Opened], T], call: Call, threads: ThreadPoolExecutor | None = None
    ) -> T:
        """Work in a thread of this repository. A thread cannot be stopped, but its statement is, at the call's deadline."""
        remaining = call.deadline.remaining()
        if remaining <= 0:
            raise Timeout("The time allowed for this request is over.")

        def guarded() -> T:
            with butlers_mistakes(self.name):
                return work(self._open(call))

        loop = asyncio.get_running_loop()
        try:
            return await asyncio.wait_for(loop.run_in_executor(threads or self._threads, guarded), remaining)
        except TimeoutError:
            raise Timeout("The time allowed for this request is over.") from None

    # opening

    def _open(self, call: Call) -> _Opened:
        opened = self._opened
        if opened is None:
            with self._lock:
                opened = self._opened or self._connect(call)
                self._opened = opened
        return opened

    def _connect(self, call: Call) -> _Opened:
        store = None
        try:
            config = ButlerConfig(self.settings.uri)
            store = Store(self.name, config)
            store.connect(call)
            factory = LabeledButlerFactory({self.name: self.settings.uri})
            butler = factory.create_butler(self.name)
        except (BackendUnavailable, Timeout):
            if store is not None:
                store.close()
            raise
        except Exception as error:
            if store is not None:
                store.close()
            log.warning("repository cannot be opened", repository=self.name, exc_info=error)
            raise BackendUnavailable(
                f"Repository '{self.name}' cannot be opened; the server's log says why.",
                repository=self.name,
                retry=False,
            ) from error
        universe = butler.dimensions
        tables = Tables(universe, store.dialect, store.schema)
        rows = store.rows(sa.select(tables.attributes.c.name, tables.attributes.c.value), call)
        strange = untested(dict(rows))
        defaults = self.settings.collections or tuple(butler.collections.defaults)

        def butler_of_a_thread() -> Butler:
            off_loop()
            store.pause()
            return factory.create_butler(self.name)

        api = ButlerApi(butler_of_a_thread, self.name, defaults)
        path: _Path = Fallback(api)
        if strange:
            self.capabilities -= {Capability.PROVENANCE}
            log.warning(
                "registry is answered by Butler's API, not by SQL", repository=self.name, untested=strange
            )
        else:
            # Its questions about datasets are the registry's own, which is not there yet.
            provenance = self._provenance(
                listed_by_sql(store, tables),
                factory,
                lambda question, asked: path.ask(question, asked),
                tables,
            )
            path = Registry(store, tables, defaults, datastores(config, butler), api, provenance)
        for problem in self._graphs.problems():
            log.warning("a configured file cannot be read", repository=self.name, problem=problem)
        shapes = Shapes.configured(config)
        return _Opened(
            store, factory, universe, describe(universe), path, shapes, not strange, tuple(strange)
        )

    def _provenance(
        self,
        listing: Callable[[Call], list[tuple[str, str]]],
        factory: LabeledButlerFactory,
        ask: Callable[[Question, Call], Rows],
        tables: Tables,
    ) -> Provenance:
        state = None if self.settings.state is None else Path(self.settings.state)
        kinds = {name: tables.kind(name) for name in tables.universe.dimensions.names}
        graphs = RepositoryGraphs(listing, lambda: factory.create_butler(self.name))
        self._recorded = ProvenanceStore(state, self.name)
        return Provenance(self._recorded, graphs, self._graphs, ask, kinds, self._deepest)

    def _butler(self, opened: _Opened) -> Butler:
        return opened.factory.create_butler(self.name)

    # check

    def _health(self, opened: _Opened, call: Call) -> Health:
        tables = Tables(opened.universe, opened.store.dialect, opened.store.schema)
        counts: dict[str, Any] = {}
        for label, table in (("collections", tables.collection), ("dataset types", tables.dataset_type)):
            ((counts[label],),) = opened.store.rows(sa.select(sa.func.count()).select_from(table), call)
        facts = {
            "adapter": self.adapter,
            "registry": "SQLite" if opened.store.sqlite else "PostgreSQL",
            "universe": opened.info.label,
            "path": "SQL on the registry's tables" if opened.sql else "Butler's public API",
            "default collections": ", ".join(self.settings.collections) or "none",
            **{label: str(number) for label, number in counts.items()},
            "capabilities": ", ".join(sorted(self.capabilities)),
        }
        return Health(facts, tuple(self._warnings(opened, call)), self._graphs.problems())

    def _warnings(self, opened: _Opened, call: Call) -> list[str]:
        configured = self.settings.collections
        known = {row[0] for row in opened.path.ask(CollectionsByName(configured), call).rows}
        found = [
            f"the default collection '{name}' does not exist: questions that name no collections are refused"
            for name in configured
            if name not in known and not glob.is_glob(name)
        ]
        if opened.untested:
            found.append(
                f"SQL is not tested on this registry ({'; '.join(opened.untested)}): Butler's API answers, correct but slower."
            )
        if opened.store.sqlite and not self._analysed(opened, call):
            found.append(
                "the SQLite registry has no statistics, which makes some of its queries many times slower; "
                "run once, while nobody writes: sqlite3 gen3.sqlite3 ANALYZE"
            )
        if not opened.store.sqlite and opened.sql and not opened.store.dialect.sorts_by_code_point:
            found.append(
                "the database sorts strings by a language's rules: orders that begin with a string (band, physical_filter) cannot use an index"
            )
        return found

    @staticmethod
    def _analysed(opened: _Opened, call: Call) -> bool:
        with suppress(sa.exc.DBAPIError, BackendUnavailable):
            return bool(opened.store.rows(sa.text("SELECT 1 FROM sqlite_stat1 LIMIT 1"), call))
        return False
