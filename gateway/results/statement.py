"""From the tree of a condition to a statement over one frozen table.

The table is the view ``t`` of the engine, with the columns c0, c1, ... and ``place``, the place of a row in the answer; instants are microseconds
of POSIX time in it. Nothing that a client wrote becomes part of a statement: names became places of columns, and values are parameters.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters import instant
from adapters.errors import BadUserInput, TooComplex, unknown
from adapters.question import Bind, Order, Where
from gateway.results.condition import (
    Arithmetic,
    Between,
    Bound,
    Column,
    Comparison,
    Function,
    In,
    IsNull,
    Junction,
    Like,
    Literal,
    Minus,
    Node,
    Not,
    parse,
)
from gateway.results.words import wrong
from resolvers.scalars import uuid_out

MOST_VALUES = 100_000
"""Values of a condition, each of them as often as it is used: the database has a copy for each use. A text is a value for every ``_TEXT_OF_ONE``
characters of it that are begun."""
_TEXT_OF_ONE = 160
MOST_PATTERN = 1_000
_NUMBER, _TEXT, _TRUTH, _TIME, _LIST = "a number", "a string", "a truth value", "an instant", "a list"
_KINDS = {"int": _NUMBER, "float": _NUMBER, "string": _TEXT, "bool": _TRUTH, "timestamp": _TIME}
_BINDS = {
    "string": _TEXT,
    "uuid": _TEXT,
    "long": _NUMBER,
    "float": _NUMBER,
    "time": _TIME,
    "strings": _LIST,
    "longs": _LIST,
}
_FUNCTIONS = {
    "abs": (_NUMBER, _NUMBER),
    "ceil": (_NUMBER, _NUMBER),
    "floor": (_NUMBER, _NUMBER),
    "round": (_NUMBER, _NUMBER),
    "lower": (_TEXT, _TEXT),
    "upper": (_TEXT, _TEXT),
    "length": (_TEXT, _NUMBER),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of a table's columns, and what they hold: int, float, string, bool, timestamp."""

    names: tuple[str, ...]
    kinds: tuple[str, ...]

    def place(self, name: str, argument: str) -> int:
        """Where a column is. BadUserInput with the nearest names."""
        try:
            return self.names.index(name)
        except ValueError:
            message, details = unknown("column", name[:100], self.names)
            known = ", ".join(self.names)
            text = f" Text is written in single quotes: '{name[:100]}'." if argument == "where" else ""
            raise BadUserInput(f"{argument}: {message} The columns are {known}.{text}", **details) from None


