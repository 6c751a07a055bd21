"""Butler's own query expressions, and the values bound to names in them."""

from __future__ import annotations

import re
from typing import Any

import strawberry
from strawberry import UNSET

from adapters.errors import BadUserInput
from adapters.question import Bind as Bound
from adapters.question import Where

from .given import alone, given
from .scalars import UUID, DateTime, Long
from .sky import shape_text
from .time_filter import TimeFilter, span

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@strawberry.input(one_of=True, description="The value of a bind, of exactly one kind.")
class BindValue:
    string: str | None = strawberry.field(default=UNSET, description="A string.")
    long: Long | None = strawberry.field(default=UNSET, description="An integer.")
    float_: float | None = strawberry.field(
        name="float", default=UNSET, description="A number with a fraction."
    )
    strings: list[str] | None = strawberry.field(default=UNSET, description="For IN (:name).")
    longs: list[Long] | None = strawberry.field(default=UNSET, description="For IN (:name).")
    time: DateTime | None = strawberry.field(default=UNSET, description="An instant.")
    timespan: TimeFilter | None = strawberry.field(
        default=UNSET, description="A range of time, for OVERLAPS."
    )
    region: str | None = strawberry.field(
        default=UNSET, description="A shape as in SkyFilter.shape, for OVERLAPS; ICRS degrees."
    )
    uuid: UUID | None = strawberry.field(default=UNSET, description="A dataset's id.")


@strawberry.input(description="A value for a name in a where expression.")
class Bind:
    name: str = strawberry.field(description="The name after the colon: visits for :visits.")
    value: BindValue = strawberry.field(description="What it stands for.")


def where(text: str | None, binds: list[Bind] | None) -> Where | None:
    """The expression with its values. Raises BadUserInput for binds without one, and for a name given twice."""
    text, binds = given(text), given(binds)
    if text is None or not text.strip():
        if binds:
            raise BadUserInput("bind gives values to names in where, and there is no where.")
        return None
    found: dict[str, Bound] = {}
    for bind in binds or ():
        if _NAME.fullmatch(bind.name) is None:
            raise BadUserInput(
                f"bind: {bind.name[:60]!r} is no name; for :visits in where the name is visits."
            )
        if bind.name in found:
            raise BadUserInput(f"bind: '{bind.name}' is given twice.")
        found[bind.name] = Bound(bind.name, *_value(bind))
    return Where(text, tuple(found.values()))


def _value(bind: Bind) -> tuple[str, Any]:
    value = bind.value
    chosen = alone(
        string=value.string,
        long=value.long,
        float=value.float_,
        strings=value.strings,
        longs=value.longs,
        time=value.time,
        timespan=value.timespan,
        region=value.region,
        uuid=value.uuid,
    )
    if chosen is None:
        raise BadUserInput(f"bind: '{bind.name}' needs exactly one value.")
    kind, content = chosen
    if kind == "timespan":
        found = span(content, f"bind: '{bind.name}'")
        if found is None:
            raise BadUserInput(f"bind: '{bind.name}' is a timespan without an end; give at, begin or end.")
        return kind, found
    if kind == "region":
        return kind, shape_text(content, f"bind: '{bind.name}'")
    return kind, tuple(content) if isinstance(content, list) else content
