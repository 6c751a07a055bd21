"""How a validated document is answered: by its plan, or by the ordinary executor."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from inspect import isawaitable
from typing import Any, cast

import strawberry
from graphql import DocumentNode, ExecutionResult, GraphQLError
from strawberry.execution import optimized_is_awaitable

from ..context import Context
from .plan import Plans, Unplanned
from .run import Run


async def execute(
    schema: strawberry.Schema,
    document: DocumentNode,
    plans: Plans | None,
    context: Any,
    *,
    variables: Mapping[str, Any] | None = None,
    operation_name: str | None = None,
    extensions: Mapping[str, Any] | None = None,
) -> ExecutionResult | list[GraphQLError]:
    """Data and errors, or what is wrong with the request. ``plans`` are those of the document; None: the ordinary executor answers.

    Both ways give the same answer; that of a plan is ``Written`` already. What a plan had fetched before it gave up is not asked again.
    """
    left: set[asyncio.Future[Any]] = set()
    try:
        if plans is not None:
            try:
                plan, coerced = plans.ready(operation_name, variables)
                if isinstance(context, Context):
                    context.begin(alone=True)
                return ExecutionResult(cast(Any, await Run(plan, context, coerced).data()), None)
            except Unplanned as given_up:
                left = given_up.left
                if isinstance(context, Context):
                    context.begin(alone=False)
        return await _ordinary(schema, document, context, variables, operation_name, extensions)
    finally:
        # Nobody waits any more: the answer is there, or the request is over.
        for task in left:
            task.cancel()
        if isinstance(context, Context):
            context.stop()


async def _ordinary(
    schema: strawberry.Schema,
    document: DocumentNode,
    context: Any,
    variables: Mapping[str, Any] | None,
    operation_name: str | None,
    extensions: Mapping[str, Any] | None,
) -> ExecutionResult | list[GraphQLError]:
    """As strawberry.Schema.execute would, which parses, validates and logs the document each time."""
    executor = schema.execution_context_class.build(
        schema._schema,
        document,
        context_value=context,
        raw_variable_values=dict(variables or {}),
        operation_name=operation_name,
        # A predicate without the TypeGuard that graphql-core's annotation asks for.
        is_awaitable=cast(Any, optimized_is_awaitable),
        operation_extensions=extensions,
    )
    if isinstance(executor, list):
        return executor
    result = executor.execute_operation()
    if isawaitable(result):
        result = await result
    if not isinstance(result, ExecutionResult):
        raise TypeError("incremental delivery is not served")
    return result
