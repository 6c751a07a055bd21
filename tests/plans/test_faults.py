"""A backend that fails or answers nonsense gives the same answer both ways, and an error of it is not asked for twice."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .both import Both, effort, same, seen
from .conftest import World
from .documents import requests
from .faults import ERRORS, KINDS, RAISED, SPOILED, Fault, Faulty
from .requests import Request


def agree(world: World, request: Request, faults: Sequence[Fault]) -> Both:
    setting = world.setting
    first, *others = setting.repositories
    faulty = Faulty(setting.repositories[first], faults)
    with pytest.MonkeyPatch.context() as patch:
        whole = {label: setting.repositories[label] for label in others}
        patch.setattr(setting, "repositories", {first: faulty, **whole})
        both = setting.both(request)
    seen("met" if faulty.met else "not met")
    same(both)
    return both


@pytest.mark.parametrize("name", ["demo", "pair"])
@effort(20)
@given(data=st.data())
def test_errors_of_the_backend(request: pytest.FixtureRequest, name: str, data: st.DataObject) -> None:
    world = request.getfixturevalue(name)
    agree(world, data.draw(requests(world.words)), data.draw(st.lists(RAISED, min_size=1, max_size=3)))


@pytest.mark.parametrize("name", ["demo", "pair"])
@effort(20)
@given(data=st.data())
def test_values_that_no_scalar_takes(request: pytest.FixtureRequest, name: str, data: st.DataObject) -> None:
    world = request.getfixturevalue(name)
    agree(world, data.draw(requests(world.words)), data.draw(st.lists(SPOILED, min_size=1, max_size=4)))


BROAD = """{ repository(name: "hsc") {
  datasets(query: {type: ["raw", "flat"], collections: ["*"], findFirst: false}, first: 3) {
    totalCount explain facets(by: ["run"]) { items { value count } complete } pageInfo { hasNextPage endCursor }
    edges { cursor node { id uuid run ingestDate ivoid type { name components } timespan { begin } region { ra sRegion }
      dataId { instrument detector exposure map record(element: "detector") { fields field(name: "full_name") } }
      collections { name type } files { uri size } versions(first: 2) { nodes { run } totalCount }
      related(type: ["flat", "raw"], first: 2) { totalCount edges { kind semantics rank overlap used validity { begin }
        node { uuid run } } nodes { dataId { band } } }
      outputs(first: 1) { nodes { run } } producer { task } } } }
  collections(first: 2) { nodes { name type documentation children { nodes { name } } datasetTypes { nodes { name } } } }
  records(element: "visit", first: 2) { nodes { fields timespan { end } } }
  quanta(first: 2) { nodes { task run status message dataId { map } inputs(first: 1) { nodes { run } } } } } }"""


@pytest.mark.parametrize(
    ("kind", "raised"),
    list(zip(KINDS, cycle(ERRORS), strict=False)),
    ids=lambda one: getattr(one, "code", str(one)),
)
def test_each_question_may_fail(demo: World, kind: str, raised: Exception) -> None:
    both = agree(demo, Request(BROAD), [Fault("ask", kind, raised)])
    failing = [asked for asked in both.planned.asked if asked[1].startswith(f"({kind}(")]
    assert all(both.planned.asked[asked] == 1 for asked in failing), "asked twice"


@pytest.mark.parametrize("way", ["count", "explain", "facets"])
@pytest.mark.parametrize("raised", ERRORS[::4], ids=lambda error: type(error).__name__)
def test_what_is_said_beside_a_list_may_fail(demo: World, way: str, raised: Exception) -> None:
    faults = [Fault(way, kind, raised) for kind in ("Datasets", "Related", "Versions")]
    both = agree(demo, Request(BROAD), faults)
    assert set(both.planned.asked.values()) == {1}


@effort(12)
@given(data=st.data())
def test_a_column_may_hold_anything(demo: World, data: st.DataObject) -> None:
    agree(demo, Request(BROAD), data.draw(st.lists(SPOILED, min_size=1, max_size=2)))
