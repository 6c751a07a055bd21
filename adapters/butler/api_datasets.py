"""Datasets through Butler's public API: searched, found, counted as versions, certified.

Butler is asked for every membership (dataset, collection, validity) of one type in the collections that may hold it, find-first off;
which of them stands for a data ID is decided here, after the constraints, so that the rule is written once for every case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Any

from lsst.daf.butler import Butler, CollectionInfo, DataCoordinate, DatasetType

from ..answers import DATASET, PARENT, UNDATED, VALIDITY
from ..errors import BadUserInput
from ..question import (
    Beside,
    Certifications,
    Constraint,
    Datasets,
    FindDataset,
    Op,
    Span,
)
from ..rows import Column, Kind, Row, Rows, TypeInfo
from . import expression, glob
from .api_dimensions import batches, order_names, too_many
from .api_name import Name, Raw, dimension_kind, ends, nanoseconds, picker, required_kinds, resolve
from .api_names import Names, Step, info_of
from .api_place import Key, Place
from .api_rows import rows_of
from .api_selection import Selection, merged, overlap, require_inside

_EARLIEST = -(2**63)
"""In a key, the begin of a range that is unbounded: before everything."""


def fields_of(dated: bool) -> Any:
    """What is asked of each membership."""
    return {"dataset_id", "run", "collection", "timespan", *(["ingest_date"] if dated else [])}


class Shape:
    """Columns of datasets of several types, and rows for them; with ``beside`` without the ingest date, where that is not wanted."""

    def __init__(self, butler: Butler, types: Iterable[DatasetType], beside: Beside | None = None) -> None:
        universe = butler.dimensions
        self.dated = beside is None or beside.ingest_date
        self.types: dict[str, TypeInfo] = {found.name: info_of(found) for found in types}
        group = universe.conform({name for info in self.types.values() for name in info.required})
        self.names = tuple(group.names)
        own = (Column(name, dimension_kind(universe, name), dimension=True) for name in self.names)
        self.columns = (*(DATASET if self.dated else UNDATED), *own)
        self._plain = {name: itemgetter(f"{name}.dataset_id", f"{name}.run") for name in self.types}
        self._required = {name: picker(info.required) for name, info in self.types.items()}
        self._whole = {
            name: picker(self.names)
            for name, info in self.types.items()
            if set(self.names) <= set(info.dimensions)
        }

    def row(self, found: Raw, dataset_type: str) -> Row:
        identifier, run = self._plain[dataset_type](found)
        row = (identifier.hex, dataset_type, run)
        if self.dated:
            row = (*row, nanoseconds(found[f"{dataset_type}.ingest_date"]))  # type: ignore[assignment]
        whole = self._whole.get(dataset_type)
        if whole is not None:
            return row + whole(found)
        own = self.types[dataset_type].dimensions
        return (*row, *(found[name] if name in own else None for name in self.names))

    def required(self, found: Raw, dataset_type: str) -> Key:
        return self._required[dataset_type](found)


def memberships(
    butler: Butler,
    dataset_type: DatasetType,
    steps: Sequence[Step],
    selection: Selection,
    most: int,
    *,
    validity: Span | None = None,
    among: Sequence[DataCoordinate] | None = None,
    dated: bool = True,
) -> Iterator[Raw]:
    """Every membership of datasets of one type that satisfies the selection, as Butler's rows.

    ``validity``: CALIBRATION collections only, and the ranges that overlap it. ``among``: data IDs to join with. Where they need not be
    ``dated`` they may have no ingest date.
    """
    name = dataset_type.name
    kinds = {step.name: step.type for step in steps}
    searched = [s.name for s in steps if name in s.types and (validity is None or s.type == "CALIBRATION")]
    if not searched:
        return
    count, limit = 0, 2 * most  # some fall away below
    for uploaded in [None] if among is None else batches(among):
        with butler.query() as query:
            if uploaded is not None:
                query = query.join_data_coordinates(uploaded)
            query = selection.narrow(query.join_dataset_search(name, searched))
            result = query.general(
                dataset_type.dimensions,
                dimension_fields=merged(selection.fields),
                dataset_fields={name: fields_of(dated or selection.dated)},
                find_first=False,
            )
            for row in rows_of(butler, result, limit - count + 1, sieved=selection.reaching):
                count += 1
                if count > limit:
                    raise too_many(most)
                certified = kinds[row[f"{name}.collection"]] == "CALIBRATION"
                span = ends(row[f"{name}.timespan"]) if validity is not None and certified else None
                if (validity is None or overlap(span, validity)) and selection.admits(row):
                    yield row


def datasets(butler: Butler, names: Names, question: Datasets, most: int) -> Rows:
    """The datasets of a question; which of several stands for a data ID is decided by the order of the search path."""
    types = names.types(question.types)
    steps = names.path(question.collections)
    exact = {pattern for pattern in question.types if not glob.is_glob(pattern)}
    where = None if question.where is None else expression.read(question.where, butler.dimensions)
    rank = {step.name: place for place, step in enumerate(steps)}
    selected = list[tuple[DatasetType, Selection]]()
    for found in types:
        try:
            if question.validity is not None and not found.isCalibration():
                raise BadUserInput(
                    f"validity is refused for '{found.name}': it is no calibration type; ask with time."
                )
            selection = Selection(
                butler,
                found.dimensions,
                question.constraints,
                question.among,
                where,
                question.sky,
                question.time,
                dataset_type=found.name,
                what=f"'{found.name}'",
            )
        except BadUserInput:
            # A glob may match types that have no region, no time or not these dimensions: they have no such datasets.
            if found.name in exact or not _inapplicable(butler, found, question):
                raise
            continue
        selected.append((found, selection))
    shape = Shape(butler, [found for found, _ in selected], question.beside)
    dated = shape.dated or question.ingested_before is not None
    keyed = list[tuple[Key, Row]]()
    kinds = list[Kind]()
    for found, selection in selected:
        terms = _terms(question, found, found.name in exact)
        for term in terms:
            selection.need(term)
        kinds = [term.kind for term in terms]  # one name, one kind: whichever type's
        first = _find_first(question, found, steps, names)
        best: dict[Any, tuple[int, Raw]] = {}
        for row in memberships(
            butler, found, steps, selection, most, validity=question.validity, dated=dated
        ):
            if not _ingested(row, found.name, question.ingested_before):
                continue
            key = shape.required(row, found.name) if first else row[f"{found.name}.dataset_id"]
            place = rank[row[f"{found.name}.collection"]]
            if key not in best or place < best[key][0]:
                best[key] = (place, row)
        for _, row in best.values():
            given = shape.row(row, found.name)
            order = tuple(term.value(row, found.name) for term in terms)
            keyed.append(((*order, found.name, *shape.required(row, found.name), given[0]), given))
        if len(keyed) > most:
            raise too_many(most)
    down = [term.descending for term in question.order]
    behind = {found.name: (*required_kinds(found.dimensions), Kind.UUID) for found, _ in selected}
    return Place([*kinds, Kind.STRING], down, behind).page(
        shape.columns, keyed, question.page, types=shape.types
    )


def _terms(question: Datasets, found: DatasetType, exact: bool) -> list[Name]:
    if exact:
        return order_names(question.order, found.dimensions, dataset=True)
    return [resolve(term.name, found.dimensions, dataset=True) for term in question.order]


def _inapplicable(butler: Butler, found: DatasetType, question: Datasets) -> bool:
    """Whether the question is right in itself and only has no sense for this type's dimensions."""
    try:
        Selection(butler, found.dimensions, question.constraints, dataset_type=found.name)
    except BadUserInput:
        return False
    return any(part is not None for part in (question.sky, question.time, question.among, question.validity))


