"""Repositories: one Butler repository, and everything that can be asked of it alone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Annotated

import strawberry
from strawberry import UNSET

from adapters.errors import BadUserInput, NotFound, unknown
from adapters.question import (
    Collections,
    DataIds,
    DatasetTypes,
    FindDataset,
    Quanta,
    Records,
)

from .among import among
from .arguments import Binds, Expression, Partial, Shape, Terms, Time, some
from .beside import beside_each, beside_it
from .bind import where
from .capability import Capability
from .collection import Collection, CollectionConnection, CollectionType, collection_of, collections
from .connection import After, First
from .context import Info, Scope
from .data_id_connection import DataIdConnection, data_ids
from .dataset import Dataset, dataset_of, datasets
from .dataset_connection import DatasetConnection
from .dataset_query import DatasetQuery, question
from .dataset_type import DatasetType, DatasetTypeConnection, dataset_type_of, dataset_types
from .dimension import DimensionElement, dimension_element
from .filters import constraints
from .given import given, names
from .listing import Single
from .node import Node, node_id
from .noun import noun
from .order import order
from .quantum import Executions, QuantumConnection, QuantumStatus, quanta
from .record import DimensionRecordConnection, records
from .scalars import UUID, DataIdMap, DateTime
from .sky import sky
from .time_filter import TimeFilter, span


@noun
class Repository(Node):
    """A Butler repository."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Relay global id: opaque, stable."""
        return node_id("Repository", self._scope.label)

    @strawberry.field
    def name(self) -> str:
        """Its label in this service."""
        return self._scope.label

    @strawberry.field
    def description(self) -> str | None:
        """What the administrator says about it."""
        return self._scope.repository.settings.description

    @strawberry.field
    def adapter(self) -> str:
        """Which storage adapter serves it: butler, remote-butler, tap ..."""
        return self._scope.repository.adapter

    @strawberry.field
    def capabilities(self) -> list[Capability]:
        """What this adapter can do; a field that needs more answers with an UNSUPPORTED error that names it."""
        able = self._scope.repository.capabilities
        return [one for one in Capability if one.name in able]

    @strawberry.field
    def default_collections(self) -> list[str]:
        """Collections searched when a query names none, in search order."""
        return list(self._scope.repository.settings.collections)

    @strawberry.field
    async def universe(self) -> str | None:
        """Namespace and version of the dimension universe, e.g. daf_butler/8."""
        return (await self._scope.universe()).label

    @strawberry.field
    async def dimensions(
        self,
        skypix: Annotated[
            bool, strawberry.argument(description="Whether to list sky pixelisations (htm7 ...) too.")
        ] = False,
    ) -> list[DimensionElement] | None:
        """Dimension elements of the universe, in dependency order; sky pixelisations only when asked for."""
        universe = await self._scope.universe()
        return [dimension_element(one) for one in universe.elements.values() if skypix or not one.skypix]

    @strawberry.field
    def collections(
        self,
        match: Annotated[
            list[str] | None, strawberry.argument(description="Names or globs; left out: all.")
        ] = UNSET,
        types: Annotated[
            list[CollectionType] | None, strawberry.argument(description="Only these types; left out: all.")
        ] = UNSET,
        flatten_chains: Annotated[
            bool, strawberry.argument(description="Chains are replaced by what they lead to.")
        ] = False,
        first: First = 100,
        after: After = UNSET,
    ) -> CollectionConnection | None:
        """Collections whose names match any of the glob patterns, by name."""
        kinds = given(types)
        if names(match) == () or kinds == []:
            raise BadUserInput("collections: match and types are left out, or name at least one.")
        asked = Collections(names(match) or (), tuple(kind.name for kind in kinds or ()), flatten_chains)
        return CollectionConnection(Single(self._scope, asked, "collections", first, after, collections))

    @strawberry.field
    async def collection(
        self, name: Annotated[str, strawberry.argument(description="Its exact name.")]
    ) -> Collection | None:
        """One collection. An unknown name is NOT_FOUND, with the nearest names."""
        found = await collection_of(self._scope, name)
        if found is None:
            await self._not_found("collection", name, Collections())
        return found

    @strawberry.field
    def dataset_types(
        self,
        match: Annotated[
            list[str] | None, strawberry.argument(description="Names or globs; left out: all.")
        ] = UNSET,
        collections: Annotated[
            list[str] | None,
            strawberry.argument(description="Only types of which these (names or globs) may hold datasets."),
        ] = UNSET,
        is_calibration: Annotated[
            bool | None, strawberry.argument(description="Only calibration types, or only others.")
        ] = UNSET,
        first: First = 100,
        after: After = UNSET,
    ) -> DatasetTypeConnection | None:
        """Dataset types whose names match any of the glob patterns, by name."""
        if names(match) == ():
            raise BadUserInput("datasetTypes: match is left out, or names at least one.")
        asked = DatasetTypes(names(match) or (), names(collections), given(is_calibration))
        return DatasetTypeConnection(Single(self._scope, asked, "datasetTypes", first, after, dataset_types))

    @strawberry.field
    async def dataset_type(
        self, name: Annotated[str, strawberry.argument(description="Its exact name.")]
    ) -> DatasetType | None:
        """One dataset type. An unknown name is NOT_FOUND, with the nearest names."""
        found = await dataset_type_of(self._scope, name)
        if found is None:
            await self._not_found("dataset type", name, DatasetTypes())
        return found

    @strawberry.field
    def datasets(
        self,
        info: Info,
        query: Annotated[DatasetQuery, strawberry.argument(description="Which datasets.")],
        first: First = 100,
        after: After = UNSET,
    ) -> DatasetConnection | None:
        """Datasets that match a partly specified data ID: wildcard expansion, find-first search, sky and time, in one list."""
        asked = replace(question(query), beside=beside_each(info._raw_info))
        return DatasetConnection(Single(self._scope, asked, "datasets", first, after, datasets))

    @strawberry.field
    async def dataset(
        self, info: Info, id: Annotated[UUID, strawberry.argument(description="Butler's id of it.")]
    ) -> Dataset | None:
        """By UUID; null where the repository has none."""
        return await dataset_of(self._scope, id, beside_it(info._raw_info))

    @strawberry.field
    async def datasets_by_id(
        self,
        info: Info,
        ids: Annotated[list[UUID], strawberry.argument(description="At most Service.maxFirst ids.")],
    ) -> list[Dataset | None] | None:
        """By UUID, many at once, in the order asked; null where there is none."""
        self._scope.context.at_most(len(ids), "ids")
        beside = beside_it(info._raw_info)
        return await asyncio.gather(*(dataset_of(self._scope, id, beside) for id in ids))

    @strawberry.field
    async def find_dataset(
        self,
        type: Annotated[str, strawberry.argument(description="Name of a dataset type.")],
        data_id: Annotated[
            DataIdMap, strawberry.argument(description="A complete data ID; alternate keys will do.")
        ],
        collections: Annotated[
            list[str] | None,
            strawberry.argument(description="Searched in this order; left out: the default collections."),
        ] = UNSET,
        validity: Annotated[
            TimeFilter | None,
            strawberry.argument(description="For calibrations: the one whose validity overlaps this range."),
        ] = UNSET,
        ingested_before: Annotated[
            DateTime | None, strawberry.argument(description="Datasets ingested then or later are left out.")
        ] = UNSET,
    ) -> Dataset | None:
        """The one dataset of this type and data ID that is first in the search order of the collections; null where there is
        none. Two calibrations of one collection whose validity overlaps the range, or a CALIBRATION collection without validity, are
        BAD_USER_INPUT."""
        asked = FindDataset(
            type,
            tuple(data_id.items()),
            names(collections),
            span(validity, "validity"),
            given(ingested_before),
        )
        found = await datasets(self._scope, await self._scope.ask(asked, 1, 1))
        return found[0] if found else None

    @strawberry.field
    def data_ids(
        self,
        dimensions: Annotated[
            list[str], strawberry.argument(description="Butler's names; what they require comes with them.")
        ],
        data_id: Partial = UNSET,
        among_: Annotated[
            list[DataIdMap] | None,
            strawberry.argument(
                name="among",
                description="Data IDs from elsewhere (at most 100,000, all with the same keys): only those that match one.",
            ),
        ] = UNSET,
        having: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Only data IDs that have a dataset of each of these types (names or globs) in collections ..."
            ),
        ] = UNSET,
        lacking: Annotated[
            list[str] | None,
            strawberry.argument(
                description="... and of none of these (names or globs): what is still missing."
            ),
        ] = UNSET,
        collections: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Where having and lacking look; left out: the default collections."
            ),
        ] = UNSET,
        where_: Expression = UNSET,
        bind: Binds = UNSET,
        sky_: Shape = UNSET,
        time: Time = UNSET,
        order_by: Terms = UNSET,
        first: First = 100,
        after: After = UNSET,
    ) -> DataIdConnection | None:
        """Data IDs that exist for these dimensions (wildcard expansion)."""
        asked = DataIds(
            dimensions=tuple(dimensions),
            constraints=constraints(data_id),
            among=among(among_),
            having=names(having) or (),
            lacking=names(lacking) or (),
            collections=names(collections),
            where=where(where_, bind),
            sky=sky(sky_),
            time=span(time, "time"),
            order=order(order_by),
        )
        return DataIdConnection(Single(self._scope, asked, "dataIds", first, after, data_ids))

    @strawberry.field
    def records(
        self,
        element: Annotated[
            str, strawberry.argument(description="A dimension element: exposure, visit, patch ...")
        ],
        data_id: Partial = UNSET,
        where_: Expression = UNSET,
        bind: Binds = UNSET,
        sky_: Shape = UNSET,
        time: Time = UNSET,
        order_by: Terms = UNSET,
        first: First = 100,
        after: After = UNSET,
    ) -> DimensionRecordConnection | None:
        """Records of one dimension element (exposures with their times, detectors, patches with their regions ...)."""
        asked = Records(
            element=element,
            constraints=constraints(data_id),
            where=where(where_, bind),
            sky=sky(sky_),
            time=span(time, "time"),
            order=order(order_by),
        )
        return DimensionRecordConnection(
            Single(self._scope, asked, "records", first, after, records(element))
        )

    @strawberry.field
    def quanta(
        self,
        task: Annotated[
            list[str] | None, strawberry.argument(description="Labels of tasks: names or globs.")
        ] = UNSET,
        run: Annotated[
            list[str] | None, strawberry.argument(description="RUN collections: names or globs.")
        ] = UNSET,
        status: Annotated[
            list[QuantumStatus] | None, strawberry.argument(description="Only these; left out: all.")
        ] = UNSET,
        data_id: Partial = UNSET,
        first: First = 100,
        after: After = UNSET,
    ) -> QuantumConnection | None:
        """Units of execution, recorded (provenance graphs) and predicted (quantum graphs), by run, task and data ID. Where none at
        all is recorded: NOT_FOUND with recorded: false, and no empty list."""
        if given(status) == []:
            raise BadUserInput("status is left out, or names at least one.")
        asked = Quanta(
            tasks=some(task, "task"),
            runs=some(run, "run"),
            statuses=tuple(one.name for one in given(status) or ()),
            constraints=constraints(data_id),
        )
        return QuantumConnection(Executions(self._scope, asked, "quanta", first, after, quanta))

    async def _not_found(self, what: str, name: str, all: Collections | DatasetTypes) -> None:
        most = self._scope.context.limits.max_first
        rows = await self._scope.ask(all.paged(most), 1, most)
        known = [row[rows.index("name")] for row in rows.rows]
        message, details = unknown(what, name, known)
        raise NotFound(message, **details)
