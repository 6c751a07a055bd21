"""The shell's globs (``*``, ``?``, ``[abc]``, ``[!a-c]``) for Python and for both databases, with one meaning: that of ``fnmatch``.

Butler's own GLOB lacks classes, SQLite's GLOB negates with ``^`` and PostgreSQL has regular expressions only, so a pattern is taken apart
once and written anew. Case matters everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

_WILD = re.compile(r"[*?\[]")


def is_glob(text: str) -> bool:
    """Whether the text has a character that a glob gives a meaning to."""
    return _WILD.search(text) is not None


def matches(text: str, pattern: str) -> bool:
    return fnmatchcase(text, pattern)


def _tokens(pattern: str) -> Iterator[tuple[str, str]]:
    """Pairs of (kind, text): many, one, class (members as written), other (members of a negated class), literal."""
    position, end = 0, len(pattern)
    while position < end:
        character = pattern[position]
        position += 1
        if character == "*":
            yield "many", "*"
        elif character == "?":
            yield "one", "?"
        elif character == "[":
            close = position
            if close < end and pattern[close] == "!":
                close += 1
            if close < end and pattern[close] == "]":
                close += 1
            while close < end and pattern[close] != "]":
                close += 1
            if close >= end:
                yield "literal", "["
            else:
                members = pattern[position:close]
                position = close + 1
                yield ("other", members[1:]) if members.startswith("!") else ("class", members)
        else:
            yield "literal", character


def _members(text: str) -> list[tuple[str, str]]:
    """The ranges of a class; a range that runs backwards holds nothing, as in fnmatch."""
    ranges, position = [], 0
    while position < len(text):
        if position + 2 < len(text) and text[position + 1] == "-":
            ranges.append((text[position], text[position + 2]))
            position += 3
        else:
            ranges.append((text[position], text[position]))
            position += 1
    return [(low, high) for low, high in ranges if low <= high]


def to_sqlite(pattern: str) -> str:
    """The same pattern for SQLite's GLOB."""
    out = []
    for kind, text in _tokens(pattern):
        if kind in ("many", "one"):
            out.append(text)
        elif kind == "literal":
            out.append("[[]" if text == "[" else text)
        else:
            ranges = _members(text)
            if not ranges:
                out.append("?" if kind == "other" else "[^\x01-\U0010ffff]")
                continue
            # A closing bracket counts as a member only in the first place, a hyphen only in the last, a caret in neither first.
            singles = {low for low, high in ranges if low == high}
            spans = "".join(f"{low}-{high}" for low, high in ranges if low != high)
            middle = spans + "".join(sorted(singles - set("]-^"))) + ("^" if "^" in singles else "")
            body = ("]" if "]" in singles else "") + middle + ("-" if "-" in singles else "")
            if kind == "class" and body.startswith("^"):
                body = "^" if body == "^" else f"-{body[:-1]}"  # only carets and hyphens are left
                out.append("^" if body == "^" else f"[{body}]")
                continue
            out.append("[" + ("^" if kind == "other" else "") + body + "]")
    return "".join(out)


def to_postgres(pattern: str) -> str:
    """The same pattern as an anchored POSIX regular expression (advanced, PostgreSQL 9.7.3)."""
    out = []
    for kind, text in _tokens(pattern):
        if kind == "many":
            out.append(".*")
        elif kind == "one":
            out.append(".")
        elif kind == "literal":
            out.append(re.sub(r"([\\^$.|?*+()\[\]{}])", r"\\\1", text))
        else:
            ranges = _members(text)
            if not ranges:
                out.append("." if kind == "other" else "(?!.).")
                continue
            body = "".join(
                _escaped(low) if low == high else f"{_escaped(low)}-{_escaped(high)}" for low, high in ranges
            )
            out.append("[" + ("^" if kind == "other" else "") + body + "]")
    # (?p) is not wanted: a dot matches a newline in PostgreSQL's default mode, as in fnmatch.
    return "^(?:" + "".join(out) + ")$"


def _escaped(character: str) -> str:
    return "\\" + character if character in "\\]^-[" else character
