"""Data IDs joined to N others through Butler's public API: one query, the parents uploaded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lsst.daf.butler import Butler, DimensionElement, DimensionGroup

from .. import overlap
from ..errors import BadUserInput
from ..question import RelatedDataIds
from ..rows import Column, Kind, Row, Rows
from . import sky
from .api_dimensions import batches, coordinates, region_fields, region_of, too_many
from .api_name import dimension_kind, required_kinds
from .api_place import Place
from .api_rows import rows_of
from .api_selection import Selection, merged


def related_data_ids(butler: Butler, question: RelatedDataIds, most: int) -> Rows:
    """Each parent's data IDs, in their own order. Raises TooComplex where Butler finds more than ``most`` in all."""
    universe = butler.dimensions
    for name in question.wanted:
        if name not in universe.dimensions or name in universe.skypix_dimensions.names:
            raise BadUserInput(f"'{name}' is no dimension that has data IDs.", unknown=name)
    if question.page.after is not None and len(question.keys) != 1:
        raise BadUserInput("after belongs to one parent; ask for the others one by one.")
    here, target = universe.conform(question.dimensions), universe.conform(question.wanted)
    dimensions = (Column(name, dimension_kind(universe, name), dimension=True) for name in target.names)
    columns = (Column("parent", Kind.LONG), *dimensions, Column("overlap", Kind.FLOAT))
    places = [1 + list(target.names).index(name) for name in target.required]
    page = question.page.__class__(question.page.first + 1, question.page.after)
    place, rows = Place(required_kinds(target)), list[Row]()
    found = _found(butler, question, here, target, most) if question.keys else {}
    for parent, key in enumerate(question.keys):
        own = found.get(key, {})
        keyed = [(k, (parent, *values, share)) for k, (values, share) in own.items()]
        rows += [row for _, row in place.cut(keyed, page)]
    return Rows(columns, rows, key=lambda row: tuple(row[n] for n in places))


def _found(
    butler: Butler, question: RelatedDataIds, here: DimensionGroup, target: DimensionGroup, most: int
) -> dict[Any, dict[Any, tuple[Row, float | None]]]:
    """By the parent's key, then by the required values: all values, and the share of the parent's region."""
    both = butler.dimensions.conform([*here.required, *target.required])
    selection = Selection(butler, target, question.constraints)
    regions = _measured(here, target, both) if question.overlap else ()
    fields = merged(selection.fields, region_fields(*regions))
    found: dict[Any, dict[Any, tuple[Row, float | None]]] = {}
    count, sieved = 0, len(both.spatial) > 1 or selection.reaching
    for uploaded in batches(coordinates(here, question.dimensions, question.keys)):
        with butler.query() as query:
            query = selection.narrow(query.join_data_coordinates(uploaded))
            result = query.general(both, dimension_fields=fields)
            for row in rows_of(butler, result, most - count + 1, sieved=sieved):
                count += 1
                if count > most:
                    raise too_many(most)
                if not selection.admits(row):
                    continue
                share = None
                if regions:
                    near, far = (region_of(element, row) for element in regions)
                    share = overlap.fraction(near, far) if near and far else None
                own = found.setdefault(tuple(row[name] for name in question.dimensions), {})
                key = tuple(row[name] for name in target.required)
                own.setdefault(key, (tuple(row[name] for name in target.names), share))
    return found


def _measured(
    here: DimensionGroup, target: DimensionGroup, both: DimensionGroup
) -> Sequence[DimensionElement]:
    """The elements whose regions tell how much is covered: where the sky ties one of the parents' to one of these."""
    finest = {family.choose(both).name for family in both.spatial}
    near, far = (
        [foot.element for foot in sky.footing(group) if not foot.through_visits] for group in (here, target)
    )
    alone = len(near) == len(far) == 1 and len(finest) == 2
    return [*near, *far] if alone and {e.name for e in (*near, *far)} == finest else ()
