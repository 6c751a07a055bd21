"""Conditions over the columns of one table: a small part of SQL's, read into a tree of our own.

There is nothing in the grammar that names a table, a file, a setting or a type, and the only functions are those of ``FUNCTIONS``: what is
executed is made from the tree (``statement``), never from the text.

    or:         and (OR and)*
    and:        not (AND not)*
    not:        NOT not | predicate
    predicate:  sum [ (= | <> | != | < | <= | > | >=) sum | IS [NOT] NULL | [NOT] BETWEEN sum AND sum
                    | [NOT] IN ( value, ... ) | [NOT] LIKE | ILIKE value [ESCAPE string] ]
    sum:        product ((+ | -) product)*
    product:    unary ((* | / | %) unary)*
    unary:      - unary | name | number | string | TRUE | FALSE | :bind | function ( or ) | ( or )
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.errors import TooComplex, nearest
from gateway.results.words import Sort, Word, words, wrong

FUNCTIONS = frozenset(("abs", "ceil", "floor", "round", "lower", "upper", "length"))
COMPARISONS = frozenset(("=", "<>", "!=", "<", "<=", ">", ">="))
MOST_NESTED = 40
MOST_SIGNS = 400
"""Signs of arithmetic: a chain of them is as deep for the database as it is long, and it takes 1,000."""


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | float | bool
    at: int


@dataclass(frozen=True, slots=True)
class Bound:
    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    argument: Node
    at: int


@dataclass(frozen=True, slots=True)
class Minus:
    operand: Node
    at: int


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``operands`` from left to right, a sign between each two."""

    operands: tuple[Node, ...]
    signs: tuple[str, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Comparison:
    left: Node
    sign: str
    right: Node
    at: int


@dataclass(frozen=True, slots=True)
class IsNull:
    operand: Node
    at: int


@dataclass(frozen=True, slots=True)
class Between:
    operand: Node
    low: Node
    high: Node
    at: int


@dataclass(frozen=True, slots=True)
class In:
    operand: Node
    values: tuple[Literal | Bound, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Like:
    operand: Node
    pattern: Literal | Bound
    escape: str | None
    folded: bool
    at: int


@dataclass(frozen=True, slots=True)
class Not:
    operand: Node
    at: int


@dataclass(frozen=True, slots=True)
class Junction:
    """``word``: AND, OR."""

    word: str
    operands: tuple[Node, ...]
    at: int


Node = (
    Column
    | Literal
    | Bound
    | Function
    | Minus
    | Arithmetic
    | Comparison
    | IsNull
    | Between
    | In
    | Like
    | Not
    | Junction
)


def parse(text: str) -> Node:
    """The tree of a condition. Raises BadUserInput with the position of what is wrong, TooComplex past a limit."""
    return _Parser(words(text)).whole()


class _Parser:
    def __init__(self, read: list[Word]) -> None:
        self._words = read
        self._place = 0
        self._depth = 0
        self._signs = 0

    def whole(self) -> Node:
        found = self._or()
        if self._next.sort is not Sort.END:
            raise self._unexpected("the end")
        return found

    @property
    def _next(self) -> Word:
        return self._words[self._place]

    def _take(self) -> Word:
        word = self._next
        self._place += word.sort is not Sort.END
        return word

    def _took(self, sort: Sort, *texts: str) -> Word | None:
        """The next word where it is one of these."""
        word = self._next
        return self._take() if word.sort is sort and word.text in texts else None

    def _need(self, sort: Sort, text: str) -> Word:
        found = self._took(sort, text)
        if found is None:
            raise self._unexpected(text)
        return found

    def _unexpected(self, expected: str) -> Exception:
        word = self._next
        said = "it ends" if word.sort is Sort.END else f"{word.text[:40]!r} stands"
        return wrong(f"{said} where {expected} should come", word.at)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MOST_NESTED:
            raise TooComplex(
                f"where is nested too deeply; the limit is {MOST_NESTED}.",
                what="nesting",
                limit=MOST_NESTED,
                actual=self._depth,
            )

    def _or(self) -> Node:
        return self._joined("OR")

    def _joined(self, word: str) -> Node:
        at = self._next.at
        below = self._not if word == "AND" else lambda: self._joined("AND")
        found = [below()]
        while self._took(Sort.KEYWORD, word):
            found.append(below())
        return found[0] if len(found) == 1 else Junction(word, tuple(found), at)

    def _not(self) -> Node:
        word = self._took(Sort.KEYWORD, "NOT")
        if word is None:
            return self._predicate()
        self._enter()
        found = Not(self._not(), word.at)
        self._depth -= 1
        return found

    def _predicate(self) -> Node:
        left = self._sum()
        at = self._next.at
        if self._next.sort is Sort.SIGN and self._next.text in COMPARISONS:
            return Comparison(left, self._take().text, self._sum(), at)
        if self._took(Sort.KEYWORD, "IS"):
            negated = self._took(Sort.KEYWORD, "NOT")
            self._need(Sort.KEYWORD, "NULL")
            return _negated(IsNull(left, at), negated)
        negated = self._took(Sort.KEYWORD, "NOT")
        word = self._took(Sort.KEYWORD, "BETWEEN", "IN", "LIKE", "ILIKE")
        if word is None:
            if negated is not None:
                raise self._unexpected("IN, BETWEEN or LIKE")
            return left
        if word.text == "BETWEEN":
            low = self._sum()
            self._need(Sort.KEYWORD, "AND")
            return _negated(Between(left, low, self._sum(), at), negated)
        if word.text == "IN":
            return _negated(In(left, self._list(), at), negated)
        return _negated(self._like(left, word), negated)

    def _list(self) -> tuple[Literal | Bound, ...]:
        if self._next.sort is Sort.BIND:
            return (self._value(),)
        self._need(Sort.SIGN, "(")
        found = [self._value()]
        while self._took(Sort.SIGN, ","):
            found.append(self._value())
        self._need(Sort.SIGN, ")")
        return tuple(found)

    def _like(self, left: Node, word: Word) -> Node:
        pattern = self._value()
        if isinstance(pattern, Literal) and not isinstance(pattern.value, str):
            raise wrong(f"{word.text} takes a 'pattern' or a bind", pattern.at)
        escape = None
        if self._took(Sort.KEYWORD, "ESCAPE"):
            if self._next.sort is not Sort.STRING or len(self._next.text) != 1:
                raise self._unexpected("one character in quotes")
            escape = self._take().text
        return Like(left, pattern, escape, word.text == "ILIKE", word.at)

    def _value(self) -> Literal | Bound:
        """A literal, with its sign, or a bind."""
        minus = self._took(Sort.SIGN, "-")
        found = self._bare()
        if minus is None and isinstance(found, Literal | Bound):
            return found
        if minus is not None and isinstance(found, Literal) and not isinstance(found.value, str | bool):
            return Literal(-found.value, minus.at)
        raise wrong("a value is a number, a 'string', TRUE, FALSE or a :bind", found.at)

    def _sum(self) -> Node:
        return self._chain(("+", "-"), lambda: self._chain(("*", "/", "%"), self._unary))

    def _chain(self, signs: tuple[str, ...], below: Callable[[], Node]) -> Node:
        at = self._next.at
        operands, between = [below()], []
        while (sign := self._took(Sort.SIGN, *signs)) is not None:
            self._signs += 1
            if self._signs > MOST_SIGNS:
                raise TooComplex(
                    f"where has more than {MOST_SIGNS} signs of arithmetic.",
                    what="signs",
                    limit=MOST_SIGNS,
                    actual=self._signs,
                )
            between.append(sign.text)
            operands.append(below())
        return operands[0] if not between else Arithmetic(tuple(operands), tuple(between), at)

    def _unary(self) -> Node:
        minus = self._took(Sort.SIGN, "-")
        if minus is not None:
            self._enter()
            operand = self._unary()
            self._depth -= 1
            return Minus(operand, minus.at)
        word = self._took(Sort.SIGN, "(")
        if word is None:
            return self._bare()
        return self._closed()

    def _closed(self) -> Node:
        """What stands in parentheses, of which the first is read."""
        self._enter()
        found = self._or()
        self._need(Sort.SIGN, ")")
        self._depth -= 1
        return found

    def _bare(self) -> Node:
        word = self._next
        match word.sort:
            case Sort.NUMBER:
                return Literal(_number(self._take()), word.at)
            case Sort.STRING:
                return Literal(self._take().text, word.at)
            case Sort.BIND:
                return Bound(self._take().text, word.at)
            case Sort.NAME:
                return self._named(self._take())
            case Sort.KEYWORD if word.text in ("TRUE", "FALSE"):
                return Literal(self._take().text == "TRUE", word.at)
            case Sort.KEYWORD if word.text == "NULL":
                raise wrong("nothing is equal to NULL; write IS NULL or IS NOT NULL", word.at)
        raise self._unexpected("a column, a value or a parenthesis")

    def _named(self, word: Word) -> Node:
        if self._took(Sort.SIGN, "(") is None:
            return Column(word.text, word.at)
        name = word.text.lower()
        if name not in FUNCTIONS:
            near = nearest(name, FUNCTIONS)
            raise wrong(
                f"there is no function {word.text[:40]!r} here"
                + (f"; did you mean {' or '.join(map(repr, near))}?" if near else ""),
                word.at,
            )
        return Function(name, self._closed(), word.at)


def _negated(node: Node, word: Word | None) -> Node:
    return node if word is None else Not(node, word.at)


def _number(word: Word) -> int | float:
    if word.text.isdigit():
        if len(word.text) > 19 or int(word.text) >= 2**63:
            raise wrong("a whole number is less than 2^63", word.at)
        return int(word.text)
    value = float(word.text)
    if value == float("inf"):
        raise wrong("a number is less than 1.8e308", word.at)
    return value
