"""Data IDs, records, regions and times of dimensions through Butler's public API."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lsst.daf.butler import (
    Butler,
    DataCoordinate,
    DimensionElement,
    DimensionGroup,
    SkyPixDimension,
)

from ..answers import PARENT, REGION
from ..errors import BadUserInput, TooComplex, unknown
from ..question import DataIds, Order, Records, RecordsByKey, Regions, Timespans
from ..rows import Column, Kind, Row, Rows
from . import expression, sky_pixels
from .api_name import Name, Raw, dimension_kind, ends, required_kinds, resolve
from .api_names import Names
from .api_place import Key, Place
from .api_rows import rows_of
from .api_selection import Selection, merged
from .universe import fields

_FETCHED = 2
"""How many times ``max_rows`` Butler is asked for: some rows of its superset fall away in Python."""

_UPLOADED = 100_000
"""Data IDs that a Butler server takes in one query."""


def fetch(
    selection: Selection, most: int, more: Mapping[str, Iterable[str]], *having: tuple[str, list[str]]
) -> Iterator[Raw]:
    """Rows of the selection's group with these fields besides; ``having``: dataset types to be found in collections.

    Raises
    ------
    TooComplex
        Butler finds more than may be materialised.
    """
    with selection.butler.query() as query:
        for dataset_type, collections in having:
            query = query.join_dataset_search(dataset_type, collections)
        query = selection.narrow(query)
        wanted = merged(selection.fields, more)
        result = query.general(selection.group, dimension_fields=wanted)
        sieved = len(selection.group.spatial) > 1 or selection.reaching
        for count, row in enumerate(rows_of(selection.butler, result, most * _FETCHED + 1, sieved=sieved)):
            if count >= most * _FETCHED:
                raise too_many(most)
            if selection.admits(row):
                yield row


def too_many(most: int) -> TooComplex:
    return TooComplex(
        f"The question has more than {most} rows, which are too many to sort here; narrow it.",
        limit=most,
        actual=most + 1,
    )


def order_names(order: Sequence[Order], group: DimensionGroup, *, dataset: bool = False) -> list[Name]:
    """What the terms of an order mean. Raises BadUserInput for names that the dimensions lack."""
    names = [resolve(term.name, group, dataset=dataset) for term in order]
    for term, name in zip(order, names, strict=True):
        if name.outside:
            raise BadUserInput(
                f"'{term.name}' is no dimension or field of these: {', '.join(group.names) or 'none'}."
            )
    return names


def data_ids(butler: Butler, names: Names, question: DataIds, most: int) -> Rows:
    """Data IDs that Butler's query_data_ids gives, with what Butler cannot ask decided on top."""
    universe = butler.dimensions
    group = universe.conform(question.dimensions)
    where = None if question.where is None else expression.read(question.where, universe)
    selection = Selection(
        butler,
        group,
        question.constraints,
        question.among,
        where,
        question.sky,
        question.time,
        what="data IDs of " + (", ".join(group.required) or "no dimensions"),
    )
    terms = order_names(question.order, group)
    for term in terms:
        selection.need(term)
    found = {tuple(row[n] for n in group.names): row for row in fetch(selection, most, {})}
    if question.having or question.lacking:
        steps = names.path(question.collections)
        tests = [(name, True) for name in question.having] + [(name, False) for name in question.lacking]
        for dataset_type, keep in tests:
            for known in names.types([dataset_type], each=True):
                holding = [step.name for step in steps if known.name in step.types]
                present = set[tuple[Any, ...]]()
                if holding:
                    rows = fetch(selection, most, {}, (known.name, holding))
                    present = {tuple(row[n] for n in group.names) for row in rows}
                found = {key: row for key, row in found.items() if (key in present) is keep}
    if len(found) > most:
        raise too_many(most)
    columns = [Column(n, dimension_kind(universe, n), dimension=True) for n in group.names]
    keyed = [
        ((*(t.value(row) for t in terms), *(row[n] for n in group.required)), key)
        for key, row in found.items()
    ]
    return _place(question, terms, group).page(columns, keyed, question.page)


