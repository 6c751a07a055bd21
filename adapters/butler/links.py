"""Who belongs to whom, before anyone looks for datasets: for N parents, the dimension values that something tied to them has.

A link is a row of: parent (index of its key), values of dimensions, and what the kind of tie adds: the parent's time (begin, end), the share
of its region (overlap), or the calibration collection that ties them (collection, rank, begin, end).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionGroup, SkyPixDimension

from .. import overlap as sky_overlap
from .. import region
from ..caller import Call
from ..errors import TooComplex
from . import sky
from .joins import Source
from .names import CollectionRecord, TypeRecord
from .store import Store
from .tables import Tables

Column = sa.ColumnElement[Any]
_MOST_CANDIDATES = 1_000_000


@dataclass(slots=True)
class Links:
    """``rows``: a table of links; ``dimensions``: which of its columns are dimensions, by name.

    ``collection`` and ``rank`` where the parents are calibrations: what certifies them from begin to end; ``earlier`` then
    says whether an earlier collection certifies another one for a target (with the table that says when it was observed).
    """

    rows: sa.FromClause
    parent: Column
    dimensions: dict[str, Column]
    begin: Column | None = None
    end: Column | None = None
    overlap: Column | None = None
    collection: Column | None = None
    rank: Column | None = None
    earlier: Callable[[sa.FromClause], Column] | None = None
    conditions: list[Column] = field(default_factory=list)


def uploaded(
    tables: Tables, dimensions: Sequence[str], keys: Sequence[Sequence[Any]]
) -> tuple[sa.Subquery, dict[str, Column]]:
    """The parents' keys as a table of one parameter, and its columns by dimension."""
    rows = tables.dialect.upload(keys, [tables.sql_type(name) for name in dimensions])
    return rows, {name: rows.c[f"c{place}"] for place, name in enumerate(dimensions)}


def by_data_id(
    tables: Tables,
    parents: DimensionGroup,
    dimensions: Sequence[str],
    keys: Sequence[Any],
    target: DimensionGroup,
) -> Links:
    """What the dimensions of both sides say together, as Butler joins them: equal where both have them, and through every element that
    relates them (an exposure and its visits by visit_definition, an exposure and its filter)."""
    both = tables.universe.conform([*parents.names, *target.names])
    rows, known = uploaded(tables, dimensions, keys)
    source = Source(tables, both, rows, known)
    source.relate()
    for name in parents.names:
        source.dimension(name)
    values = {name: source.keys[name] for name in target.names if name in source.keys}
    return _distinct(source, rows.c.parent, values)


def _meet(source: Source) -> None:
    """Join visit_definition on the side that is there, which gives the other side."""
    assert source.clause is not None
    link = source.tables.element("visit_definition").alias()
    own, other = ("exposure", "visit") if "exposure" in source.keys else ("visit", "exposure")
    on = sa.and_(link.c.instrument == source.keys["instrument"], link.c[own] == source.keys[own])
    source.clause = source.clause.join(link, on)
    source.keys[other] = link.c[other]


def by_time(
    tables: Tables,
    parents: DimensionGroup,
    dimensions: Sequence[str],
    keys: Sequence[Any],
    shared: Sequence[str],
) -> Links:
    """The parents' timespans, with the dimensions that the other side must share."""
    rows, known = uploaded(tables, dimensions, keys)
    source = Source(tables, parents, rows, known)
    (family, *_) = parents.temporal
    element = family.choose(parents)
    begin, end = source.timespan(element.name)
    source.conditions.append(tables.dialect.has_timespan(source.element(element.name)))
    values = {name: source.dimension(name) for name in shared}
    bare = source.select(
        rows.c.parent.label("parent"),
        begin.label("begin"),
        end.label("end"),
        *(value.label(name) for name, value in values.items()),
    ).subquery()
    return Links(
        bare, bare.c.parent, {name: bare.c[name] for name in values}, begin=bare.c.begin, end=bare.c.end
    )


