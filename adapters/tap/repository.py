"""One ObsCore service behind the Protocol."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from ..caller import Call
from ..capability import Capability
from ..content import Content, Shape
from ..errors import BadUserInput, NotFound, Unsupported
from ..protocol import Health, Settings
from ..question import (
    CollectionDatasetTypes,
    CollectionLinks,
    Collections,
    CollectionsByName,
    Constraint,
    DataIds,
    Datasets,
    DatasetsById,
    DatasetsByIvoid,
    DatasetTypes,
    DatasetTypesByName,
    Files,
    FindDataset,
    Memberships,
    Op,
    Question,
    RecordsByKey,
    Regions,
    Related,
    Sizes,
    Timespans,
)
from ..rows import Facets, FileContent, Rows, TypeInfo, UniverseInfo
from . import options
from .datasets import DatasetQueries
from .lists import Lists
from .lookups import Lookups
from .metadata import Metadata
from .related import Relations
from .selection import Selecting
from .service import Service

_LACKING = {
    "Certifications": ("validity ranges", "CALIBRATION"),
    "Lineage": ("recorded executions", "PROVENANCE"),
    "Quanta": ("recorded executions", "PROVENANCE"),
    "QuantaById": ("recorded executions", "PROVENANCE"),
    "QuantumDatasets": ("recorded executions", "PROVENANCE"),
    "Recorded": ("recorded executions", "PROVENANCE"),
    "Used": ("recorded executions", "PROVENANCE"),
    "Records": ("records of dimensions", "records"),
    "RelatedDataIds": ("joins of dimensions", "related data IDs"),
    "Versions": ("versions of a dataset", "versions"),
}
"""Questions that ObsCore has no words for: what it lacks, and the capability that an error names."""


class TapRepository:
    """The datasets of an ObsCore table (IVOA ObsCore 1.1), asked by ADQL with the caller's token.

    A dataset's type is what its dataproduct_subtype or its dataproduct_type says, its run its obs_collection, its data ID its obs_publisher_did;
    nothing needs to be searched for first among collections then, and findFirst leaves every dataset.
    """

    adapter = "tap"
    capabilities = frozenset({Capability.WILDCARD, Capability.SKY, Capability.TIME, Capability.FILES})
    publishes = True

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = name
        self.settings = settings
        self._options = options.read(settings)
        template = settings.ivoid.replace("{repository}", name)
        self._service = Service(name, self._options)
        self._metadata = Metadata(self._service, self._options, template)
        self._selecting = Selecting(self._service, self._options, settings.collections)
        scale = self._options.time_scale
        self._datasets = DatasetQueries(name, self._service, self._metadata, self._selecting, scale)
        lists = Lists(self._service, self._metadata, self._selecting)
        lookups = Lookups(name, self._metadata, scale)
        self._lookups = lookups
        self._related = Relations(self._service, self._metadata, self._selecting, self._datasets)
        self._answers: Mapping[type[Question], Callable[[Any, Call], Awaitable[Rows]]] = {
            Datasets: self._datasets.page,
            DatasetsById: self._datasets.by_id,
            DatasetsByIvoid: self._datasets.by_ivoid,
            FindDataset: self._find,
            Related: self._related.page,
            Collections: lists.collections,
            CollectionsByName: lists.collections_by_name,
            CollectionLinks: lists.links,
            DatasetTypes: lists.types,
            DatasetTypesByName: lists.types_by_name,
            CollectionDatasetTypes: lists.types_of,
            DataIds: lists.data_ids,
            Regions: lookups.regions,
            Timespans: lookups.timespans,
            RecordsByKey: lookups.records,
            Files: lookups.files,
            Sizes: lookups.sizes,
            Memberships: lookups.memberships,
        }

    # the Protocol

    async def universe(self, call: Call) -> UniverseInfo:
        return (await self._metadata.columns(call)).universe

    async def ask(self, question: Question, call: Call) -> Rows:
        answer = self._answers.get(type(question))
        if answer is None:
            raise _unsupported(question)
        return await answer(question, call)

    async def count(self, question: Question, call: Call) -> int:
        if isinstance(question, Datasets):
            return await self._datasets.count(question, call)
        if isinstance(question, Related):
            return await self._related.count(question, call)
        if isinstance(
            question, Collections | DatasetTypes | DataIds | CollectionLinks | CollectionDatasetTypes
        ):
            return len((await self.ask(question.paged(call.max_rows), call)).rows)
        raise _unsupported(question)

    async def facets(self, question: Question, by: Sequence[str], first: int, call: Call) -> Facets:
        if isinstance(question, Datasets):
            return await self._datasets.facets(question, by, first, call)
        raise _unsupported(question)

    async def explain(self, question: Question, call: Call) -> list[str]:
        return await self._datasets.explain(question, call) if isinstance(question, Datasets) else []

    async def components(self, dataset_type: TypeInfo, call: Call) -> list[str]:  # noqa: ARG002 - the Protocol's
        raise NotFound(f"ObsCore does not say of what parts '{dataset_type.name}' is made.")

    async def content(self, dataset: str, component: str | None, call: Call) -> FileContent:
        return await self._lookups.content(dataset, component, call)

    async def shapes(self, dataset_types: Collection[TypeInfo], call: Call) -> Mapping[str, Shape]:  # noqa: ARG002 - the Protocol's
        return dict.fromkeys((one.name for one in dataset_types), Shape.FILE)

    async def read(
        self, dataset: str, component: str | None, columns: tuple[str, ...] | None, call: Call
    ) -> Content:
        del dataset, component, columns, call
        raise Unsupported(
            "Datasets of an ObsCore service can be had as it gives them: nothing is fetched and converted here.",
            capability=Capability.CONTENT.value,
            forms=["NATIVE"],
        )

    async def health(self, call: Call) -> Health:
        columns, catalogue = await self._metadata.both(call)
        forwards = "sent there" if self._options.forwards else "not sent there"
        facts = {
            "adapter": self.adapter,
            "table": self._options.table,
            "universe": columns.universe.label,
            "dimensions": ", ".join(columns.names),
            "datasets": str(sum(catalogue.held.values())),
            "collections": str(len(catalogue.collections)),
            "dataset types": str(len(catalogue.infos)),
            "callers' tokens": forwards,
            "capabilities": ", ".join(sorted(self.capabilities)),
        }
        return Health(facts, tuple(self._warnings(columns.identity.butlers)))

    async def close(self) -> None:
        await self._service.close()

    # the rest

    def _warnings(self, butlers: bool) -> list[str]:
        found = []
        if not self._options.forwards and not self._options.anonymous:
            found.append(
                "callers are anonymous to it: over plain http no token is sent (options: insecure: true lets it, anonymous: true says that "
                "none is wanted)"
            )
        if not butlers:
            found.append(
                "its identifiers hold no UUID of a Butler: datasets are not found by id, but by obs_publisher_did"
            )
        return found

    async def _find(self, question: FindDataset, call: Call) -> Rows:
        """The one dataset with these values: of ObsCore only obs_publisher_did is sure to name one. Raises BadUserInput for several."""
        if question.validity is not None or question.ingested_before is not None:
            capability = "CALIBRATION" if question.validity is not None else "INGEST_DATE"
            raise Unsupported("ObsCore has neither validity ranges nor ingest dates.", capability=capability)
        constraints = tuple(Constraint(name, Op.EQ, value) for name, value in question.data_id)
        asked = Datasets((question.type,), question.collections, constraints)
        rows = await self._datasets.page(asked.paged(1), call)
        if rows.more:
            raise BadUserInput(
                f"Several datasets of type '{question.type}' have these values; say which one with obs_publisher_did.",
                repository=self.name,
            )
        return rows


def _unsupported(question: Question) -> Unsupported:
    what, capability = _LACKING.get(
        type(question).__name__, ("this kind of question", type(question).__name__)
    )
    return Unsupported(f"An ObsCore service knows no {what}.", capability=capability)
