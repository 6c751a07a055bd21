"""What limits a question, told to Butler where Butler can ask it and decided in Python where it cannot.

Butler is asked for a superset (equalities, lists and ranges of numbers; whatever lies outside of the dimensions at hand, which Butler
joins; the where expression), and every constraint on the question's own dimensions is decided again in Python: globs with classes,
strings by code point, NULLs that satisfy nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any

from lsst.daf.butler import Butler, DimensionGroup
from lsst.daf.butler.queries import Query
from lsst.sphgeom import Region

from .. import region
from ..errors import BadUserInput
from ..question import Among, Constraint, KeyValue, Op, Sky, Span
from ..rows import Kind
from .api_name import Name, Raw, ends, resolve
from .api_rows import rows_of
from .expression import Expression, time
from .mistakes import lacking

_ACCEPTED: dict[Kind, tuple[tuple[type, ...], str]] = {
    Kind.STRING: ((str,), "a string"),
    Kind.LONG: ((int,), "an integer"),
    Kind.FLOAT: ((int, float), "a number"),
    Kind.BOOL: ((bool,), "true or false"),
    Kind.TIME: ((int,), "a time"),
}
_SIGNS = {Op.EQ: "=", Op.NE: "!=", Op.GE: ">=", Op.GT: ">", Op.LE: "<=", Op.LT: "<"}


@dataclass
class Selection:
    """Limits compiled against one group of dimensions. ``fields``: record fields that deciding needs, by element; ``dated``: whether it
    needs ingest dates, which cost a Butler server more than all the rest."""

    butler: Butler
    group: DimensionGroup
    constraints: tuple[Constraint, ...] = ()
    among: Among | None = None
    where: Expression | None = None
    sky: Sky | None = None
    time: Span | None = None
    dataset_type: str = ""
    what: str = "these dimensions"
    fields: dict[str, set[str]] = field(default_factory=dict)
    dated: bool = False

    def __post_init__(self) -> None:
        self._named = [
            (c, resolve(c.name, self.group, dataset=bool(self.dataset_type))) for c in self.constraints
        ]
        for constraint, name in self._named:
            check(constraint, name.kind)
            self.need(name)
        self._among = self._compile_among()
        self._shape = None if self.sky is None else region.parse(self.sky.shape)
        self._regions: list[tuple[str, bool]] = []
        self._seen: dict[tuple[Any, ...], list[Region]] = {}
        if self.sky is not None:
            self._regions = footings(self.group, self.what)
            for element, through in self._regions:
                if through:
                    self._seen = visit_regions(self.butler, self.group, element)
                elif element not in self.group.universe.skypix_dimensions.names:
                    self.fields.setdefault(element, set()).add("region")
        self._temporal = ""
        if self.time is not None:
            self._temporal = temporal(self.group, self.what)
            self.fields.setdefault(self._temporal, set()).add("timespan")

    def need(self, name: Name) -> None:
        """Have a name's value among what is fetched."""
        if name.role == "field" and not name.outside:
            self.fields.setdefault(name.element, set()).add(name.field)
        elif name.role == "ingest_date":
            self.dated = True
        elif name.role in ("begin", "end") and not name.outside:
            self.fields.setdefault(name.element, set()).add("timespan")

    @property
    def reaching(self) -> bool:
        """Whether Butler may join what is outside of the dimensions, by the sky perhaps."""
        return self.where is not None or any(name.outside for _, name in self._named)

    # -------------------- told to Butler

    def narrow(self, query: Query, text: str = "", bind: Mapping[str, Any] | None = None) -> Query:
        """The query with everything that Butler can be told, and with one more condition where there is a ``text``."""
        if not text and not self._named and self.where is None:
            return query
        reached = set(self.group.names)
        if text:
            query = query.where(text, bind=bind)
        universe = self.group.universe
        number = 0
        for constraint, name in self._named:
            if name.role in ("run", "ingest_date"):
                continue
            text, value = self._clause(constraint, name, f"c{number}")
            if text:
                query = query.where(text, bind={} if value is None else {f"c{number}": value})
                number += 1
            if name.outside:
                reached.update(universe[name.element].minimal_group.names)
        if self.where is not None:
            for identifier in self.where.names:
                head = identifier.partition(".")[0]
                if head in universe.elements.names:
                    reached.update(universe[head].minimal_group.names)
            query = query.where(self.where.text, bind=self.where.binds)
        for governor in sorted(reached & set(universe.governor_dimensions.names)):
            # Butler insists that whatever a dimension hangs on is named: a condition that every value satisfies will do.
            query = query.where(f"{governor} >= :least", bind={"least": ""})
        return query

    def _clause(self, constraint: Constraint, name: Name, bind: str) -> tuple[str, Any]:
        """A condition for Butler and its value; empty where Python decides alone (only for the question's own names)."""
        given: Any = constraint.value
        in_python = constraint.op is Op.GLOB or (
            name.kind is Kind.STRING and constraint.op not in (Op.EQ, Op.NE, Op.IN)
        )
        if in_python or (constraint.op is Op.IN and not given):
            if not name.outside:
                return "", None
            given = tuple(v for v in known_values(self.butler, name) if satisfies(v, constraint))
            constraint = Constraint(constraint.name, Op.IN, given)
            if not given:
                return f"{name.term} != {name.term}", None
        if name.kind is Kind.BOOL:
            values = given if isinstance(given, tuple) else (given,)
            wanted = {v if constraint.op is not Op.NE else not v for v in values}
            if len(wanted) > 1:
                return "", None
            return (name.term if True in wanted else f"NOT {name.term}"), None
        if constraint.op is Op.IN:
            return f"{name.term} IN (:{bind})", [_typed(v, name.kind) for v in given]
        return f"{name.term} {_SIGNS[constraint.op]} :{bind}", _typed(given, name.kind)

    # -------------------- decided in Python

    def admits(self, row: Raw) -> bool:
        """Whether a row that Butler found satisfies everything."""
        for constraint, name in self._named:
            if not name.outside and not satisfies(name.value(row, self.dataset_type), constraint):
                return False
        if self._among is not None:
            names, wanted = self._among
            if tuple(name.value(row, self.dataset_type) for name in names) not in wanted:
                return False
        if self._temporal and not overlap(ends_or_none(row[f"{self._temporal}.timespan"]), self.time):
            return False
        return self._shape is None or all(self._lies(row, *foot) for foot in self._regions)

    def _lies(self, row: Raw, element: str, through: bool) -> bool:
        assert self._shape is not None
        universe = self.group.universe
        if through:
            key = tuple(row[name] for name in through_key(self.group, element))
            return any(region.overlaps(one, self._shape) for one in self._seen.get(key, ()))
        if element in universe.skypix_dimensions.names:
            found = universe.skypix_dimensions[element].pixelization.pixel(row[element])
        else:
            found = row[f"{element}.region"]
        return found is not None and region.overlaps(found, self._shape)

    def _compile_among(self) -> tuple[list[Name], set[tuple[str | int, ...]]] | None:
        if self.among is None:
            return None
        names = [resolve(name, self.group) for name in self.among.names]
        for label, name in zip(self.among.names, names, strict=True):
            if name.outside:
                raise BadUserInput(
                    f"'{label}' in among is no dimension here; there are {', '.join(self.group.names)}."
                )
            self.need(name)
        for row in self.among.rows:
            for label, name, value in zip(self.among.names, names, row, strict=True):
                check(Constraint(label, Op.EQ, value), name.kind)
        return names, set(self.among.rows)


