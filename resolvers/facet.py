"""Counts by value."""

from __future__ import annotations

import strawberry

from adapters.rows import Facets

from .scalars import DataIdMap, Long


@strawberry.type(description="How many datasets have these values.")
class Facet:
    value: DataIdMap = strawberry.field(
        description="The values, by the names in by; null where there is none."
    )
    count: Long = strawberry.field(description="Datasets that have them.")


@strawberry.type(description="Counts by value, most frequent first.")
class FacetList:
    items: list[Facet] = strawberry.field(description="One for each combination of values that occurs.")
    complete: bool = strawberry.field(description="false where first cut the list.")


def facet_list(facets: Facets) -> FacetList:
    items = [
        Facet(value=DataIdMap(dict(zip(facets.by, row[:-1], strict=True))), count=Long(row[-1]))
        for row in facets.rows
    ]
    return FacetList(items=items, complete=facets.complete)