@dataclass(slots=True)
class Statement:
    """A statement that is being made; ``parameters`` are $1, $2, ... of it."""

    columns: Columns
    parameters: list[Any] = field(default_factory=list)
    _binds: dict[str, Bind] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)
    _values: int = 0

    def places(self, where: Where | None, order: Sequence[Order], first: int, after: int | None) -> str:
        """The places of at most ``first + 1`` rows behind the one at a place. What they hold is asked by itself (``rows``): a million whole rows do
        not fit where they are sorted."""
        terms = [
            (f"c{self.columns.place(one.name, 'orderBy')}", " DESC" if one.descending else "")
            for one in order
        ]
        conditions = self._where(where)
        source = "t"
        if after is not None and terms:
            # The table is frozen: what the last row had is looked up there, and a cursor need not carry it.
            keys = ", ".join(f"{name} AS k{place}" for place, (name, _) in enumerate(terms))
            source = f"t, (SELECT {keys}, place AS k FROM t WHERE place = {self._add(after)}) AS last"  # noqa: S608
            conditions.append(_behind(terms))
        elif after is not None:
            conditions.append(f"place > {self._add(after)}")
        ordered = ", ".join([*(f"{name}{way} NULLS LAST" for name, way in terms), "place"])
        text = f"SELECT place FROM {source}{_all(conditions)}"  # noqa: S608
        return f"{text} ORDER BY {ordered} LIMIT {self._add(first + 1)}"

    def rows(self, places: Sequence[int]) -> str:
        """The place and the columns of the rows at these places, in no order."""
        wanted = ", ".join(["place", *(f"c{place}" for place in range(len(self.columns.names)))])
        return f"SELECT {wanted} FROM t WHERE place IN (SELECT unnest({self._add(list(places))}::BIGINT[]))"  # noqa: S608

    def identifiers(self, first: int, after: int | None) -> str:
        """The place, the repository, the id and the IVOA identifier of at most ``first + 1`` rows behind the one at a place, in the order of the answer."""
        wanted = ("repository", "id", "obs_publisher_did")
        label, id, ivoid = (self.columns.place(name, "datasets") for name in wanted)
        begin = -1 if after is None else after
        end = min(begin + first + 1, 2**63 - 1)
        conditions = [f"place > {self._add(begin)}", f"place <= {self._add(end)}"]
        return f"SELECT place, c{label}, c{id}, c{ivoid} FROM t{_all(conditions)} ORDER BY place"  # noqa: S608

    def count(self, where: Where | None, order: Sequence[Order] = ()) -> str:
        """How many rows satisfy a condition. An order that makes no sense is refused, though nothing is put in order."""
        for one in order:
            self.columns.place(one.name, "orderBy")
        return f"SELECT count(*) FROM t{_all(self._where(where))}"  # noqa: S608

    def facets(self, where: Where | None, by: Sequence[str], first: int) -> str:
        """Combinations of values and how many rows have them, most frequent first; ``first + 1`` at most."""
        names = ", ".join(f"c{self.columns.place(name, 'facets')}" for name in by)
        ordered = ", ".join(f"c{self.columns.place(name, 'facets')} NULLS LAST" for name in by)
        conditions = _all(self._where(where))
        return (
            f"SELECT {names}, count(*) AS n FROM t{conditions} GROUP BY {names} ORDER BY n DESC, {ordered} "  # noqa: S608
            f"LIMIT {self._add(first + 1)}"
        )

    def _where(self, where: Where | None) -> list[str]:
        if where is None:
            return []
        self._binds = {bind.name: bind for bind in where.binds}
        tree = parse(where.text)
        found = self._truth(tree)
        for name in self._binds:
            if name not in self._used:
                raise BadUserInput(f"bind has a value for '{name}', and where does not use it.")
        return [found]

    def _truth(self, node: Node) -> str:
        if self._kind(node) is not _TRUTH:
            raise wrong(f"{self._kind(node)} stands where something true or false should", node.at)
        return self._made(node)

    def _kind(self, node: Node) -> str:
        """What a node's value is."""
        match node:
            case Column():
                return _KINDS[self.columns.kinds[self._column(node)]]
            case Literal(value):
                return _kind_of(value)
            case Bound():
                return _BINDS.get(self._bind(node).kind, f"a {self._bind(node).kind}")
            case Function(name):
                return _FUNCTIONS[name][1]
            case Minus() | Arithmetic():
                return _NUMBER
        return _TRUTH

    def _made(self, node: Node) -> str:
        """A node as SQL, in parentheses where it has parts."""
        match node:
            case Column():
                return f"c{self._column(node)}"
            case Literal() | Bound():
                return self._add(self._value(node))
            case Function(name, argument):
                self._need(_FUNCTIONS[name][0], argument)
                inner = self._made(argument)
                # The database's ceil and floor make doubles of whole numbers, and doubles do not tell the large ones apart.
                return inner if name in ("ceil", "floor") and self._whole(argument) else f"{name}({inner})"
            case Minus(operand):
                self._need(_NUMBER, operand)
                return f"(-{self._made(operand)})"
            case Arithmetic(operands, signs):
                return self._arithmetic(operands, signs)
            case Comparison(left, sign, right):
                made = self._alike((left, right), node.at)
                return f"({made[0]} {sign} {made[1]})"
            case Between(operand, low, high):
                # The operand is written twice: of truth values, which may hold another BETWEEN, that would double at every level.
                if self._kind(operand) is _TRUTH:
                    raise wrong("BETWEEN takes numbers, strings or instants, not truth values", node.at)
                made = self._alike((operand, low, high), node.at)
                return f"({made[0]} >= {made[1]} AND {made[0]} <= {made[2]})"
            case IsNull(operand):
                return f"({self._made(operand)} IS NULL)"
            case In():
                return self._in(node)
            case Like():
                return self._like(node)
            case Not(operand):
                return f"(NOT {self._truth(operand)})"
            case Junction(word, operands):
                return f"({f' {word} '.join(self._truth(operand) for operand in operands)})"

    def _arithmetic(self, operands: Sequence[Node], signs: Sequence[str]) -> str:
        for operand in operands:
            self._need(_NUMBER, operand)
        found, *rest = [self._made(operand) for operand in operands]
        for sign, other in zip(signs, rest, strict=True):
            found = f"({found} {sign} {other})"
        return found

    def _whole(self, node: Node) -> bool:
        """Whether a number is a whole one in the database too, whatever it is."""
        match node:
            case Column():
                return self.columns.kinds[self._column(node)] == "int"
            case Literal(value):
                return isinstance(value, int)
            case Bound():
                return self._bind(node).kind == "long"
            case Minus(operand):
                return self._whole(operand)
            case Arithmetic(operands, signs):
                return "/" not in signs and all(self._whole(operand) for operand in operands)
            case Function(name, argument):
                return name == "length" or self._whole(argument)
        return False

    def _alike(self, operands: Sequence[Node], at: int) -> list[str]:
        """Operands that are compared with each other: of one kind, text beside an instant being one."""
        kinds = {self._kind(operand) for operand in operands}
        if kinds == {_TIME, _TEXT}:
            return [self._instant(operand) for operand in operands]
        if _LIST in kinds:
            raise wrong("a list stands behind IN only", at)
        if len(kinds) != 1:
            raise wrong(f"{' and '.join(sorted(kinds))} cannot be compared", at)
        return [self._made(operand) for operand in operands]

    def _instant(self, node: Node) -> str:
        if self._kind(node) is _TIME:
            return self._made(node)
        if not isinstance(node, Literal | Bound):
            raise wrong("an instant cannot be compared with a column of strings", node.at)
        text = self._value(node)
        return self._add(_microseconds(str(text), node.at))

    def _in(self, node: In) -> str:
        kind = self._kind(node.operand)
        values: list[Any] = []
        for one in node.values:
            found = self._value(one)
            # An instant is text, or bound as one, which is a number by now.
            bound = isinstance(one, Bound) and self._bind(one).kind == "time"
            for value in found if isinstance(found, tuple) else (found,):
                own = _TIME if bound else _kind_of(value)
                if kind is _TIME and own is _TEXT:
                    own, value = _TIME, _microseconds(value, one.at)
                if own is not kind:
                    raise wrong(f"{own} cannot be compared with {kind}", one.at)
                values.append(value)
        type_ = {_TEXT: "VARCHAR", _TRUTH: "BOOLEAN"}.get(kind, "BIGINT")
        # Numbers with a fraction are a list of their own: in one list whole numbers would be doubles, which do not tell the large ones apart.
        broken = [value for value in values if isinstance(value, float)]
        others = [value for value in values if not isinstance(value, float)]
        lists = [(others, type_)] if others or not broken else []
        if broken:
            lists.append((broken, "DOUBLE"))
        made = self._made(node.operand)
        among = [f"{made} IN (SELECT unnest({self._add(found)}::{type_}[]))" for found, type_ in lists]
        return f"({' OR '.join(among)})"

    def _like(self, node: Like) -> str:
        self._need(_TEXT, node.operand)
        self._need(_TEXT, node.pattern)
        pattern = self._value(node.pattern)
        made = self._made(node.operand)
        flags = "si" if node.folded else "s"
        return f"regexp_full_match({made}, {self._add(_expression(str(pattern), node))}, '{flags}')"

    def _need(self, kind: str, node: Node) -> None:
        if self._kind(node) is not kind:
            raise wrong(f"{self._kind(node)} stands where {kind} should", node.at)

    def _column(self, node: Column) -> int:
        try:
            return self.columns.place(node.name, "where")
        except BadUserInput as error:
            error.details["position"] = node.at + 1
            raise

    def _bind(self, node: Bound) -> Bind:
        bind = self._binds.get(node.name)
        if bind is None:
            raise wrong(f":{node.name[:60]} has no value in bind", node.at)
        self._used.add(node.name)
        return bind

    def _value(self, node: Literal | Bound) -> Any:
        """What is given here. TooComplex where that is more, with what was given before, than a condition may have."""
        found = self._bound(node) if isinstance(node, Bound) else node.value
        for value in found if isinstance(found, tuple) else (found,):
            self._values += 1 if not isinstance(value, str) else max(1, -(-len(value) // _TEXT_OF_ONE))
        if self._values > MOST_VALUES:
            raise TooComplex(
                f"where has {self._values} values or more; the limit is {MOST_VALUES}, over all lists together. A bind counts as often as it is used, "
                f"and a text once for every {_TEXT_OF_ONE} characters.",
                what="values",
                limit=MOST_VALUES,
                actual=self._values,
            )
        return found

    def _bound(self, node: Bound) -> Any:
        bind = self._bind(node)
        if bind.kind not in _BINDS:
            raise wrong(f"a {bind.kind} cannot be compared with a column", node.at)
        if bind.kind == "time":
            return instant.to_unix(bind.value) // 1000
        return uuid_out(bind.value) if bind.kind == "uuid" else bind.value

    def _add(self, value: Any) -> str:
        """A parameter of the statement, of the type that its value has here."""
        self.parameters.append(value)
        types = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}
        type_ = types.get(type(value))
        return f"${len(self.parameters)}" + (f"::{type_}" if type_ else "")


def _kind_of(value: str | float | bool) -> str:
    return _TRUTH if isinstance(value, bool) else _TEXT if isinstance(value, str) else _NUMBER


def _all(conditions: Sequence[str]) -> str:
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def _behind(terms: Sequence[tuple[str, str]]) -> str:
    """Whether a row comes behind the one that ``last`` is; nulls come last either way, and rows that are equal in the order of the answer."""
    found = "place > last.k"
    for place, (name, way) in reversed(list(enumerate(terms))):
        key, sign = f"last.k{place}", "<" if way else ">"
        found = (
            f"({name} {sign} {key} OR ({name} IS NULL AND {key} IS NOT NULL) "
            f"OR ({name} IS NOT DISTINCT FROM {key} AND {found}))"
        )
    return found


def _expression(pattern: str, node: Like) -> str:
    """A LIKE pattern as a regular expression of RE2, which takes time in proportion to the text, however the pattern is written."""
    if len(pattern) > MOST_PATTERN:
        raise TooComplex(
            f"A pattern of LIKE has {len(pattern)} characters; the limit is {MOST_PATTERN}.",
            what="pattern",
            limit=MOST_PATTERN,
            actual=len(pattern),
        )
    found: list[str] = []
    letters = iter(pattern)
    for letter in letters:
        if letter == node.escape:
            letter = next(letters, "")
            if letter not in ("%", "_", node.escape):
                raise wrong(f"{node.escape} comes before %, _ or itself in a pattern", node.pattern.at)
        elif letter in "%_":
            if letter == "_" or found[-1:] != [".*"]:
                found.append(".*" if letter == "%" else ".")
            continue
        found.append(
            letter if re.fullmatch(r"[A-Za-z0-9]", letter) or letter > "\x7f" else f"\\x{{{ord(letter):x}}}"
        )
    return "".join(found)


def _microseconds(text: str, at: int) -> int:
    try:
        return instant.to_unix(instant.from_text(text)) // 1000
    except ValueError as error:
        raise wrong(f"{str(error).rstrip('.')}", at) from None
