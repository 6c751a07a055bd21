"""One repository's part in a search over several."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from adapters.errors import SILENT, AdapterError, NotFound
from adapters.question import Among, Collections, CollectionsByName, Datasets

from .context import Scope
from .dataset import Dataset, datasets
from .listing import keyed
from .merge import Key, Window

Identity = tuple[Any, ...]
T = TypeVar("T")
Missing = dict[tuple[str, str], NotFound]
"""What is unknown in a repository: whether it was named among the types or the collections, its name, and what was said of it."""


def identity(dataset: Dataset) -> Identity:
    """Type and required data ID, with the dimensions' names: what find-first compares."""
    info = dataset.info()
    return (info.name, info.required, *(dataset.identity().key() or ()))


async def narrowing(
    scope: Scope, question: Datasets, ask: Callable[[Datasets], Awaitable[T]]
) -> tuple[T, Datasets, Missing]:
    """An answer to as much of the question as a repository knows.

    A type or collection that is unknown there is left out and the rest asked again: other repositories of the
    search may know it. Also gives the question that was answered, and what was unknown. Raises NotFound where
    nothing is left to ask.
    """
    missing: Missing = {}
    while True:
        try:
            return await ask(question), question, missing
        except NotFound as error:
            name = error.details.get("unknown")
            lists = {"types": question.types, "collections": question.collections or ()}
            named = [kind for kind, names in lists.items() if name in names]
            if not named:
                raise
            kind = named[-1]
            if len(named) > 1 and await _is_collection(scope, str(name)):
                kind = named[0]
            left = tuple(one for one in lists[kind] if one != name)
            if not left:
                raise
            missing[kind, str(name)] = error
            question = (
                replace(question, types=left) if kind == "types" else replace(question, collections=left)
            )


async def _is_collection(scope: Scope, name: str) -> bool:
    """Whether a repository has a collection of this name: then it is the type of the same name that it lacks."""
    return bool((await scope.ask(CollectionsByName((name,)), 1, 1)).rows)


class Source:
    """Reads one repository's answer window by window, and remembers what it held."""

    __slots__ = (
        "_calibrated",
        "begun",
        "error",
        "held",
        "missing",
        "overflow",
        "place",
        "question",
        "resumed",
        "scope",
        "window",
    )

    def __init__(self, scope: Scope, question: Datasets, place: Key | None) -> None:
        self.scope = scope
        self.question = question
        self.place = place  # of the last item that was fetched
        self.window: Window[Dataset] = Window()
        self.begun = False
        self.resumed = place is not None
        self.error: AdapterError | None = None
        self.held: set[Identity] = set()
        self.missing: Missing = {}
        self.overflow: str | None = None
        self._calibrated: bool | None = None

    @property
    def dry(self) -> bool:
        """Whether nothing more will come."""
        return self.error is not None or (self.begun and self.window.empty and not self.window.more)

    @property
    def unavailable(self) -> bool:
        return self.error is not None and not isinstance(self.error, NotFound)

    async def refill(self, size: int) -> list[Dataset]:
        """The next window, where the last one is used up and more follows.

        A repository that knows neither type nor collection has nothing; one that does not answer stops here,
        with its ``error``. Any other error is raised: the question itself is wrong.
        """
        if self.dry or not self.window.empty:
            return []
        try:
            rows, self.question, missing = await narrowing(
                self.scope,
                self.question,
                lambda known: self.scope.ask(known.paged(size, self.place), 1, size),
            )
            self.missing |= missing
        except (NotFound, *SILENT) as error:
            self.error, self.window = error, Window()
            return []
        self.begun = True
        self.overflow = rows.overflow or self.overflow
        self.window = Window(
            list(await datasets(self.scope, rows)), [keyed(rows, row) for row in rows.rows], rows.more
        )
        if self.window.keys:
            self.place = self.window.keys[-1]
        self.held.update(identity(item) for item in self.window.items)
        return self.window.items

    async def holds(self, items: Iterable[Dataset]) -> set[Identity]:
        """Which of these data IDs this repository holds too, for the same type and question."""
        if isinstance(self.error, NotFound):
            return set()
        wanted = {identity(item): item for item in items}
        found = wanted.keys() & self.held
        rest = [item for one, item in wanted.items() if one not in found]
        whole = self.begun and not self.resumed and not self.window.more
        if not rest or whole or self.error is not None:
            return found
        by_type: dict[tuple[str, tuple[str, ...]], list[Dataset]] = {}
        for item in rest:
            by_type.setdefault((item.info().name, item.info().required), []).append(item)
        try:
            # What another kind of repository tells its datasets apart by (an ObsCore table: obs_publisher_did) is no data ID here.
            dimensions = (await self.scope.universe()).elements.keys()
            alike = [(kind, own) for kind, own in by_type.items() if dimensions >= set(kind[1])]
            for more in await asyncio.gather(*(self._among(*kind, own) for kind, own in alike)):
                found |= more
        except SILENT as error:
            self.error, self.window = error, Window()
        return found

    async def _among(self, type: str, required: tuple[str, ...], items: list[Dataset]) -> set[Identity]:
        """Which of these data IDs, all of one type, this repository holds.

        One may have many rows: as many as ranges of validity, where calibrations are not searched first come first. So whatever was not
        found is asked for again, in larger pages, until an answer is whole.
        """
        # The items satisfy the question's own ``among`` already, where it names required dimensions.
        question = replace(self.question, types=(type,), among=None, order=())
        left = {identity(item): item.identity().key() for item in items}
        found: set[Identity] = set()
        size = len(items)
        after: Key | None = None
        while left:
            if required:
                keys = tuple(key for key in left.values() if key is not None)
                question = replace(question, among=Among(required, keys))
            try:
                rows = await self.scope.ask(question.paged(size, after), 1, size)
            except NotFound:
                return found
            new = left.keys() & {identity(item) for item in await datasets(self.scope, rows)}
            found |= new
            if not rows.more or not rows.rows:
                return found
            # Without the data IDs that were found, the list begins anew.
            left = {one: key for one, key in left.items() if one not in new}
            after = None if new else keyed(rows, rows.rows[-1])
            size = max(size, min(2 * size, self.scope.context.limits.max_first))
        return found

    async def calibrated(self) -> bool:
        """Whether CALIBRATION collections are searched here."""
        if self._calibrated is None:
            names = self.question.collections
            if names is None:
                names = self.scope.repository.settings.collections
            rows = (
                await self.scope.ask(Collections(names, ("CALIBRATION",), True).paged(1), 1, 1)
                if names
                else None
            )
            self._calibrated = rows is not None and bool(rows.rows)
        return self._calibrated
