"""One document, answered as a request would be, with everything noted that it took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from adapters.caller import Call, Caller
from adapters.errors import AdapterError
from adapters.protocol import Repository
from gateway.config import Config
from gateway.explain.observed import Asked, Observed
from gateway.http.documents import Document, Documents, InvalidDocument
from gateway.http.errors import Masking
from gateway.limits import Budget, Deadline
from resolvers.context import Context
from resolvers.plan import execute
from resolvers.plan.leaves import Refused
from resolvers.plan.lines import How, Watched
from resolvers.plan.plan import Plan, Unplanned
from resolvers.schema import build_schema


@dataclass(frozen=True, slots=True)
class Request:
    """What a client would send."""

    query: str
    variables: Mapping[str, Any]
    operation: str | None


@dataclass(slots=True)
class Explained:
    """``reason``: why the ordinary executor answered; empty where the plan did. ``errors``: as a client gets them. ``seconds``: of the
    whole, after the repositories were open."""

    plan: Plan | None = None
    how: Mapping[int, How] = field(default_factory=dict)
    reason: str = ""
    asked: list[Asked] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    spent: int = 0
    seconds: float = 0.0


async def explained(
    request: Request, config: Config, repositories: Mapping[str, Repository], caller: Caller
) -> Explained:
    """Answer a request, within the limits that every request is held to."""
    found = Explained()
    budget, deadline = Budget(config.limits.max_cost), Deadline(config.limits.timeout)
    observed = {label: Observed(label, one, found.asked) for label, one in repositories.items()}
    context = Context(
        repositories=cast(Mapping[str, Repository], observed),
        call=Call(caller, deadline.of_backends(), config.limits.max_cost),
        budget=budget,
        limits=config.limits,
        base_url=config.public_url or f"http://{config.server.host}:{config.server.port}",
    )
    masking = Masking()
    masking.hide(request.variables)
    began = time.perf_counter()
    try:
        async with asyncio.timeout(deadline.remaining()):
            await _answer(request, config, context, masking, found)
    except Exception as fault:  # noqa: BLE001  whatever it was, a client would get it in this shape
        found.errors = masking.refusal(fault).errors
    opening = max((asked.opening for asked in found.asked), default=0.0)
    found.seconds = time.perf_counter() - began - opening
    found.spent = budget.spent
    return found


async def _answer(
    request: Request, config: Config, context: Context, masking: Masking, found: Explained
) -> None:
    schema = build_schema()
    try:
        document = Documents(schema, config.limits).get(request.query)
    except InvalidDocument as invalid:
        raise masking.request_errors(invalid.errors) from None
    masking.hide(document.literals)
    if not config.server.plans:
        found.reason = "server.plans is false"
    elif await _planned(request, document, context, found):
        return
    result = await execute(
        schema,
        document.node,
        None,
        context,
        variables=request.variables,
        operation_name=request.operation,
    )
    if isinstance(result, list):
        raise masking.request_errors(result)
    found.errors = masking.field_errors(result.errors or [])


async def _planned(request: Request, document: Document, context: Context, found: Explained) -> bool:
    """Whether the plan answers, as it does for ``resolvers.plan.execute``; where it gives up, why."""
    try:
        found.plan, variables = document.plans.ready(request.operation, request.variables)
        run = Watched(found.plan, context, variables)
        found.how = run.how
        await run.data()
    except Unplanned as reason:
        found.reason = _said(reason)
        return False
    return True


def _said(reason: Unplanned) -> str:
    """Why a plan gave up. An exception that is no word to a client may quote anything, so that only its kind is told."""
    cause = reason.__cause__
    if isinstance(cause, AdapterError):
        return f"{cause.code}: {cause.message}"
    return str(reason) if cause is None or isinstance(cause, Refused) else type(cause).__name__
