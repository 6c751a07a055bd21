"""Which records lie where: candidates by the registry's pixels, then exactly by lsst.sphgeom.

Butler's registry keeps, for every spatial element, the pixels of the universe's common pixelisation (htm7) that each record overlaps. A shape's envelope of pixels gives
the candidates, and the regions themselves decide; the answer is that of Butler's own overlap queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionElement, DimensionGroup, SkyPixDimension
from lsst.sphgeom import Region

from .. import region
from ..caller import Call
from ..errors import BadUserInput, TooComplex
from ..notes import By, noted
from ..question import Sky
from .store import Store
from .tables import Tables

_MOST_CANDIDATES = 400_000


@dataclass(frozen=True, slots=True)
class Footing:
    """Where the region of a data ID comes from: ``element``, met through visit_definition for exposures without a visit."""

    element: DimensionElement
    through_visits: bool = False


def footing(group: DimensionGroup) -> list[Footing]:
    """The finest spatial elements of the dimensions, one a family; for an exposure those of its visits; empty: nothing has a region."""
    found = [Footing(family.choose(group)) for family in group.spatial]  # type: ignore[arg-type]
    if found or "exposure" not in group.names:
        return found
    wider = group.universe.conform([*group.names, "visit"])
    return [Footing(family.choose(wider), through_visits=True) for family in wider.spatial]  # type: ignore[arg-type]


def facing(here: DimensionGroup, there: DimensionGroup) -> tuple[Footing, Footing]:
    """Where the regions of two sides come from where Butler joins them: the finest that both together have. Of (detector, patch) and visit
    it is the detector's region in the visit, though neither side has both."""
    both = here.universe.conform([*here.names, *there.names])
    finest = {foot.element.spatial: foot for foot in footing(both)}
    near, far = (
        foot if foot.through_visits else finest[foot.element.spatial]
        for foot in (footing(here)[0], footing(there)[0])
    )
    return near, far


def require(group: DimensionGroup, what: str) -> list[Footing]:
    """Like footing, refusing dimensions without a region. Raises BadUserInput."""
    found = footing(group)
    if not found:
        dimensions = ", ".join(group.required) or "none"
        raise BadUserInput(
            f"sky is refused for {what}: its dimensions ({dimensions}) have no region on the sky; leave sky out, or ask for "
            "something that was observed or lies somewhere (exposure, visit, tract, patch)."
        )
    return found


def matching(
    foot: Footing, sky: Sky, store: Store, tables: Tables, call: Call
) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Dimension names, and the values of every record whose region shares a point with the shape.

    Raises
    ------
    TooComplex
        More candidates than may be looked at.
    """
    shape = region.parse(sky.shape)
    if isinstance(foot.element, SkyPixDimension):
        return (foot.element.name,), _pixels(foot.element, shape, min(_MOST_CANDIDATES, call.max_rows))
    universe = tables.universe
    element = foot.element
    names = tuple(element.required.names)
    table = tables.element(element.name)
    columns = tables.key_columns(element)
    overlap = tables.skypix_overlap(element.name)
    pixels = universe.commonSkyPix
    ranges = list(pixels.pixelization.envelope(shape))
    within = sa.or_(
        *(
            sa.and_(overlap.c.skypix_index >= begin, overlap.c.skypix_index < end)
            for begin, end in _widened(ranges)
        )
    )
    candidates = (
        sa.select(*(overlap.c[name] for name in names))
        .where(overlap.c.skypix_system == pixels.system.name, overlap.c.skypix_level == pixels.level, within)
        .distinct()
        .subquery()
    )
    on = sa.and_(*(table.c[columns[name]] == candidates.c[name] for name in names))
    source = candidates.join(table, on)
    keys: list[Any] = [candidates.c[name] for name in names]
    if foot.through_visits:
        link = tables.element("visit_definition")
        source = source.join(
            link, sa.and_(link.c.instrument == candidates.c.instrument, link.c.visit == candidates.c.visit)
        )
        names = tuple("exposure" if name == "visit" else name for name in names)
        keys = [link.c.exposure if name == "exposure" else candidates.c[name] for name in names]
    limit = min(_MOST_CANDIDATES, call.max_rows)
    statement = (
        sa.select(table.c.region, *keys)
        .select_from(source)
        .where(table.c.region.is_not(None))
        .limit(limit + 1)
    )
    rows = store.rows(statement, call)
    if len(rows) > limit:
        raise TooComplex(
            f"The shape covers more than {limit} regions of {element.name}; ask for a smaller one.",
            limit=limit,
            actual=len(rows),
            what="regions",
        )
    with noted(call.notes, By.PYTHON, f"which regions of {element.name} the shape overlaps"):
        found = {tuple(row[1:]): None for row in rows if region.overlaps(region.decode(row[0]), shape)}
    return names, list(found)


def _pixels(pixels: SkyPixDimension, shape: Region, limit: int) -> list[tuple[int]]:
    """The pixels of a pixelisation, which need no records, that share a point with the shape. Raises TooComplex."""
    ranges = list(pixels.pixelization.envelope(shape))
    count = sum(end - begin for begin, end in ranges)
    if count > limit:
        raise TooComplex(
            f"The shape covers more than {limit} pixels of {pixels.name}; ask for a smaller one.",
            limit=limit,
            actual=count,
            what="pixels",
        )
    found = (index for begin, end in ranges for index in range(begin, end))
    return [(index,) for index in found if region.overlaps(pixels.pixelization.pixel(index), shape)]


def _widened(ranges: list[tuple[int, int]], most: int = 200) -> list[tuple[int, int]]:
    """At most so many ranges: the smallest gaps are closed, which only adds candidates."""
    if len(ranges) <= most:
        return ranges
    gaps = sorted(range(len(ranges) - 1), key=lambda i: ranges[i + 1][0] - ranges[i][1])
    closed = set(gaps[: len(ranges) - most])
    out = [ranges[0]]
    for index in range(1, len(ranges)):
        if index - 1 in closed:
            out[-1] = (out[-1][0], ranges[index][1])
        else:
            out.append(ranges[index])
    return out
