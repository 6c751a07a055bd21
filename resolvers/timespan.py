"""Ranges of time, as they are answered."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import strawberry

from adapters import instant
from adapters.question import Timespans

from .context import Scope, by_parent
from .loader import Loader
from .noun import noun
from .scalars import DateTime

Values = tuple[str | int, ...]


@strawberry.enum(description="Time scales in which a Modified Julian Date can be given.")
class TimeScale(Enum):
    UTC = strawberry.enum_value("UTC", description="Coordinated Universal Time, with leap seconds.")
    TAI = strawberry.enum_value(
        "TAI", description="International Atomic Time, the scale of Butler's registry."
    )
    TT = strawberry.enum_value("TT", description="Terrestrial Time, TAI + 32.184 s.")
    TDB = strawberry.enum_value("TDB", description="Barycentric Dynamical Time.")


Scale = Annotated[TimeScale, strawberry.argument(description="Time scale of the Modified Julian Date.")]


@noun
class Timespan:
    """A half-open range of time: begin belongs to it, end does not. Null: unbounded."""

    __slots__ = ("_begin", "_end")

    def __init__(self, begin: int | None, end: int | None) -> None:
        self._begin = begin
        self._end = end

    @strawberry.field
    def begin(self) -> DateTime | None:
        """First instant, UTC; null: unbounded."""
        return None if self._begin is None else DateTime(self._begin)

    @strawberry.field
    def end(self) -> DateTime | None:
        """First instant behind it, UTC; null: unbounded."""
        return None if self._end is None else DateTime(self._end)

    @strawberry.field
    def begin_mjd(self, scale: Scale = TimeScale.UTC) -> float | None:
        """begin as Modified Julian Date, days, as near as a double comes (about a microsecond)."""
        return None if self._begin is None else instant.to_mjd(self._begin, scale.name)

    @strawberry.field
    def end_mjd(self, scale: Scale = TimeScale.UTC) -> float | None:
        """end as Modified Julian Date, days, as near as a double comes (about a microsecond)."""
        return None if self._end is None else instant.to_mjd(self._end, scale.name)


def timespans(scope: Scope, dimensions: tuple[str, ...]) -> Loader[Values, Timespan | None]:
    """When data IDs of these dimensions were observed; None where one has no time."""

    async def fetch(keys: list[Values]) -> dict[Values, Timespan | None]:
        rows = await scope.ask(Timespans(dimensions, tuple(keys)), len(keys), 1)
        if not rows.rows:
            return {}
        begin, end = rows.index("begin"), rows.index("end")
        return {key: Timespan(found[0][begin], found[0][end]) for key, found in by_parent(rows, keys).items()}

    return scope.loader(("timespans", dimensions), fetch, None)
