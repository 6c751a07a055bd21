"""A registry of tested versions, asked with SQL; what SQL does not cover goes to Butler's public API.

Synchronous: the repository runs it in its own threads, or as far as it needs no long work in a greenlet of the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..caller import Call
from ..errors import Unsupported
from ..question import (
    Certifications,
    CollectionDatasetTypes,
    CollectionLinks,
    Collections,
    CollectionsByName,
    DataIds,
    Datasets,
    DatasetsById,
    DatasetTypes,
    DatasetTypesByName,
    Files,
    FindDataset,
    Lineage,
    Memberships,
    Quanta,
    QuantaById,
    QuantumDatasets,
    Question,
    Recorded,
    Records,
    RecordsByKey,
    Regions,
    Related,
    RelatedDataIds,
    Sizes,
    Timespans,
    Used,
    Versions,
)
from ..rows import Facets, FileContent, Rows
from .api import ButlerApi
from .catalogue import Catalogue
from .certified import CertificationQueries
from .data_ids import DataIdQueries
from .datasets import DatasetQueries
from .direct import off_loop
from .empty import Explanation
from .files import FileQueries, FileStore, content
from .known import KnownDatasets
from .names import Names
from .provenance import Provenance
from .ready import Ready
from .related import RelatedQueries
from .related_data_ids import RelatedDataIdQueries
from .store import Store
from .tables import Tables
from .untied import Untied
from .untied_sql import SqlWays


class Registry:
    """Every kind of question, each to the room that answers it."""

    def __init__(
        self,
        store: Store,
        tables: Tables,
        defaults: tuple[str, ...],
        files: Sequence[FileStore],
        api: ButlerApi,
        provenance: Provenance,
    ) -> None:
        names = Names(store, tables, defaults)
        self._store = store
        self._api = api
        self._catalogue = Catalogue(store, tables, names)
        self._related = RelatedQueries(store, tables, names, api, self._together)
        self._datasets = DatasetQueries(store, tables, names, api, self._related.valid)
        self._data_ids = DataIdQueries(store, tables, names)
        self._certified = CertificationQueries(store, tables, names)
        self._files = FileQueries(store, tables, names, files)
        self._provenance = provenance
        joined = RelatedDataIdQueries(store, tables, api)
        self._untied = Untied(SqlWays(self._related, self._data_ids), store.name)
        self._explanation = Explanation(self.ask, defaults)
        known = self._known = KnownDatasets(store, tables, names, self._datasets)
        datasets, data_ids, catalogue = self._datasets, self._data_ids, self._catalogue
        self._ask: dict[type[Question], Callable[[Any, Call], Rows]] = {
            Datasets: datasets.page,
            DatasetsById: known.by_id,
            FindDataset: known.find,
            Versions: known.versions,
            Memberships: self._files.memberships,
            Files: self._files.files,
            Sizes: self._files.sizes,
            Certifications: self._certified.page,
            DataIds: self._rows_of_data_ids,
            Records: self._rows_of_data_ids,
            RecordsByKey: data_ids.records_by_key,
            Regions: data_ids.regions,
            Timespans: data_ids.timespans,
            Collections: catalogue.collections,
            CollectionsByName: catalogue.collections_by_name,
            CollectionLinks: catalogue.links,
            DatasetTypes: catalogue.dataset_types,
            DatasetTypesByName: catalogue.dataset_types_by_name,
            CollectionDatasetTypes: catalogue.of_collections,
            Related: self._related.page,
            RelatedDataIds: joined.page,
            Lineage: provenance.lineage,
            Recorded: provenance.recorded,
            Used: provenance.used,
            Quanta: provenance.quanta,
            QuantaById: provenance.quanta_by_id,
            QuantumDatasets: provenance.quantum_datasets,
        }
        self._count: dict[type[Question], Callable[[Any, Call], int]] = {
            Datasets: datasets.count,
            Certifications: self._certified.count,
            DataIds: self._count_data_ids,
            Records: self._count_data_ids,
            Collections: catalogue.count_collections,
            DatasetTypes: catalogue.count_dataset_types,
            Versions: known.count_versions,
            CollectionLinks: catalogue.count_links,
            CollectionDatasetTypes: catalogue.count_of_collections,
            Related: self._related.count,
            RelatedDataIds: joined.count,
            Lineage: provenance.count_lineage,
            Quanta: provenance.count_quanta,
            QuantumDatasets: provenance.count_quantum_datasets,
        }

    def ask(self, question: Question, call: Call) -> Rows:
        self._read_graphs(question, call)
        look_up = isinstance(question, DatasetsById)
        with self._store.session(call, ordered=_ordered(question), look_up=look_up):
            return _found(self._ask, question)(question, call)

    def ready(self, question: Question, call: Call) -> Ready | None:
        """The one statement that answers a question, where nothing else is left to do."""
        if isinstance(question, DatasetsById):
            return self._known.ready(question)
        return self._datasets.ready(question, call) if isinstance(question, Datasets) else None

    def _read_graphs(self, question: Question, call: Call) -> None:
        """Read new quantum graphs before a question about executions, not while it holds a connection."""
        asked = isinstance(question, Lineage | Recorded | Used | Quanta | QuantaById | QuantumDatasets)
        if asked or (isinstance(question, Related) and question.used is not None):
            off_loop()
            self._provenance.refresh(call)

    def count(self, question: Question, call: Call) -> int:
        self._read_graphs(question, call)
        with self._store.session(call):
            return _found(self._count, question)(question, call)

    def facets(self, question: Question, by: Sequence[str], first: int, call: Call) -> Facets:
        if not isinstance(question, Datasets):
            raise Unsupported("Facets are counted over datasets only.")
        with self._store.session(call):
            return self._datasets.facets(question, by, first, call)

    def explain(self, question: Question, call: Call) -> list[str]:
        if isinstance(question, Datasets):
            return self._explanation.of(question, call)
        if isinstance(question, Related):
            self._read_graphs(question, call)
            with self._store.session(call):
                return self._untied.explain(question, call)
        return []

    def content(self, dataset: str, component: str | None, call: Call) -> FileContent:
        return content(self._files.files(Files((dataset,)), call), component)

    def _together(self, pairs: Sequence[tuple[str, str]], call: Call) -> Sequence[bool | None]:
        """Whether any recorded execution used two datasets together, however many quanta lie between."""
        return self._provenance.verdicts(pairs, None, self._provenance.deepest, call)

    def _rows_of_data_ids(self, question: DataIds | Records, call: Call) -> Rows:
        if self._data_ids.covers(question, call):
            return self._data_ids.page(question, call)
        return self._api.ask(question, call)

    def _count_data_ids(self, question: DataIds | Records, call: Call) -> int:
        if self._data_ids.covers(question, call):
            return self._data_ids.count(question, call)
        return self._api.count(question, call)


def short(question: Question) -> bool:
    """Whether it may be one for the event loop (``direct``): nothing but statements that were built before, as a rule."""
    return _ordered(question)


def _ordered(question: Question) -> bool:
    """Whether the joins of its statements are written in the order in which they are best made."""
    if isinstance(question, Datasets):
        return question.sky is None and question.where is None and question.among is None
    return isinstance(question, Related | DatasetsById)


_Method = TypeVar("_Method")


def _found(methods: dict[type[Question], _Method], question: Question) -> _Method:
    method = methods.get(type(question))
    if method is None:
        raise Unsupported(f"{type(question).__name__} cannot be asked of a Butler repository in this way.")
    return method
