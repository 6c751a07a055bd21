"""Butler's ``where`` expressions, looked at before Butler is asked.

Butler normalises an expression to an AND of ORs, which grows exponentially for an OR of ANDs (14 terms: 20 s and 1 GB), and in
some releases ``CIRCLE`` selects twice the radius. Both are found here on the parsed expression, whose size is bounded first, and
refused with a word on what to write instead. Values are bound in Butler's types, times exact to the nanosecond.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from lsst.daf.butler import DimensionUniverse, Timespan
from lsst.daf.butler.queries.expressions import parser
from lsst.daf.butler.queries.expressions.parser import exprTree
from lsst.daf.butler.time_utils import TimeConverter
from lsst.sphgeom import Angle, Circle, UnitVector3d

from .. import region
from ..errors import BadUserInput, TooComplex
from ..question import Bind, Span, Where

MOST_CHARACTERS = 20_000
MOST_NESTED = 200
MOST_CLAUSES = 200
MOST_LITERALS = 1_000
MOST_VALUES = 10_000

_INSTEAD = "write 'x IN (1, 2, 3)', bind a list to one name (x IN (:xs)), or give data IDs in among"

_Clauses = Counter[int]
"""An AND of ORs by its sizes only: how many ORs have so many terms."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression that Butler may be given. ``names``: the identifiers in it that are no binds."""

    text: str
    binds: Mapping[str, Any]
    names: frozenset[str]


def read(where: Where, universe: DimensionUniverse) -> Expression | None:
    """Check an expression and convert its binds; None where there is nothing in it.

    Raises
    ------
    BadUserInput
        It does not parse, a name is not bound or a bind not used, a value has the wrong form, or a shape would select something
        else than it says.
    TooComplex
        Too long, nested too deeply, or an explosion in Butler's normal form.
    """
    if len(where.text) > MOST_CHARACTERS:
        raise _too_complex("characters", MOST_CHARACTERS, len(where.text))
    tree = _parse(where.text)
    if tree is None:
        if where.binds:
            raise BadUserInput(f"bind has a value for '{where.binds[0].name}', and where is empty.")
        return None
    nodes = list(_walk(tree))
    if any(isinstance(node, exprTree.CircleNode) for node in nodes) and not circle_is_right():
        raise BadUserInput(
            "CIRCLE(ra, dec, radius) in where selects another radius than it says in this release of Butler; write "
            "REGION('CIRCLE ra dec radius'), bind a region (kind region), or use sky."
        )
    _size(tree)
    names = {node.name for node in nodes if isinstance(node, exprTree.Identifier)}
    used = {node.name for node in nodes if isinstance(node, exprTree.BindName)}
    binds = {one.name: value_of(one) for one in where.binds}
    _check_names(names, used, where.binds, universe)
    return Expression(where.text, binds, frozenset(names - binds.keys()))


def value_of(one: Bind) -> Any:
    """A bind's value as Butler wants it. Raises BadUserInput."""
    value = one.value
    match one.kind:
        case "string" if isinstance(value, str):
            return value
        case "long" if isinstance(value, int):
            return _long(one.name, value)
        case "float" if isinstance(value, int | float):
            return float(value)
        case "strings" | "longs":
            values = list(value)
            if len(values) > MOST_VALUES:
                raise TooComplex(
                    f"The list bound to '{one.name}' has {len(values)} values; the limit is {MOST_VALUES}. Use among.",
                    limit=MOST_VALUES,
                    actual=len(values),
                )
            if not values:
                raise BadUserInput(f"The list bound to '{one.name}' is empty.")
            return values if one.kind == "strings" else [_long(one.name, v) for v in values]
        case "time" if isinstance(value, int):
            return time(value)
        case "timespan" if isinstance(value, Span):
            return timespan(value)
        case "region" if isinstance(value, str):
            return region.parse(value)
        case "uuid":
            try:
                return UUID(str(value))
            except ValueError:
                raise BadUserInput(f"'{value}', bound to '{one.name}', is no UUID.") from None
    raise BadUserInput(f"'{value!r}', bound to '{one.name}', is no {one.kind}.")


def time(nanoseconds: int) -> Any:
    """An astropy time (TAI) from nanoseconds, exactly."""
    return TimeConverter().nsec_to_astropy(nanoseconds)


def timespan(span: Span) -> Timespan:
    """Butler's timespan from ours. Raises BadUserInput where it is empty."""
    if span.begin is not None and span.end is not None and span.begin >= span.end:
        raise BadUserInput("A range of time must end after it begins.")
    begin = None if span.begin is None else time(span.begin)
    end = None if span.end is None else time(span.end)
    return Timespan(begin, end)


