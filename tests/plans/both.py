"""A request answered by plan and by the ordinary executor, and what there is to compare."""

from __future__ import annotations

import asyncio
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import DocumentNode, FieldNode, GraphQLError, parse, specified_rules, validate
from hypothesis import currently_in_test_context, event, note, settings
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from adapters.caller import Call, Caller
from adapters.protocol import Repository
from gateway.http.encode import to_json
from gateway.limits import Budget, Limits
from resolvers.context import Context
from resolvers.plan import Plans, execute, execution
from resolvers.plan.plan import Plan, Unplanned
from resolvers.schema import build_schema

from .requests import Request

EFFORT = float(os.environ.get("PLAN_EFFORT", "1"))
SCHEMA = build_schema()
RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
GIVEN_UP: list[str] = []
"""Why plans were given up since it was last cleared."""


def effort(examples: int) -> Any:
    return settings(max_examples=max(1, int(examples * EFFORT)))


def seen(what: str) -> None:
    """For --hypothesis-show-statistics."""
    if currently_in_test_context():
        event(what)


class Noted(execution.Run):
    """A run that notes why it gives up."""

    async def data(self) -> dict[str, Any]:
        try:
            return await super().data()
        except Unplanned as reason:
            GIVEN_UP.append(str(reason))
            raise


class NotedPlans(Plans):
    """Plans that note where there is none."""

    def ready(self, *arguments: Any) -> tuple[Plan, Any]:
        try:
            return super().ready(*arguments)
        except Unplanned as reason:
            GIVEN_UP.append(str(reason))
            raise


execution.Run = Noted  # type: ignore[misc]


class Counted:
    """A repository that counts what it is asked, the same question together."""

    def __init__(self, repository: Any) -> None:
        self.repository = repository
        self.asked: Counter[tuple[str, str]] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.repository, name)
        if name not in ("ask", "count", "explain", "facets"):
            return found

        async def noted(question: Any, *more: Any) -> Any:
            self.asked[name, repr((question, more[:-1]))] += 1
            return await found(question, *more)

        return noted


@dataclass
class Outcome:
    """One answer. ``errors``: message, path, code and details of each, in an order of their own; ``refused``: instead of an answer,
    what is wrong with the variables or the operation's name."""

    data: Any
    body: bytes
    errors: list[tuple[str, str, str, str]]
    refused: bool
    spent: int
    asked: Counter[tuple[str, str]]
    unplanned: list[str]
    spread: bool = False  # whether an error made more null than its own field

    @property
    def questions(self) -> int:
        return sum(self.asked.values())


@dataclass
class Both:
    """The same request answered both ways."""

    request: Request
    ordinary: Outcome
    planned: Outcome

    @property
    def good(self) -> bool:
        return not self.ordinary.errors


class Setting:
    """Some repositories, and a loop to ask them in."""

    def __init__(self, repositories: Mapping[str, Repository], limits: Limits | None = None) -> None:
        self.repositories = dict(repositories)
        self.limits = limits or Limits()
        self.loop = asyncio.new_event_loop()

    def close(self) -> None:
        for repository in self.repositories.values():
            self.loop.run_until_complete(repository.close())
        self.loop.close()

    def stop(self) -> None:
        """End what a request left running: questions of many parents outlive their request."""
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(_settled())

    def data(self, text: str, variables: Mapping[str, Any]) -> Any:
        return self.ask(Request(text, variables), None, parse(text)).data

    def both(self, request: Request) -> Both:
        """Raises AssertionError where the document is not valid: the strategy is wrong then."""
        node = parse(request.text)
        invalid = validate(SCHEMA._schema, node, RULES)
        assert not invalid, f"{invalid[0].message}\n{request.text}"
        return Both(request, self.ask(request, None, node), self.ask(request, NotedPlans(SCHEMA, node), node))

    def ask(self, request: Request, plans: Plans | None, node: DocumentNode) -> Outcome:
        GIVEN_UP.clear()
        seen = {label: Counted(repository) for label, repository in self.repositories.items()}
        budget = Budget(self.limits.max_cost)
        context = Context(
            repositories=seen,  # type: ignore[arg-type]
            call=Call(Caller()),
            budget=budget,
            limits=self.limits,
            base_url="https://gateway.example/",
        )
        result = self.loop.run_until_complete(
            execute(
                SCHEMA, node, plans, context, variables=request.variables, operation_name=request.operation
            )
        )
        self.loop.run_until_complete(_settled())
        asked = sum((one.asked for one in seen.values()), Counter[tuple[str, str]]())
        if isinstance(result, list):
            return Outcome(None, b"", told(result, None), True, budget.spent, asked, list(GIVEN_UP))
        body = to_json({"data": result.data}).removeprefix(b'{"data":').removesuffix(b"}")
        errors = result.errors or []
        data = json.loads(body)
        spread = any(_null_above(data, error) is not None for error in errors)
        return Outcome(data, body, told(errors, data), False, budget.spent, asked, list(GIVEN_UP), spread)


async def _settled() -> None:
    """What the request left running ends before its questions are counted."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        _, left = await asyncio.wait(others, timeout=60)
        assert not left, f"never ends: {left}"


_BESIDE = {"totalCount", "explain", "facets"}


def told(errors: Sequence[GraphQLError], data: Any) -> list[tuple[str, str, str, str]]:
    """Errors as they are compared. Their order is not: graphql-core appends each when its field fails, and that depends on when the
    backend answers. So does, of several fields below an object that an error made null, whose error it was: of that only the place is compared; and
    which of the fields beside a page tells the mistake that all of them would tell (``Listing.beside``): of that the list's place is."""
    found = set()
    for error in errors:
        null = _null_above(data, error)
        if null is not None:
            found.add(("", repr(null), "", ""))
            continue
        fault: Any = error
        while isinstance(fault, GraphQLError) and fault.original_error is not None:
            fault = fault.original_error
        code, details = getattr(fault, "code", ""), getattr(fault, "details", "")
        places = [(at.line, at.column) for at in error.locations or ()]
        path = list(error.path or ())
        node = error.nodes[0] if error.nodes else None
        if isinstance(node, FieldNode) and node.name.value in _BESIDE:
            path, places = path[:-1], []
        found.add((error.message, repr(path), f"{type(fault).__name__} {code}", repr((details, places))))
    return sorted(found)


def same(both: Both) -> None:
    """Data byte for byte, errors, cost; and nothing is asked twice that the ordinary executor asks once.

    The cost is not compared where an error made an object null above its field: the ordinary executor then stops what is asked beside it,
    and how far that was depends on when the backend answers.
    """
    ordinary, planned = both.ordinary, both.planned
    if currently_in_test_context():
        note(f"{both.request}ordinary {ordinary}\nplanned {planned}")
    assert planned.body == ordinary.body
    assert planned.errors == ordinary.errors
    assert planned.refused == ordinary.refused
    if not ordinary.spread:
        assert planned.spent == ordinary.spent, "another cost"
    again = {asked: times for asked, times in planned.asked.items() if times > max(1, ordinary.asked[asked])}
    assert not again, "asked again"


def _null_above(data: Any, error: GraphQLError) -> list[str | int] | None:
    """The place that an error made null, where that is not its own field."""
    value, path = data, list(error.path or ())
    for place, step in enumerate(path):
        if value is None:
            return path[:place]
        value = value[step]
    return None
