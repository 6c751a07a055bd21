"""The endpoint /graphql: GraphQL over HTTP for Starlette, GET and POST.

It follows the GraphQL over HTTP specification and passes its public audit suite (npm graphql-http). Bad input gets
a 4xx with errors in GraphQL's shape, a request past its deadline 504, and a client that leaves ends its own work.
Batches, subscriptions, uploads and a page in the browser are not served here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

import strawberry
import structlog
from graphql import OperationType
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from gateway.auth import caller_of
from gateway.http.body import Operation, parse_get, parse_post, read_body
from gateway.http.documents import Documents, InvalidDocument
from gateway.http.encode import to_json
from gateway.http.errors import Masking, secrets_in
from gateway.http.headers import Raw, Sent, sent, text
from gateway.http.hints import hinted
from gateway.http.negotiate import GRAPHQL, JSON, check_content_type, response_type
from gateway.http.origin import check_origin
from gateway.http.refusal import ClientGone, refuse
from gateway.http.watch import Answered, while_awaited

# ``house`` as a module: it needs this package, and may be only half imported yet.
from gateway.limits import Budget, Deadline, Limits, house
from resolvers.plan import execute

if TYPE_CHECKING:
    from gateway.auth.door import Door  # which needs this package

log = structlog.get_logger("gateway.http")

LARGE = 64 * 1024  # bytes; smaller answers are kept for their clients by the connection
READING = 600.0  # seconds in which a client reads a larger one, however steadily

MakeContext = Callable[[Request, Budget, Deadline], Any | Awaitable[Any]]

_HEADERS: Mapping[str, Raw] = {
    media_type: [
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"vary", b"Accept, Origin"),
        (b"content-type", f"{media_type}; charset=utf-8".encode()),
    ]
    for media_type in (JSON, GRAPHQL)
}


class GraphQLView:
    """An ASGI application that answers GraphQL requests.

    Parameters
    ----------
    schema
        Its resolvers, permissions, field extensions and execution_context_class all apply. Schema extensions and custom
        directives do not, since documents are cached and run here: a schema with any is refused at once.
    make_context
        Called once for each request that is going to be executed, with the request (headers only), the budget
        and the deadline; returns the context object, or an awaitable of it. What it raises is answered like a
        field's error, for the whole request.
    limits
        Limits of document, body and time; ``max_cost`` is the budget's.
    origins
        Origins (``https://portal.example``) whose pages may send requests; ``*`` for all.
    encode
        The answer as bytes of JSON.
    plans
        Whether documents are answered by plan (``resolvers.plan``) where that can be.
    door
        Who asks is found out there, before the body is read. Left out: it is not asked.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        make_context: MakeContext,
        limits: Limits | None = None,
        *,
        origins: Collection[str] = (),
        encode: Callable[[Any], bytes] = to_json,
        plans: bool = True,
        door: Door | None = None,
    ) -> None:
        if schema.get_extensions():
            raise ValueError("schema extensions and custom directives would be ignored by GraphQLView")
        self.schema = schema
        self.limits = limits or Limits()
        self.documents = Documents(schema, self.limits)
        self._make_context = make_context
        self._origins = frozenset(origins)
        self._encode = encode
        self._plans = plans
        self._door = door
        self._house = house.House(
            self.limits.max_running, self.limits.max_running_each, self.limits.max_waiting
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = sent(scope)
        media_type = JSON
        deadline = Deadline(self.limits.timeout)
        masking = Masking(scope.get("state", {}).get("request_id"))
        place = _Place(self._house)

        async def tell(fault: Exception) -> None:
            if isinstance(fault, ClientGone):
                # Nobody reads it; the access log does (499 is nginx's word for it).
                await _send(send, 499, [], b"")
                return
            # Whatever it was, the answer has GraphQL's shape.
            refusal = masking.refusal(fault)
            status = 200 if refusal.well_formed and media_type == JSON else refusal.status
            whole = dict(_HEADERS[media_type])
            whole |= {name.lower().encode(): value.encode() for name, value in refusal.headers.items()}
            await _send(send, status, list(whole.items()), self._encode({"errors": refusal.errors}))

        try:
            media_type = response_type(text(headers, b"accept"))
            masking.hide(partial(secrets_in, headers))
            operation = await self._read(scope, headers, receive, deadline)
            masking.hide(operation.variables)
            work = self._answer(scope, operation, deadline, masking, place)
            body = self._encode(await while_awaited(work, receive, deadline, tell))
        except Answered:
            return
        except Exception as fault:  # noqa: BLE001  whatever it was, the client is told
            place.leave()
            await tell(fault)
        else:
            if len(body) < LARGE:
                place.leave()
                await _send(send, 200, _HEADERS[media_type], body)
            else:
                await _send_large(send, _HEADERS[media_type], body)
        finally:
            place.leave()

    async def _read(self, scope: Scope, headers: Sent, receive: Receive, deadline: Deadline) -> Operation:
        """The operation that a client sent, by GET or POST."""
        method = scope["method"]
        if method not in ("GET", "POST"):
            raise refuse("GraphQL is asked with GET or POST.", 405, headers={"Allow": "GET, POST"})
        check_origin(headers, self._origins)
        if self._door is not None and not self._door.known(scope):
            await self._door.enter(scope, deadline)
        if method == "POST":
            check_content_type(text(headers, b"content-type"), text(headers, b"content-encoding"))
        body = await read_body(receive, headers.get(b"content-length"), self.limits.max_body, deadline)
        if method == "GET":
            return parse_get(scope["query_string"], self.limits)
        return parse_post(body, self.limits)

    async def _answer(
        self, scope: Scope, operation: Operation, deadline: Deadline, masking: Masking, place: _Place
    ) -> dict[str, Any]:
        """Parse, validate and execute; the body of the answer. From the execution on ``place`` is held."""
        try:
            document = self.documents.get(operation.query)
        except InvalidDocument as invalid:
            raise masking.request_errors(invalid.errors) from None
        masking.hide(document.literals)
        self._check_type(document.operation_type(operation.operation_name), scope["method"])
        budget = Budget(self.limits.max_cost)
        context = self._make_context(Request(scope), budget, deadline)
        if isawaitable(context):
            context = await context
        await place.enter(caller_of(scope).username if self._door is not None else None, deadline)
        result = await execute(
            self.schema,
            document.node,
            document.plans if self._plans else None,
            context,
            variables=operation.variables,
            operation_name=operation.operation_name,
            extensions=operation.extensions,
        )
        if isinstance(result, list):
            raise masking.request_errors([hinted(error, self.schema._schema) for error in result])
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = masking.field_errors(result.errors)
        if budget.spent:
            answer["extensions"] = {"cost": budget.spent}
        return answer

    def _check_type(self, kind: OperationType | None, method: str) -> None:
        """Refuse operations that this endpoint, or this method, does not run. None is for the executor to explain."""
        if kind is OperationType.SUBSCRIPTION:
            raise refuse("Subscriptions are not served here.", code="UNSUPPORTED", capability="subscriptions")
        if kind is OperationType.MUTATION:
            if method == "GET":
                raise refuse("Mutations must be sent with POST.", 405, headers={"Allow": "POST"})
            if self.schema._schema.mutation_type is None:
                raise refuse("This service has no mutations.", code="UNSUPPORTED", capability="mutations")


class _Place:
    """One request's place in the house; who is not in it may leave it all the same."""

    __slots__ = ("_entered", "_house", "_user")

    def __init__(self, of: house.House) -> None:
        self._house = of
        self._entered = False
        self._user: str | None = None

    async def enter(self, user: str | None, deadline: Deadline) -> None:
        if not self._house.enter(user):
            await self._house.wait(user, deadline)
        self._user = user
        self._entered = True

    def leave(self) -> None:
        if self._entered:
            self._entered = False
            self._house.leave(self._user)


async def _send(send: Send, status: int, headers: Raw, body: bytes) -> None:
    """Send an answer that is whole."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})


async def _send_large(send: Send, headers: Raw, body: bytes) -> None:
    """Send an answer that is whole, and wait until its client has taken it: answers that nobody reads would fill the memory."""
    try:
        async with asyncio.timeout(READING):
            length = (b"content-length", b"%d" % len(body))
            await send({"type": "http.response.start", "status": 200, "headers": [*headers, length]})
            await send({"type": "http.response.body", "body": body, "more_body": True})
            # Its end has to wait until the connection has given away what came before.
            await send({"type": "http.response.body", "body": b""})
    except TimeoutError:
        log.warning("answer broken off", code="TIMEOUT")
