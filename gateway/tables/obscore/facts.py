"""What a batch of datasets needs to know beyond its own rows: a fixed number of questions to its repository, whatever its length.

At most one question for the records of each dimension element that templates name, one for the visits of exposures where it is the
visit's record that is named, one for the files, and of the regions and the times that the rows did not bring along one for each set of
dimensions that dataset types have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lsst.daf.butler import Timespan
from lsst.daf.butler.time_utils import TimeConverter

from adapters import region
from adapters.caller import Call
from adapters.capability import Capability
from adapters.errors import AdapterError, Unsupported, unknown
from adapters.protocol import Repository
from adapters.question import Files, Page, Question, RecordsByKey, Regions, RelatedDataIds, Timespans
from adapters.rows import ElementInfo, Row, Rows, TypeInfo, UniverseInfo
from gateway.tables.obscore.product import Product
from gateway.tables.obscore.template import Source

STANDARD = ("exposure_time", "target_name")
Key = tuple[Any, ...]


@dataclass(slots=True)
class Part:
    """The datasets of one type in a batch: their rows, and where in the batch they stand. ``keys``: of elements that were looked for, the
    values of their required dimensions, each once, and which of them each row has."""

    product: Product
    rows: list[Row] = field(default_factory=list)
    stand: list[int] = field(default_factory=list)
    keys: dict[str, tuple[list[Key], list[int]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """Records of an element, by the values of its required dimensions."""

    places: Mapping[str, int]
    records: Mapping[Key, Row]


@dataclass(slots=True)
class Facts:
    """``regions``, ``begins``, ``ends`` (ns of TAI) and ``sizes`` (bytes): of each row of the batch, None where nothing is known."""

    universe: UniverseInfo
    columns: Mapping[str, int]
    regions: list[str | None]
    begins: list[int | None]
    ends: list[int | None]
    sizes: list[int | None]
    records: dict[str, Found] = field(default_factory=dict)
    visits: dict[Key, int] = field(default_factory=dict)
    """Of instruments and exposures; the lowest where an exposure belongs to several."""

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
        columns = [
            [row[self.columns[name]] for row in part.rows]
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
        instrument, exposure = self.columns["instrument"], self.columns["exposure"]
        return [(row[instrument], row[exposure]) for row in part.rows]

    def dimension(self, source: Source, product: Product) -> str | None:
        """The dimension whose value a source is: its own, or one that a record only repeats."""
        if source.element is None:
            return product.dimension(source)
        element = self.element(source.element, product.info)
        if element is None or source.name in {one.name for one in element.fields}:
            return None
        name = element.name if element.dimension and source.name in {"id", "name"} else source.name
        return name if name in product.info.dimensions else None

    def column(self, source: Source, part: Part) -> list[Any] | None:
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

    def field(self, source: Source, part: Part) -> list[Any] | None:
        """The same, None also where the element has no such field."""
        element = self.element(source.element or "", part.product.info)
        found = None if element is None else self.records.get(element.name)
        read = None if found is None else _reader(found, source.name)
        if element is None or found is None or read is None:
            return None
        keys, which = self.keys(element, part)
        records = [found.records.get(key) for key in keys]
        values = [None if record is None else read(record) for record in records]
        return [values[place] for place in which]


async def gather(repository: Repository, rows: Rows, parts: Iterable[Part], sizes: bool, call: Call) -> Facts:
    """Ask what is needed. What the repository cannot answer at all (UNSUPPORTED) stays unknown; other errors are raised."""
    parts = list(parts)
    count = len(rows.rows)
    universe = await repository.universe(call)
    facts = Facts(universe, rows.places, [None] * count, [None] * count, [None] * count, [None] * count)
    asking = _Asking(repository, rows, parts, facts, call)
    await asking.regions()
    await asking.timespans()
    await asking.records()
    if sizes and Capability.FILES in repository.capabilities:
        await asking.files()
    return facts


@dataclass(slots=True)
class _Asking:
    repository: Repository
    rows: Rows
    parts: list[Part]
    facts: Facts
    call: Call

    async def ask(self, question: Question) -> list[Row] | None:
        rows = await self.answer(question)
        return None if rows is None else rows.rows

    async def answer(self, question: Question) -> Rows | None:
        try:
            return await self.repository.ask(question, self.call)
        except Unsupported:
            return None

    async def regions(self) -> None:
        if (joined := self.rows.beside.get("region")) is not None:
            (place,) = joined.places
            self.facts.regions = [row[place] for row in self.rows.rows]
            return
        for dimensions, members in self._by_dimensions(lambda one: one.spatial, "exposure").items():
            places = self._keys(dimensions, members)
            keys = tuple(places)
            for parent, _, text in await self.ask(Regions(dimensions, keys)) or []:
                for place in places[keys[parent]]:
                    self.facts.regions[place] = text

    async def timespans(self) -> None:
        if (joined := self.rows.beside.get("timespan")) is not None:
            known, begin, end = joined.places
            self.facts.begins = [row[begin] if row[known] else None for row in self.rows.rows]
            self.facts.ends = [row[end] if row[known] else None for row in self.rows.rows]
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
            if any(self.facts.through_visits(name, info) for name in self._elements(part.product)):
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
            for name in self._elements(part.product):
                element = self.facts.element(name, part.product.info)
                if element is None:
                    continue
                wanted.setdefault(name, {}).update(dict.fromkeys(self.facts.keys(element, part)[0]))
        for name, keys in wanted.items():
            asked = tuple(key for key in keys if None not in key)
            found = await self.answer(RecordsByKey(name, asked))
            if found is not None:
                self.facts.records[name] = Found(found.places, {asked[row[0]]: row for row in found.rows})

    async def files(self) -> None:
        place = self.rows.places["id"]
        ids = [row[place] for row in self.rows.rows]
        answer = await self.answer(Files(tuple(dict.fromkeys(one for one in ids if one is not None))))
        if answer is None:
            return
        total: dict[str, int | None] = {}
        column, files = answer.places["size"], answer.places["id"]
        for row in answer.rows:
            so_far, size = total.get(row[files], 0), row[column]
            total[row[files]] = None if so_far is None or size is None else so_far + size
        self.facts.sizes = [total.get(one) for one in ids]

    def _elements(self, product: Product) -> Iterable[str]:
        """Whose records the rows of a type need."""
        found = dict.fromkeys(name for name in (product.observed, product.already) if name is not None)
        for template in product.templates:
            for source in template.sources:
                if source.element is not None and self.facts.dimension(source, product) is None:
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
        columns = [self.rows.places[name] for name in dimensions]
        for part in parts:
            keys = zip(*([row[column] for row in part.rows] for column in columns), strict=True)
            for key, place in zip(keys, part.stand, strict=True):
                if None not in key:
                    found.setdefault(key, []).append(place)
        return found


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
