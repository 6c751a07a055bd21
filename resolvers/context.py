"""What one request knows: the caller, the repositories that this caller may see, what may still be spent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Hashable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol, TypeVar

import strawberry

from adapters.caller import Call
from adapters.errors import BadUserInput, Forbidden, NotFound, unknown
from adapters.protocol import Repository
from adapters.question import Question
from adapters.rows import Facets, Row, Rows, UniverseInfo

from .loader import Loader
from .once import Once
from .results import Results
from .table import Tables

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Budget(Protocol):
    """The rows that a request may still ask of its backends."""

    def spend(self, parents: int, first: int) -> None:
        """Raises TooComplex where ``parents * first`` rows more would pass the limit."""
        ...


class Forgetful(Protocol):
    """Something that holds an answer."""

    def forget(self) -> None:
        """Hold it no longer."""
        ...


class Limits(Protocol):
    """What ``Query.service`` says, and the largest ``first``."""

    @property
    def max_first(self) -> int: ...
    @property
    def max_depth(self) -> int: ...
    @property
    def max_cost(self) -> int: ...
    @property
    def timeout(self) -> float: ...


@cache
def installed() -> str:
    """Version of the installed gateway; "0" from a checkout that is not installed."""
    try:
        return version("butler-gateway")
    except PackageNotFoundError:
        return "0"


class Context:
    """One request. ``repositories`` are those that the caller may see, in the configured search order: one
    that is missing here does not exist, as far as the answer may tell. ``writers``: the groups that may write each, nobody one that
    is not named. ``base_url``: the gateway's own
    address as the caller sees it, or what finds it out, since few requests ask. ``datalink``: the address of the DataLink service of a repository, by its label and ``base_url``."""

    def __init__(
        self,
        *,
        repositories: Mapping[str, Repository],
        call: Call,
        budget: Budget,
        limits: Limits,
        base_url: str | Callable[[], str],
        version: str | None = None,
        writers: Mapping[str, Collection[str]] = {},
        tables: Tables | None = None,
        results: Results | None = None,
        datalink: Callable[[str, str], str] | None = None,
    ) -> None:
        self.call = call
        self.budget = budget
        self.limits = limits
        self.version = version or installed()
        self.scopes = Scopes(self, repositories)
        self._base_url = base_url
        self._writers = writers
        self.tables = tables
        self.results = results
        self.once = Once(self.alone)
        """For what no repository is asked for."""
        self.datalink = datalink
        self._alone: asyncio.Task[Any] | None = None

    @property
    def base_url(self) -> str:
        """Without a trailing slash."""
        return (self._base_url if isinstance(self._base_url, str) else self._base_url()).rstrip("/")

    def begin(self, *, alone: bool) -> None:
        """Say how this request is answered from now on. ``alone``: by a plan, which does one thing after the other in the current
        task, and several things at once only in tasks of their own."""
        self._alone = asyncio.current_task() if alone else None

    def alone(self) -> bool:
        """Whether nobody else in this request can ask anything before the caller's next question is answered: it need not wait for
        others that ask the same, nor be asked in a task that they could wait for too."""
        return self._alone is not None and self._alone is asyncio.current_task()

    def stop(self) -> None:
        """End whatever still runs for this request."""
        self._alone = None
        self.scopes.stop()
        self.once.stop()

    def scope(self, label: str) -> Scope:
        """A repository by its label; NotFound with the nearest labels among those that the caller may see."""
        found = self.scopes.get(label)
        if found is None:
            message, details = unknown("repository", label, self.scopes)
            raise NotFound(message, **details)
        return found

    def writable(self, label: str) -> bool:
        """Whether the caller may write the repository of this label, which it may read."""
        return self.call.caller.among(self._writers.get(label, ()))

    def scope_to_write(self, label: str) -> Scope:
        """A repository that something is to be written to. NotFound as ``scope``; Forbidden where the caller may only read it."""
        found = self.scope(label)
        if not self.writable(label):
            raise Forbidden(
                f"You may read the repository '{label}' and not write it.",
                repository=label,
                missing="write",
                groups=sorted(self._writers.get(label, ())),
            )
        return found

    def first(self, first: int) -> int:
        """``first`` where it is allowed. Raises BadUserInput that names the limit."""
        if not 0 <= first <= self.limits.max_first:
            raise BadUserInput(
                f"first is {first}; it must be between 0 and {self.limits.max_first}.",
                limit=self.limits.max_first,
                actual=first,
            )
        return first

    def at_most(self, count: int, name: str) -> None:
        """A list of ids may be as long as a page. Raises BadUserInput that names the limit."""
        if count > self.limits.max_first:
            limit = self.limits.max_first
            raise BadUserInput(f"{name} has {count} ids; it may have {limit}.", limit=limit, actual=count)


class Scope:
    """One repository within one request: all questions pass here, and are paid for before they are asked."""

    __slots__ = ("_loaders", "_once", "context", "label", "read", "repository")

    def __init__(self, context: Context, label: str, repository: Repository) -> None:
        self.context = context
        self.label = label
        self.repository = repository
        self._loaders: dict[Hashable, Loader[Any, Any]] = {}
        self._once = Once(context.alone)
        self.read: list[Forgetful] = []  # lists whose pages were read

    async def ask(self, question: Question, parents: int, first: int) -> Rows:
        """The answer to a question for so many parents, with at most ``first`` rows for each."""
        if parents == 1:
            return await self._once(("rows", question, first), self._ask(question, 1, first))
        return await self._ask(question, parents, first)

    async def _ask(self, question: Question, parents: int, first: int) -> Rows:
        self.context.budget.spend(parents, first)
        return await self.repository.ask(question, self.context.call)

    async def count(self, question: Question) -> int:
        async def count() -> int:
            self.context.budget.spend(1, 1)
            return await self.repository.count(question, self.context.call)

        return await self._once(("count", question), count())

    async def explain(self, question: Question) -> list[str]:
        async def explain() -> list[str]:
            self.context.budget.spend(1, 1)
            return await self.repository.explain(question, self.context.call)

        return await self._once(("explain", question), explain())

    async def facets(self, question: Question, by: Sequence[str], first: int) -> Facets:
        async def facets() -> Facets:
            self.context.budget.spend(1, self.context.first(first))
            return await self.repository.facets(question, by, first, self.context.call)

        return await self._once(("facets", question, tuple(by), first), facets())

    def stop(self) -> None:
        """End what was asked and is not wanted any more, and let go of the answers: the collector would find them late."""
        for loader in self._loaders.values():
            loader.stop()
        self._once.stop()
        for one in self.read:
            one.forget()
        self._loaders.clear()
        self.read.clear()

    async def universe(self) -> UniverseInfo:
        loader = self.loader("universe", self._universe, None)
        return await loader.load("")  # type: ignore[return-value]

    async def _universe(self, _: list[str]) -> dict[str, UniverseInfo | None]:
        return {"": await self.repository.universe(self.context.call)}

    def loader(
        self, kind: Hashable, fetch: Callable[[list[K]], Coroutine[Any, Any, Mapping[K, V]]], absent: V
    ) -> Loader[K, V]:
        """The loader of this kind (with its arguments), made when it is first needed."""
        loader = self._loaders.get(kind)
        if loader is None:
            loader = self._loaders[kind] = Loader(fetch, absent, self.context.alone)
        return loader


class Scopes(Mapping[str, Scope]):
    """The repositories of a request by their labels; most requests look at one."""

    __slots__ = ("_context", "_made", "_repositories")

    def __init__(self, context: Context, repositories: Mapping[str, Repository]) -> None:
        self._context = context
        self._repositories = repositories
        self._made: dict[str, Scope] = {}

    def __getitem__(self, label: str) -> Scope:
        scope = self._made.get(label)
        if scope is None:
            scope = self._made[label] = Scope(self._context, label, self._repositories[label])
        return scope

    def __iter__(self) -> Iterator[str]:
        return iter(self._repositories)

    def __len__(self) -> int:
        return len(self._repositories)

    def stop(self) -> None:
        """End whatever still runs there."""
        for scope in self._made.values():
            scope.stop()


def by_parent(rows: Rows, keys: list[K]) -> dict[K, list[Row]]:
    """The rows of each key of a question with N keys; keys without a row are left out."""
    found: dict[K, list[Row]] = {}
    if not rows.rows:
        return found
    parent = rows.index("parent")
    for row in rows.rows:
        found.setdefault(keys[row[parent]], []).append(row)
    return found


Info = strawberry.Info[Context, None]
