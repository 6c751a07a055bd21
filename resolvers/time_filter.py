"""Ranges of time, as they are asked for."""

from __future__ import annotations

import strawberry
from strawberry import UNSET

from adapters import instant
from adapters.errors import BadUserInput
from adapters.question import Span

from .given import given
from .scalars import DateTime
from .timespan import TimeScale


@strawberry.input(
    description="Overlap with a half-open range of time; an end left out is unbounded, and with nothing given there is no\n"
    "constraint. Each end is a DateTime, or a Modified Julian Date in mjdScale, not both. at is a single instant\n"
    "and stands alone."
)
class TimeFilter:
    at: DateTime | None = strawberry.field(default=UNSET, description="Contains this instant.")
    begin: DateTime | None = strawberry.field(default=UNSET, description="First instant of the range.")
    end: DateTime | None = strawberry.field(default=UNSET, description="First instant behind the range.")
    at_mjd: float | None = strawberry.field(
        default=UNSET, description="Contains this instant; MJD in mjdScale, days."
    )
    begin_mjd: float | None = strawberry.field(default=UNSET, description="As begin; MJD in mjdScale, days.")
    end_mjd: float | None = strawberry.field(default=UNSET, description="As end; MJD in mjdScale, days.")
    mjd_scale: TimeScale = strawberry.field(
        default=TimeScale.UTC, description="Time scale of atMjd, beginMjd and endMjd."
    )


def span(filter: TimeFilter | None, name: str) -> Span | None:
    """The span that a filter means, None where it constrains nothing. ``name`` is its name in messages."""
    filter = given(filter)
    if filter is None:
        return None
    at = _end(filter, name, "at", filter.at, filter.at_mjd)
    begin = _end(filter, name, "begin", filter.begin, filter.begin_mjd)
    end = _end(filter, name, "end", filter.end, filter.end_mjd)
    if at is not None:
        if begin is not None or end is not None:
            raise BadUserInput(f"{name}: at is a single instant; give it alone, or give begin and end.")
        return Span(at, at + 1)
    if begin is None and end is None:
        return None
    if begin is not None and end is not None and begin >= end:
        raise BadUserInput(
            f"{name}: begin ({instant.to_text(begin)}) must come before end ({instant.to_text(end)}); "
            "for a single instant use at."
        )
    return Span(begin, end)


def _end(filter: TimeFilter, name: str, end: str, moment: DateTime | None, mjd: float | None) -> int | None:
    moment, mjd = given(moment), given(mjd)
    if mjd is None:
        return moment
    if moment is not None:
        raise BadUserInput(f"{name}: give {end} or {end}Mjd, not both.")
    try:
        return instant.from_mjd(mjd, filter.mjd_scale.name)
    except ValueError as error:
        raise BadUserInput(f"{name}: {end}Mjd: {error}") from None
