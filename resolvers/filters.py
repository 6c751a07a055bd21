"""Partly given data IDs: which values of a dimension, or of a field of its records, will do."""

from __future__ import annotations

from collections.abc import Iterator

import strawberry
from strawberry import UNSET

from adapters.errors import BadUserInput
from adapters.question import Constraint, Op, Value

from .given import alone, given
from .scalars import Long


@strawberry.input(description="Constraints on a string; all that are given must hold. Null satisfies none.")
class StringFilter:
    eq: str | None = strawberry.field(default=UNSET, description="Equal to.")
    ne: str | None = strawberry.field(default=UNSET, description="Not equal to.")
    in_: list[str] | None = strawberry.field(
        name="in", default=UNSET, description="Equal to one of these; an empty list matches nothing."
    )
    glob: str | None = strawberry.field(
        default=UNSET, description="Shell-style: HSC-*, ?, [abc], [!abc]; upper and lower case differ."
    )


@strawberry.input(description="Constraints on an integer; all that are given must hold. Null satisfies none.")
class LongFilter:
    eq: Long | None = strawberry.field(default=UNSET, description="Equal to.")
    ne: Long | None = strawberry.field(default=UNSET, description="Not equal to.")
    in_: list[Long] | None = strawberry.field(
        name="in", default=UNSET, description="Equal to one of these; an empty list matches nothing."
    )
    gte: Long | None = strawberry.field(default=UNSET, description="At least.")
    lte: Long | None = strawberry.field(default=UNSET, description="At most.")
    gt: Long | None = strawberry.field(default=UNSET, description="Greater than.")
    lt: Long | None = strawberry.field(default=UNSET, description="Less than.")


@strawberry.input(description="Constraints on a number; all that are given must hold. Null satisfies none.")
class FloatFilter:
    eq: float | None = strawberry.field(default=UNSET, description="Equal to.")
    gte: float | None = strawberry.field(default=UNSET, description="At least.")
    lte: float | None = strawberry.field(default=UNSET, description="At most.")
    gt: float | None = strawberry.field(default=UNSET, description="Greater than.")
    lt: float | None = strawberry.field(default=UNSET, description="Less than.")


@strawberry.input(
    description="A constraint on any dimension, or on a field of a dimension's records, by its Butler name. Exactly one of\n"
    "string, long, float and bool."
)
class NamedFilter:
    name: str = strawberry.field(description="htm7, exposure.observation_type, visit.exposure_time ...")
    string: StringFilter | None = strawberry.field(default=UNSET, description="For strings.")
    long: LongFilter | None = strawberry.field(default=UNSET, description="For integers.")
    float_: FloatFilter | None = strawberry.field(
        name="float", default=UNSET, description="For numbers with a fraction."
    )
    bool_: bool | None = strawberry.field(name="bool", default=UNSET, description="For flags.")


@strawberry.input(
    description="A partly specified data ID: dimensions left out are wildcards, instrument and skymap too. A filter without\n"
    "content is no constraint."
)
class DataIdFilter:
    instrument: StringFilter | None = strawberry.field(
        default=UNSET, description="Short name: HSC, LSSTCam, LSSTComCam ..."
    )
    detector: LongFilter | None = strawberry.field(
        default=UNSET, description="Number of the detector within its instrument."
    )
    physical_filter: StringFilter | None = strawberry.field(
        default=UNSET, description="The filter as the instrument calls it: HSC-R, r_57 ..."
    )
    band: StringFilter | None = strawberry.field(
        default=UNSET, description="The filter's band, whatever the instrument: u, g, r, i, z, y ..."
    )
    group: StringFilter | None = strawberry.field(
        default=UNSET, description="Name of the group in which exposures were taken together."
    )
    day_obs: LongFilter | None = strawberry.field(
        default=UNSET, description="Day of observation, as the number YYYYMMDD: 20130617."
    )
    exposure: LongFilter | None = strawberry.field(
        default=UNSET, description="Number of the exposure within its instrument."
    )
    visit: LongFilter | None = strawberry.field(
        default=UNSET, description="Number of the visit within its instrument."
    )
    skymap: StringFilter | None = strawberry.field(
        default=UNSET, description="Name of the skymap, which defines tracts and patches: lsst_cells_v1 ..."
    )
    tract: LongFilter | None = strawberry.field(
        default=UNSET, description="Number of the tract within its skymap."
    )
    patch: LongFilter | None = strawberry.field(
        default=UNSET, description="Number of the patch within its tract."
    )
    other: list[NamedFilter] | None = strawberry.field(
        default=UNSET,
        description="Further dimensions, and fields of dimension records (exposure.observation_type), by Butler name.",
    )


NAMES = (
    "instrument",
    "detector",
    "physical_filter",
    "band",
    "group",
    "day_obs",
    "exposure",
    "visit",
    "skymap",
    "tract",
    "patch",
)
_OPS = (
    ("eq", Op.EQ),
    ("ne", Op.NE),
    ("in_", Op.IN),
    ("glob", Op.GLOB),
    ("gte", Op.GE),
    ("gt", Op.GT),
    ("lte", Op.LE),
    ("lt", Op.LT),
)


def constraints(filter: DataIdFilter | None) -> tuple[Constraint, ...]:
    """What a filter demands, in Butler's names; nothing where it is left out or empty."""
    filter = given(filter)
    if filter is None:
        return ()
    found: list[Constraint] = []
    for name in NAMES:
        found.extend(_constraints(name, given(getattr(filter, name))))
    for other in given(filter.other) or ():
        found.extend(_named(other))
    return tuple(found)


def _constraints(name: str, filter: StringFilter | LongFilter | FloatFilter | None) -> Iterator[Constraint]:
    if filter is None:
        return
    for attribute, op in _OPS:
        value: Value | list[Value] | None = given(getattr(filter, attribute, None))
        if isinstance(value, list):
            yield Constraint(name, op, tuple(value))
        elif value is not None:
            yield Constraint(name, op, value)


def _named(filter: NamedFilter) -> Iterator[Constraint]:
    if not filter.name:
        raise BadUserInput("dataId.other: a name is empty; write it as exposure.observation_type or htm7.")
    chosen = alone(string=filter.string, long=filter.long, float=filter.float_, bool=filter.bool_)
    if chosen is None:
        raise BadUserInput(
            f"dataId.other: '{filter.name}' needs exactly one of string, long, float and bool."
        )
    _, value = chosen
    if isinstance(value, bool):
        yield Constraint(filter.name, Op.EQ, value)
    else:
        yield from _constraints(filter.name, value)