def require_inside(constraints: Iterable[Constraint], group: DimensionGroup) -> None:
    """Refuse constraints on dimensions that the rows do not have. Raises BadUserInput."""
    for constraint in constraints:
        if resolve(constraint.name, group, dataset=True).outside:
            raise lacking(constraint.name, group.names)


def check(constraint: Constraint, kind: Kind) -> None:
    """Refuse a value of the wrong kind. Raises BadUserInput."""
    accepted, words = _ACCEPTED.get(kind, ((object,), "a value"))
    for value in constraint.value if isinstance(constraint.value, tuple) else (constraint.value,):
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not Kind.BOOL):
            raise BadUserInput(
                f"'{constraint.name}' is {words}, not {value!r}.",
                name=constraint.name,
            )
    if constraint.op is Op.GLOB and kind is not Kind.STRING:
        raise BadUserInput(
            f"A glob needs a string, and '{constraint.name}' is {words}.", name=constraint.name
        )


def satisfies(value: KeyValue, constraint: Constraint) -> bool:
    """Whether a value satisfies a constraint; NULL satisfies none."""
    given: Any = constraint.value
    if value is None:
        return False
    match constraint.op:
        case Op.EQ:
            return bool(value == given)
        case Op.NE:
            return bool(value != given)
        case Op.IN:
            return value in given
        case Op.GLOB:
            return fnmatchcase(str(value), str(given))
        case Op.GE:
            return bool(value >= given)
        case Op.GT:
            return bool(value > given)
        case Op.LE:
            return bool(value <= given)
        case Op.LT:
            return bool(value < given)


