"""Any condition, order and count over a frozen table is what Python says of its rows, in SQL's logic of three values."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.question import Order
from tests.results.frozen import Frozen, Row

Value = Callable[[Row], Any]
Said = tuple[str, Value]
"""A text, and what it is of a row; None is SQL's null."""

NUMBERS = ("visit", "detector", "seeing")
TEXTS = ("band", "name")
WORDS = ["r", "i", "HSC-R", "100%", "a_b", "a\nb", "it's", "été", "", "\\", "a.b", "Z", "z", "日本"]


def rows(dice: random.Random) -> list[Row]:
    def maybe(value: Any) -> Any:
        return None if dice.random() < 0.25 else value

    return [
        {
            "visit": maybe(dice.randint(-6, 6)),
            "detector": maybe(dice.randint(0, 3)),
            "seeing": maybe(dice.choice([-1.5, -0.5, 0.0, 0.5, 0.7, 2.0, 1e10])),
            "band": maybe(dice.choice(["r", "i", "z", "R"])),
            "name": maybe(dice.choice(WORDS)),
            "good": maybe(dice.random() < 0.5),
            "begin": maybe(dice.randint(-3, 3) * 500_000),
        }
        for _ in range(60)
    ]


TYPES = pa.schema(
    [
        ("visit", pa.int64()),
        ("detector", pa.int32()),
        ("seeing", pa.float64()),
        ("band", pa.string()),
        ("name", pa.large_string()),
        ("good", pa.bool_()),
        ("begin", pa.timestamp("us", tz="UTC")),
    ]
)
ROWS = rows(random.Random(7))
INSTANTS = {
    "1969-12-31T23:59:59Z": -1_000_000,
    "1970-01-01T00:00:00Z": 0,
    "1970-01-01T00:00:00.5Z": 500_000,
    "1970-01-01T01:00:01+01:00": 1_000_000,
}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Frozen:
    return Frozen(tmp_path_factory.mktemp("it's") / "a table.parquet", pa.Table.from_pylist(ROWS, TYPES))


def strict(function: Callable[..., Any], *parts: Value) -> Value:
    """Null where a part is."""

    def value(row: Row) -> Any:
        values = [part(row) for part in parts]
        return None if None in values else function(*values)

    return value


def _round(x: float) -> float:
    return math.copysign(math.floor(abs(x) + 0.5), x)


ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: None if b == 0 else a / b,
    "%": lambda a, b: None if b == 0 else math.fmod(a, b),
}
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
OF_NUMBERS: dict[str, Callable[[Any], Any]] = {
    "abs": abs,
    "ceil": math.ceil,
    "floor": math.floor,
    "round": _round,
}


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def column(name: str) -> Said:
    return name, lambda row: row[name]


def number_literals() -> st.SearchStrategy[Said]:
    values = st.sampled_from([0, 1, 2, 3, 5, 0.5, 0.7, 1e3, 1.5])
    return values.map(lambda value: (repr(value), lambda row: value))


