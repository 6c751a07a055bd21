"""Questions answered through Butler's public API only: slower than SQL, right on every registry that Butler itself can read.

For registries whose manager versions the SQL is not tested on, for parts of questions that SQL does not cover, and for RemoteButler.
Every answer materialises its matches, at most ``call.max_rows``, sorts them in Python and cuts the page. Synchronous: run it in a
thread of a bounded pool. Every call takes a Butler of its own, since one shared between threads crashes (SQLite) or fails.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from lsst.daf.butler import Butler, ButlerUserError, DimensionUniverse

from ..caller import Call
from ..capability import Capability
from ..errors import BadUserInput, Unsupported, nearest
from ..notes import By, noted
from ..question import (
    Among,
    Certifications,
    CollectionDatasetTypes,
    CollectionLinks,
    Collections,
    CollectionsByName,
    Constraint,
    DataIds,
    Datasets,
    DatasetsById,
    DatasetTypes,
    DatasetTypesByName,
    Files,
    FindDataset,
    Lineage,
    Memberships,
    Order,
    Page,
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
    Sky,
    Span,
    Timespans,
    Used,
    Versions,
    Where,
)
from ..rows import Facets, FileContent, Row, Rows
from . import api_datasets, api_dimensions, api_known, expression
from .api_dimensions import too_many
from .api_files import content, files
from .api_names import Known, Names, Step
from .api_related import related, tied
from .api_related_data_ids import related_data_ids
from .api_selection import Selection
from .api_ties import Target
from .empty import Explanation
from .mistakes import butlers_mistakes
from .universe import known_names, require_listable
from .untied import Untied
from .untied_api import ApiWays

_CARELESS = (ValueError, TypeError, LookupError)
"""What Butler raises besides its own exceptions for values and names of a caller's."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Datasets of one type: the collections to look in, all of which may hold it, and what they have to satisfy."""

    type: str
    steps: tuple[Step, ...]
    constraints: tuple[Constraint, ...]