def by_certification(
    tables: Tables,
    record: TypeRecord,
    ids: Sequence[str],
    calibrations: Sequence[tuple[int, CollectionRecord]],
) -> Links:
    """The validity ranges of calibrations: what they are valid for is found by its own time and data ID."""
    assert record.calibs is not None
    dialect = tables.dialect
    rows = dialect.upload([[identifier] for identifier in ids], [dialect.id_type()])
    table = tables.association(record.calibs, record.info.required, True).alias()
    ranks = dialect.upload([[c.id, place] for place, c in calibrations], [sa.BigInteger(), sa.BigInteger()])
    clause = rows.join(table, table.c.dataset_id == rows.c.c0)
    clause = clause.join(ranks, ranks.c.c0 == table.c.collection_id)
    begin, end = dialect.timespan(table)
    bare = (
        sa.select(
            rows.c.parent.label("parent"),
            table.c.collection_id.label("collection"),
            ranks.c.c1.label("rank"),
            begin.label("begin"),
            end.label("end"),
            *(table.c[d].label(d) for d in record.info.required),
        )
        .select_from(clause)
        .subquery()
    )

    def earlier(observed: sa.FromClause) -> Column:
        other = tables.association(record.calibs or "", record.info.required, True).alias()
        before = dialect.upload(
            [[c.id, place] for place, c in calibrations], [sa.BigInteger(), sa.BigInteger()]
        )
        observation = dialect.timespan(observed)
        return (
            sa.exists()
            .where(
                other.c.dataset_type_id == record.id,
                other.c.collection_id == before.c.c0,
                before.c.c1 < bare.c.rank,
                *(other.c[d] == bare.c[d] for d in record.info.required),
                dialect.meets(other, *observation),
            )
            .correlate(bare, observed)
        )

    return Links(
        bare,
        bare.c.parent,
        {d: bare.c[d] for d in record.info.required},
        begin=bare.c.begin,
        end=bare.c.end,
        collection=bare.c.collection,
        rank=bare.c.rank,
        earlier=earlier if len(calibrations) > 1 else None,
    )


def by_sky(
    store: Store,
    tables: Tables,
    parents: DimensionGroup,
    dimensions: Sequence[str],
    keys: Sequence[Any],
    target: DimensionGroup,
    shared: Sequence[str],
    call: Call,
    *,
    measure: bool,
) -> Links:
    """Regions that share a point: candidates by the pixels that both overlap, then exactly.

    Regions are decoded once and kept; ``measure``: the share of the parent's region is worked out too. Raises TooComplex
    where there are more candidates than may be looked at.
    """
    near, far = sky.footing(parents)[0], sky.footing(target)[0]
    limit = min(_MOST_CANDIDATES, call.max_rows)
    if isinstance(far.element, SkyPixDimension):
        own = _own_regions(store, tables, near, parents, dimensions, keys, shared, limit, call)
        found = list(islice(_pixels(far.element, own), limit + 1))
    elif isinstance(near.element, SkyPixDimension):
        place = list(dimensions).index(near.element.name)
        pairs = _around_pixels(tables, near.element, far, [key[place] for key in keys])
        regions = [_pixel(near.element, int(key[place])) for key in keys]
        found = [(regions[row[1]], *row) for row in store.rows(pairs.limit(limit + 1), call)]
    else:
        pairs = _candidates(tables, near, far, parents, dimensions, keys, shared)
        found = store.rows(pairs.limit(limit + 1), call)
    if len(found) > limit:
        raise TooComplex(
            f"More than {limit} pairs of regions may overlap; ask for fewer parents, or constrain the data ID.",
            limit=limit,
            actual=len(found),
            what="pairs of regions",
        )
    names = [_seen_as(name, far) for name in far.element.required.names]
    width = len(names) + len(shared)
    links: dict[tuple[Any, ...], float | None] = {}
    for row in found:
        link = row[2:]
        if link not in links and region.overlaps(region.decode(row[0]), region.decode(row[1])):
            links[link] = sky_overlap.fraction(row[0], row[1]) if measure else None
    kinds = [sa.BigInteger(), *(tables.sql_type(n) for n in (*names, *shared)), sa.Float()]
    rows = tables.dialect.upload([[*link, share] for link, share in links.items()], kinds)
    values: dict[str, Column] = {
        name: rows.c[f"c{place + 1}"] for place, name in enumerate((*names, *shared))
    }
    return Links(rows, rows.c.c0, values, overlap=rows.c[f"c{width + 1}"])


def _candidates(
    tables: Tables,
    near: sky.Footing,
    far: sky.Footing,
    parents: DimensionGroup,
    dimensions: Sequence[str],
    keys: Sequence[Any],
    shared: Sequence[str],
) -> sa.Select[Any]:
    """Both regions, the parent, the other's keys, the shared dimensions: one row a pair that has a pixel in common."""
    rows, known = uploaded(tables, dimensions, keys)
    source = Source(tables, parents, rows, known)
    values = [source.dimension(name) for name in shared]
    if near.through_visits:
        _meet(source)
    here = _region(source, near.element.name)
    assert source.clause is not None
    universe = tables.universe
    pixels = universe.commonSkyPix
    own, others = (tables.skypix_overlap(f.element.name).alias() for f in (near, far))
    mine = sa.and_(
        *(own.c[name] == source.keys[name] for name in near.element.required.names),
        own.c.skypix_system == pixels.system.name,
        own.c.skypix_level == pixels.level,
    )
    theirs = sa.and_(
        others.c.skypix_index == own.c.skypix_index,
        others.c.skypix_system == pixels.system.name,
        others.c.skypix_level == pixels.level,
    )
    table = tables.element(far.element.name).alias()
    places = tables.key_columns(far.element)
    names = far.element.required.names
    clause = source.clause.join(own, mine).join(others, theirs)
    clause = clause.join(table, sa.and_(*(table.c[places[n]] == others.c[n] for n in names)))
    columns: dict[str, Any] = {name: others.c[name] for name in names}
    if far.through_visits:
        link = tables.element("visit_definition").alias()
        clause = clause.join(
            link, sa.and_(link.c.instrument == others.c.instrument, link.c.visit == others.c.visit)
        )
        columns["visit"] = link.c.exposure
    return (
        sa.select(here, table.c.region, rows.c.parent, *columns.values(), *values)
        .select_from(clause)
        .where(here.is_not(None), table.c.region.is_not(None), *source.conditions)
        .distinct()
    )


