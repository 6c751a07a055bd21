"""What a batch of datasets needs to know beyond its own rows: a fixed number of questions to its repository, whatever its length.

At most one question for the records of each dimension element that templates name, one for the visits of exposures where it is the
visit's record that is named, one for the sizes of files, and of the regions and the times one for each set of dimensions that dataset types
have. What the rows brought along is not asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import pyarrow as pa
from lsst.daf.butler import Timespan
from lsst.daf.butler.time_utils import TimeConverter

from adapters import region
from adapters.caller import Call
from adapters.capability import Capability
from adapters.errors import AdapterError, Unsupported, unknown
from adapters.protocol import Repository
from adapters.question import Page, Question, RecordsByKey, Regions, RelatedDataIds, Sizes, Timespans
from adapters.rows import ElementInfo, Joined, Row, Rows, TypeInfo, UniverseInfo
from adapters.turned import column
from gateway.tables.arrays import ARROW, array, placed
from gateway.tables.obscore.product import Product
from gateway.tables.obscore.template import Source, Values
from gateway.tables.times import spans

STANDARD = ("exposure_time", "target_name")
"""Fields of what was observed."""

Key = tuple[Any, ...]
_PLAIN = {"int": pa.int64(), "float": pa.float64(), "string": pa.string()}


@dataclass(slots=True)
class Part:
    """The datasets of one type in a batch: their rows and ids, and where in the batch they stand. ``keys``: of elements that were looked for, the
    values of their required dimensions, each once, and which of them each row has."""

    product: Product
    rows: Sequence[Row]
    ids: list[str | None]
    stand: Sequence[int]
    keys: dict[str, tuple[list[Key], list[int]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """Records of an element, by the values of its required dimensions."""

    places: Mapping[str, int]
    records: Mapping[Key, Row]


@dataclass(slots=True)
class Facts:
    """What was asked: ``regions``, ``begins`` and ``ends`` (ns of TAI) by row of the batch, where something is known."""

    universe: UniverseInfo
    rows: Rows
    regions: dict[int, str] = field(default_factory=dict)
    begins: dict[int, int | None] = field(default_factory=dict)
    ends: dict[int, int | None] = field(default_factory=dict)
    records: dict[str, Found] = field(default_factory=dict)
    visits: dict[Key, int] = field(default_factory=dict)
    """Of instruments and exposures; the lowest where an exposure belongs to several."""

    def own(self, name: str, part: Part) -> pa.Array:
        """A column of the rows themselves."""
        place = self.rows.places[name]
        (kind,) = (one.kind for one in self.rows.columns if one.name == name)
        return placed(part.rows, place, ARROW[kind])

    def lying(self, part: Part) -> pa.StringArray:
        """The regions of a part's rows, as registries have them."""
        if (joined := self.rows.beside.get("region")) is not None:
            return placed(part.rows, joined.places[0], pa.string())
        return _at(self.regions, part, pa.string())

    def observed(self, part: Part) -> tuple[pa.Int64Array, pa.Int64Array]:
        """When they were begun and ended, ns of TAI."""
        if (joined := self.rows.beside.get("timespan")) is not None:
            return spans(part.rows, joined)
        return _at(self.begins, part, pa.int64()), _at(self.ends, part, pa.int64())

    def element(self, name: str, info: TypeInfo) -> ElementInfo | None:
        """An element of which a dataset of this type has one record; None: it has none. An exposure has those of its visit, as with the
        exporter, whose query for the region goes through it."""
        element = self.universe.elements.get(name)
        has = {*info.dimensions, "visit"} if "exposure" in info.dimensions else {*info.dimensions}
        if element is None or not has.issuperset(element.required):
            return None
        return element if name in has or not element.dimension else None

    def through_visits(self, name: str, info: TypeInfo) -> bool:
        """Whether such a record is found by an exposure's visit."""
        element = self.element(name, info)
        return element is not None and "visit" in element.required and "visit" not in info.dimensions

    def keys(self, element: ElementInfo, part: Part) -> tuple[list[Key], list[int]]:
        """The values of the element's required dimensions in the part, each once, and which of them each row has."""
        if element.name in part.keys:
            return part.keys[element.name]
        has = part.product.info.dimensions
        places = self.rows.places
        columns = [
            column(part.rows, places[name])
            if name in has
            else [self.visits.get(key) for key in self.exposures(part)]
            for name in element.required
        ]
        known: dict[Key, int] = {}
        which = [known.setdefault(key, len(known)) for key in zip(*columns, strict=True)]
        part.keys[element.name] = (list(known), which)
        return part.keys[element.name]

    def exposures(self, part: Part) -> list[Key]:
        """The instrument and the exposure of each row."""
        names = ("instrument", "exposure")
        return list(zip(*(column(part.rows, self.rows.places[name]) for name in names), strict=True))

    def dimension(self, source: Source, product: Product) -> str | None:
        """The dimension whose value a source is: its own, or one that a record only repeats."""
        if source.element is None:
            return product.dimension(source)
        element = self.element(source.element, product.info)
        if element is None or source.name in {one.name for one in element.fields}:
            return None
        name = element.name if element.dimension and source.name in {"id", "name"} else source.name
        return name if name in product.info.dimensions else None

    def column(self, source: Source, part: Part) -> Values | None:
        """A field of the records of the part's rows; None where their type has no such element, or the repository does not tell.

        Raises AdapterError where the element has no such field.
        """
        values = self.field(source, part)
        element = self.element(source.element or "", part.product.info)
        if values is None and element is not None and source.element in self.records:
            fields = [one.name for one in element.fields]
            if source.name not in fields:
                what = f"field of {element.name} in the configuration of ObsCore:"
                message, details = unknown(what, source.name, fields)
                raise AdapterError(message, **details)
        return values

    def field(self, source: Source, part: Part) -> Values | None:
        """The same, None also where the element has no such field."""
        element = self.element(source.element or "", part.product.info)
        if element is None:
            return None
        type = next((_PLAIN.get(one.type) for one in element.fields if one.name == source.name), None)
        joined = self.beside(source, element, part)
        if joined is not None and type is not None:
            return placed(part.rows, joined.places[0], type)
        found = self.records.get(element.name)
        read = None if found is None else _reader(found, source.name)
        if found is None or read is None:
            return None
        keys, which = self.keys(element, part)
        records = [found.records.get(key) for key in keys]
        values = [None if record is None else read(record) for record in records]
        return [values[place] for place in which] if type is None else pa.array(values, type).take(which)

    def beside(self, source: Source, element: ElementInfo, part: Part) -> Joined | None:
        """Where the rows brought a field along. What an exposure has of its visit they did not."""
        if self.through_visits(element.name, part.product.info):
            return None
        return self.rows.beside.get(source.field)


