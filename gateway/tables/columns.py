"""The columns of a list: which there are, and their values for each page of its rows.

Names are Butler's, made legal in ADQL (``names``), and IVOA's where it has one for the thing; all are plain scalars, so that the table can be uploaded to a
TAP service and joined there. Positions are ICRS, degrees; times are MJD, UTC, days, half-open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
from astropy.units import Unit

from adapters import region
from adapters.caller import Call
from adapters.media_types import DATALINK
from adapters.protocol import Repository
from adapters.question import Regions, Timespans
from adapters.rows import PUBLISHED, ElementInfo, Kind, Rows
from adapters.turned import column as column_of
from gateway.tables.arrays import ARROW, Uuids, array, butlers, named, read
from gateway.tables.names import legal
from gateway.tables.pages import Page, Part
from gateway.tables.table import column
from gateway.tables.times import mjd, timestamps
from resolvers.record import BEGIN, END, plain

Datalink = Callable[[str], str]
"""The address of the DataLink service of a repository, by its label."""

IDENTITY = (
    column(
        "obs_publisher_did",
        pa.string(),
        ucd="meta.ref.ivoid",
        utype="obscore:Curation.PublisherDID",
        description="IVOA identifier of the dataset: an ID for DataLink, SODA and SIA services",
    ),
    column(
        "access_url",
        pa.string(),
        ucd="meta.ref.url",
        utype="obscore:Access.Reference",
        description="The links of the dataset (DataLink)",
    ),
    column(
        "access_format",
        pa.string(),
        ucd="meta.code.mime",
        utype="obscore:Access.Format",
        description="Media type of what is at access_url",
    ),
    column("repository", pa.string(), ucd="meta.id", description="Label of the Butler repository"),
    column(
        "id",
        pa.string(),
        ucd="meta.id",
        description="Butler's id of the dataset, a UUID; null where its identifier holds none",
    ),
    column("dataset_type", pa.string(), ucd="meta.id", description="Butler's dataset type"),
    column("run", pa.string(), ucd="meta.id", description="The RUN collection that holds the dataset"),
)
INGESTED = column(
    "ingest_date",
    ARROW[Kind.TIME],
    ucd="time.creation",
    xtype="timestamp",
    description="When the dataset came into the repository, UTC",
)
TIMES = (
    column(
        "t_min",
        pa.float64(),
        unit="d",
        ucd="time.start;obs.exposure",
        utype="obscore:Char.TimeAxis.Coverage.Bounds.Limits.StartTime",
        description="Begin of the observation, MJD, UTC",
    ),
    column(
        "t_max",
        pa.float64(),
        unit="d",
        ucd="time.end;obs.exposure",
        utype="obscore:Char.TimeAxis.Coverage.Bounds.Limits.StopTime",
        description="End of the observation, MJD, UTC",
    ),
)
SKY = (
    column(
        "s_ra",
        pa.float64(),
        unit="deg",
        ucd="pos.eq.ra",
        utype="obscore:Char.SpatialAxis.Coverage.Location.Coord.Position2D.Value2.C1",
        description="Right ascension of the middle, ICRS",
    ),
    column(
        "s_dec",
        pa.float64(),
        unit="deg",
        ucd="pos.eq.dec",
        utype="obscore:Char.SpatialAxis.Coverage.Location.Coord.Position2D.Value2.C2",
        description="Declination of the middle, ICRS",
    ),
    column(
        "s_fov",
        pa.float64(),
        unit="deg",
        ucd="phys.angSize;instr.fov",
        utype="obscore:Char.SpatialAxis.Coverage.Bounds.Extent.diameter",
        description="Diameter of the circle around the region",
    ),
    column(
        "s_region",
        pa.string(),
        ucd="pos.outline;obs.field",
        utype="obscore:Char.SpatialAxis.Coverage.Support.Area",
        description="The region, ICRS, as STC-S text: POLYGON or CIRCLE, or another word of STC-S where it is none",
    ),
)
OVERLAP = column(
    "overlap",
    pa.float64(),
    ucd="stat.value",
    description="How much of the region that the list began at this one covers, 0 to 1; null for other shapes than convex polygons",
)


class Columns(Protocol):
    """The columns of one part of a table."""

    @property
    def fields(self) -> Sequence[pa.Field]: ...

    async def values(self, part: Part, call: Call) -> list[pa.Array]:
        """An array for each field, as long as the part."""
        ...


async def batch(columns: Columns, schema: pa.Schema, page: Page, call: Callable[[], Call]) -> pa.RecordBatch:
    """The rows of a page as they stand in the table."""
    parts = [part for part in page if part.rows.rows]
    found = [pa.RecordBatch.from_arrays(await columns.values(part, call()), schema=schema) for part in parts]
    if not found:
        return _empty(schema)
    if parts[0].places is None:
        return found[0]
    places = list(chain.from_iterable(part.places or () for part in parts))
    order = pa.array(sorted(range(len(places)), key=places.__getitem__), pa.int64())
    (whole,) = pa.Table.from_batches(found).take(order).combine_chunks().to_batches()
    return whole


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in schema], schema=schema)


class DatasetColumns:
    """What is said of datasets: identifiers, type, run, data ID, ingest date, time and sky. ``dimensions``: names of all types together, in
    the universe's order, with what their values are. The identifier that a publisher gave to datasets is one of their dimensions, and stands among the
    identifiers."""

    def __init__(self, dimensions: Mapping[str, Kind], datalink: Datalink) -> None:
        self._dimensions = {name: kind for name, kind in dimensions.items() if name != PUBLISHED}
        self._datalink = datalink
        taken = [field.name for field in (*IDENTITY, INGESTED, *TIMES, *SKY)]
        self.fields = (
            *IDENTITY,
            *dimension_fields(self._dimensions, taken),
            INGESTED,
            *TIMES,
            *SKY,
        )

    async def values(self, part: Part, call: Call) -> list[pa.Array]:
        begins, ends = await times(part, call)
        where = await regions(part, call)
        # An event loop has others to answer.
        return await asyncio.to_thread(self._made, part, begins, ends, where)

    def _made(
        self, part: Part, begins: list[int | None], ends: list[int | None], where: list[str | None]
    ) -> list[pa.Array]:
        rows = part.rows
        count = len(rows.rows)
        found = references(part.repository, read(rows, "id"), _published(rows), self._datalink)
        return [
            found.ivoids,
            found.links,
            pa.repeat(pa.scalar(DATALINK), count),
            pa.repeat(pa.scalar(part.repository.name), count),
            found.ids,
            named(rows, "type", pa.string()),
            named(rows, "run", pa.string()),
            *(named(rows, name, ARROW[kind]) for name, kind in self._dimensions.items()),
            timestamps(named(rows, "ingest_date", pa.int64())),
            mjd(array(begins, pa.int64())),
            mjd(array(ends, pa.int64())),
            *sky(where),
        ]


class References(NamedTuple):
    """IVOA identifiers of datasets, the addresses of their links, and Butler's ids of them; as ``Dataset`` of GraphQL has them."""

    ivoids: pa.Array
    links: pa.Array
    ids: pa.Array


