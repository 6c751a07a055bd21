"""The words of a condition: names, numbers, strings, binds and signs. What is none of them ends the reading, at its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from adapters.errors import BadUserInput, TooComplex

MOST_CHARACTERS = 20_000
MOST_WORDS = 5_000
GRAMMAR = (
    "A condition is made of the columns of this result, numbers, 'strings', TRUE, FALSE, :binds, =, <>, !=, <, <=, >, >=, AND, OR, NOT, "
    "IN (...), BETWEEN ... AND ..., LIKE, ILIKE, IS NULL, +, -, *, /, %, and the functions abs, ceil, floor, round, lower, upper, length."
)
KEYWORDS = frozenset(
    ("AND", "OR", "NOT", "IN", "BETWEEN", "LIKE", "ILIKE", "ESCAPE", "IS", "NULL", "TRUE", "FALSE")
)


class Sort(StrEnum):
    KEYWORD = "keyword"
    NAME = "name"
    NUMBER = "number"
    STRING = "string"
    BIND = "bind"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Word:
    """``text``: a keyword in capitals, a name or a string without its quotes, a bind without its colon. ``at``: its first character, from 0."""

    sort: Sort
    text: str
    at: int


_WORD = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![A-Za-z0-9_.]))
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<string>'(?:[^']|'')*')
    | (?P<quoted>"(?:[^"]|"")+")
    | :(?P<bind>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign><=|>=|<>|!=|[=<>+\-*/%(),])""",
    re.VERBOSE,
)


def words(text: str) -> list[Word]:
    """The words of a condition, and one that says where it ends.

    Raises
    ------
    BadUserInput
        Something that is no word; an E'', U&'' or $$ string, a comment or a semicolon is none.
    TooComplex
        More characters or words than a condition may have.
    """
    if len(text) > MOST_CHARACTERS:
        raise _too_long("characters", MOST_CHARACTERS, len(text))
    found: list[Word] = []
    at = 0
    while at < len(text):
        match = _WORD.match(text, at)
        if match is None or text.startswith(("--", "/*"), at):
            raise wrong(
                f"{text[at : at + 2].split()[0] if text[at].strip() else text[at]!r} cannot stand there", at
            )
        if match.lastgroup != "space":
            found.append(_word(match))
            if len(found) > MOST_WORDS:
                raise _too_long("words", MOST_WORDS, len(found))
        at = match.end()
    found.append(Word(Sort.END, "", len(text)))
    return found


def _word(match: re.Match[str]) -> Word:
    group, text, at = match.lastgroup, match.group(), match.start()
    if group == "word":
        capitals = text.upper()
        return Word(Sort.KEYWORD, capitals, at) if capitals in KEYWORDS else Word(Sort.NAME, text, at)
    if group == "string":
        return Word(Sort.STRING, text[1:-1].replace("''", "'"), at)
    if group == "quoted":
        return Word(Sort.NAME, text[1:-1].replace('""', '"'), at)
    if group == "bind":
        return Word(Sort.BIND, text[1:], at)
    return Word(Sort.NUMBER if group == "number" else Sort.SIGN, text, at)


def wrong(message: str, at: int) -> BadUserInput:
    """What is wrong with a condition, where, and what would be right."""
    return BadUserInput(f"where: {message} (character {at + 1}). {GRAMMAR}", position=at + 1)


def _too_long(what: str, limit: int, actual: int) -> TooComplex:
    return TooComplex(
        f"where has {actual} {what} or more; it may have {limit}. Give long lists as a bind: visit IN (:visits).",
        what=what,
        limit=limit,
        actual=actual,
    )