def _typed(value: Any, kind: Kind) -> Any:
    if kind is Kind.FLOAT:
        return float(value)
    if kind is Kind.TIME:
        return time(value)
    if kind is Kind.LONG and not -(2**63) <= value < 2**63:
        raise BadUserInput(f"{value} is no 64-bit integer.")
    return value


def known_values(butler: Butler, name: Name) -> list[Any]:
    """Every value that a dimension, or a field of an element's records, has."""
    universe = butler.dimensions
    group = universe[name.element].minimal_group
    wanted: Mapping[str, set[str]] = {name.element: {name.field}} if name.role == "field" else {}
    inside = replace(name, outside=False)  # of these rows
    with butler.query() as query:
        rows = rows_of(butler, query.general(group, dimension_fields=wanted))
        return sorted({value for row in rows if (value := inside.value(row)) is not None})


def footings(group: DimensionGroup, what: str) -> list[tuple[str, bool]]:
    """The finest spatial element of each family, and whether it is met through visit_definition. Raises BadUserInput."""
    found = [(family.choose(group).name, False) for family in group.spatial]
    if not found and "exposure" in group.names:
        wider = group.universe.conform([*group.required, "visit"])
        found = [(family.choose(wider).name, True) for family in wider.spatial]
    if not found:
        raise BadUserInput(
            f"sky is refused for {what}: its dimensions ({', '.join(group.required) or 'none'}) have no region on the sky."
        )
    return found


def temporal(group: DimensionGroup, what: str) -> str:
    """The finest temporal element. Raises BadUserInput."""
    for family in group.temporal:
        return str(family.choose(group).name)
    raise BadUserInput(
        f"time is refused for {what}: its dimensions ({', '.join(group.required) or 'none'}) have no time of observation."
    )


def through_key(group: DimensionGroup, element: str) -> list[str]:
    """The dimensions by which an exposure finds its visits' regions."""
    return ["exposure" if name == "visit" else name for name in group.universe[element].required.names]


def visit_regions(butler: Butler, group: DimensionGroup, element: str) -> dict[tuple[Any, ...], list[Region]]:
    """Regions of the visits of exposures, the lowest visit first, by ``through_key``."""
    wider = group.universe.conform([*through_key(group, element), "visit"])
    with butler.query() as query:
        result = query.general(wider, dimension_fields={element: {"region"}})
        rows = list(rows_of(butler, result))
    found: dict[tuple[Any, ...], list[Region]] = {}
    for row in sorted(rows, key=lambda row: int(row["visit"])):
        if (seen := row[f"{element}.region"]) is not None:
            found.setdefault(tuple(row[name] for name in through_key(group, element)), []).append(seen)
    return found


def ends_or_none(span: Any) -> tuple[int | None, int | None] | None:
    return None if span is None else ends(span)


def overlap(own: tuple[int | None, int | None] | None, asked: Span | None) -> bool:
    """Whether two half-open ranges share an instant; None for no range at all."""
    if own is None or asked is None:
        return False
    begin, end = own
    if begin is not None and end is not None and begin >= end:
        return False
    return (asked.end is None or begin is None or begin < asked.end) and (
        asked.begin is None or end is None or asked.begin < end
    )


def merged(*given: Mapping[str, Iterable[str]]) -> dict[str, set[str]]:
    """Fields by element, of several."""
    found: dict[str, set[str]] = {}
    for fields_of in given:
        for element, names in fields_of.items():
            found.setdefault(element, set()).update(names)
    return found