@lru_cache(maxsize=1)
def circle_is_right() -> bool:
    """Whether CIRCLE(ra, dec, 1) is a circle of one degree in the installed release; False where that cannot be found out."""
    from lsst.daf.butler.queries import _expression_strings

    try:
        visitor = _expression_strings._ConversionVisitor.__new__(_expression_strings._ConversionVisitor)
        number = _expression_strings._make_literal(1.0)
        node = exprTree.CircleNode(*(exprTree.NumericLiteral("1") for _ in range(3)))
        made = visitor.visitCircleNode(number, number, number, node)
        circle = getattr(made, "value", None)
        circle = getattr(circle, "value", circle)
        right = Circle(UnitVector3d.X(), Angle.fromDegrees(1.0)).getOpeningAngle()
        angle: float = circle.getOpeningAngle().asRadians()  # type: ignore[union-attr]
        return abs(angle - right.asRadians()) < 1e-12
    except Exception:  # noqa: BLE001 - a release with other insides: nothing is known, so nothing is promised
        return False


def _long(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not -(2**63) <= value < 2**63:
        raise BadUserInput(f"'{value!r}', bound to '{name}', is no 64-bit integer.")
    return value


_GRAMMAR = (
    "Text stands in single quotes, a time is T'2013-06-17T14:00:00' (UTC, without a zone behind it); compare with =, !=, <, <=, >, >=, IN, OVERLAPS or "
    "GLOB(name, 'a*'), and join with AND, OR, NOT."
)


def _parse(text: str) -> exprTree.Node | None:
    try:
        return parser.parse_expression(text)
    except RecursionError:
        raise _too_complex("nested terms", MOST_NESTED, MOST_NESTED + 1) from None
    except Exception as error:
        # Butler's lexer, parser and time literals each have exceptions of their own, some of them plain ones.
        raise BadUserInput(
            f"where does not parse: {str(error).rstrip('.')}. {_GRAMMAR}", where=text
        ) from error


def _children(node: exprTree.Node) -> list[exprTree.Node]:
    found = [child for child in node.children or () if isinstance(child, exprTree.Node)]
    if isinstance(node, exprTree.IsIn):
        return [node.lhs, *node.values]
    if isinstance(node, exprTree.PolygonNode):
        return [one for vertex in node.vertices for one in vertex]
    return found


def _walk(tree: exprTree.Node) -> Iterator[exprTree.Node]:
    """Every node, without recursion. Raises TooComplex where the nesting is deep enough to exhaust Python's stack later."""
    stack = [(tree, 1)]
    while stack:
        node, depth = stack.pop()
        if depth > MOST_NESTED:
            raise _too_complex("nested terms", MOST_NESTED, depth)
        yield node
        stack.extend((child, depth + 1) for child in _children(node))


def _size(node: exprTree.Node) -> _Clauses:
    """The size of Butler's normal form of a condition, by Butler's own rules and without building it."""
    match node:
        case exprTree.Parens():
            return _size(node.expr)
        case exprTree.BinaryOp() if node.op == "AND":
            found = _size(node.lhs) + _size(node.rhs)
        case exprTree.BinaryOp() if node.op == "OR":
            found = _product(_size(node.lhs), _size(node.rhs))
        case exprTree.UnaryOp() if node.op == "NOT":
            found = _negation(_size(node.operand))
        case exprTree.IsIn():
            found = Counter({len(node.values): 1})
            found = _negation(found) if node.not_in else found
        case _:
            found = Counter({1: 1})
    return _bounded(found)


def _product(a: _Clauses, b: _Clauses) -> _Clauses:
    found: _Clauses = Counter()
    for size, count in a.items():
        for other, times in b.items():
            found[size + other] += count * times
    return found


def _negation(given: _Clauses) -> _Clauses:
    found: _Clauses = Counter({0: 1})
    for size, count in given.items():
        for _ in range(count):
            found = _bounded(_product(found, Counter({1: size})))
    return found


def _bounded(found: _Clauses) -> _Clauses:
    clauses, literals = found.total(), sum(size * count for size, count in found.items())
    if clauses > MOST_CLAUSES:
        raise _too_complex("conditions in normal form (an AND of ORs)", MOST_CLAUSES, clauses)
    if literals > MOST_LITERALS:
        raise _too_complex("comparisons in normal form (an AND of ORs)", MOST_LITERALS, literals)
    return found


def _too_complex(what: str, limit: int, actual: int) -> TooComplex:
    return TooComplex(
        f"where has {actual} {what}; the limit is {limit}: {_INSTEAD}.", limit=limit, actual=actual, what=what
    )


def _check_names(
    names: set[str], used: set[str], binds: tuple[Bind, ...], universe: DimensionUniverse
) -> None:
    given = [one.name for one in binds]
    for name in given:
        if given.count(name) > 1:
            raise BadUserInput(f"'{name}' is bound twice.")
        if name not in used and name not in names:
            raise BadUserInput(
                f"bind has a value for '{name}', which where does not use (write :{name}).", unknown=name
            )
        if name in names and (name in used or name in universe.elements.names):
            raise BadUserInput(
                f"'{name}' is both a bind and a name in where, and Butler would take the value for both; bind another name.",
                unknown=name,
            )
    for name in sorted(used - set(given)):
        raise BadUserInput(f"where uses :{name}, and bind has no value for it.", unknown=name)
