"""Constraints in Butler's own language, and the judge's words for values and times."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from lsst.daf.butler import DimensionGroup, DimensionUniverse, Timespan
from lsst.daf.butler.time_utils import TimeConverter

from adapters.question import Constraint, Op, Span, Where

SIGNS = {Op.EQ: "=", Op.NE: "!=", Op.GE: ">=", Op.GT: ">", Op.LE: "<=", Op.LT: "<"}


class Terms:
    """A where expression in the making: conditions, their values, and the instruments and sky maps that Butler wants named.

    ``values``: every value that a dimension has."""

    def __init__(self, universe: DimensionUniverse, values: Callable[[str], list[Any]]) -> None:
        self._universe = universe
        self._values = values
        self._texts: list[str] = []
        self._binds: dict[str, Any] = {}
        self._governors: set[str] = set()

    def bind(self, value: Any) -> str:
        name = f"judge{len(self._binds)}"
        self._binds[name] = value
        return name

    def add(self, text: str) -> None:
        self._texts.append(text)

    def any(self, name: str, values: list[Any]) -> None:
        self.add(f"{name} IN (:{self.bind(values)})" if values else f"{name} != {name}")

    def reach(self, group: DimensionGroup) -> None:
        self._governors |= set(group.governors)

    def written(self, where: Where) -> None:
        binds = {one.name: list(one.value) if one.kind.endswith("s") else one.value for one in where.binds}
        self._binds |= binds
        self.add(f"({where.text})")
        universe = self._universe
        for element in universe.elements:
            if element.name in where.text and element.name not in universe.skypix_dimensions.names:
                self._governors |= set(element.minimal_group.governors)

    def clause(self) -> tuple[str, dict[str, Any]]:
        for governor in sorted(self._governors):
            names = [f":{self.bind(value)}" for value in self._values(governor)]
            self.add(f"{governor} IN ({', '.join(names)})")
        return " AND ".join(self._texts), self._binds


def holds(value: Any, constraint: Constraint) -> bool:
    given: Any = constraint.value
    match constraint.op:
        case Op.EQ:
            return bool(value == given)
        case Op.NE:
            return bool(value != given)
        case Op.IN:
            return value in given
        case Op.GLOB:
            return fnmatchcase(value, given)
        case Op.GE:
            return bool(value >= given)
        case Op.GT:
            return bool(value > given)
        case Op.LE:
            return bool(value <= given)
    return bool(value < given)


def moment(nanoseconds: int) -> Any:
    return TimeConverter().nsec_to_astropy(nanoseconds)


def nanoseconds(time: Any) -> int:
    return int(TimeConverter().astropy_to_nsec(time))


def timespan(span: Span) -> Timespan:
    return Timespan(
        None if span.begin is None else moment(span.begin), None if span.end is None else moment(span.end)
    )


def ends(span: Timespan | None) -> tuple[int | None, int | None]:
    if span is None:
        return None, None
    return (
        None if span.begin is None else nanoseconds(span.begin),
        None if span.end is None else nanoseconds(span.end),
    )
