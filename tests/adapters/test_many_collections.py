"""A registry has hundreds of thousands of collections, and a question searches few: Butler is not asked about the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from lsst.daf.butler.direct_butler._direct_butler_collections import DirectButlerCollections

from adapters.errors import NotFound
from adapters.question import (
    Constraint,
    DataIds,
    Datasets,
    Kinship,
    Op,
    Question,
    Related,
    Where,
)

from .asker import AdapterAsker, ApiAsker
from .repositories import Repository

WHERE = Where("visit > 1")
QUESTIONS: dict[str, Question] = {
    "where": Datasets(("calexp",), where=WHERE),
    "where of any type": Datasets(("c*",), where=WHERE),
    "a dimension that types lack": Datasets(("*",), constraints=(Constraint("visit", Op.GT, 1),)),
    "data IDs that have datasets": DataIds(("visit", "detector"), having=("calexp",), where=WHERE),
    "data IDs that lack datasets": DataIds(("visit", "detector"), lacking=("calexp",), where=WHERE),
    "associations": Related(("instrument", "detector", "visit"), (), ("Warp",), by=Kinship.SPATIAL),
}


@pytest.fixture(params=["adapter", "api"])
def asker(
    request: pytest.FixtureRequest, butler_repo: Callable[..., Repository]
) -> Iterator[AdapterAsker | ApiAsker]:
    found = (AdapterAsker if request.param == "adapter" else ApiAsker)(butler_repo("sqlite", 8, 1))
    yield found
    found.close()


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What Butler is asked about collections."""
    asked: list[Any] = []
    query_info = DirectButlerCollections.query_info

    def listened(self: DirectButlerCollections, expression: Any, *args: Any, **options: Any) -> Any:
        asked.append(expression)
        return query_info(self, expression, *args, **options)

    monkeypatch.setattr(DirectButlerCollections, "query_info", listened)
    return asked


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_only_what_is_searched_is_looked_up(
    asker: AdapterAsker | ApiAsker, described: list[Any], question: Question
) -> None:
    rows = asker.ask(question)
    assert rows.rows or isinstance(question, Related)
    assert "*" not in described and len(described) <= 1


def test_who_misspells_a_collection_is_told_the_nearest(asker: AdapterAsker | ApiAsker) -> None:
    for question in (
        Datasets(("calexp",), ("HSC/runs/al",), where=WHERE),
        DataIds(("visit",), having=("calexp",), collections=("HSC/runs/al",), where=WHERE),
    ):
        with pytest.raises(NotFound, match="HSC/runs/all"):
            asker.ask(question)


def test_no_collection_at_all_has_nothing(asker: AdapterAsker | ApiAsker) -> None:
    for question in (
        Datasets(("calexp",), ()),
        DataIds(("visit",), having=("calexp",), collections=(), where=WHERE),
    ):
        assert not asker.ask(question).rows
