"""Datasets that are known by id or by type and data ID, through Butler's public API: themselves, their versions, who else holds them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from lsst.daf.butler import Butler, DatasetRef

from ..answers import MEMBERSHIP, PARENT
from ..errors import BadUserInput
from ..question import Beside, DatasetsById, Memberships, Versions
from ..rows import Kind, Row, Rows
from .api_datasets import Shape, memberships
from .api_dimensions import coordinates
from .api_name import Raw
from .api_names import Names, Step
from .api_place import Place
from .api_selection import Selection


def by_id(butler: Butler, names: Names, question: DatasetsById, most: int) -> Rows:
    refs = _refs(butler, question.ids)
    shape, rows = _of_refs(butler, names, refs, most, beside=question.beside)
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
    butler: Butler,
    names: Names,
    refs: Sequence[DatasetRef],
    most: int,
    kinds: Sequence[str] = ("RUN",),
    beside: Beside | None = None,
) -> tuple[Shape, list[tuple[str, Raw]]]:
    """The memberships of these datasets in collections of these kinds."""
    types = {ref.datasetType.name: ref.datasetType for ref in refs}
    shape = Shape(butler, types.values(), beside)
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
        for row in memberships(butler, found, steps, selection, most, among=data_ids, dated=shape.dated):
            if row[f"{name}.dataset_id"] in own:
                rows.append((name, row))
    return shape, rows


def membership_rows(butler: Butler, names: Names, question: Memberships, most: int) -> Rows:
    """Collections besides the runs. Chains hold nothing themselves and are not among them."""
    refs = _refs(butler, question.ids)
    _, rows = _of_refs(
        butler, names, refs, most, kinds=("TAGGED", "CALIBRATION"), beside=Beside(ingest_date=False)
    )
    known = names.collections()
    found = {(row[f"{name}.dataset_id"].hex, row[f"{name}.collection"]) for name, row in rows}
    ordered = sorted(found, key=lambda one: (one[1], one[0]))
    return Rows(MEMBERSHIP, [(one, collection, known[collection].type.name) for one, collection in ordered])


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
        wanted = coordinates(group, tuple(group.required), keys)
        selection = Selection(butler, group, dataset_type=name)
        for row in memberships(butler, types[name], steps, selection, most, among=wanted):
            given = shape.row(row, name)
            found[(name, *shape.required(row, name))][given[0]] = given
    place, rows = Place((Kind.TIME, Kind.UUID), [True]), list[Row]()
    for parent, key in enumerate(question.keys):
        keyed = [((row[3], row[0]), (parent, *row)) for row in found.get(tuple(key), {}).values()]
        rows += place.page(
            (), keyed, question.page.__class__(question.page.first + 1, question.page.after)
        ).rows
    columns = (PARENT, *shape.columns)
    return Rows(columns, rows, key=lambda row: (row[4], row[1]), types=shape.types)
