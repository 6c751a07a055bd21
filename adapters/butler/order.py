"""Orders and keysets: where a row stands, and which rows stand behind a given one.

NULLs sort last in both directions and strings by code point, on both databases, so that a page ends where the next begins whatever the collation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ..errors import BadCursor
from ..question import KeyValue
from ..rows import Kind
from .dialect import Dialect

Column = sa.ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class Term:
    """One part of an order. ``constant``: every row of this select has this value (``column`` is then of no matter)."""

    column: Column
    kind: Kind
    descending: bool = False
    nullable: bool = False
    constant: KeyValue = None

    def sorting(self, dialect: Dialect) -> list[Column]:
        """What ORDER BY says; nothing for a constant."""
        if self.constant is not None:
            return []
        column = dialect.text(self.column) if self.kind is Kind.STRING else self.column
        directed = column.desc() if self.descending else column.asc()
        return [self.column.is_(None), directed] if self.nullable else [directed]


def sorting(terms: Sequence[Term], dialect: Dialect) -> list[Column]:
    return [part for term in terms for part in term.sorting(dialect)]


_TYPES: Mapping[Kind, type | tuple[type, ...]] = {
    Kind.STRING: str,
    Kind.UUID: str,
    Kind.FLOAT: (int, float),
    Kind.BOOL: (bool, int),
}


def check(kinds: Sequence[Kind], values: Sequence[KeyValue], *, nulls: bool = True) -> None:
    """Refuse a page key that was made for another order, before the database meets it. Raises BadCursor.

    None may stand anywhere, but for ``nulls``: where no NULL can be it only leads nowhere.
    """
    fits = len(kinds) == len(values) and all(
        (nulls and value is None) or _fits(kind, value) for kind, value in zip(kinds, values, strict=False)
    )
    if not fits:
        raise BadCursor("after is damaged: its key does not fit the order of this list.")


def _fits(kind: Kind, value: KeyValue) -> bool:
    if isinstance(value, bool):  # which Python takes for an integer
        return kind is Kind.BOOL
    return isinstance(value, _TYPES.get(kind, int))


def behind(terms: Sequence[Term], values: Sequence[KeyValue], dialect: Dialect) -> Column | bool:
    """The condition that a row stands strictly behind these values; True or False where no row needs to be looked at."""
    if not terms:
        return False
    term, value = terms[0], values[0]
    if term.constant is not None:
        if value is None or term.constant == value:
            return behind(terms[1:], values[1:], dialect) if value is not None else False
        return (term.constant > value) is not term.descending  # type: ignore[operator]
    run = _plain_run(terms, values)
    if run == len(terms) and run > 1:
        # One row comparison: both databases answer it from an index.
        columns = [_compared(term, dialect) for term in terms]
        return sa.tuple_(*columns) > sa.tuple_(
            *(_bound(t, v, dialect) for t, v in zip(terms, values, strict=True))
        )
    strictly, same = _beyond(term, value, dialect), _same(term, value, dialect)
    rest = behind(terms[1:], values[1:], dialect)
    if isinstance(rest, bool):
        return sa.or_(strictly, same) if rest else strictly
    return sa.or_(strictly, sa.and_(same, rest))


def _plain_run(terms: Sequence[Term], values: Sequence[KeyValue]) -> int:
    count = 0
    for term, value in zip(terms, values, strict=True):
        if term.constant is not None or term.descending or term.nullable or value is None:
            break
        count += 1
    return count


def _compared(term: Term, dialect: Dialect) -> Column:
    return dialect.text(term.column) if term.kind is Kind.STRING else term.column


def _bound(term: Term, value: KeyValue, dialect: Dialect) -> Column:
    if term.kind is Kind.UUID:
        return dialect.id_value(str(value))
    return sa.literal(bool(value) if term.kind is Kind.BOOL else value)


def _beyond(term: Term, value: KeyValue, dialect: Dialect) -> Column:
    if value is None:  # NULLs are the last; behind them only the tie-breakers tell
        return sa.false()
    column, bound = _compared(term, dialect), _bound(term, value, dialect)
    further = column < bound if term.descending else column > bound
    return sa.or_(further, term.column.is_(None)) if term.nullable else further


def _same(term: Term, value: KeyValue, dialect: Dialect) -> Column:
    if value is None:
        return term.column.is_(None)
    return term.column == _bound(term, value, dialect)
