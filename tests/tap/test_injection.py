"""No text of a caller's changes a query: it is found as it is, or nothing is, or it is refused."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.errors import AdapterError
from adapters.question import (
    Among,
    Constraint,
    DataIds,
    Datasets,
    FindDataset,
    Kinship,
    Op,
    Order,
    Regions,
    Related,
    Sky,
)
from adapters.rows import Rows
from adapters.tap import adql

from .asking import Opened

PIECES = (
    "'", "''", '"', "--", "/*", "*/", ";", "\\", "\\'", "%", "_", "*", "?", "[", "]", "[!a]", "(", ")", " OR 1=1", "' OR '1'='1", "' OR 1=1 --",
    "') OR (1=1", "' UNION SELECT * FROM TAP_SCHEMA.tables --", "\x00", "\n", "\ud800", "é", "\u2028", "M 31", "O'Neil's star", "under_score", "raw",
)  # fmt: skip
NASTY = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=4).map("".join)
CODES = {"BAD_USER_INPUT", "NOT_FOUND", "UNSUPPORTED", "BAD_CURSOR", "QUERY_TOO_COMPLEX"}


def answered(tap: Opened, question: Any) -> Rows | None:
    """None: refused. That the service does not take a query would be a failure of the adapter."""
    try:
        return tap.ask(question)
    except AdapterError as error:
        assert error.code in CODES, error
        assert "does not take this question" not in error.message, error.message
        return None


def values(rows: Rows, name: str) -> list[Any]:
    return [row[rows.index(name)] for row in rows.rows]


def holds(op: Op, value: Any, given: str) -> bool:
    return {
        Op.EQ: lambda: value == given,
        Op.NE: lambda: value != given,
        Op.IN: lambda: value == given,
        Op.GLOB: lambda: fnmatchcase(value, given),
        Op.GE: lambda: value >= given,
        Op.LT: lambda: value < given,
    }[op]()


@settings(max_examples=60)
@given(text=NASTY, op=st.sampled_from([Op.EQ, Op.NE, Op.IN, Op.GLOB, Op.GE, Op.LT]))
def test_constraints_find_what_they_say(text: str, op: Op, tap: Opened, table: list[dict[str, Any]]) -> None:
    value: Any = (text,) if op is Op.IN else text
    question = Datasets(("*",), constraints=(Constraint("target_name", op, value),)).paged(1_000)
    rows = answered(tap, question)
    if rows is not None:
        known = [one["target_name"] for one in table if one["target_name"] is not None]
        assert sorted(values(rows, "target_name")) == sorted(one for one in known if holds(op, one, text))


PLACES: dict[str, Callable[[str], Any]] = {
    "a type": lambda text: Datasets((text,)),
    "a collection": lambda text: Datasets(("raw",), (text,)),
    "a name": lambda text: Datasets(("raw",), constraints=(Constraint(text, Op.EQ, "x"),)),
    "an order": lambda text: Datasets(("raw",), order=(Order(text),)),
    "among": lambda text: Datasets(("raw",), among=Among(("target_name",), ((text,),))),
    "among names": lambda text: Datasets(("raw",), among=Among((text,), (("x",),))),
    "among two": lambda text: Datasets(
        ("raw",), among=Among(("target_name", "obs_id"), ((text, "x"), ("y", text)))
    ),
    "a key": lambda text: Datasets(("raw",)).paged(3, (text,)),
    "a shape": lambda text: Datasets(("raw",), sky=Sky(text)),
    "part of a shape": lambda text: Datasets(("raw",), sky=Sky(f"CIRCLE 0 0 {text}")),
    "a data ID": lambda text: FindDataset("raw", (("target_name", text), ("obs_id", text))),
    "an identifier": lambda text: Regions(("obs_publisher_did",), ((text,),)),
    "a parent": lambda text: Related(("obs_publisher_did",), ((text,),), ("raw",), by=Kinship.SPATIAL),
    "a dimension": lambda text: DataIds((text,)),
}


@settings(max_examples=60)
@given(text=NASTY, place=st.sampled_from(sorted(PLACES)))
def test_no_place_for_a_text_opens_a_query(
    text: str, place: str, tap: Opened, table: list[dict[str, Any]]
) -> None:
    rows = answered(tap, PLACES[place](text))
    if rows is None:
        return
    if place in ("among", "among two", "a data ID"):
        assert set(values(rows, "target_name")) <= {text}
    elif place == "a type":
        known = [n for one in table for n in (one["dataproduct_subtype"], one["dataproduct_type"]) if n]
        assert not rows.rows or any(text == one or fnmatchcase(one, text) for one in known)
    elif place in ("an identifier", "a parent"):
        assert not rows.rows
    elif place == "a key":
        assert all(one > text for one in values(rows, "obs_publisher_did"))


@pytest.mark.parametrize("text", ["50% off", "*%*"])
def test_a_service_that_garbles_per_cent_signs_is_not_asked_for_them(text: str, tap: Opened) -> None:
    """DaCHS 2.7 makes two of one in every literal."""
    op = Op.GLOB if "*" in text else Op.EQ
    with pytest.raises(AdapterError, match="per cent sign") as raised:
        tap.ask(Datasets(("*",), constraints=(Constraint("target_name", op, text),)))
    assert raised.value.code == "UNSUPPORTED"


# The writing of literals by itself.


def parsed(literal: str) -> str:
    """What a parser of ADQL takes a literal for: it must be all of the text."""
    assert literal[0] == literal[-1] == "'" and len(literal) >= 2
    inner = literal[1:-1]
    assert "'" not in inner.replace("''", ""), "a quote that ends the literal"
    return inner.replace("''", "'")


@given(NASTY | st.text())
def test_a_literal_is_the_text_or_there_is_none(text: str) -> None:
    try:
        literal = adql.text(text)
    except AdapterError:
        assert any(c == "\\" or not c.isprintable() for c in text)
        return
    assert parsed(literal) == text and "\\" not in literal


@given(NASTY, st.lists(st.text(alphabet="ab_%*'[?]x", max_size=6)), st.booleans(), st.booleans())
def test_like_means_what_the_glob_does_or_more(
    pattern: str, texts: list[str], escapes: bool, percent: bool
) -> None:
    try:
        literal, exact = adql.like(pattern, escapes=escapes, percent=percent)
    except AdapterError:
        return
    like = parsed(literal)
    for text in [*texts, pattern]:
        if fnmatchcase(text, pattern):
            assert liked(text, like)
        elif exact:
            assert not liked(text, like)


def liked(text: str, pattern: str) -> bool:
    """SQL's LIKE, with a backslash as escape."""
    import re

    out, place = "", 0
    while place < len(pattern):
        character = pattern[place]
        if character == "\\":
            place += 1
            out += re.escape(pattern[place])
        else:
            out += {"%": ".*", "_": "."}.get(character, re.escape(character))
        place += 1
    return re.fullmatch(out, text, re.DOTALL) is not None


@given(st.integers() | st.floats())
def test_a_number_is_all_of_its_digits_or_refused(value: float) -> None:
    try:
        assert type(value)(adql.number(value)) == value and set(adql.number(value)) <= set("0123456789-+.E")
    except AdapterError:
        assert value != value or abs(value) >= 2**63 or abs(value) == float("inf")


@pytest.mark.parametrize(
    "name", ["", "a b", "a;b", "1a", "a'", 'a"b', "ivoa.", ".x", "a..b", "a-b", "é", "a\n", "_x"]
)
def test_a_name_that_would_need_quotes_is_none(name: str) -> None:
    with pytest.raises(ValueError):
        adql.identifier(name)
