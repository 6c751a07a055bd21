"""The contract between the rooms: what an opened repository answers.

An adapter is a callable registered in the entry point group ``butler_gateway.adapters`` under the name that
the configuration uses; called with a repository's label and its settings it returns an object of this
Protocol. It must be safe under concurrent calls and never block the event loop.

Every method raises the errors of ``adapters.errors`` and lets nothing else out that the caller could have
caused.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from .caller import Call
from .capability import Capability
from .content import Content, Shape
from .question import Question
from .rows import Facets, FileContent, Rows, TypeInfo, UniverseInfo


@dataclass(frozen=True, slots=True)
class Settings:
    """What the configuration says about one repository. ``folder`` is where relative paths in ``options`` begin."""

    uri: str
    description: str | None = None
    collections: tuple[str, ...] = ()
    ivoid: str = "ivo://org.example/{repository}?repo={repository}&id={id}"
    state: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """What ``check`` prints about one repository. ``warnings`` slow it; ``problems`` are what it was configured to
    read beside its registry and cannot."""

    facts: Mapping[str, str]
    warnings: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


@runtime_checkable
class Repository(Protocol):
    """One repository, opened. Opening reads nothing: a repository that is down is found out by the first
    question."""

    name: str
    adapter: str
    settings: Settings

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can do, as far as is known: opening it may show that something is missing."""
        ...

    async def universe(self, call: Call) -> UniverseInfo: ...

    async def ask(self, question: Question, call: Call) -> Rows:
        """Answer one question. Raises Unsupported for a kind of question that this adapter does not know."""
        ...

    async def count(self, question: Question, call: Call) -> int:
        """How many rows the question has, whatever its page. Raises TooComplex where counting would pass
        ``call.max_rows``."""
        ...

    async def facets(self, question: Question, by: Sequence[str], first: int, call: Call) -> Facets:
        """Counts of datasets by the values of dimensions or fields (``element.field``, ``run``, ``type``)."""
        ...

    async def explain(self, question: Question, call: Call) -> list[str]:
        """Why the question has no rows, or fewer than one might expect; empty when there is nothing to
        say."""
        ...

    async def components(self, dataset_type: TypeInfo, call: Call) -> list[str]:
        """Component names (``wcs`` of ``calexp.wcs``); NotFound when this process does not know the storage
        class."""
        ...

    async def content(self, dataset: str, component: str | None, call: Call) -> FileContent:
        """The stored bytes of a dataset (32 hex digits); NotFound where there is no file, Unsupported where each component has one and
        the whole has none."""
        ...

    async def shapes(self, dataset_types: Collection[TypeInfo], call: Call) -> Mapping[str, Shape]:
        """What datasets of each of these types can be read as, by the names of the types; nothing is asked of the backend for it."""
        ...

    async def read(
        self, dataset: str, component: str | None, columns: tuple[str, ...] | None, call: Call
    ) -> Content:
        """The content of a dataset (32 hex digits), or of a component of it, opened; ``columns`` of a table, as names or patterns. Whoever
        called closes it. Raises NotFound, Unsupported where it can be had as bytes only, BadUserInput for unknown names, TooComplex."""
        ...

    async def health(self, call: Call) -> Health:
        """Open it and say what it is, which path answers, and what slows it. Raises BackendUnavailable."""
        ...

    async def close(self) -> None: ...


def publishes(repository: Repository) -> bool:
    """Whether datasets here have identifiers of their publisher's own, and are found by them (``question.DatasetsByIvoid``): an adapter that
    answers this says so by an attribute ``publishes``."""
    return bool(getattr(repository, "publishes", False))