async def gather(repository: Repository, rows: Rows, parts: Iterable[Part], call: Call) -> Facts:
    """Ask what is needed, but for the sizes. What the repository cannot answer at all (UNSUPPORTED) stays unknown; other errors are raised."""
    parts = list(parts)
    facts = Facts(await repository.universe(call), rows)
    asking = _Asking(repository, rows, parts, facts, call)
    await asking.regions()
    await asking.timespans()
    await asking.records()
    return facts


async def sizes(repository: Repository, parts: Iterable[Part], call: Call) -> Mapping[str | None, int | None]:
    """How many bytes the files of datasets have, by id, where it is known."""
    if Capability.FILES not in repository.capabilities:
        return {}
    ids = dict.fromkeys(chain.from_iterable(part.ids for part in parts))
    ids.pop(None, None)
    try:
        return dict((await repository.ask(Sizes(tuple(ids)), call)).rows)  # type: ignore[arg-type]
    except Unsupported:
        return {}


@dataclass(slots=True)
class _Asking:
    repository: Repository
    rows: Rows
    parts: list[Part]
    facts: Facts
    call: Call

    async def ask(self, question: Question) -> Sequence[Row] | None:
        rows = await self.answer(question)
        return None if rows is None else rows.rows

    async def answer(self, question: Question) -> Rows | None:
        try:
            return await self.repository.ask(question, self.call)
        except Unsupported:
            return None

    async def regions(self) -> None:
        if "region" in self.rows.beside:
            return
        for dimensions, members in self._by_dimensions(lambda one: one.spatial, "exposure").items():
            places = self._keys(dimensions, members)
            keys = tuple(places)
            for parent, _, text in await self.ask(Regions(dimensions, keys)) or []:
                for place in places[keys[parent]]:
                    self.facts.regions[place] = text

    async def timespans(self) -> None:
        if "timespan" in self.rows.beside:
            return
        for dimensions, members in self._by_dimensions(lambda one: one.temporal).items():
            places = self._keys(dimensions, members)
            keys = tuple(places)
            for parent, _, begin, end in await self.ask(Timespans(dimensions, keys)) or []:
                for place in places[keys[parent]]:
                    self.facts.begins[place], self.facts.ends[place] = begin, end

    async def visits(self) -> None:
        exposures: dict[Key, None] = {}
        for part in self.parts:
            info = part.product.info
            if any(self.facts.through_visits(name, info) for name in self._elements(part)):
                exposures.update(dict.fromkeys(self.facts.exposures(part)))
        keys = tuple(key for key in exposures if None not in key)
        if not keys:
            return
        dimensions = ("instrument", "exposure")
        question = RelatedDataIds(dimensions, keys, ("visit",), overlap=False, page=Page(1))
        answer = await self.answer(question)
        if answer is not None:
            place = answer.places["visit"]
            for row in answer.rows:
                key, visit = keys[row[0]], row[place]
                self.facts.visits[key] = min(visit, self.facts.visits.get(key, visit))

    async def records(self) -> None:
        await self.visits()
        wanted: dict[str, dict[Key, None]] = {}
        for part in self.parts:
            for name in self._elements(part):
                element = self.facts.element(name, part.product.info)
                if element is None:
                    continue
                wanted.setdefault(name, {}).update(dict.fromkeys(self.facts.keys(element, part)[0]))
        for name, keys in wanted.items():
            asked = tuple(key for key in keys if None not in key)
            found = await self.answer(RecordsByKey(name, asked))
            if found is not None:
                self.facts.records[name] = Found(found.places, {asked[row[0]]: row for row in found.rows})

    def _elements(self, part: Part) -> Iterable[str]:
        """Whose records the rows of a part need."""
        product = part.product
        found = {} if product.already is None else {product.already: None}
        sources = [source for template in product.templates for source in template.sources]
        if product.observed is not None:
            sources += (Source(name, product.observed) for name in STANDARD)
        for source in sources:
            if source.element is None or self.facts.dimension(source, product) is not None:
                continue
            element = self.facts.element(source.element, product.info)
            if element is None or self.facts.beside(source, element, part) is None:
                found[source.element] = None
        return found

    def _by_dimensions(
        self, test: Callable[[ElementInfo], bool], *more: str
    ) -> dict[tuple[str, ...], list[Part]]:
        """The parts whose dimensions may have what is asked, by their required dimensions."""
        elements = self.facts.universe.elements
        found: dict[tuple[str, ...], list[Part]] = {}
        for part in self.parts:
            info = part.product.info
            if any(name in more or name not in elements or test(elements[name]) for name in info.dimensions):
                found.setdefault(info.required, []).append(part)
        return found

    def _keys(self, dimensions: Sequence[str], parts: Iterable[Part]) -> dict[Key, list[int]]:
        """The data IDs of the parts, and where in the batch the rows are that have them."""
        found: dict[Key, list[int]] = {}
        places = [self.rows.places[name] for name in dimensions]
        for part in parts:
            keys = zip(*(column(part.rows, place) for place in places), strict=True)
            for key, place in zip(keys, part.stand, strict=True):
                if None not in key:
                    found.setdefault(key, []).append(place)
        return found


def _at(found: Mapping[int, Any], part: Part, type: pa.DataType) -> pa.Array:
    return (
        array([found.get(stand) for stand in part.stand], type) if found else pa.nulls(len(part.rows), type)
    )


def _reader(found: Found, name: str) -> Callable[[Row], Any] | None:
    """How a field is read of a record, as Butler's own records have it: a timespan and a region are objects."""
    if name == "timespan" and "timespan.begin" in found.places:
        begin, end = found.places["timespan.begin"], found.places["timespan.end"]
        convert = TimeConverter().nsec_to_astropy

        def timespan(row: Row) -> Timespan | None:
            if row[begin] is None and row[end] is None:
                return None
            since, until = (None if row[place] is None else convert(row[place]) for place in (begin, end))
            return Timespan(since, until)

        return timespan
    place = found.places.get(name)
    if place is None:
        return None
    if name == "region":
        return lambda row: None if row[place] is None else region.decode(row[place])
    return lambda row: row[place]