def records(butler: Butler, question: Records, most: int) -> Rows:
    """Records of one element that satisfy the question."""
    layout = _Layout(butler, question.element)
    where = None if question.where is None else expression.read(question.where, butler.dimensions)
    selection = Selection(
        butler,
        layout.group,
        question.constraints,
        None,
        where,
        question.sky,
        question.time,
        what=f"records of {question.element}",
    )
    terms = order_names(question.order, layout.group)
    for name in terms:
        selection.need(name)
    found: dict[Key, tuple[Key, Row]] = {}
    for row in fetch(selection, most, layout.fields):
        identity = tuple(row[n] for n in layout.required)
        found[identity] = ((*(t.value(row) for t in terms), *identity), layout.row(row))
    if len(found) > most:
        raise too_many(most)
    return _place(question, terms, layout.group).page(layout.columns, list(found.values()), question.page)


def _place(question: DataIds | Records, terms: Sequence[Name], group: DimensionGroup) -> Place:
    """By the question's own order, then by data ID."""
    kinds = (*(term.kind for term in terms), *required_kinds(group))
    return Place(kinds, [term.descending for term in question.order])


def records_by_key(butler: Butler, question: RecordsByKey, most: int) -> Rows:
    layout = _Layout(butler, question.element)
    by_key = {
        tuple(row[n] for n in layout.required): layout.row(row)
        for row in of_keys(butler, layout.required, layout.group, layout.fields, question.keys, most)
    }
    rows = [(parent, *by_key[key]) for parent, key in enumerate(question.keys) if key in by_key]
    return Rows((PARENT, *layout.columns), rows)


def regions(butler: Butler, question: Regions, most: int) -> Rows:
    """Regions of the finest spatial element; the sky map's where the dimensions have both a sky map's and an observation's."""
    universe = butler.dimensions
    group = universe.conform(question.dimensions)
    wide = group
    if not group.spatial and "exposure" in group.names:
        wide = universe.conform([*group.required, "visit"])
    families = sorted(
        (universe[family.choose(wide).name] for family in wide.spatial),
        key=lambda e: (
            e.name not in universe.skypix_dimensions.names,
            len(e.required),
            "skymap" in e.required.names,
        ),
    )
    if not families:
        return Rows(REGION, [])
    element = families[-1].name
    found: dict[Key, str] = {}
    if element in universe.skypix_dimensions.names:
        pixels = universe.skypix_dimensions[element].pixelization
        place = question.dimensions.index(element)
        found = {key: encoded(pixels.pixel(int(key[place] or 0))) for key in question.keys}
    else:
        rows = list(of_keys(butler, question.dimensions, wide, {element: {"region"}}, question.keys, most))
        for row in sorted(rows, key=lambda row: row.get("visit") or 0):
            if (seen := row[f"{element}.region"]) is not None:
                found.setdefault(tuple(row[n] for n in question.dimensions), encoded(seen))
    return Rows(
        REGION, [(parent, element, found[key]) for parent, key in enumerate(question.keys) if key in found]
    )


def timespans(butler: Butler, question: Timespans, most: int) -> Rows:
    group = butler.dimensions.conform(question.dimensions)
    columns = tuple(
        Column(name, kind)
        for name, kind in (
            ("parent", Kind.LONG),
            ("source", Kind.STRING),
            ("begin", Kind.TIME),
            ("end", Kind.TIME),
        )
    )
    for family in group.temporal:
        element = family.choose(group).name
        found = {
            tuple(row[n] for n in question.dimensions): ends(span)
            for row in of_keys(
                butler, question.dimensions, group, {element: {"timespan"}}, question.keys, most
            )
            if (span := row[f"{element}.timespan"]) is not None
        }
        rows = [(parent, element, *found[key]) for parent, key in enumerate(question.keys) if key in found]
        return Rows(columns, rows)
    return Rows(columns, [])


