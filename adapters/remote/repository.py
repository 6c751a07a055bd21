"""One repository behind a Butler server: the questions of ``butler.api``, each asked with the token of whoever asks it.

A Butler a call, which shows the caller's token to the configured origin and to nobody else. Calls of one user take turns (``lanes``). What
goes wrong leaves without its cause: exceptions of the client hold requests with their headers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TypeVar

from ..butler.api import ButlerApi
from ..butler.content import READERS, Artefact, Shapes, artefacts, read
from ..butler.mistakes import butlers_mistakes
from ..butler.universe import describe
from ..caller import Call
from ..capability import Capability
from ..content import Content, Shape
from ..errors import (
    AdapterError,
    BackendUnavailable,
    BadUserInput,
    Forbidden,
    NotFound,
    Timeout,
    Unauthenticated,
    Unsupported,
)
from ..protocol import Health, Settings
from ..question import DatasetsById, Files, Question
from ..rows import Facets, FileContent, Rows, TypeInfo, UniverseInfo
from ..token import Token
from .lanes import Lanes
from .memory import Memory
from .options import Options, origin_of
from .server import Server

T = TypeVar("T")

_UNSIGNED_SECONDS = 300.0
"""For how long a server that could not sign the address of a file is taken to be one that never can."""


@dataclass(frozen=True, slots=True)
class _Asker:
    """Whose call it is: in whose lane it runs, what is remembered for it, and the token that is shown."""

    lane: Hashable
    fingerprint: Hashable
    token: Token | None = field(default=None, repr=False)


def _hung_up(error: BaseException | None) -> bool:
    """Whether a connection ended where an answer should have begun or gone on."""
    while error is not None:
        if type(error).__name__ in ("RemoteProtocolError", "ReadError", "WriteError"):
            return True
        error = error.__cause__
    return False


def _unwritable(part: object) -> bool:
    """Whether a string in it has what a database refuses, at which a Butler server fails."""
    if isinstance(part, str):
        return "\0" in part
    if isinstance(part, tuple):
        return any(map(_unwritable, part))
    return is_dataclass(part) and any(_unwritable(getattr(part, f.name)) for f in fields(part))


class RemoteRepository:
    """RemoteButler behind the Protocol, for reading."""

    adapter = "remote-butler"

    capabilities = frozenset(
        {
            Capability.WILDCARD,
            Capability.WHERE,
            Capability.SKY,
            Capability.TIME,
            Capability.CALIBRATION,
            Capability.FILES,
            Capability.CONTENT,
            Capability.INGEST_DATE,
        }
    )

    def __init__(self, name: str, settings: Settings) -> None:
        self.name, self.settings = name, settings
        self._options = Options.read(settings.options)
        origin = origin_of(settings.uri, self._options)
        self._server = Server(name, settings.uri, origin, self._options)
        self._lanes = Lanes.at(origin, self._options.concurrent, self._options.threads)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix=f"content-{name}")
        self._shapes = Shapes.standard()
        self._memory = Memory(self._options.remember)
        self._unsigned_until = 0.0
        self._described: UniverseInfo | None = None

    # the Protocol

    async def universe(self, call: Call) -> UniverseInfo:
        def look_up(api: ButlerApi) -> UniverseInfo:
            universe = api.universe()
            if self._described is None:
                self._described = describe(universe)
            return self._described

        return await self._run(look_up, call)

    async def ask(self, question: Question, call: Call) -> Rows:
        if isinstance(question, Files):
            return await self._run(lambda api: self._signed(lambda: api.ask(question, call)), call)
        return await self._run(lambda api: api.ask(question, call), call, question)

    async def count(self, question: Question, call: Call) -> int:
        return await self._run(lambda api: api.count(question, call), call, question)

    async def facets(self, question: Question, by: Sequence[str], first: int, call: Call) -> Facets:
        return await self._run(lambda api: api.facets(question, by, first, call), call, question)

    async def explain(self, question: Question, call: Call) -> list[str]:
        return await self._run(lambda api: api.explain(question, call), call, question)

    async def content(self, dataset: str, component: str | None, call: Call) -> FileContent:
        return await self._run(lambda api: self._signed(lambda: api.content(dataset, component, call)), call)

    async def shapes(self, dataset_types: Collection[TypeInfo], call: Call) -> Mapping[str, Shape]:  # noqa: ARG002 - the Protocol's
        return {one.name: self._shapes.shape(one) for one in dataset_types}

    async def read(
        self, dataset: str, component: str | None, columns: tuple[str, ...] | None, call: Call
    ) -> Content:
        """From the signed links of its files: the server is asked where they are, and reads nothing itself."""

        def look_up(api: ButlerApi) -> list[Artefact]:
            files = self._signed(lambda: api.ask(Files((dataset,)), call))
            found = api.ask(DatasetsById((dataset,)), call)
            types = list(found.types.values())
            written = self._shapes.formatter(types[0]) if types else None
            # A link of another kind would be a file of this machine; a component's storage class is not known.
            return [
                replace(one, formatter=written if one.component is None else None)
                for one in artefacts(files)
                if one.uri.startswith(("https://", "http://"))
            ]

        found = await self._run(look_up, call)
        loop = asyncio.get_running_loop()
        opening = loop.run_in_executor(self._readers, read, found, component, columns)
        try:
            return await asyncio.wait_for(opening, call.deadline.remaining())
        except TimeoutError:
            raise Timeout("The time allowed for this request is over.") from None

    async def components(self, dataset_type: TypeInfo, call: Call) -> list[str]:
        found = await self._run(lambda api: api.components(dataset_type.storage_class), call)
        if found is None:
            raise NotFound(
                f"Storage class '{dataset_type.storage_class}' of dataset type '{dataset_type.name}' is not known to this server."
            )
        return found

    async def health(self, call: Call) -> Health:
        """What can be said without a token, and with one whether the server answers it."""
        facts = {
            "adapter": self.adapter,
            "server": str(self._server.origin),
            "path": "Butler's public API, through the server",
            "default collections": ", ".join(self.settings.collections) or "none",
            "capabilities": ", ".join(sorted(self.capabilities)),
        }
        patience = call.deadline.remaining()
        await self._lanes.run("health", lambda: self._open(patience), call.deadline, self.name)
        facts["tokens"] = "none wanted" if self._options.open_to_all else self._server.authentication
        if call.caller.token is None and not self._options.open_to_all:
            return Health(
                facts, ("it was asked for its client configuration only: all else needs a caller's token",)
            )
        return Health({**facts, "universe": (await self.universe(call)).label})

    async def close(self) -> None:
        self._lanes.close()
        self._readers.shutdown(wait=False, cancel_futures=True)
        self._server.close()

    # a call

    async def _run(self, work: Callable[[ButlerApi], T], call: Call, question: Question | None = None) -> T:
        """Work in a thread, with a Butler that speaks for the caller; ``question``: what it is about."""
        asker = self._asker(call)
        if self._unsigned_until and time.monotonic() >= self._unsigned_until:
            self._can_sign(True)
        try:
            return await self._lanes.run(
                asker.lane, lambda: self._guarded(work, asker, call), call.deadline, self.name
            )
        except BackendUnavailable:
            if not _unwritable(question):
                raise
        raise BadUserInput("A string in the question has a NUL character, which no registry holds.")

    def _asker(self, call: Call) -> _Asker:
        """Raises Unauthenticated, before anything is sent, where the server wants a token and there is none."""
        caller = call.caller
        if self._options.open_to_all:
            return _Asker(caller.username, None)
        if caller.token is None or not caller.token.well_formed:
            raise Unauthenticated(
                f"Repository '{self.name}' is asked with your own token: send one.",
                repository=self.name,
                retry=False,
            )
        # The server counts by user: several tokens of one user share a lane.
        fingerprint = caller.token.fingerprint
        return _Asker(caller.username or fingerprint, fingerprint, caller.token)

    def _guarded(self, work: Callable[[ButlerApi], T], asker: _Asker, call: Call) -> T:
        """Work, once more where the server hung up on it (a connection that it had kept, as a rule): nothing is written here."""
        patience = max(0.1, call.deadline.remaining())
        api = ButlerApi(
            lambda: self._server.butler(asker.token, patience),
            self.name,
            self.settings.collections,
            lambda: self._memory.of(asker.fingerprint),
            remote=True,
        )
        for last in (False, True):
            try:
                return work(api)
            except AdapterError as error:
                bare = error
            if last or not _hung_up(bare) or call.deadline.remaining() <= 0:
                break
        if isinstance(bare, Unauthenticated | Forbidden):
            self._memory.forget(asker.fingerprint)
        if isinstance(bare, BackendUnavailable):
            bare.details.setdefault("repository", self.name)
        bare.__cause__ = bare.__context__ = None
        raise bare.with_traceback(None)

    def _open(self, patience: float) -> None:
        with butlers_mistakes(self.name):
            self._server.open(patience)

    def _signed(self, work: Callable[[], T]) -> T:
        """Addresses of files. A server whose store cannot sign them (plain files) fails with an error of its own."""
        try:
            found = work()
        except AdapterError as error:
            if error.details.get("status") != 500:
                raise
        else:
            self._can_sign(True)
            return found
        self._can_sign(False)
        raise Unsupported(
            f"The server of repository '{self.name}' gives no links to its files: their store cannot sign them.",
            capability=Capability.FILES.value,
            repository=self.name,
        )

    def _can_sign(self, able: bool) -> None:
        """A server that failed is without the capability for a while, and then it is asked again."""
        files = frozenset({Capability.FILES, Capability.CONTENT})
        self._unsigned_until = 0.0 if able else time.monotonic() + _UNSIGNED_SECONDS
        self.capabilities = self.capabilities | files if able else self.capabilities - files
