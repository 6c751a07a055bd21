"""Text of ADQL (IVOA ADQL 2.0 and 2.1), the only place where a caller's values become part of a query.

Every literal goes through ``text`` or ``number``, every name through ``identifier``; nothing else may be put between the words of a query.
Conditions are plain strings that are whole in themselves: in brackets wherever they hold an OR.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from ..errors import BadUserInput
from ..question import Value

NOTHING = "1 = 0"
"""A condition that no row satisfies."""

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_WILD = re.compile(r"[*?\[]")
_LONGEST = 10_000


def text(value: str) -> str:
    """A string literal: quotes are doubled, as ADQL has it.

    Raises
    ------
    BadUserInput
        Control characters, halves of surrogate pairs, and the backslash: databases behind TAP services disagree on whether it escapes
        the character behind it, and what is a literal to one of them would end the literal for another.
    """
    if len(value) > _LONGEST:
        raise BadUserInput(
            f"A text of {len(value)} characters is too long to search for; {_LONGEST} will do."
        )
    bad = _CONTROL.search(value)
    if bad is not None:
        raise BadUserInput(
            f"A text to search for has the character U+{ord(bad[0]):04X}, which no ObsCore value has."
        )
    if "\\" in value:
        raise BadUserInput(
            "A text to search for has a backslash, on which the databases behind TAP services disagree."
        )
    return "'" + value.replace("'", "''") + "'"


def number(value: int | float) -> str:
    """A numeric literal, of all digits that the number has. Raises BadUserInput for what 64 bits do not hold."""
    if isinstance(value, bool):
        raise BadUserInput("ObsCore has numbers and texts, and no column that is true or false.")
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise BadUserInput("An integer is too large for the service (64 bits).")
        return str(value)
    if not math.isfinite(value):
        raise BadUserInput("A number to search for is infinite, or none.")
    return repr(float(value)).upper()


def literal(value: Value) -> str:
    return text(value) if isinstance(value, str) else number(value)


def is_identifier(name: str) -> bool:
    """Whether a name can stand in a query as it is (ADQL 2.0, section 2.1.2: regular identifiers)."""
    return _IDENTIFIER.fullmatch(name) is not None


def identifier(name: str) -> str:
    """The name of a column, or of a table with its schema. Raises ValueError: names come from the configuration and from the service."""
    if not all(is_identifier(part) for part in name.split(".")):
        raise ValueError(f"{name!r} is no name that ADQL takes without quotes")
    return name


def both(conditions: Iterable[str]) -> str:
    """All of them; every row where there is none."""
    return " AND ".join(conditions) or "1 = 1"


def either(conditions: Sequence[str]) -> str:
    """Any of them; no row where there is none."""
    if len(conditions) == 1:
        return conditions[0]
    return f"({' OR '.join(conditions)})" if conditions else NOTHING


def within(column: str, values: Iterable[Value]) -> str:
    """Equal to any of these."""
    listed = [literal(value) for value in dict.fromkeys(values)]
    if len(listed) == 1:
        return f"{column} = {listed[0]}"
    return f"{column} IN ({', '.join(listed)})" if listed else NOTHING


def select(
    listed: Iterable[str],
    source: str,
    *,
    where: str = "",
    group: Iterable[str] = (),
    order: Iterable[str] = (),
    top: int | None = None,
    distinct: bool = False,
) -> str:
    """A query; every part is text that was made here, or the name of a column."""
    words = ["SELECT", "DISTINCT" if distinct else "", "" if top is None else f"TOP {top}", ", ".join(listed)]
    words += ["FROM", source, where and f"WHERE {where}"]
    words += [
        f"{word} {', '.join(parts)}"
        for word, own in (("GROUP BY", group), ("ORDER BY", order))
        if (parts := list(own))
    ]
    return " ".join(word for word in words if word)


def other(column: str, value: str) -> str:
    """Not equal to this literal, or column: DaCHS 2.7 does not parse ``<>`` with the pyparsing of its Debian."""
    return f"NOT ({column} = {value})"


def is_glob(pattern: str) -> bool:
    """Whether it has a character to which the shell's globs give a meaning."""
    return _WILD.search(pattern) is not None


def matches(value: str, pattern: str) -> bool:
    return fnmatchcase(value, pattern)


def identified(column: str, values: Iterable[str], *, kept: bool) -> str:
    """Equal to any of these identifiers; where the service does not keep per cent signs (``kept``), perhaps to others that look like them."""
    listed = list(values)
    plain = [value for value in listed if kept or "%" not in value]
    found = [within(column, plain)] if plain else []
    found += [f"{column} LIKE {text(one.replace('%', '_'))}" for one in listed if not kept and "%" in one]
    return either(found)


def like(pattern: str, *, escapes: bool, percent: bool = True) -> tuple[str, bool]:
    """A glob as a pattern for LIKE, as a literal; and whether LIKE means exactly the same by it.

    ADQL has no ESCAPE: where a backslash is not known to take the meaning off ``_`` and ``%`` (``escapes``), or per cent signs are not kept
    (``percent``), they stand for themselves and for more. So does a class (``[abc]``), which LIKE has not: such patterns match all that the glob does, and perhaps more.
    """
    text(pattern)
    out, exact, place = "", True, 0
    while place < len(pattern):
        character = pattern[place]
        place += 1
        if character == "[" and (close := _closing(pattern, place)) is not None:
            place, exact = close + 1, False
            out += "_"
        elif character in "_%":
            escaped = escapes and (percent or character == "_")
            out += f"\\{character}" if escaped else "_"
            exact = exact and escaped
        else:
            out += {"*": "%", "?": "_"}.get(character, character)
    return "'" + out.replace("'", "''") + "'", exact


def _closing(pattern: str, place: int) -> int | None:
    """Where the class that begins here ends; None: the bracket is a character like others (fnmatch)."""
    if pattern[place : place + 1] == "!":
        place += 1
    found = pattern.find("]", place + 1)
    return None if found < 0 else found
