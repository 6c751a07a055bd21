"""A question about datasets, as clients put it."""

from __future__ import annotations

import strawberry
from strawberry import UNSET

from adapters.errors import BadUserInput
from adapters.question import Datasets

from .among import among
from .bind import Bind, where
from .filters import DataIdFilter, constraints
from .given import given, names
from .order import order
from .scalars import DataIdMap, DateTime
from .sky import SkyFilter, sky
from .time_filter import TimeFilter, span


@strawberry.input(
    description="A question about datasets: the same object wherever datasets are asked for. type and collections take names\n"
    "and globs; several types, or a glob, give one list over all of them. All constraints must hold."
)
class DatasetQuery:
    type: list[str] = strawberry.field(description="Dataset types: names or globs (calexp, raw, *Coadd).")
    collections: list[str] | None = strawberry.field(
        default=UNSET,
        description="Names or globs, in search order. Left out: the repository's default collections.",
    )
    data_id: DataIdFilter | None = strawberry.field(
        default=UNSET, description="Constraints on dimensions; those left out are wildcards."
    )
    among: list[DataIdMap] | None = strawberry.field(
        default=UNSET,
        description="Data IDs from elsewhere (rows of a table, at most 100,000, all with the same keys): only datasets whose\n"
        "data ID matches one of them. An empty list matches nothing.",
    )
    where: str | None = strawberry.field(
        default=UNSET, description="Butler's own query expression, with values bound by name in bind."
    )
    bind: list[Bind] | None = strawberry.field(default=UNSET, description="Values for the names in where.")
    sky: SkyFilter | None = strawberry.field(
        default=UNSET,
        description="Where it looked, or lies: refused for types whose dimensions have no region (flats), never silently\n"
        "joined.",
    )
    time: TimeFilter | None = strawberry.field(default=UNSET, description="When it was observed.")
    validity: TimeFilter | None = strawberry.field(default=UNSET, description="Calibrations: valid then.")
    ingested_before: DateTime | None = strawberry.field(
        default=UNSET,
        description="Datasets ingested then or later are left out (ingest dates only: certifications, tags, chains and\n"
        "deletions carry no date).",
    )
    find_first: bool | None = strawberry.field(
        default=UNSET,
        description="true: for each type and data ID only the dataset of the first collection, in search order, that has one\n"
        "(constraints apply before). false: every distinct dataset, once, however many collections hold it or\n"
        "ranges certify it. Left out: true for named collections, false for globs and for calibration types in\n"
        "CALIBRATION collections (true there is BAD_USER_INPUT).",
    )
    order_by: list[str] | None = strawberry.field(
        default=UNSET,
        description="Dimensions, fields (exposure.obs_id, timespan.begin), ingest_date or run, by Butler name; a leading - for\n"
        "descending order. Nulls come last either way; strings are compared by code point.",
    )


def question(query: DatasetQuery) -> Datasets:
    """The question in Butler's words, without a page."""
    if not query.type:
        raise BadUserInput("type is an empty list; name at least one dataset type, or a glob such as '*'.")
    return Datasets(
        types=tuple(query.type),
        collections=names(query.collections),
        constraints=constraints(query.data_id),
        among=among(query.among),
        where=where(query.where, query.bind),
        sky=sky(query.sky),
        time=span(query.time, "time"),
        validity=span(query.validity, "validity"),
        ingested_before=given(query.ingested_before),
        find_first=given(query.find_first),
        order=order(query.order_by),
    )
