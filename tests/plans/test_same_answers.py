"""Both ways of answering give the same bytes, errors and cost, whatever valid document is asked.

PLAN_EFFORT multiplies the examples. What is not compared: the order of errors (see ``both.told``).
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits import Limits
from resolvers.plan import run

from .both import Both, Setting, effort, same, seen
from .conftest import World
from .documents import requests
from .requests import Request

WORLDS = ("demo", "pair")


@pytest.fixture(params=WORLDS, scope="module")
def world(request: pytest.FixtureRequest) -> World:
    found: World = request.getfixturevalue(request.param)
    return found


def agree(setting: Setting, request: Request) -> Both:
    """Asked both ways, it is answered the same; without errors, by its plan, with no more questions."""
    both = setting.both(request)
    same(both)
    if not both.good:
        seen("errors" if not both.ordinary.refused else "refused")
        return both
    seen("good, long" if len(both.ordinary.body) > 300 else "good, short")
    if request.plannable:
        assert both.planned.unplanned == []
    return both


@effort(50)
@given(data=st.data())
def test_good_documents_are_answered_by_plan_and_the_same(world: World, data: st.DataObject) -> None:
    both = agree(world.setting, data.draw(requests(world.words)))
    if both.good:
        assert both.planned.questions <= both.ordinary.questions


@effort(50)
@given(data=st.data())
def test_documents_with_mistakes_are_answered_the_same(world: World, data: st.DataObject) -> None:
    agree(world.setting, data.draw(requests(world.words, mess=data.draw(st.sampled_from([3, 8])))))


@effort(30)
@given(data=st.data())
def test_pages_are_turned_the_same(world: World, data: st.DataObject) -> None:
    """Cursors of an earlier answer: of the same list, and of others."""
    request = data.draw(requests(world.words, mess=data.draw(st.sampled_from([0, 3])), pages=True))
    answer = agree(world.setting, request).ordinary.data
    for _ in range(2):
        found = list(cursors(answer))
        if not request.afters or not found:
            seen("no pages")
            return
        turned = {}
        for variable, key in request.afters.items():
            own = [cursor for path, cursor in found if key in path]
            pool = own if own and data.draw(st.integers(0, 9)) < 8 else [cursor for _, cursor in found]
            turned[variable] = data.draw(st.sampled_from([pool[0], pool[-1], *pool]))
        both = agree(world.setting, request.given(**turned))
        seen("turned" if both.good else "refused")
        answer = both.ordinary.data


@effort(25)
@given(data=st.data(), wide=st.sampled_from([1, 2, 3]), size=st.sampled_from([1, 2, 3]))
def test_wide_levels_are_answered_the_same(world: World, data: st.DataObject, wide: int, size: int) -> None:
    """From ``_WIDE`` objects on, a level is written slice by slice and lets others have their turn; long lists wait for the end of the answer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "_WIDE", wide)
        patch.setattr(run, "_SLICE", size)
        patch.setattr(run, "_HOLD", 0.0)
        agree(world.setting, data.draw(requests(world.words, mess=data.draw(st.sampled_from([0, 4])))))


@effort(20)
@given(data=st.data(), cost=st.integers(1, 60))
def test_a_cost_past_its_limit_is_refused_either_way(world: World, data: st.DataObject, cost: int) -> None:
    """Which of the questions of a level is the one too many depends on their order, which is not the same."""
    request = data.draw(requests(world.words))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.setting, "limits", Limits(max_cost=cost))
        both = world.setting.both(request)
    codes = [{code for *_, code, _ in one.errors} for one in (both.ordinary, both.planned)]
    refused = [any("QUERY_TOO_COMPLEX" in code for code in found) for found in codes]
    if any("" in found for found in codes):
        return  # of an error that made an object null above its field only the place is told
    assert refused[0] == refused[1]
    if not refused[0]:
        same(both)


@effort(15)
@given(data=st.data(), first=st.integers(1, 3))
def test_pages_past_their_limit_are_refused_the_same(world: World, data: st.DataObject, first: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.setting, "limits", Limits(max_first=first))
        agree(world.setting, data.draw(requests(world.words)))


def cursors(answer: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """The cursors in an answer, each with the keys that lead to it."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            yield from cursors(value, (*path, key))
    elif isinstance(answer, list):
        for value in answer:
            yield from cursors(value, path)
    elif isinstance(answer, str) and answer.startswith("W"):
        try:
            content = json.loads(urlsafe_b64decode(answer + "=" * (-len(answer) % 4)))
        except ValueError:
            return
        if isinstance(content, list) and len(content) == 3 and isinstance(content[2], list):
            yield path, answer


def test_wrong_arguments_are_told_where_nothing_is_selected_of_a_list(world: World) -> None:
    lists = 'related(type: ["bias"], after: "x") { __typename }'
    raws = '(query: {type: ["raw"], collections: "*", findFirst: false}, first: 2)'
    both = agree(
        world.setting, Request(f"{{ repositories {{ datasets{raws} {{ nodes {{ {lists} }} }} }} }}", {})
    )
    assert both.ordinary.errors and both.planned.errors
