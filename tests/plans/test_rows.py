"""Rows become their part of the answer without an object for each, and what many have in common is written once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.rows import Joined, Rows
from resolvers.association import Association
from resolvers.dataset import Dataset
from resolvers.plan import run
from resolvers.plan.frame import Frame
from resolvers.plan.rows import RowEdges

from .both import Both, Setting, same
from .conftest import World
from .requests import Request

WITHIN = 'repository(name: "hsc") { datasets(query: {type: ["raw"], collections: ["HSC/raw/all"]}, first: 40)'
OWN = "uuid run ingestDate type { name dimensions } dataId { instrument exposure detector band patch } timespan { begin }"
EDGE = "collection rank validity { begin end } node { uuid run type { name } dataId { detector } __typename }"


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Which objects were made."""
    found: list[str] = []
    for cls in (Dataset, Association):
        own = cls.__init__

        def noted(self: Any, *given: Any, own: Any = own, name: str = cls.__name__) -> None:
            found.append(name)
            own(self, *given)

        monkeypatch.setattr(cls, "__init__", noted)
    yield found


@pytest.fixture
def edges(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How many calibrations were written."""
    found: list[int] = []
    own = RowEdges.__init__

    def noted(self: RowEdges, ties: Any, rows: Any, parent: int) -> None:
        found.append(len(rows))
        own(self, ties, rows, parent)

    monkeypatch.setattr(RowEdges, "__init__", noted)
    yield found


def planned(world: World, text: str) -> Both:
    """Asked both ways: the same."""
    both = world.setting.both(Request(text))
    same(both)
    assert both.good
    assert both.planned.unplanned == []
    return both


def by_plan(world: World, text: str, made: list[str]) -> list[str]:
    """What the plan makes of rows."""
    from graphql import parse

    from .both import SCHEMA, NotedPlans

    made.clear()
    node = parse(text)
    world.setting.ask(Request(text), NotedPlans(SCHEMA, node), node)
    return list(made)


@pytest.mark.parametrize("wide", [1, 1000])
@pytest.mark.parametrize(
    "below",
    [
        f"nodes {{ {OWN} }}",
        f'nodes {{ {OWN} calibration(type: "flat", collections: ["HSC/calib"]) {{ {EDGE} }} }}',
        f'nodes {{ uuid related(type: ["flat"], by: DATA_ID, collections: ["*"], findFirst: false, first: 2) {{ nodes {{ {OWN} }} }} }}',
    ],
)
def test_no_object_is_made_of_a_row(
    demo: World, made: list[str], monkeypatch: pytest.MonkeyPatch, below: str, wide: int
) -> None:
    monkeypatch.setattr(run, "_WIDE", wide)
    text = f"{{ {WITHIN} {{ {below} }} }} }}"
    planned(demo, text)
    # A list that belongs to each dataset is asked for with the dataset.
    assert {"Association"} & set(by_plan(demo, text, made)) == set()
    if "related" not in below:
        assert made == []


def test_a_calibration_that_is_valid_for_many_is_written_once(demo: World, edges: list[int]) -> None:
    text = f'{{ {WITHIN} {{ nodes {{ calibration(type: "flat") {{ {EDGE} }} }} }} }} }}'
    found = [
        one["calibration"] for one in planned(demo, text).planned.data["repository"]["datasets"]["nodes"]
    ]
    there = [one for one in found if one is not None]
    assert edges == [len({str(one) for one in there})]
    assert edges[0] < len(there)
    assert None in found or len(there) == len(found)


@pytest.mark.parametrize("more", ["used", "overlap", "kind", "node { files { uri } }", "cursor"])
def test_one_of_which_more_is_asked_is_written_for_each(demo: World, edges: list[int], more: str) -> None:
    """``used`` depends on what it is valid for; the others on more than its row."""
    text = f'{{ {WITHIN} {{ nodes {{ calibration(type: "flat") {{ rank {more} }} }} }} }} }}'
    found = planned(demo, text).planned.data["repository"]["datasets"]["nodes"]
    assert edges == [sum(one["calibration"] is not None for one in found)]


class Lying:
    """A repository whose calibrations have equal values that are not the same."""

    def __init__(self, repository: Any, name: str, values: tuple[Any, ...]) -> None:
        self.repository = repository
        self.name = name
        self.values = values

    def __getattr__(self, name: str) -> Any:
        return getattr(self.repository, name)

    async def ask(self, question: Any, call: Any) -> Rows:
        rows: Rows = await self.repository.ask(question, call)
        rows.rows = found = list(rows.rows)
        for key, joined in rows.beside.items():
            if isinstance(joined, Joined) and joined.rows is not None and not isinstance(key, str):
                place = joined.rows.places[self.name]
                for number, row in enumerate(rows.rows):
                    value = self.values[number % len(self.values)]
                    found[number] = (*row[:place], value, *row[place + 1 :])
        return rows


@pytest.mark.parametrize("name", ["run", "rank", "valid_begin", "collection"])
@pytest.mark.parametrize("values", [(1, True), (0, False), (1, 1.0), ("x", "x"), (0.0, -0.0), (None, None)])
def test_what_is_equal_and_not_the_same_is_told_apart(
    demo: World, name: str, values: tuple[Any, ...]
) -> None:
    setting = Setting({"hsc": Lying(demo.setting.repositories["hsc"], name, values)})
    setting.loop.close()
    setting.loop = demo.setting.loop
    same(setting.both(Request(f'{{ {WITHIN} {{ nodes {{ calibration(type: "flat") {{ {EDGE} }} }} }} }} }}')))


def test_others_get_their_turn_while_many_rows_are_written(
    demo: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each slice, when the loop was held long enough."""
    monkeypatch.setattr(run, "_WIDE", 1)
    monkeypatch.setattr(run, "_SLICE", 2)
    monkeypatch.setattr(run, "_HOLD", 0.0)
    slept: list[float] = []
    sleep = asyncio.sleep

    async def noted(seconds: float, *more: Any) -> Any:
        slept.append(seconds)
        return await sleep(seconds, *more)

    monkeypatch.setattr("resolvers.plan.run.asyncio.sleep", noted)
    both = planned(demo, f"{{ {WITHIN} {{ nodes {{ {OWN} }} }} }} }}")
    rows = len(both.planned.data["repository"]["datasets"]["nodes"])
    assert rows > 10
    assert slept.count(0) >= rows // 2


def test_a_frame_that_says_nothing_has_no_near_fields() -> None:
    assert Frame().near(None, None) is False  # type: ignore[arg-type]
