"""One search over several repositories, in search order.

Every repository is asked side by side for ``first + 1`` rows behind its own place, and the answers are merged.
Without find-first that suffices: what is among the first ``first + 1`` of all is among the first ``first + 1``
of its own repository. With find-first earlier repositories hide some rows; where too few are left, the next
window is fetched, and so on.

A cursor holds the place in each repository, the key of its last row so far. That is exact even where two
repositories hold the same dataset, and a repository that did not answer goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, TypeVar

from adapters.errors import SILENT, BackendUnavailable, BadCursor, BadUserInput, NotFound, TooComplex
from adapters.question import Datasets
from adapters.rows import Facets

from . import cursor
from .asked import Asked
from .context import Scope
from .dataset import Dataset
from .given import given
from .listing import Leaf, Listing
from .merge import Key, merged
from .source import Identity, Missing, Source, identity, narrowing

T = TypeVar("T")
Places = tuple[Key | None, ...]


class Search(Listing[Dataset]):
    """The answers of several repositories to one question, as one list."""

    __slots__ = ("digest", "first", "places", "question", "scopes", "silent")

    def __init__(
        self,
        scopes: Sequence[Scope],
        question: Datasets,
        first: int,
        after: str | None,
        *,
        silent: Collection[str] = (),
    ) -> None:
        """``silent``: labels of repositories that are not asked, since they did not answer before."""
        super().__init__()
        after = given(after)
        self.scopes = scopes
        self.question = question
        self.silent = silent
        self.first = scopes[0].context.first(first)
        self.digest = cursor.bound(question, "Query.datasets", *(scope.label for scope in scopes))
        self.places: Places | None = None
        if after is not None:
            places = cursor.read(after, self.digest)
            if len(places) != len(scopes):
                raise BadCursor("after is damaged: it has not one place for each repository.")
            self.places = tuple(None if place is None else cursor.key(place) for place in places)

    def asked(self) -> Asked:
        return Asked(tuple(scope.label for scope in self.scopes), (self.question,))

    async def check(self) -> None:
        if self._read is None and self._leaf is None:
            await self._each(lambda scope, question: scope.ask(question.paged(0), 1, 0))

    async def fetch(self) -> Leaf[Dataset]:
        places: list[Key | None] = list(self.places or [None] * len(self.scopes))
        sources = [
            Source(scope, self.question, place) for scope, place in zip(self.scopes, places, strict=True)
        ]
        for source in sources:
            if source.scope.label in self.silent:
                source.error = BackendUnavailable("It did not answer before.", repository=source.scope.label)
        found: list[tuple[Dataset, Places]] = []
        hidden: list[set[Identity]] = [set() for _ in sources]
        while len(found) <= self.first and not all(source.dry for source in sources):
            await self._refill(sources, hidden, self.first + 1)
            for index, item, key in merged([source.window for source in sources], self.question.order):
                places[index] = key
                if identity(item) not in hidden[index]:
                    found.append((item, tuple(places)))
                    if len(found) > self.first:
                        break
        self._raise_if_none(sources)
        page = found[: self.first]
        overflows = [f"{source.scope.label}: {source.overflow}" for source in sources if source.overflow]
        return Leaf(
            nodes=[item for item, _ in page],
            cursor=lambda place: cursor.write(self.digest, page[place][1]),
            more=len(found) > self.first,
            resumed=self.places is not None,
            overflow=" ".join(overflows) or None,
            unavailable=tuple(source.scope.label for source in sources if source.unavailable),
        )

    async def _refill(self, sources: list[Source], hidden: list[set[Identity]], size: int) -> None:
        """The next windows, and which of their items earlier repositories hide."""
        fresh = await asyncio.gather(*(source.refill(size) for source in sources))
        if not self._merges():
            return
        for index in range(1, len(sources)):
            items = [item for item in fresh[index] if await self._gives_way(sources[index], item)]
            for earlier in sources[:index]:
                items = [item for item in items if identity(item) not in hidden[index]]
                hidden[index] |= await earlier.holds(items)

    def _merges(self) -> bool:
        """Whether a data ID may be taken from the first repository only."""
        if len(self.scopes) == 1 or self.question.find_first is False:
            return False
        # Left out, globs mean every match, as within one repository.
        named = not any(set("*?[") & set(name) for name in self.question.collections or ())
        return self.question.find_first is True or named

    async def _gives_way(self, source: Source, item: Dataset) -> bool:
        """Whether an earlier repository's dataset of the same data ID hides this one. Left out, find-first is
        false for calibration types where CALIBRATION collections are searched."""
        if self.question.find_first is True or not item.info().is_calibration:
            return True
        return not await source.calibrated()

    def _raise_if_none(self, sources: list[Source]) -> None:
        """Raise where no repository had an answer: the failure of one that did not answer before NotFound. Raise
        also where a name is unknown in all that answered."""
        errors = [source.error for source in sources if source.error is not None]
        if len(errors) == len(sources):
            raise next((error for error in errors if not isinstance(error, NotFound)), errors[0])
        _raise_if_unknown([source.missing for source in sources if source.error is None])

    async def _each(self, ask: Callable[[Scope, Datasets], Awaitable[T]]) -> list[T | None]:
        """What each repository says, None where it knows nothing of this. Raises where none of them does."""

        async def one(scope: Scope) -> tuple[T, Datasets, Missing] | NotFound:
            try:
                return await narrowing(scope, self.question, lambda question: ask(scope, question))
            except NotFound as error:
                return error

        answers = await asyncio.gather(*(one(scope) for scope in self.scopes))
        unknown = [answer for answer in answers if isinstance(answer, NotFound)]
        if len(unknown) == len(answers):
            raise unknown[0]
        _raise_if_unknown([answer[2] for answer in answers if not isinstance(answer, NotFound)])
        return [None if isinstance(answer, NotFound) else answer[0] for answer in answers]

    async def count(self) -> int:
        counts = await self._counts()
        if not self._merges() or sum(count > 0 for count in counts) <= 1:
            return sum(counts)
        return len([None async for _ in self._walk(counts)])

    async def _counts(self) -> list[int]:
        async def ask(scope: Scope, question: Datasets) -> int:
            return await scope.count(question)

        return [count or 0 for count in await self._each(ask)]

    async def _walk(self, counts: list[int]) -> Any:
        """Every dataset of the search, window by window: what find-first over several repositories leaves can
        only be found by looking."""
        context = self.scopes[0].context
        most = min(context.call.max_rows, context.limits.max_cost)
        if sum(counts) > most:
            raise TooComplex(
                f"Counting with findFirst over several repositories would read {sum(counts)} datasets; the limit is {most}. "
                "Ask each repository, or with findFirst: false.",
                limit=most,
                actual=sum(counts),
            )
        seen: set[Identity] = set()
        for scope in self.scopes:
            source = Source(scope, self.question, None)
            before = frozenset(seen)
            while not source.dry:
                for item in await source.refill(context.limits.max_first):
                    one = identity(item)
                    if one not in before or not await self._gives_way(source, item):
                        yield item
                    seen.add(one)
                source.window.place = len(source.window.items)
            if source.unavailable and source.error is not None:
                raise source.error

    async def facets(self, by: Sequence[str], first: int) -> Facets:
        first = self.scopes[0].context.first(first)
        if self._merges():
            counts = await self._counts()
            if sum(count > 0 for count in counts) > 1:
                return await self._facets_by_walking(by, first, counts)

        async def ask(scope: Scope, question: Datasets) -> Facets:
            return await scope.facets(question, by, scope.context.limits.max_first)

        total: Counter[tuple[Any, ...]] = Counter()
        complete = True
        for answer in await self._each(ask):
            if answer is not None:
                complete = complete and answer.complete
                for row in answer.rows:
                    total[tuple(row[:-1])] += row[-1]
        return _facets(by, total, first, complete)

    async def _facets_by_walking(self, by: Sequence[str], first: int, counts: list[int]) -> Facets:
        for name in by:
            if name not in ("run", "type") and not any(
                [name in (await scope.universe()).dimension_kinds for scope in self.scopes]
            ):
                raise BadUserInput(
                    f"facets: with findFirst over several repositories only dimensions, run and type can be counted by, not "
                    f"'{name}'; ask each repository, or with findFirst: false.",
                    unknown=name,
                )
        total: Counter[tuple[Any, ...]] = Counter()
        async for item in self._walk(counts):
            total[tuple(item.value(name) for name in by)] += 1
        return _facets(by, total, first, True)

    async def explain(self) -> list[str]:
        async def one(scope: Scope) -> list[str]:
            try:
                said = await scope.explain(self.question)
            except (NotFound, *SILENT) as error:
                said = [error.message]
            return [f"{scope.label}: {line}" for line in said] if len(self.scopes) > 1 else said

        return [line for said in await asyncio.gather(*map(one, self.scopes)) for line in said]


def _raise_if_unknown(missing: Sequence[Missing]) -> None:
    """Raise for a type or a collection that every repository with an answer had to leave out."""
    for named, error in missing[0].items() if missing else ():
        if all(named in others for others in missing):
            raise error


def _facets(by: Sequence[str], total: Counter[tuple[Any, ...]], first: int, complete: bool) -> Facets:
    ordered = sorted(
        total.items(), key=lambda item: (-item[1], tuple((v is None, isinstance(v, str), v) for v in item[0]))
    )
    rows = [(*values, count) for values, count in ordered[:first]]
    return Facets(tuple(by), rows, complete and len(ordered) <= first)