def _own_regions(
    store: Store,
    tables: Tables,
    near: sky.Footing,
    parents: DimensionGroup,
    dimensions: Sequence[str],
    keys: Sequence[Any],
    shared: Sequence[str],
    limit: int,
    call: Call,
) -> list[tuple[Any, ...]]:
    """Each parent's region (as base64), the parent, the shared dimensions."""
    if isinstance(near.element, SkyPixDimension):
        place = list(dimensions).index(near.element.name)
        return [(_pixel(near.element, int(key[place])), parent) for parent, key in enumerate(keys)]
    rows, known = uploaded(tables, dimensions, keys)
    source = Source(tables, parents, rows, known)
    values = [source.dimension(name) for name in shared]
    if near.through_visits:
        _meet(source)
    here = _region(source, near.element.name)
    statement = source.select(here, rows.c.parent, *values).where(here.is_not(None)).distinct()
    return store.rows(statement.limit(limit), call)


def _pixels(element: SkyPixDimension, own: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Rows as of _candidates for a pixelisation, which has no records: the pixels of each region's envelope."""
    for text, parent, *values in own:
        for begin, end in element.pixelization.envelope(region.decode(text)):
            for index in range(begin, end):
                yield (text, _pixel(element, index), parent, index, *values)


def _around_pixels(
    tables: Tables, element: SkyPixDimension, far: sky.Footing, indices: Sequence[Any]
) -> sa.Select[Any]:
    """The other's region, the parent, the other's keys: what has a pixel of the common pixelisation with a parent's pixel."""
    common = tables.universe.commonSkyPix
    pairs: list[list[int]] = []
    for parent, index in enumerate(indices):
        if element == common:
            pairs.append([parent, int(index)])
        else:
            ranges = common.pixelization.envelope(element.pixelization.pixel(int(index)))
            pairs += [[parent, pixel] for begin, end in ranges for pixel in range(begin, end)]
    rows = tables.dialect.upload(pairs, [sa.BigInteger(), sa.BigInteger()])
    others = tables.skypix_overlap(far.element.name).alias()
    table = tables.element(far.element.name).alias()
    places = tables.key_columns(far.element)
    names = far.element.required.names
    clause = rows.join(
        others,
        sa.and_(
            others.c.skypix_index == rows.c.c1,
            others.c.skypix_system == common.system.name,
            others.c.skypix_level == common.level,
        ),
    ).join(table, sa.and_(*(table.c[places[n]] == others.c[n] for n in names)))
    columns: dict[str, Any] = {name: others.c[name] for name in names}
    if far.through_visits:
        link = tables.element("visit_definition").alias()
        clause = clause.join(
            link, sa.and_(link.c.instrument == others.c.instrument, link.c.visit == others.c.visit)
        )
        columns["visit"] = link.c.exposure
    return (
        sa.select(table.c.region, rows.c.c0, *columns.values())
        .select_from(clause)
        .where(table.c.region.is_not(None))
        .distinct()
    )


@lru_cache(maxsize=20_000)
def _pixel(element: SkyPixDimension, index: int) -> str:
    """The region of a pixel, as a registry would have it."""
    return base64.b64encode(element.pixelization.pixel(index).encode()).decode()


def _region(source: Source, element: str) -> Column:
    """The region of an element whose dimensions are at hand."""
    assert source.clause is not None
    owner = source.tables.universe[element]
    table = source.tables.element(element).alias()
    places = source.tables.key_columns(owner)
    on = sa.and_(*(table.c[places[n]] == source.keys[n] for n in owner.required.names))
    source.clause = source.clause.join(table, on)
    column: Column = table.c.region
    return column


def _seen_as(name: str, foot: sky.Footing) -> str:
    """The dimension as which the target has it: an exposure is met through its visits."""
    return "exposure" if foot.through_visits and name == "visit" else name


def _distinct(source: Source, parent: Column, values: dict[str, Column]) -> Links:
    """Each link once: several ways (visits of an exposure) may lead to it."""
    rows = (
        source.select(parent.label("parent"), *(value.label(name) for name, value in values.items()))
        .distinct()
        .subquery()
    )
    return Links(rows, rows.c.parent, {name: rows.c[name] for name in values})
