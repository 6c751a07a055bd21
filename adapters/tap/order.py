"""Total orders and pages in ADQL: the terms asked for, NULL last either way, then what makes the order complete; a page begins behind a key.

ADQL has no NULLS LAST. Where the service has CASE (ADQL 2.1) each term is preceded by a flag; elsewhere a term of which some rows have no value is
refused, because databases put NULL at either end. Texts are ordered as the service's database does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import BadCursor
from ..question import KeyValue
from ..rows import Kind
from . import adql
from .columns import Named


@dataclass(frozen=True, slots=True)
class Term:
    """A column to order by; ``flag``: the alias of whether it is NULL, where it may be. ``alias`` is the column's own."""

    column: Named
    alias: str
    descending: bool = False
    flag: str | None = None


@dataclass(frozen=True, slots=True)
class Sorting:
    """Terms, the last of which are never NULL together with each other for two rows: a row's key is the values of all."""

    terms: tuple[Term, ...]

    def selected(self) -> list[str]:
        """What a query has to select for it."""
        found = []
        for term in self.terms:
            name = term.column.column
            found.append(f"{name} AS {term.alias}")
            if term.flag is not None:
                found.append(f"CASE WHEN {name} IS NULL THEN 1 ELSE 0 END AS {term.flag}")
        return found

    def clause(self) -> list[str]:
        found = []
        for term in self.terms:
            if term.flag is not None:
                found.append(term.flag)
            found.append(f"{term.alias} DESC" if term.descending else term.alias)
        return found

    def behind(self, key: Sequence[KeyValue]) -> str:
        """Rows that come after this key. Raises BadCursor for one that is not of this order."""
        if len(key) != len(self.terms):
            raise BadCursor("This cursor belongs to another order.")
        found = []
        equal: list[str] = []
        for term, value in zip(self.terms, key, strict=True):
            name = term.column.column
            if value is None:
                if term.flag is None:
                    raise BadCursor("This cursor belongs to another order.")
                equal.append(f"{name} IS NULL")
                continue
            if isinstance(value, str) is not (term.column.kind is Kind.STRING):
                raise BadCursor("This cursor belongs to another order.")
            sign = "<" if term.descending else ">"
            beyond = f"{name} {sign} {adql.literal(value)}"
            if term.flag is not None:
                beyond = f"({beyond} OR {name} IS NULL)"
            found.append("(" + adql.both([*equal, beyond]) + ")")
            equal.append(f"{name} = {adql.literal(value)}")
        return adql.either(found)