def references(
    repository: Repository,
    ids: Sequence[str | None],
    published: Sequence[str | None] | None,
    datalink: Datalink,
) -> References:
    """``ids``: 32 hex digits each; ``published``: the identifiers that the datasets came with, in a repository with such."""
    before, _, after = repository.settings.ivoid.replace("{repository}", repository.name).partition("{id}")
    service = f"{datalink(repository.name)}/links?ID="
    known = Uuids(ids)
    ivoids = known.between(before, after)
    if published is None:
        links = known.between(f"{service}{quote(before, safe='')}", quote(after, safe=""))
        return References(ivoids, links, known.text)
    ivoids = pc.coalesce(pa.array(published, pa.string()), ivoids)
    links = [None if one is None else f"{service}{quote(one, safe='')}" for one in ivoids.to_pylist()]
    return References(ivoids, pa.array(links, pa.string()), Uuids(butlers(ids, published)).text)


def _published(rows: Rows) -> list[str | None] | None:
    return read(rows, PUBLISHED) if PUBLISHED in rows.places else None


def dimension_fields(dimensions: Mapping[str, Kind], taken: Iterable[str]) -> list[pa.Field]:
    """A field for each dimension."""
    return [
        column(legal(name, taken), ARROW[kind], ucd="meta.id", description=f"Dimension '{name}'")
        for name, kind in dimensions.items()
    ]


async def times(part: Part, call: Call) -> tuple[list[int | None], list[int | None]]:
    """Begin and end of each dataset's timespan, ns of TAI; None where there is none, or it is unbounded."""
    rows = part.rows
    joined = rows.beside.get("timespan")
    if joined is not None:
        known, begin, end = (column_of(rows.rows, place) for place in joined.places)
        return (
            [one if there else None for there, one in zip(known, begin, strict=True)],
            [one if there else None for there, one in zip(known, end, strict=True)],
        )
    found = await _by_data_id(part, Timespans, call)
    return (
        [None if one is None else one["begin"] for one in found],
        [None if one is None else one["end"] for one in found],
    )


