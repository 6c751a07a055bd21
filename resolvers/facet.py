"""Counts by value."""

from __future__ import annotations

import strawberry

from adapters import instant
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
    times = [_is_time(name) for name in facets.by]
    items = []
    for *values, count in facets.rows:
        shown = (
            instant.to_text(value) if timed and isinstance(value, int) else value
            for timed, value in zip(times, values, strict=True)
        )
        items.append(Facet(value=DataIdMap(dict(zip(facets.by, shown, strict=True))), count=Long(count)))
    return FacetList(items=items, complete=facets.complete)


def _is_time(name: str) -> bool:
    """Whether the values of a field are instants, which adapters give in nanoseconds TAI."""
    return name == "ingest_date" or name.endswith(("timespan.begin", "timespan.end"))
