"""``where``: what is refused before Butler sees it, what is said, and that values reach Butler exactly."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsst.daf.butler import DimensionUniverse
from lsst.daf.butler.queries import _expression_strings as butlers
from lsst.daf.butler.queries._identifiers import IdentifierContext

from adapters.butler import expression
from adapters.caller import Call
from adapters.errors import BadUserInput, TooComplex
from adapters.question import Bind, Datasets, Span, Where

from .asker import ApiAsker
from .repositories import Repository

UNIVERSE = DimensionUniverse()


def read(text: str, *binds: Bind) -> expression.Expression | None:
    return expression.read(Where(text, binds), UNIVERSE)


def pairs(count: int) -> str:
    return " OR ".join(f"(exposure = {i} AND detector = {i})" for i in range(count))


@pytest.mark.parametrize(
    "text",
    [
        pairs(14),
        pairs(160),
        f"NOT (({pairs(5)}) AND ({pairs(5)}))",
        "NOT NOT " + f"({pairs(7)})",
        "visit IN (" + ",".join(map(str, range(2000))) + ")",
        "(" * 1000 + "visit = 1" + ")" * 1000,
        " OR ".join(f"visit = {i}" for i in range(1500)),
        "visit = " + "1" * 30_000,
    ],
)
def test_explosions_are_refused_at_once(text: str) -> None:
    begin = time.monotonic()
    with pytest.raises(TooComplex) as caught:
        read(text)
    assert time.monotonic() - begin < 1
    assert caught.value.details["actual"] > caught.value.details["limit"]
    assert "among" in caught.value.message or "IN" in caught.value.message


@pytest.mark.parametrize(
    ("text", "binds", "word"),
    [
        ("visit = ", (), "End of input"),
        ("visit $ 5", (), "position 6"),
        ("visit = :v", (), ":v"),
        ("visit = 5", (Bind("v", "long", 5),), "'v'"),
        ("visit = :visit", (Bind("visit", "long", 5),), "another name"),
        ("", (Bind("v", "long", 5),), "empty"),
        ("visit = :v", (Bind("v", "long", 2**63),), "64-bit"),
        ("visit = :v", (Bind("v", "long", 1), Bind("v", "long", 2)), "twice"),
        ("visit IN (:v)", (Bind("v", "longs", ()),), "empty"),
        ("visit.region OVERLAPS :r", (Bind("r", "region", "CIRCLE 1 2"),), "CIRCLE ra dec"),
        ("flat.dataset_id = :u", (Bind("u", "uuid", "nope"),), "UUID"),
        ("visit.timespan OVERLAPS :t", (Bind("t", "timespan", Span(5, 5)),), "after"),
        ("visit.timespan.begin > T'2020-99-99'", (), "where"),
    ],
)
def test_mistakes_are_explained(text: str, binds: tuple[Bind, ...], word: str) -> None:
    with pytest.raises(BadUserInput) as caught:
        read(text, *binds)
    assert word in caught.value.message


def test_circle_is_right_or_refused() -> None:
    text = "visit.region OVERLAPS CIRCLE(10, 20, 1)"
    made = butlers.convert_expression_string_to_predicate(
        text, context=IdentifierContext(UNIVERSE.conform(["visit"]), set()), universe=UNIVERSE
    )
    (((leaf,)),) = made.operands
    right = leaf.b.value.getOpeningAngle().asDegrees() == pytest.approx(1.0)  # type: ignore[union-attr]
    assert expression.circle_is_right() is right
    if not right:
        with pytest.raises(BadUserInput, match="REGION"):
            read(text)
    assert read("visit.region OVERLAPS REGION('CIRCLE 10 20 1')") is not None


leaves = st.sampled_from(
    ["visit = 1", "detector > 2", "visit IN (1, 2, 3)", "visit NOT IN (4, 5)", "exposure.can_see_sky"]
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(lambda t: f"({t[0]}) {t[1]} ({t[2]})"),
        inner.map(lambda text: f"NOT ({text})"),
    ),
    max_leaves=9,
)


@given(conditions)
def test_sizes_are_those_of_butlers_normal_form(text: str) -> None:
    tree = expression._parse(text)
    assert tree is not None
    try:
        sizes = expression._size(tree)
    except TooComplex:
        return
    context = IdentifierContext(UNIVERSE.conform(["visit", "detector", "exposure"]), set())
    made = butlers.convert_expression_string_to_predicate(text, context=context, universe=UNIVERSE)
    assert sorted(sizes.elements()) == sorted(len(group) for group in made.operands)


@given(st.integers(0, 4_102_444_799_999_999_999))
def test_times_are_exact(nanoseconds: int) -> None:
    assert expression.timespan(Span(nanoseconds, None)).nsec[0] == nanoseconds
    made = read("ingest_date < :t", Bind("t", "time", nanoseconds))
    assert made is not None
    assert expression.timespan(Span(None, nanoseconds + 1)).nsec[1] == nanoseconds + 1


def test_binds_are_butlers() -> None:
    identifier = UUID(int=5)
    made = read(
        "visit IN (:some) AND physical_filter = :name AND raw.dataset_id = :one AND exposure.dark_time < :high",
        Bind("some", "longs", (2**40, 2)),
        Bind("name", "string", "it's %"),
        Bind("one", "uuid", identifier.hex),
        Bind("high", "float", 3),
    )
    assert made is not None
    assert made.binds == {"some": [2**40, 2], "name": "it's %", "one": identifier, "high": 3.0}
    assert "visit" in made.names and "some" not in made.names


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("visitt = 3", "visitt"),
        ("exposure.no_such = 3", "no_such"),
        ("exposure = 'a'", "string"),
        ("exposure.obs_id > 3", "obs_id"),
        ("NOT (visit.region OVERLAPS REGION('CIRCLE 1 2 3'))", "overlap"),
        ("visit.region OVERLAPS REGION('CIRCLE x')", ""),
        ("nothing.run = 'a'", "nothing"),
    ],
)
def test_butlers_own_explanation_is_kept(
    butler_repo: Callable[..., Repository], text: str, word: str
) -> None:
    with pytest.raises(BadUserInput) as caught:
        ApiAsker(butler_repo("sqlite", 8, 1)).ask(Datasets(("raw",), ("*",), where=Where(text)))
    assert word.lower() in caught.value.message.lower()
    assert "SELECT" not in caught.value.message


def test_a_limit_on_rows(butler_repo: Callable[..., Repository]) -> None:
    from adapters.butler.api import ButlerApi

    repository = butler_repo("sqlite", 8, 1)
    api = ButlerApi(repository.butler, repository.name)
    with pytest.raises(TooComplex) as caught:
        api.ask(Datasets(("*",), ("*",)), Call(max_rows=20))
    assert caught.value.details["limit"] == 20
