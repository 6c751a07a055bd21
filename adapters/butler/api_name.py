"""What a name in a constraint, an order or a list of data IDs means for the dimensions at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any

from lsst.daf.butler import DimensionElement, DimensionGroup, DimensionUniverse, Timespan
from lsst.daf.butler.time_utils import TimeConverter

from ..errors import BadUserInput, shortened
from ..question import KeyValue
from ..rows import Kind
from .universe import KINDS, fields, no_name

Raw = Mapping[str, Any]
"""A row of Butler's general query: dimensions, ``element.field`` and ``type.field`` by name."""

_EPOCH, _DAY = 2_440_587.5, 86_400_000_000_000
"""1970-01-01 as a Julian date, and a day in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Name:
    """``role``: dimension, field, begin, end, run or ingest_date. ``outside``: the universe knows it, the dimensions do not hold it."""

    role: str
    kind: Kind
    element: str = ""
    field: str = ""
    outside: bool = False

    @property
    def term(self) -> str:
        """As Butler's expressions call it."""
        if self.role == "dimension":
            return self.element
        return (
            f"{self.element}.{self.field}" if self.role == "field" else f"{self.element}.timespan.{self.role}"
        )

    def value(self, row: Raw, dataset_type: str = "") -> KeyValue:
        """Its value in a row; None for NULL, and for an end of a range that is unbounded."""
        found: Any
        if self.outside:
            return None
        if self.role == "dimension":
            found = row[self.element]
        elif self.role == "field":
            found = row[f"{self.element}.{self.field}"]
            if found != found:  # NaN, which stands with the NULLs
                found = None
        elif self.role in ("run", "ingest_date"):
            found = row[f"{dataset_type}.{self.role}"]
            found = nanoseconds(found) if self.role == "ingest_date" else found
        else:
            begin, end = ends(row[f"{self.element}.timespan"])
            found = begin if self.role == "begin" else end
        return found  # type: ignore[no-any-return]


def nanoseconds(value: Any) -> int | None:
    """TAI nanoseconds of an ingest date, whichever of the two forms the registry's schema has."""
    if value is None or isinstance(value, int):
        return value
    if getattr(value, "scale", "") == "tai":
        # As TimeConverter does, and twenty times as fast: there are as many of these as there are rows.
        whole, rest = divmod(float(value.jd1) - _EPOCH, 1.0)
        return int(whole) * _DAY + round((float(value.jd2) + rest) * _DAY)
    if not hasattr(value, "tai"):
        import astropy.time

        value = astropy.time.Time(value, scale="utc")
    return int(TimeConverter().astropy_to_nsec(value))


def ends(span: Timespan | None) -> tuple[int | None, int | None]:
    """Begin and end of Butler's timespan in nanoseconds; None where unbounded, or where there is none."""
    if span is None:
        return (None, None)
    (begin, end), (least, most) = span.nsec, _bounds()
    return (None if begin <= least else begin, None if end >= most else end)


@cache
def _bounds() -> tuple[int, int]:
    """Butler's own words for ranges without an end."""
    converter = TimeConverter()
    return converter.min_nsec, converter.max_nsec


def picker(names: Sequence[str]) -> Callable[[Raw], tuple[Any, ...]]:
    """What takes these out of a row."""
    if len(names) > 1:
        return itemgetter(*names)
    return (lambda row: (row[names[0]],)) if names else (lambda _: ())


def dimension_kind(universe: DimensionUniverse, name: str) -> Kind:
    return KINDS.get(universe.dimensions[name].primary_key.type, Kind.LONG)


def required_kinds(group: DimensionGroup) -> tuple[Kind, ...]:
    """Of the values that a data ID of these dimensions is told by."""
    return tuple(dimension_kind(group.universe, name) for name in group.required)


def resolve(name: str, group: DimensionGroup, *, dataset: bool = False) -> Name:
    """Find what a name means.

    Raises
    ------
    BadUserInput
        The universe knows no such name, or several elements have such a field; the message has the nearest names.
    """
    universe, name = group.universe, shortened(name)
    if dataset and name in ("run", "ingest_date"):
        return Name(name, Kind.STRING if name == "run" else Kind.TIME)
    head, _, tail = name.partition(".")
    if not tail and head in universe.dimensions:
        return Name("dimension", dimension_kind(universe, head), head, outside=head not in group.names)
    if tail and head in universe.elements.names:
        found = _of_element(universe[head], tail, group)
        if found is not None:
            return found
    if head == "timespan" and tail in ("begin", "end"):
        for family in group.temporal:
            return Name(tail, Kind.TIME, family.choose(group).name)
    if not tail:
        own = [universe[e] for e in group.elements if head in fields(universe[e])]
        others = [e for e in universe.elements if head in fields(e)]
        owners = own or others
        if len(owners) > 1:
            raise BadUserInput(
                f"'{head}' is a field of several dimensions; say {' or '.join(f'{o.name}.{head}' for o in owners)}."
            )
        if owners:
            return Name("field", fields(owners[0])[head], owners[0].name, head, outside=not own)
    raise no_name(name, universe, ["run", "ingest_date"] if dataset else [])


def _of_element(element: DimensionElement, tail: str, group: DimensionGroup) -> Name | None:
    universe = group.universe
    outside = element.name not in group.elements
    if tail in fields(element):
        return Name("field", fields(element)[tail], element.name, tail, outside)
    key = universe.dimensions[element.name].primary_key.name if element.name in universe.dimensions else ""
    for dimension in [tail] if tail in element.dimensions.names else [element.name] if tail == key else []:
        return Name(
            "dimension", dimension_kind(universe, dimension), dimension, outside=dimension not in group.names
        )
    if element.temporal is not None and tail.rpartition(".")[2] in ("begin", "end"):
        return Name(tail.rpartition(".")[2], Kind.TIME, element.name, outside=outside)
    return None
