"""What plans are kept, what they cost, and what they survive."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import pytest
from graphql import parse

from adapters import errors
from resolvers.plan import Plans
from resolvers.plan.plan import Unplanned

from .both import SCHEMA, Setting, same
from .conftest import World
from .faults import Fault, Faulty
from .requests import Request


def plans(text: str) -> Plans:
    return Plans(SCHEMA, parse(text))


def test_conditions_make_plans_and_arguments_do_not() -> None:
    own = plans(
        """query($name: String!, $short: Boolean!) { repository(name: $name) { name @skip(if: $short) adapter } }"""
    )
    whole, _ = own.ready(None, {"name": "a", "short": False})
    assert own.ready(None, {"name": "b", "short": False})[0] is whole
    short, _ = own.ready(None, {"name": "a", "short": True})
    assert short is not whole
    assert own.ready(None, {"name": "c", "short": True})[0] is short


def test_a_document_keeps_sixteen_plans(demo: World) -> None:
    names = [f"v{number}" for number in range(5)]
    declared = ", ".join(f"${name}: Boolean!" for name in names)
    fields = " ".join(f"{name}: __typename @include(if: ${name})" for name in names)
    text = f"query({declared}) {{ {fields} service {{ version }} }}"
    own = plans(text)
    kept = []
    for number in range(32):
        values = {name: bool(number >> place & 1) for place, name in enumerate(names)}
        same(demo.setting.both(Request(text, values)))
        try:
            kept.append(own.ready(None, values)[0])
        except Unplanned:
            assert number >= 16
            assert len(set(map(id, kept))) == 16
    assert len(kept) == 16
    with pytest.raises(Unplanned):
        own.ready(None, values)
    assert own.ready(None, dict.fromkeys(names, False))[0] is kept[0]


def test_one_name_may_stand_for_a_condition_and_a_list(demo: World) -> None:
    """In another operation: where it is no condition it decides nothing, and it need not be hashable."""
    text = """query A($x: Boolean!) { service { version @skip(if: $x) } }
        query B($x: [String!]!) { repository(name: "hsc") { datasetTypes(match: $x) { nodes { name } } } }"""
    for operation, value in (("A", True), ("B", ["raw"]), ("B", ["flat"]), ("A", False)):
        both = demo.setting.both(Request(text, {"x": value}, operation))
        same(both)
        assert both.good
        assert both.planned.unplanned == []


def test_objects_of_which_nothing_is_left_are_still_there(demo: World) -> None:
    """@skip, and fragments on other types, leave objects without fields."""
    text = """query($no: Boolean!, $ids: [ID!]!) { repositories { name @skip(if: $no) }
      service @include(if: true) { ... @skip(if: $no) { version } } nodes(ids: $ids) { ... on Quantum { task } } }"""
    ids = [demo.words.nodes[0], demo.words.nodes[-1]]
    both = demo.setting.both(Request(text, {"no": True, "ids": ids}))
    same(both)
    assert both.planned.data == {"repositories": [{}], "service": {}, "nodes": [{}, {}]}
    assert both.planned.unplanned == []


@pytest.mark.parametrize("types", [["raw"], ["raw", "flat", "calexp"], ["*"]])
@pytest.mark.parametrize(
    "field",
    ["collections { name }", "files { uri }", "region { ra }", "timespan { begin }", "producer { task }"],
)
def test_a_level_is_as_many_questions_as_by_the_ordinary_way(
    demo: World, types: list[str], field: str
) -> None:
    query = {"type": types, "collections": ["*"], "findFirst": False}
    text = f'query($q: DatasetQuery!) {{ repository(name: "hsc") {{ datasets(query: $q, first: 300) {{ nodes {{ {field} }} }} }} }}'
    both = demo.setting.both(Request(text, {"q": query}))
    same(both)
    assert both.planned.unplanned == []
    assert both.planned.questions <= both.ordinary.questions <= 6


def failing(demo: World, faults: list[Fault]) -> Setting:
    setting = Setting({"hsc": Faulty(demo.setting.repositories["hsc"], faults)})
    setting.loop.close()
    setting.loop = demo.setting.loop
    return setting


def test_a_plan_that_is_given_up_leaves_nothing_behind(demo: World) -> None:
    """Coroutines that nobody waits for would be a warning in the log of every such request."""
    text = """query($id: ID!) { node(id: $id) { id } a: repositories { universe collections(first: 1) { nodes { name } } }
      repository(name: "hsc") { datasets(query: {type: "raw"}, first: 2) { nodes { region { ra } timespan { begin }
        collections { name children(first: 1) { nodes { name } } } related(type: "flat", first: -1) { nodes { run } } } } } }"""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        both = demo.setting.both(Request(text, {"id": demo.words.nodes[0]}))
        wrong = demo.setting.both(
            Request(
                '{ node(id: "x") { id } datasets(repositories: [], query: {type: "raw"}) { totalCount } }'
            )
        )
        gc.collect()
    same(both)
    same(wrong)
    assert both.planned.unplanned
    assert [str(one.message) for one in told if one.category is RuntimeWarning] == []


@pytest.mark.parametrize("by_plan", [False, True])
def test_a_field_that_is_stopped_takes_no_other_with_it(demo: World, by_plan: bool) -> None:
    """Two lists ask for the same count; the one that asked first fails, and what is asked beside its mistake is stopped."""
    setting = failing(demo, [Fault("ask", "Datasets", errors.NotFound("no rows"), seconds=0.02)])
    count = setting.repositories["hsc"].count

    async def slow(*question: Any) -> Any:
        await asyncio.sleep(0.1)
        return await count(*question)

    setting.repositories["hsc"].count = slow  # type: ignore[method-assign]
    text = """{ a: repository(name: "hsc") { datasets(query: {type: "raw"}, first: 1) { totalCount nodes { run } } }
      b: repository(name: "hsc") { datasets(query: {type: "raw"}, first: 1) { totalCount explain } } }"""
    node = parse(text)
    answer = setting.ask(Request(text), Plans(SCHEMA, node) if by_plan else None, node)
    assert answer.data["a"] == {"datasets": None}
    assert answer.data["b"]["datasets"]["totalCount"] == 33
