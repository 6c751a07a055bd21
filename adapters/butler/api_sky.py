"""Ties by the sky that Butler does not join: between observations, between sky maps, and of exposures through their visits.

The parents' regions come first; then whatever lies in the pixels that they touch, in one query; what overlaps what is found by lsst.sphgeom.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from lsst.daf.butler import SkyPixDimension
from lsst.sphgeom import RangeSet

from .. import overlap
from . import sky, sky_pixels
from .api_dimensions import coordinates, of_keys, region_fields, region_of
from .api_name import Raw
from .api_place import Key
from .api_ties import Seeker, Tie
from .kinship import Side
from .sky_pairs import overlapping, refuse

_Placed = tuple[int, Key, str]
"""A place in a list, the dimensions that both sides must share, and a region (base64)."""


def by_sky(seeker: Seeker) -> Iterator[Tie]:
    """Datasets whose regions share a point with a parent's. Raises TooComplex where more pairs than may be looked at are near."""
    near_foot, far_foot = (sky.footing(group)[0] for group in (seeker.here, seeker.there))
    here, there = seeker.parents.side.families, Side("", seeker.there).families
    # Between observations of their own kind nothing else ties them: any filter, any detector.
    shared = [] if here & there else [n for n in seeker.there.names if n in seeker.here.names]
    near = list(_near(seeker, near_foot, shared))
    rows = list(_candidates(seeker, far_foot, [region for _, _, region in near]))
    element, pixels = far_foot.element, seeker.butler.dimensions.commonSkyPix
    far = [
        (place, tuple(row[name] for name in shared), region)
        for place, row in enumerate(rows)
        if (region := region_of(element, row)) is not None
    ]

    def undecided(i: int, j: int) -> bool:
        # Where sphgeom cannot say whether two regions overlap, Butler takes them to if they have a pixel in common.
        one, other = (sky_pixels.touched(pixels, text) for text in (near[i][2], far[j][2]))
        return bool(one.intersects(other))

    pairs = overlapping([n[2] for n in near], [f[2] for f in far], seeker.most, undecided)
    found: dict[tuple[int, Any, str], Tie] = {}
    # Of an exposure that several visits saw the lowest one decides: both sides are in their order.
    for i, j in sorted(pairs, key=lambda pair: pair[::-1]):
        (parent, mine, one), (place, theirs, other) = near[i], far[j]
        if mine == theirs:
            row = rows[place]
            tie = seeker.tie(parent, row)
            held = (parent, tie.id, f"{tie.collection} {tie.begin}")
            if held not in found:
                tie.share = overlap.fraction(one, other) if seeker.question.overlap else None
                found[held] = tie
    yield from found.values()


def _near(seeker: Seeker, foot: sky.Footing, shared: Sequence[str]) -> Iterator[_Placed]:
    """The parents' regions; of an exposure one a visit, the lowest first."""
    question, butler = seeker.question, seeker.butler
    element = foot.element
    wide = seeker.here
    if foot.through_visits:
        wide = butler.dimensions.conform([*seeker.here.required, "visit"])
    by_key: dict[Key, list[Raw]] = defaultdict(list)
    fields = region_fields(element)
    for row in of_keys(butler, question.dimensions, wide, fields, question.keys, seeker.most):
        by_key[tuple(row[name] for name in question.dimensions)].append(row)
    for parent, key in enumerate(question.keys):
        for row in sorted(
            by_key.get(key, ()), key=lambda row: int(row["visit"]) if foot.through_visits else 0
        ):
            if (region := region_of(element, row)) is not None:
                yield parent, tuple(row[name] for name in shared), region


def _candidates(seeker: Seeker, foot: sky.Footing, regions: Sequence[str]) -> Iterator[Raw]:
    """Datasets that may overlap one of the regions: Butler joins pixels to whatever lies in them."""
    element, universe = foot.element, seeker.butler.dimensions
    pixels = element if isinstance(element, SkyPixDimension) else universe.commonSkyPix
    touched = RangeSet()
    for region in dict.fromkeys(regions):
        touched |= sky_pixels.touched(pixels, region)
        if touched.cardinality() > seeker.most:
            raise refuse(seeker.most, touched.cardinality())
    keys = [(index,) for index in sky_pixels.members(touched)]
    uploaded = coordinates(universe.conform([pixels.name]), (pixels.name,), keys)
    if pixels is element:
        yield from seeker.rows(seeker.there, {}, uploaded)
        return
    wide = seeker.there
    if foot.through_visits:
        wide = universe.conform([*seeker.there.required, "visit"])
    seen = set[Any]()
    rows = list(seeker.rows(wide, region_fields(element), uploaded))
    if foot.through_visits:
        rows.sort(key=lambda row: int(row["visit"]))
    for row in rows:
        name = seeker.name
        held = tuple(row[f"{name}.{field}"] for field in ("dataset_id", "collection", "timespan"))
        held += (row.get("visit"),)
        if held not in seen:
            seen.add(held)
            yield row
