"""Collections: which datasets belong together, and in which order they are searched."""

from __future__ import annotations

from collections.abc import Awaitable
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import strawberry
from strawberry import UNSET

from adapters.question import (
    Certifications,
    CollectionDatasetTypes,
    CollectionLinks,
    CollectionsByName,
    Memberships,
)
from adapters.rows import Row, Rows

from .connection import After, Connection, First
from .context import Scope
from .dataset_type import DatasetTypeConnection, dataset_types
from .filters import DataIdFilter, constraints
from .listing import Nested
from .loader import Loader
from .node import Node, node_id
from .noun import noun
from .time_filter import TimeFilter, span

if TYPE_CHECKING:
    from .certification import CertificationConnection

Certified = Annotated["CertificationConnection", strawberry.lazy(".certification")]


@strawberry.enum(description="What a collection is.")
class CollectionType(Enum):
    RUN = strawberry.enum_value("RUN", description="Where datasets are written; each is in exactly one.")
    TAGGED = strawberry.enum_value(
        "TAGGED", description="A choice of datasets, one for each type and data ID."
    )
    CHAINED = strawberry.enum_value("CHAINED", description="A search order over other collections.")
    CALIBRATION = strawberry.enum_value(
        "CALIBRATION", description="Calibrations, certified for ranges of time."
    )


@noun
class Collection(Node):
    """A collection of datasets."""

    __slots__ = ("_documentation", "_known", "_name", "_scope", "_type")

    def __init__(
        self, scope: Scope, name: str, type: str, documentation: str | None = None, known: bool = True
    ) -> None:
        self._scope = scope
        self._name = name
        self._type = type
        self._documentation = documentation
        self._known = known  # whether the documentation was read with it

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Relay global id: opaque, stable."""
        return node_id("Collection", self._scope.label, self._name)

    @strawberry.field
    def name(self) -> str:
        """Unique within its repository."""
        return self._name

    @strawberry.field
    def type(self) -> CollectionType:
        """What kind of collection it is."""
        return CollectionType(self._type)

    @strawberry.field
    async def documentation(self) -> str | None:
        """What its owner wrote about it."""
        if self._known:
            return self._documentation
        found = await collection_of(self._scope, self._name)
        return None if found is None else found._documentation

    @strawberry.field
    def children(self, first: First = 100, after: After = UNSET) -> CollectionConnection | None:
        """Search order of a chain; empty for other types."""
        return self._links("children", first, after)

    @strawberry.field
    def parents(self, first: First = 100, after: After = UNSET) -> CollectionConnection | None:
        """Chains that it is a child of, by name."""
        return self._links("parents", first, after)

    def _links(self, direction: str, first: int, after: str | None) -> CollectionConnection:
        def many(names: tuple[str, ...]) -> CollectionLinks:
            return CollectionLinks(names, direction)

        return CollectionConnection(
            Nested(self._scope, many, self._name, direction, first, after, collections)
        )

    @strawberry.field
    def dataset_types(self, first: First = 100, after: After = UNSET) -> DatasetTypeConnection | None:
        """Types of which the collection may hold datasets, by name; for a chain those of all its children."""
        return DatasetTypeConnection(
            Nested(
                self._scope, CollectionDatasetTypes, self._name, "datasetTypes", first, after, dataset_types
            )
        )

    @strawberry.field
    def certifications(
        self,
        type: Annotated[str, strawberry.argument(description="Name of a dataset type.")],
        data_id: Annotated[
            DataIdFilter | None, strawberry.argument(description="Constraints on dimensions.")
        ] = UNSET,
        validity: Annotated[
            TimeFilter | None, strawberry.argument(description="Ranges that overlap this one.")
        ] = UNSET,
        first: First = 100,
        after: After = UNSET,
    ) -> Certified | None:
        """Validity ranges held by a CALIBRATION collection, by data ID, then by begin; null for other types of
        collections, which hold none."""
        from .certification import CertificationConnection, certifications

        if self._type != "CALIBRATION":
            return None
        wanted, within = constraints(data_id), span(validity, "validity")

        def many(names: tuple[str, ...]) -> Certifications:
            return Certifications(names, type, wanted, within)

        return CertificationConnection(
            Nested(self._scope, many, self._name, "certifications", first, after, certifications)
        )


@noun
class CollectionConnection(Connection[Collection]):
    """A page of collections."""

    __slots__ = ()


async def collections(scope: Scope, rows: Rows) -> list[Collection]:
    """The collections of an answer."""
    return _collections(scope, rows)


def _collections(scope: Scope, rows: Rows) -> list[Collection]:
    if not rows.rows:
        return []
    name, type, documentation = (rows.index(column) for column in ("name", "type", "documentation"))
    return [Collection(scope, row[name], row[type], row[documentation]) for row in rows.rows]


def collection_of(scope: Scope, name: str) -> Awaitable[Collection | None]:
    """A collection by its exact name."""

    async def fetch(names: list[str]) -> dict[str, Collection | None]:
        rows = await scope.ask(CollectionsByName(tuple(names)), len(names), 1)
        return {found._name: found for found in _collections(scope, rows)}

    return scope.loader("collections", fetch, None).load(name)


def memberships(scope: Scope) -> Loader[str, list[Collection]]:
    """The collections that hold datasets (32 hex digits) besides their runs."""

    async def fetch(ids: list[str]) -> dict[str, list[Collection]]:
        rows = await scope.ask(Memberships(tuple(ids)), len(ids), 1)
        if not rows.rows:
            return {}
        identifier, name, type = (rows.index(column) for column in ("id", "collection", "type"))
        found: dict[str, list[Row]] = {}
        for row in rows.rows:
            found.setdefault(row[identifier], []).append(row)
        return {
            dataset: [Collection(scope, row[name], row[type], known=False) for row in members]
            for dataset, members in found.items()
        }

    return scope.loader("memberships", fetch, list[Collection]())
