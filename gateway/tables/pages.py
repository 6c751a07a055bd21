"""The answer to a list, whole, page by page: every page is asked for when the one before it is being written, and none is kept."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

from adapters.caller import Call, Caller
from adapters.errors import NotFound, unknown
from adapters.protocol import Repository
from adapters.question import Beside, Datasets, Question, Related
from adapters.rows import Row, Rows
from gateway.limits import Deadline, Limits
from resolvers.asked import Asked
from resolvers.context import Context
from resolvers.dataset import Dataset, Layout
from resolvers.kinship import require_one_calibration
from resolvers.search import Search

Q = TypeVar("Q", bound=Question)
SKY_AND_TIME = Beside(timespan=True, region=True)
"""What tables say of datasets, besides what identifies them."""

FIRST = 1_000  # rows of the first page: somebody waits for it
THEN = 14_000  # more of them are faster, and take memory


class Part(NamedTuple):
    """Rows of one repository and one shape. ``question``: what they answer. ``places``: where each of them is in the page, None where the page
    is just they."""

    repository: Repository
    question: Question
    rows: Rows
    places: list[int] | None = None


Page = list[Part]


@dataclass(slots=True)
class Missing:
    """What is missing from an answer, so far: ``overflow`` is why a limit cut it, ``unavailable`` are repositories that did not answer."""

    overflow: str | None = None
    unavailable: set[str] = field(default_factory=set)

    def said(self) -> str | None:
        """The same in words for people; None where nothing is."""
        words = [self.overflow] if self.overflow else []
        if self.unavailable:
            words.append(f"These repositories did not answer: {', '.join(sorted(self.unavailable))}.")
        return " ".join(words) or None


class _Found(NamedTuple):
    """What is said of a page of a search: how many rows it has, where the next one begins, which repositories did not answer, and what was cut."""

    length: int
    more: bool
    after: str | None
    silent: frozenset[str]
    overflow: str | None


class Pages:
    """The pages of a list, for one caller. ``opened``: the repositories that the caller may see. NotFound for another one, with the nearest
    labels. ``most``: rows at most. Each page has the deadline of a request of its own."""

    def __init__(
        self,
        asked: Asked,
        opened: Mapping[str, Repository],
        caller: Caller,
        limits: Limits,
        *,
        most: int | None = None,
    ) -> None:
        for label in asked.repositories:
            if label not in opened:
                message, details = unknown("repository", label, opened)
                raise NotFound(message, **details)
        self.asked = asked
        self.repositories = [opened[label] for label in asked.repositories]
        self.missing = Missing()
        self.beside = SKY_AND_TIME
        """What is best asked along with datasets."""
        self._begun = False
        self._left = math.inf if most is None else most
        self._caller = caller
        self._limits = limits
        self._memory = Call(caller).memory

    def call(self) -> Call:
        """A call of this caller that may begin now."""
        return Call(self._caller, Deadline(self._limits.timeout), self._limits.max_cost, memory=self._memory)

    async def read(self) -> AsyncGenerator[Page]:
        """Every row, in order. Each page with at least one part, but for those of a search that found nothing."""
        if len(self.repositories) > 1:
            async for page in self._searched():
                yield page
            return
        (repository,) = self.repositories
        for question in self.asked.questions:
            question = self._with_more(question)
            after, more = None, True
            while more and self._left:
                size = self._size()
                rows = await repository.ask(question.paged(size, after, turned=True), self.call())
                more = rows.more or len(rows.rows) > size
                rows = rows.of(rows.rows[:size])
                self.missing.overflow = rows.overflow or self.missing.overflow
                if isinstance(question, Related) and question.find_first is not False:
                    require_one_calibration(rows)
                if more:
                    assert rows.key is not None and rows.rows, "a page that goes on has a last row with a key"
                    after = rows.key(rows.rows[-1])
                self._left -= len(rows.rows)
                page = [Part(repository, question, rows)]
                del rows  # whoever takes the page lets go of it while the next one is read
                yield page
                del page

    async def _searched(self) -> AsyncGenerator[Page]:
        """The same of a search over several repositories.

        One that answered before and now does not is asked once more. If it is silent still, it is left out from here on: rows of it that came
        later would be out of order, and find-first would have let others pass in their place.
        """
        (question,) = self.asked.questions
        assert isinstance(question, Datasets)
        after: str | None = None
        more, begun = True, False
        while more and self._left:
            size = self._size()
            page, found = await self._found(question, size, after)
            if begun and found.silent - self.missing.unavailable:
                page, found = await self._found(question, size, after)
            self.missing.unavailable |= found.silent
            self.missing.overflow = found.overflow or self.missing.overflow
            more, after, begun = found.more, found.after, True
            self._left -= found.length
            yield page
            del page

    async def _found(self, question: Datasets, size: int, after: str | None) -> tuple[Page, _Found]:
        """One page of a search, without those that are missing already."""
        context = self._context(size)
        try:
            scopes = list(context.scopes.values())
            silent = frozenset(self.missing.unavailable)
            leaf = await Search(scopes, self._with_more(question), size, after, silent=silent).leaf()
            end = leaf.cursor(len(leaf.nodes) - 1) if leaf.more else None
            found = _Found(len(leaf.nodes), leaf.more, end, frozenset(leaf.unavailable), leaf.overflow)
            return _page(question, leaf.nodes), found
        finally:
            context.stop()

    def _with_more(self, question: Q) -> Q:
        """The same with what is wanted beside each dataset, where an adapter has it at hand, and how much regions overlap."""
        if isinstance(question, Datasets | Related):
            question = replace(question, beside=self.beside)
        return replace(question, overlap=True) if isinstance(question, Related) else question

    def _size(self) -> int:
        size = FIRST if not self._begun else THEN
        self._begun = True
        return int(min(size, self._left))

    def _context(self, size: int) -> Context:
        return Context(
            repositories={repository.name: repository for repository in self.repositories},
            call=self.call(),
            budget=_Unbounded(),
            limits=replace(self._limits, max_first=max(size, self._limits.max_first)),
            base_url="",
        )


class _Unbounded:
    """A table is as long as it is; what one page may touch is bounded by the call."""

    def spend(self, parents: int, first: int) -> None:
        del parents, first


def _page(question: Question, datasets: Sequence[Dataset]) -> Page:
    """The rows behind datasets of several answers, those of one answer together."""
    found: dict[Layout, tuple[list[Row], list[int]]] = {}
    for place, dataset in enumerate(datasets):
        rows, places = found.setdefault(dataset.layout(), ([], []))
        rows.append(dataset.row())
        places.append(place)
    return [
        Part(
            layout.scope.repository,
            question,
            Rows(layout.columns, rows, types=layout.types, beside=layout.beside, _places=layout.places),
            None if len(found) == 1 else places,
        )
        for layout, (rows, places) in found.items()
    ]
