"""Datasets through Butler's public API: searched, found, counted as versions, certified.

Butler is asked for every membership (dataset, collection, validity) of one type in the collections that may hold it, find-first off;
which of them stands for a data ID is decided here, after the constraints, so that the rule is written once for every case.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

from lsst.daf.butler import Butler, CollectionInfo, DataCoordinate, DatasetRef, DatasetType

from ..errors import BadUserInput
from ..question import (
    Certifications,
    Constraint,
    Datasets,
    DatasetsById,
    FindDataset,
    Memberships,
    Op,
    Span,
    Versions,
)
from ..rows import Column, Kind, Row, Rows, TypeInfo
from . import expression, glob
from .api_dimensions import order_names, too_many
from .api_name import Name, Raw, dimension_kind, ends, nanoseconds, resolve
from .api_names import Names, Step, info_of
from .api_place import Key, Place
from .api_selection import Selection, merged, overlap

_PLAIN = (
    Column("id", Kind.UUID),
    Column("type", Kind.STRING),
    Column("run", Kind.STRING),
    Column("ingest_date", Kind.TIME),
)
_EARLIEST = -(2**63)
"""In a key, the begin of a range that is unbounded: before everything."""

_FIELDS: Any = frozenset({"dataset_id", "run", "ingest_date", "collection", "timespan"})


class Shape:
    """Columns of datasets of several types, and rows for them."""

    def __init__(self, butler: Butler, types: Iterable[DatasetType]) -> None:
        universe = butler.dimensions
        self.types: dict[str, TypeInfo] = {found.name: info_of(found) for found in types}
        group = universe.conform({name for info in self.types.values() for name in info.required})
        self.names = tuple(group.names)
        own = (Column(name, dimension_kind(universe, name), dimension=True) for name in self.names)
        self.columns = (*_PLAIN, *own)

    def row(self, found: Raw, dataset_type: str) -> Row:
        return (
            found[f"{dataset_type}.dataset_id"].hex,
            dataset_type,
            found[f"{dataset_type}.run"],
            nanoseconds(found[f"{dataset_type}.ingest_date"]),
            *(found[n] if n in self.types[dataset_type].dimensions else None for n in self.names),
        )

    def required(self, found: Raw, dataset_type: str) -> Key:
        return tuple(found[name] for name in self.types[dataset_type].required)


def memberships(
    butler: Butler,
    dataset_type: DatasetType,
    steps: Sequence[Step],
    selection: Selection,
    most: int,
    *,
    validity: Span | None = None,
    among: Sequence[DataCoordinate] | None = None,
) -> Iterator[Raw]:
    """Every membership of datasets of one type that satisfies the selection, as Butler's rows.

    ``validity``: CALIBRATION collections only, and the ranges that overlap it. ``among``: data IDs to join with.
    """
    name = dataset_type.name
    kinds = {step.name: step.type for step in steps}
    searched = [s.name for s in steps if name in s.types and (validity is None or s.type == "CALIBRATION")]
    if not searched or (among is not None and not among):
        return
    with butler.query() as query:
        if among is not None:
            query = query.join_data_coordinates(among)
        query = selection.narrow(query.join_dataset_search(name, searched))
        result = query.general(
            dataset_type.dimensions,
            dimension_fields=merged(selection.fields),
            dataset_fields={name: set(_FIELDS)},
            find_first=False,
        )
        for count, row in enumerate(result.limit(2 * most + 1)):
            if count > 2 * most:
                raise too_many(most)
            certified = kinds[row[f"{name}.collection"]] == "CALIBRATION"
            if validity is not None and not (certified and overlap(ends(row[f"{name}.timespan"]), validity)):
                continue
            if selection.admits(row):
                yield row


def datasets(butler: Butler, names: Names, question: Datasets, most: int) -> Rows:
    """The datasets of a question; which of several stands for a data ID is decided by the order of the search path."""
    types = names.types(question.types)
    steps = names.path(question.collections)
    named = question.collections if question.collections is not None else names.defaults
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
    shape = Shape(butler, [found for found, _ in selected])
    keyed = list[tuple[Key, Row]]()
    for found, selection in selected:
        terms = _terms(question, found, found.name in exact)
        for term in terms:
            selection.need(term)
        first = _find_first(question, found, steps, named)
        best: dict[Any, tuple[int, Raw]] = {}
        for row in memberships(butler, found, steps, selection, most, validity=question.validity):
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
    return Place(down).page(shape.columns, keyed, question.page, types=shape.types)


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


def _find_first(question: Datasets, found: DatasetType, steps: Sequence[Step], named: Sequence[str]) -> bool:
    """The rule for one type. Raises BadUserInput for find-first in ranges of validity."""
    own = [step.name for step in steps if step.type == "CALIBRATION" and found.name in step.types]
    certified = bool(own) and found.isCalibration()
    if question.find_first is None:
        return not certified and not any(glob.is_glob(name) for name in named)
    if question.find_first and certified:
        raise BadUserInput(
            f"'{found.name}' is a calibration type and {', '.join(own)} holds it by ranges of validity: find-first has no one answer "
            "there. Leave findFirst out, or use findDataset with a validity."
        )
    return question.find_first


def by_id(butler: Butler, names: Names, question: DatasetsById, most: int) -> Rows:
    refs = _refs(butler, question.ids)
    shape, rows = _of_refs(butler, names, refs, most)
    given = {row[0]: row for row in (shape.row(row, name) for name, row in rows)}
    found = [given[one] for one in dict.fromkeys(question.ids) if one in given]
    return Rows(shape.columns, found, types=shape.types)


def _refs(butler: Butler, ids: Iterable[str]) -> list[DatasetRef]:
    try:
        wanted = [UUID(one) for one in dict.fromkeys(ids)]
    except ValueError as error:
        raise BadUserInput(f"A dataset id is 32 hexadecimal digits: {error}.") from None
    return butler.get_many_datasets(wanted) if wanted else []


def _of_refs(
    butler: Butler, names: Names, refs: Sequence[DatasetRef], most: int, kinds: Sequence[str] = ("RUN",)
) -> tuple[Shape, list[tuple[str, Raw]]]:
    """The memberships of these datasets in collections of these kinds."""
    types = {ref.datasetType.name: ref.datasetType for ref in refs}
    shape = Shape(butler, types.values())
    known = names.collections()
    rows = list[tuple[str, Raw]]()
    for name, found in types.items():
        own = {ref.id: ref for ref in refs if ref.datasetType.name == name}
        runs = {ref.run for ref in own.values()}
        steps = [
            Step(c.name, c.type.name, c.dataset_types or frozenset())
            for c in known.values()
            if c.type.name in kinds and (c.name in runs or "RUN" not in kinds)
        ]
        data_ids = list({ref.dataId.subset(found.dimensions.required) for ref in own.values()})
        selection = Selection(butler, found.dimensions, dataset_type=name)
        for row in memberships(butler, found, steps, selection, most, among=data_ids):
            if row[f"{name}.dataset_id"] in own:
                rows.append((name, row))
    return shape, rows


def membership_rows(butler: Butler, names: Names, question: Memberships, most: int) -> Rows:
    """Collections besides the runs. Chains hold nothing themselves and are not among them."""
    columns = (Column("id", Kind.UUID), Column("collection", Kind.STRING), Column("type", Kind.STRING))
    refs = _refs(butler, question.ids)
    _, rows = _of_refs(butler, names, refs, most, kinds=("TAGGED", "CALIBRATION"))
    known = names.collections()
    found = {(row[f"{name}.dataset_id"].hex, row[f"{name}.collection"]) for name, row in rows}
    ordered = sorted(found, key=lambda one: (one[1], one[0]))
    return Rows(columns, [(one, collection, known[collection].type.name) for one, collection in ordered])


def find(butler: Butler, names: Names, question: FindDataset, most: int) -> Rows:
    """Collection by collection in search order, as Butler's find_dataset, with the cases refused in which that would silently find
    nothing. Components are looked up as their parents, which have the same ids."""
    (found,) = names.types([question.type.partition(".")[0]])
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
                f"Several datasets of '{found.name}' in {step.name} match: {', '.join(sorted(one.hex for one in rows))}. "
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
    ingested = nanoseconds(row[f"{dataset_type}.ingest_date"])
    return before is None or (ingested is not None and ingested < before)


def versions(butler: Butler, names: Names, question: Versions, most: int) -> Rows:
    """Datasets of the same type and data ID, newest first; one more per key than the page has, where there are more."""
    if question.page.after is not None and len(question.keys) != 1:
        raise BadUserInput("after belongs to one dataset; ask for the others one by one.")
    by_type: dict[str, list[tuple[str | int, ...]]] = defaultdict(list)
    for key in question.keys:
        by_type[str(key[0])].append(key[1:])
    types = {found.name: found for found in names.types(sorted(by_type))}
    shape = Shape(butler, types.values())
    known = names.collections()
    everywhere = [
        Step(c.name, c.type.name, c.dataset_types or frozenset())
        for c in known.values()
        if c.type.name == "RUN"
    ]
    steps = everywhere if question.collections is None else names.path(question.collections)
    found: dict[tuple[Any, ...], dict[str, Row]] = defaultdict(dict)
    for name, keys in by_type.items():
        group = types[name].dimensions
        wanted = [
            DataCoordinate.standardize(dict(zip(group.required, k, strict=True)), dimensions=group)
            for k in {*keys}
        ]
        selection = Selection(butler, group, dataset_type=name)
        for row in memberships(butler, types[name], steps, selection, most, among=wanted):
            given = shape.row(row, name)
            found[(name, *shape.required(row, name))][given[0]] = given
    place, rows = Place([True]), list[Row]()
    for parent, key in enumerate(question.keys):
        keyed = [((row[3], row[0]), (parent, *row)) for row in found.get(tuple(key), {}).values()]
        rows += place.page(
            (), keyed, question.page.__class__(question.page.first + 1, question.page.after)
        ).rows
    columns = (Column("parent", Kind.LONG), *shape.columns)
    return Rows(columns, rows, key=lambda row: (row[4], row[1]), types=shape.types)


def certifications(butler: Butler, names: Names, question: Certifications, most: int) -> Rows:
    (found,) = names.types([question.type])
    shape = Shape(butler, [found])
    rows: list[Row] = []
    for parent, name in enumerate(question.collections):
        keyed = _certified(butler, names.collection(name), found, shape, question, most)
        page = question.page.__class__(question.page.first + 1, question.page.after)
        rows += [(parent, *row) for row in Place().page((), list(keyed.items()), page).rows]
    required = [shape.columns.index(c) + 1 for c in shape.columns if c.name in found.dimensions.required]
    columns = (
        Column("parent", Kind.LONG),
        *shape.columns,
        Column("valid_begin", Kind.TIME),
        Column("valid_end", Kind.TIME),
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
    if collection.type.name != "CALIBRATION":
        raise BadUserInput(
            f"'{collection.name}' is a {collection.type.name} collection: only CALIBRATION has validity ranges."
        )
    step = Step(collection.name, "CALIBRATION", collection.dataset_types or frozenset())
    selection = Selection(butler, found.dimensions, question.constraints, dataset_type=found.name)
    keyed = dict[Key, Row]()
    for row in memberships(butler, found, [step], selection, most, validity=question.validity):
        span = ends(row[f"{found.name}.timespan"])
        given = (*shape.row(row, found.name), *span)
        begin = _EARLIEST if span[0] is None else span[0]
        keyed[(*shape.required(row, found.name), begin, given[0])] = given
    return keyed