def _find_first(question: Datasets, found: DatasetType, steps: Sequence[Step], names: Names) -> bool:
    """The rule for one type. Raises BadUserInput for find-first in ranges of validity."""
    own = [step.name for step in steps if step.type == "CALIBRATION" and found.name in step.types]
    certified = bool(own) and found.isCalibration()
    if question.find_first is None:
        return not certified and not names.wild(question.collections)
    if question.find_first and certified:
        raise BadUserInput(
            f"'{found.name}' is a calibration type and {', '.join(own)} holds it by ranges of validity: find-first has no one answer "
            "there. Leave findFirst out, or use findDataset with a validity."
        )
    return question.find_first


def find(butler: Butler, names: Names, question: FindDataset, most: int) -> Rows:
    """Collection by collection in search order, as Butler's find_dataset, with the cases refused in which that would silently find
    nothing. Components are looked up as their parents, which have the same ids."""
    found = names.type(question.type.partition(".")[0])
    steps = [step for step in names.path(question.collections) if found.name in step.types]
    shape = Shape(butler, [found])
    certified = [s.name for s in steps if s.type == "CALIBRATION"] if found.isCalibration() else []
    if certified and question.validity is None:
        raise BadUserInput(
            f"'{found.name}' is a calibration type and {', '.join(certified)} holds it by ranges of validity: say when (validity)."
        )
    selection = Selection(butler, found.dimensions, _complete(found, question), dataset_type=found.name)
    for step in steps:
        asked = question.validity if step.type == "CALIBRATION" else None
        rows: dict[Any, Raw] = {}
        ranges = []
        for row in memberships(butler, found, [step], selection, most, validity=asked):
            if _ingested(row, found.name, question.ingested_before):
                rows[row[f"{found.name}.dataset_id"]] = row
                ranges.append(ends(row[f"{found.name}.timespan"]))
        if len(rows) > 1:
            raise BadUserInput(
                f"Several datasets of '{found.name}' in {step.name} match: {', '.join(sorted(str(one) for one in rows))}. "
                "Give an instant, or a shorter range, and the whole data ID.",
                ranges=[list(one) for one in ranges],
            )
        if rows:
            return Rows(
                shape.columns, [shape.row(row, found.name) for row in rows.values()], types=shape.types
            )
    return Rows(shape.columns, [], types=shape.types)