def coordinates(
    group: DimensionGroup, names: Sequence[str], keys: Iterable[tuple[str | int, ...]]
) -> list[DataCoordinate]:
    """Data IDs given by the values of these dimensions, each once, for Butler to join with. Raises BadUserInput for other values."""
    distinct = list(dict.fromkeys(keys))
    if any(len(key) != len(names) for key in distinct):
        raise BadUserInput(f"A key has the values of {', '.join(names) or 'no dimensions'}, in this order.")
    if sorted(names) != sorted(group.required):
        named = (dict(zip(names, key, strict=True)) for key in distinct)
        return [DataCoordinate.standardize(values, dimensions=group) for values in named]
    for place, name in enumerate(names):
        kind = str if dimension_kind(group.universe, name) is Kind.STRING else int
        for key in distinct:
            value = key[place]
            if type(value) is not kind or (isinstance(value, int) and not -(2**63) <= value < 2**63):
                what = "a string" if kind is str else "a 64-bit integer"
                raise BadUserInput(f"'{name}' is {what}, and a key has {value!r}.", name=name)
    order = [list(names).index(name) for name in group.required]
    return [DataCoordinate.from_required_values(group, tuple(key[n] for n in order)) for key in distinct]


def of_keys(
    butler: Butler,
    names: Sequence[str],
    wide: DimensionGroup,
    wanted: Mapping[str, Iterable[str]],
    keys: Sequence[tuple[str | int, ...]],
    most: int,
) -> Iterator[Raw]:
    """Rows of ``wide`` for data IDs given by the values of these dimensions, uploaded at once."""
    count, sieved = 0, len(wide.spatial) > 1
    for uploaded in batches(coordinates(wide.universe.conform(names), names, keys)):
        with butler.query() as query:
            result = query.join_data_coordinates(uploaded).general(wide, dimension_fields=merged(wanted))
            for row in rows_of(butler, result, most - count + 1, sieved=sieved):
                count += 1
                if count > most:
                    raise too_many(most)
                yield row


def batches(uploaded: Sequence[DataCoordinate]) -> Iterator[Sequence[DataCoordinate]]:
    """As many at a time as one query may have; none of nothing."""
    return (uploaded[begin : begin + _UPLOADED] for begin in range(0, len(uploaded), _UPLOADED))


class _Layout:
    """Columns of an element's records and how they come out of Butler's rows."""

    def __init__(self, butler: Butler, name: str) -> None:
        universe = butler.dimensions
        if name not in universe.elements.names or name in universe.skypix_dimensions.names:
            known = [n for n in universe.elements.names if n not in universe.skypix_dimensions.names]
            message, details = unknown("dimension element", name, known)
            raise BadUserInput(message, **details)
        element = universe[name]
        self.group = element.minimal_group
        own = self.group.names
        self.required = tuple(element.required.names)
        self._dimensions = own
        self._fields = list(fields(element).items())
        self._name = name
        self._temporal = "timespan" in element.schema.names
        self._spatial = "region" in element.schema.names
        names = {field for field, _ in self._fields}
        names |= {"timespan"} if self._temporal else set()
        names |= {"region"} if self._spatial else set()
        self.fields = {name: names} if names else {}
        columns = [Column(n, dimension_kind(universe, n), dimension=True) for n in own]
        columns += [Column(n, kind) for n, kind in self._fields]
        if self._temporal:
            columns += [Column("timespan.begin", Kind.TIME), Column("timespan.end", Kind.TIME)]
        if self._spatial:
            columns.append(Column("region", Kind.REGION))
        self.columns = tuple(columns)

    def row(self, row: Raw) -> Row:
        values: list[Any] = [row[n] for n in self._dimensions]
        values += [row[f"{self._name}.{field}"] for field, _ in self._fields]
        if self._temporal:
            values += ends(row[f"{self._name}.timespan"])
        if self._spatial:
            region = row[f"{self._name}.region"]
            values.append(None if region is None else encoded(region))
        return tuple(values)


def region_of(element: DimensionElement, row: Raw) -> str | None:
    """The region of an element in a row that was asked for it; a pixel has its shape."""
    if isinstance(element, SkyPixDimension):
        return sky_pixels.shape(element, int(row[element.name]))
    found = row[f"{element.name}.region"]
    return None if found is None else encoded(found)


def region_fields(*elements: DimensionElement) -> dict[str, set[str]]:
    """What to ask for, for ``region_of``."""
    return {e.name: {"region"} for e in elements if not isinstance(e, SkyPixDimension)}


def encoded(region: Any) -> str:
    return b64encode(region.encode()).decode("ascii")