class ButlerApi:
    """One repository through Butler's public API.

    Parameters
    ----------
    factory
        Gives a fresh Butler (a clone, as LabeledButlerFactory makes them) at every call.
    repository
        The repository's label, for messages.
    defaults
        Collections that are searched when a question names none.
    known
        Gives the names that need not be looked up; nothing by default.
    remote
        A server is asked: what it does not tell in any case is not asked for.
    """

    def __init__(
        self,
        factory: Callable[[], Butler],
        repository: str,
        defaults: Sequence[str] = (),
        known: Callable[[], Known] = Known,
        *,
        remote: bool = False,
    ) -> None:
        self._factory = factory
        self._repository = repository
        self._defaults = tuple(defaults)
        self._known = known
        self._remote = remote

    def ask(self, question: Question, call: Call) -> Rows:
        """Answer a question. Raises the errors of ``adapters.errors``; Unsupported for kinds of questions unknown here."""
        with ExitStack() as stack:
            stack.enter_context(noted(call.notes, By.API, type(question).__name__))
            butler = self._enter(stack)
            names = Names(butler, self._defaults, self._known())
            return self._answer(question, butler, names, call)

    def count(self, question: Question, call: Call) -> int:
        """How many rows the question has, whatever its page."""
        if isinstance(question, Related | RelatedDataIds):
            question = replace(question, overlap=False)
        paged = question.paged(call.max_rows) if hasattr(question, "page") else question
        found = self.ask(paged, call)
        if found.more or len(found.rows) > call.max_rows:
            raise too_many(call.max_rows)
        return len(found.rows)

    def facets(self, question: Question, by: Sequence[str], first: int, call: Call) -> Facets:
        """Datasets counted by values; ``by`` may name what an order may name, and ``type``."""
        if not isinstance(question, Datasets):
            raise Unsupported("Facets are counted over datasets only.")
        if not by:
            raise BadUserInput("facets needs at least one dimension or field to count by.")
        # A row's key begins with the values that it is ordered by.
        names = [name for name in by if name != "type"]
        rows = self.ask(replace(question, order=tuple(map(Order, names)), page=Page(call.max_rows)), call)
        assert rows.key is not None
        counts: Counter[tuple[Any, ...]] = Counter()
        for row in rows.rows:
            values = iter(rows.key(row))
            counts[tuple(row[1] if name == "type" else next(values) for name in by)] += 1
        found = sorted(counts.items(), key=lambda one: (-one[1], [(v is None, v) for v in one[0]]))
        return Facets(tuple(by), [(*key, number) for key, number in found[:first]], len(found) <= first)

    def universe(self) -> DimensionUniverse:
        """The dimensions, for somebody who may know the names in the repository."""
        with ExitStack() as stack:
            butler = self._enter(stack)
            Names(butler, self._defaults, self._known()).all_types()
            return butler.dimensions

    def explain(self, question: Question, call: Call) -> list[str]:
        """Why datasets, or associations of one dataset, are not found; empty for other questions."""
        if isinstance(question, Datasets):
            return Explanation(self.ask, self._defaults).of(question, call)
        if isinstance(question, Related):
            return Untied(ApiWays(self.ask, self._tied), self._repository).explain(question, call)
        return []

    def _tied(self, question: Related, call: Call) -> tuple[list[str], list[Target]]:
        with ExitStack() as stack:
            stack.enter_context(noted(call.notes, By.API, "dataset types that can be associated"))
            butler = self._enter(stack)
            return tied(butler, Names(butler, self._defaults, self._known()), question)

    def components(self, storage_class: str) -> list[str] | None:
        """Names of a storage class's components; None where this process does not know the class."""
        with ExitStack() as stack:
            butler = self._enter(stack)
            if storage_class not in butler.storageClasses:
                return None
            return sorted(butler.storageClasses.getStorageClass(storage_class).allComponents())

    def content(self, dataset: str, component: str | None, call: Call) -> FileContent:  # noqa: ARG002
        with ExitStack() as stack:
            return content(self._enter(stack), dataset, component)

    def dataset_ids(
        self, wanted: Sequence[Wanted], call: Call, *, where: Where | None = None
    ) -> list[set[str]]:
        """For each type the ids (hexadecimal) of every dataset that satisfies its constraints and ``where``.

        Both may name dimensions that a type lacks: Butler joins them (a calexp and a patch by the sky, a flat and an exposure by the time in
        CALIBRATION collections). Nothing is looked up about collections: a registry has many more than are searched.
        """
        with ExitStack() as stack:
            butler = self._enter(stack)
            stack.enter_context(butler.registry.caching_context())
            return [self._ids_of(butler, one, where, call) for one in wanted]

    def _ids_of(self, butler: Butler, wanted: Wanted, where: Where | None, call: Call) -> set[str]:
        with noted(call.notes, By.API, f"ids of datasets of type {wanted.type}"):
            found = butler.get_dataset_type(wanted.type)
            selection = Selection(
                butler,
                found.dimensions,
                wanted.constraints,
                where=None if where is None else expression.read(where, butler.dimensions),
                dataset_type=found.name,
                what=f"'{found.name}'",
            )
            rows = api_datasets.memberships(butler, found, wanted.steps, selection, call.max_rows)
            return {row[f"{found.name}.dataset_id"].hex for row in rows}

    def data_ids(
        self,
        dimensions: Sequence[str],
        call: Call,
        *,
        constraints: Sequence[Constraint] = (),
        among: Among | None = None,
        where: Where | None = None,
        sky: Sky | None = None,
        time: Span | None = None,
    ) -> Sequence[Row]:
        """Values of every dimension of the group that ``dimensions`` span, in the universe's order, for every data ID that satisfies everything
        given, in the order of the required ones."""
        question = DataIds(tuple(dimensions), tuple(constraints), among, where=where, sky=sky, time=time)
        with ExitStack() as stack:
            stack.enter_context(noted(call.notes, By.API, "data IDs"))
            butler = self._enter(stack)
            names = Names(butler, self._defaults, self._known())
            return api_dimensions.data_ids(butler, names, question.paged(call.max_rows), call.max_rows).rows

    def _enter(self, stack: ExitStack) -> Butler:
        stack.enter_context(butlers_mistakes(self._repository, careless=_CARELESS))
        butler = self._factory()
        stack.enter_context(_nearest_names(butler.dimensions))
        return butler

    def _answer(self, question: Question, butler: Butler, names: Names, call: Call) -> Rows:
        most = call.max_rows
        match question:
            case Datasets():
                return api_datasets.datasets(butler, names, question, most)
            case DatasetsById():
                return api_known.by_id(butler, names, question, most)
            case FindDataset():
                return api_datasets.find(butler, names, question, most)
            case Versions():
                return api_known.versions(butler, names, question, most)
            case Memberships():
                return api_known.membership_rows(butler, names, question, most)
            case Certifications():
                return api_datasets.certifications(butler, names, question, most)
            case Related():
                return related(butler, names, question, call)
            case RelatedDataIds():
                return related_data_ids(butler, question, most)
            case Files():
                return files(butler, question, recorded=not self._remote)
            case DataIds():
                require_listable(question.dimensions, butler.dimensions)
                return api_dimensions.data_ids(butler, names, question, most)
            case Records():
                return api_dimensions.records(butler, question, most)
            case RecordsByKey():
                return api_dimensions.records_by_key(butler, question, most)
            case Regions():
                return api_dimensions.regions(butler, question, most)
            case Timespans():
                return api_dimensions.timespans(butler, question, most)
            case Collections():
                return names.ask_collections(question)
            case CollectionsByName():
                return names.ask_collections_by_name(question)
            case CollectionLinks():
                return names.ask_links(question)
            case DatasetTypes():
                return names.ask_types(question)
            case DatasetTypesByName():
                return names.ask_types_by_name(question)
            case CollectionDatasetTypes():
                return names.ask_types_of(question)
            case Lineage() | Recorded() | Used() | Quanta() | QuantaById() | QuantumDatasets():
                who = "This repository's server" if self._remote else "Butler's public API"
                raise Unsupported(
                    f"{who} tells nothing of what was executed.", capability=Capability.PROVENANCE.value
                )
        raise Unsupported(f"Butler's public API answers no question of the kind {type(question).__name__}.")


@contextmanager
def _nearest_names(universe: DimensionUniverse) -> Iterator[None]:
    """Around calls of Butler: the names that may have been meant go with its word on one that it does not know."""
    try:
        yield
    except ButlerUserError as error:
        found = re.search(r"Unrecognized (?:identifier|field) '([^']+)'(?: for (\w+))?", str(error))
        if found is None:
            raise
        name = f"{found[2]}.{found[1]}" if found[2] else found[1]
        near = nearest(name, known_names(universe))
        hint = f" Did you mean {' or '.join(repr(n) for n in near)}?" if near else ""
        if not found[2]:
            hint += f" Text is written in single quotes: '{found[1]}'."
        raise BadUserInput(f"{str(error).rstrip('.')}.{hint}", unknown=name, nearest=near) from error