def numbers() -> st.SearchStrategy[Said]:
    base = st.sampled_from(NUMBERS).map(column) | number_literals()

    def more(inner: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
        return (
            st.builds(
                lambda a, sign, b: (f"({a[0]} {sign} {b[0]})", strict(ARITHMETIC[sign], a[1], b[1])),
                inner,
                st.sampled_from(sorted(ARITHMETIC)),
                inner,
            )
            | inner.map(lambda a: (f"(- {a[0]})", strict(lambda x: -x, a[1])))
            | st.builds(
                lambda name, a: (f"{name}({a[0]})", strict(OF_NUMBERS[name], a[1])),
                st.sampled_from(sorted(OF_NUMBERS)),
                inner,
            )
            | texts().map(lambda a: (f"length({a[0]})", strict(len, a[1])))
        )

    return st.recursive(base, more, max_leaves=4)


def texts() -> st.SearchStrategy[Said]:
    base = st.sampled_from(TEXTS).map(column) | st.sampled_from(WORDS).map(
        lambda word: (quoted(word), lambda row: word)
    )
    return (
        base
        | base.map(lambda a: (f"LOWER({a[0]})", strict(str.lower, a[1])))
        | base.map(lambda a: (f"upper({a[0]})", strict(str.upper, a[1])))
    )


def like(text: str, pattern: str) -> bool:
    """LIKE, by definition."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return any(like(text[place:], pattern[1:]) for place in range(len(text) + 1))
    return bool(text) and pattern[0] in ("_", text[0]) and like(text[1:], pattern[1:])


def predicates() -> st.SearchStrategy[Said]:
    signs = st.sampled_from(sorted(COMPARED))

    def compared(a: Said, sign: str, b: Said) -> Said:
        return f"{a[0]} {sign} {b[0]}", strict(COMPARED[sign], a[1], b[1])

    def between(a: Said, low: Said, high: Said) -> Said:
        def value(row: Row) -> Any:
            above = strict(lambda x, y: x >= y, a[1], low[1])(row)
            below = strict(lambda x, y: x <= y, a[1], high[1])(row)
            return False if False in (above, below) else None if None in (above, below) else True

        return f"{a[0]} BETWEEN {low[0]} AND {high[0]}", value

    def among(a: Said, values: list[Said]) -> Said:
        listed = [value({}) for _, value in values]
        return f"{a[0]} IN ({', '.join(text for text, _ in values)})", strict(lambda x: x in listed, a[1])

    def alike(a: Said, word: str, pattern: str) -> Said:
        fold = str.lower if word == "ILIKE" else str
        return (
            f"{a[0]} {word} {quoted(pattern)}",
            strict(lambda text: like(fold(text), fold(pattern)), a[1]),
        )

    def instant(sign: str, text: str) -> Said:
        return f"begin {sign} '{text}'", strict(
            COMPARED[sign], lambda row: row["begin"], lambda row: INSTANTS[text]
        )

    patterns = st.text(st.sampled_from("%_ariZzHSC-100b.é本\\"), max_size=6)
    listed = st.lists(number_literals(), min_size=1, max_size=4)
    words = st.lists(
        st.sampled_from(WORDS).map(lambda word: (quoted(word), lambda row: word)), min_size=1, max_size=4
    )
    return (
        st.builds(compared, numbers(), signs, numbers())
        | st.builds(compared, texts(), signs, texts())
        | st.builds(between, numbers(), numbers(), numbers())
        | st.builds(among, numbers(), listed)
        | st.builds(among, texts(), words)
        | st.builds(alike, texts(), st.sampled_from(["LIKE", "ILIKE", "like"]), patterns)
        | st.builds(instant, signs, st.sampled_from(sorted(INSTANTS)))
        | st.sampled_from([*NUMBERS, *TEXTS, "good", "begin"]).map(
            lambda name: (f'"{name}" IS NULL', lambda row: row[name] is None)
        )
        | numbers().map(lambda a: (f"{a[0]} is not null", lambda row: a[1](row) is not None))
        | st.sampled_from(["good", "good = TRUE", "(good <> false)"]).map(
            lambda text: (text, lambda row: row["good"])
        )
        | st.booleans().map(lambda value: (str(value), lambda row: value))
    )


def conditions() -> st.SearchStrategy[Said]:
    def joined(word: str, parts: list[Said]) -> Said:
        strong = word == "OR"

        def value(row: Row) -> Any:
            values = [part(row) for _, part in parts]
            return strong if strong in values else None if None in values else not strong

        return "(" + f" {word} ".join(text for text, _ in parts) + ")", value

    def more(inner: st.SearchStrategy[Said]) -> st.SearchStrategy[Said]:
        return st.builds(
            joined, st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=4)
        ) | inner.map(lambda a: (f"NOT ({a[0]})", strict(lambda x: not x, a[1])))

    return st.recursive(predicates(), more, max_leaves=6)


@settings(max_examples=150)
@given(conditions())
def test_the_rows_are_those_of_which_the_condition_is_true(table: Frozen, condition: Said) -> None:
    text, value = condition
    expected = [place for place, row in enumerate(ROWS) if value(row) is True]
    assert table.places(text) == expected, text


@settings(max_examples=25)
@given(conditions())
def test_the_count_and_the_facets_are_those_of_the_same_rows(table: Frozen, condition: Said) -> None:
    text, value = condition
    expected = [row for row in ROWS if value(row) is True]
    assert table.count(text) == len(expected)
    counted = Counter((row["band"], row["detector"]) for row in expected)
    found = table.facets(["band", "detector"], text)
    assert {row[:-1]: row[-1] for row in found} == counted
    assert [row[-1] for row in found] == sorted(counted.values(), reverse=True)


def sort_key(order: list[Order]) -> Callable[[int], Any]:
    def key(place: int) -> Any:
        found: list[Any] = []
        for one in order:
            value = ROWS[place][one.name]
            if isinstance(value, str):
                value = tuple(ord(letter) * (-1 if one.descending else 1) for letter in value) + (
                    (math.inf,) if one.descending else (-math.inf,)
                )
            elif value is not None and one.descending:
                value = -value
            found.append((value is None, value if value is not None else 0))
        return (*found, place)

    return key


@settings(max_examples=30)
@given(
    st.lists(
        st.builds(
            Order,
            st.sampled_from([*NUMBERS, *TEXTS, "good", "begin"]),
            st.booleans(),
        ),
        max_size=3,
        unique_by=lambda one: one.name,
    ),
    st.integers(1, 25),
    predicates(),
)
def test_pages_put_together_are_the_sorted_rows(
    table: Frozen, order: list[Order], first: int, condition: Said
) -> None:
    """Nulls last either way, strings by code point, rows that are equal in the order of the answer."""
    text, value = condition
    expected = sorted((place for place, row in enumerate(ROWS) if value(row) is True), key=sort_key(order))
    found: list[int] = []
    after = None
    while True:
        page = table.places(text, (), order, first, after)
        found += page[:first]
        if len(page) <= first:
            break
        after = found[-1]
    assert found == expected