async def regions(part: Part, call: Call) -> list[str | None]:
    """The region of each dataset, as registries write it; None where there is none."""
    rows = part.rows
    joined = rows.beside.get("region")
    if joined is not None:
        (place,) = joined.places
        return column_of(rows.rows, place)
    return [None if one is None else one["region"] for one in await _by_data_id(part, Regions, call)]


async def _by_data_id(
    part: Part, ask: type[Regions] | type[Timespans], call: Call
) -> list[dict[str, Any] | None]:
    """What a question about the data IDs of datasets says of each: asked once for each dataset type."""
    rows = part.rows
    found: list[dict[str, Any] | None] = [None] * len(rows.rows)
    types = read(rows, "type")
    for name, info in rows.types.items():
        places = [place for place, type in enumerate(types) if type == name]
        keys = [tuple(rows.rows[place][rows.places[one]] for one in info.required) for place in places]
        distinct = tuple(dict.fromkeys(key for key in keys if None not in key))
        if not distinct:
            continue
        answer = await part.repository.ask(ask(info.required, distinct), call)
        parent = answer.index("parent")
        known = {
            distinct[row[parent]]: {one: row[at] for one, at in answer.places.items()} for row in answer.rows
        }
        for place, key in zip(places, keys, strict=True):
            found[place] = known.get(key)
    return found


def sky(texts: Sequence[str | None]) -> list[pa.Array]:
    """The columns of ``SKY``."""
    found = [None if text is None else region.describe(text) for text in texts]
    return [
        pa.array([None if one is None else one.ra for one in found], pa.float64()),
        pa.array([None if one is None else one.dec for one in found], pa.float64()),
        pa.array([None if one is None else 2.0 * one.radius for one in found], pa.float64()),
        pa.array([None if one is None else one.s_region or None for one in found], pa.string()),
    ]


class DataIdColumns:
    """The dimensions of data IDs, and how much they overlap what the list began at."""

    def __init__(self, dimensions: Mapping[str, Kind], *, overlap: bool) -> None:
        self._dimensions = dimensions
        self._overlap = overlap
        self.fields = (*dimension_fields(dimensions, ()), *([OVERLAP] if overlap else ()))

    async def values(self, part: Part, call: Call) -> list[pa.Array]:
        del call
        found = [named(part.rows, name, ARROW[kind]) for name, kind in self._dimensions.items()]
        return [*found, *([named(part.rows, "overlap", pa.float64())] if self._overlap else ())]


class RecordColumns:
    """The fields of dimension records, times and regions in the forms that datasets have. ``answer``: one of the question, for its columns."""

    def __init__(self, answer: Rows, element: ElementInfo) -> None:
        fields: list[pa.Field] = []
        documented = {one.name: one for one in element.fields}
        self._reads: list[Callable[[Rows], list[pa.Array]]] = []
        for one in answer.columns:
            if one.name == END:
                continue
            if one.name == BEGIN:
                fields += TIMES
                self._reads.append(_timespans)
            elif one.kind is Kind.REGION and one.name == "region":
                fields += SKY
                self._reads.append(_regions)
            else:
                said = documented.get(one.name)
                taken = [field.name for field in (*fields, *TIMES, *SKY)]
                about = said.documentation if said else f"Dimension '{one.name}'"
                fields.append(
                    column(
                        legal(one.name, taken),
                        ARROW[one.kind],
                        unit=votable_unit(said.unit if said else None),
                        ucd="meta.id" if one.dimension else None,
                        description=about,
                    )
                )
                self._reads.append(partial(_plain, one.name, one.kind))
        self.fields = tuple(fields)

    async def values(self, part: Part, call: Call) -> list[pa.Array]:
        del call
        return await asyncio.to_thread(lambda: [array for take in self._reads for array in take(part.rows)])


def _timespans(rows: Rows) -> list[pa.Array]:
    return [mjd(named(rows, name, pa.int64())) for name in (BEGIN, END)]


def _regions(rows: Rows) -> list[pa.Array]:
    return sky(read(rows, "region"))


def _plain(name: str, kind: Kind, rows: Rows) -> list[pa.Array]:
    if kind is Kind.TIME:
        return [timestamps(named(rows, name, pa.int64()))]
    if kind not in (Kind.UUID, Kind.REGION, Kind.HASH, Kind.NAMES):
        return [named(rows, name, ARROW[kind])]
    values = [plain(value, kind) for value in read(rows, name)]
    if kind is Kind.NAMES:
        values = [None if value is None else " ".join(value) for value in values]
    return [pa.array(values, ARROW[kind])]


def votable_unit(unit: str | None) -> str | None:
    """A unit of Butler's as VOUnits 1.0 spells it; None for one that it does not know."""
    if unit is None:
        return None
    try:
        return str(Unit(unit).to_string("vounit"))
    except ValueError:
        return None
