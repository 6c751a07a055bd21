"""What stands between a caller and a resolver stands there by plan too: permissions, field extensions, and whatever else a schema may put in the way."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest
import strawberry
from graphql import ExecutionResult, parse, validate
from strawberry.extensions.field_extension import (
    AsyncExtensionResolver,
    FieldExtension,
    SyncExtensionResolver,
)
from strawberry.permission import BasePermission, PermissionExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types.field import StrawberryField
from strawberry.types.fields.resolver import StrawberryResolver

from gateway.http.encode import to_json
from resolvers.plan import Plans, execute


class Even(BasePermission):
    """Only objects with an even number may be seen; it notes whom it was asked about."""

    message = "odd"

    def has_permission(self, source: Any, info: strawberry.Info, **arguments: Any) -> bool:
        info.context.append(("permission", source.number, info.field_name, arguments))
        return bool(source.number % 2 == 0)


class LaterEven(Even):
    async def has_permission(self, source: Any, info: strawberry.Info, **arguments: Any) -> bool:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().has_permission(source, info, **arguments)


class Never(Even):
    def has_permission(self, source: Any, info: strawberry.Info, **arguments: Any) -> bool:
        return False


class Doubled(FieldExtension):
    def resolve(self, next_: SyncExtensionResolver, source: Any, info: strawberry.Info, **kwargs: Any) -> Any:
        info.context.append(("extension", source.number))
        return next_(source, info, **kwargs) * 2

    async def resolve_async(
        self, next_: AsyncExtensionResolver, source: Any, info: strawberry.Info, **kwargs: Any
    ) -> Any:
        return await next_(source, info, **kwargs) * 2


class Hidden(StrawberryField):
    """A field that has its own way of getting its value."""

    def get_result(self, source: Any, info: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return f"hidden {super().get_result(source, info, args, kwargs)}"


def _value(self: Any) -> str:
    return f"value {self.number}"


@strawberry.type
class Thing:
    number: int
    secret: str = strawberry.field(permission_classes=[Even], default="a secret")

    @strawberry.field(permission_classes=[Even])
    def guarded(self, name: str = "x") -> str | None:
        return f"{name}{self.number}"

    @strawberry.field(permission_classes=[LaterEven])
    async def guarded_later(self) -> str | None:
        return f"later {self.number}"

    @strawberry.field(extensions=[PermissionExtension([Never()], fail_silently=True)])
    def silent(self) -> list[str]:
        return ["never"]

    @strawberry.field(extensions=[Doubled()])
    def doubled(self) -> int:
        return self.number

    @strawberry.field(extensions=[Doubled()])
    async def doubled_later(self) -> int:
        return self.number

    @strawberry.field(permission_classes=[Even])
    def below(self) -> Thing | None:
        return Thing(number=self.number + 1)

    hidden: str = Hidden(python_name="hidden", base_resolver=StrawberryResolver(_value))  # type: ignore[assignment]


@strawberry.type
class Query:
    @strawberry.field
    def things(self, numbers: list[int]) -> list[Thing]:
        return [Thing(number=number) for number in numbers]


schema = strawberry.Schema(Query)


def answered(
    text: str, *, planned: bool, over: strawberry.Schema = schema
) -> tuple[ExecutionResult, list[Any]]:
    """The answer, and what stood in the way, in its order."""
    node = parse(text)
    assert not validate(over._schema, node)
    seen: list[Any] = []
    context: Any = seen
    result = asyncio.run(execute(over, node, Plans(over, node) if planned else None, context))
    assert isinstance(result, ExecutionResult)
    data = orjson.loads(to_json({"data": result.data}))["data"]
    return ExecutionResult(data, result.errors), seen


def told(result: ExecutionResult) -> list[tuple[str, Any]]:
    return [(error.message, error.path) for error in result.errors or ()]


FIELDS = (
    "guarded",
    'guarded(name: "y")',
    "guardedLater",
    "secret",
    "silent",
    "doubled",
    "doubledLater",
    "below { number guarded below { number } }",
    "hidden",
    "number guarded guardedLater doubled hidden",
)


@pytest.mark.parametrize("numbers", [[2, 4], [1, 3], [1, 2, 3, 4], [2, 1], []], ids=str)
@pytest.mark.parametrize("fields", FIELDS)
def test_a_field_is_guarded_by_plan_as_it_is_without(fields: str, numbers: list[int]) -> None:
    text = f"{{ things(numbers: {numbers}) {{ {fields} }} }}"
    ordinary, _ = answered(text, planned=False)
    planned, _ = answered(text, planned=True)
    assert planned.data == ordinary.data
    assert sorted(told(planned), key=str) == sorted(told(ordinary), key=str)


def test_every_object_is_looked_at() -> None:
    """No shortcut lets one verdict stand for others."""
    planned, seen = answered("{ things(numbers: [2, 4, 6]) { guarded doubled } }", planned=True)
    assert planned.data == {
        "things": [{"guarded": f"x{n}", "doubled": 2 * n} for n in (2, 4, 6)],
    }
    assert [one[1] for one in seen if one[0] == "permission"] == [2, 4, 6]
    assert [one[1] for one in seen if one[0] == "extension"] == [2, 4, 6]
    assert {one[2] for one in seen if one[0] == "permission"} == {"guarded"}


def test_an_allowed_answer_is_the_plans_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A guard does not make the ordinary executor answer: what is compared here is a plan."""

    def nobody(*_: Any, **__: Any) -> Any:
        raise AssertionError("the ordinary executor was asked")

    monkeypatch.setattr(schema.execution_context_class, "build", nobody)
    planned, _ = answered("{ things(numbers: [2]) { guarded guardedLater secret doubled } }", planned=True)
    assert planned.data == {
        "things": [{"guarded": "x2", "guardedLater": "later 2", "secret": "a secret", "doubled": 4}]
    }


class Shouting(StrawberryGraphQLCoreExecutionContext):
    """An executor of a schema's own."""

    def complete_leaf_value(self, *arguments: Any) -> Any:  # type: ignore[override]
        return super().complete_leaf_value(*arguments).upper()


def test_a_schema_with_an_executor_of_its_own_is_answered_by_it() -> None:
    @strawberry.type
    class Plain:
        @strawberry.field
        def word(self) -> str:
            return "word"

    loud = strawberry.Schema(Plain, execution_context_class=Shouting)
    assert answered("{ word }", planned=True, over=loud)[0].data == {"word": "WORD"}