def _complete(found: DatasetType, question: FindDataset) -> tuple[Constraint, ...]:
    """The data ID as constraints; keys that the type's dimensions lack are of no matter, as in Butler.

    Raises
    ------
    BadUserInput
        A name is unknown, or neither a required dimension nor a field that stands for it is given.
    """
    group = found.dimensions
    named = [(Constraint(name, Op.EQ, value), resolve(name, group)) for name, value in question.data_id]
    stands = {name.element for _, name in named}
    missing = [dimension for dimension in group.required if dimension not in stands]
    if missing:
        raise BadUserInput(
            f"The data ID lacks {', '.join(missing)}: a dataset of type '{found.name}' is found by {', '.join(group.required)}.",
            missing=missing,
        )
    return tuple(constraint for constraint, name in named if not name.outside)


def _ingested(row: Raw, dataset_type: str, before: int | None) -> bool:
    if before is None:
        return True
    ingested = nanoseconds(row[f"{dataset_type}.ingest_date"])
    return ingested is not None and ingested < before


def certifications(butler: Butler, names: Names, question: Certifications, most: int) -> Rows:
    """Ranges of validity. Raises BadUserInput for what has none, and for a constraint on what the type lacks."""
    found = names.type(question.type)
    collections = [names.collection(name) for name in question.collections]
    for one in collections:
        if one.type.name != "CALIBRATION":
            raise BadUserInput(
                f"Collection '{one.name}' is of type {one.type.name}: only CALIBRATION collections hold validity ranges."
            )
    if not found.isCalibration():
        raise BadUserInput(
            f"Dataset type '{found.name}' is no calibration type: none of it is ever certified."
        )
    require_inside(question.constraints, found.dimensions)
    shape = Shape(butler, [found])
    place = Place((*required_kinds(found.dimensions), Kind.LONG, Kind.UUID))
    page = replace(question.page, first=question.page.first + 1)
    rows: list[Row] = []
    for parent, one in enumerate(collections):
        keyed = _certified(butler, one, found, shape, question, most)
        rows += [(parent, *row) for _, row in place.cut(list(keyed.items()), page)]
    required = [shape.columns.index(c) + 1 for c in shape.columns if c.name in found.dimensions.required]
    columns = (
        PARENT,
        *shape.columns,
        *VALIDITY,
    )

    def key(row: Row) -> Key:
        begin = _EARLIEST if row[-2] is None else row[-2]
        return (*(row[place] for place in required), begin, row[1])

    return Rows(columns, rows, key=key, types=shape.types)


def _certified(
    butler: Butler,
    collection: CollectionInfo,
    found: DatasetType,
    shape: Shape,
    question: Certifications,
    most: int,
) -> dict[Key, Row]:
    """The certifications of one collection by their places in its order."""
    step = Step(collection.name, "CALIBRATION", collection.dataset_types or frozenset())
    selection = Selection(butler, found.dimensions, question.constraints, dataset_type=found.name)
    keyed = dict[Key, Row]()
    for row in memberships(butler, found, [step], selection, most, validity=question.validity):
        span = ends(row[f"{found.name}.timespan"])
        given = (*shape.row(row, found.name), *span)
        begin = _EARLIEST if span[0] is None else span[0]
        keyed[(*shape.required(row, found.name), begin, given[0])] = given
    return keyed
