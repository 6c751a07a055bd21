"""What a client may read of an error, and what the log keeps of it.

An error the project raised for its caller goes out with its code and details. So does GraphQL's own verdict on a
document or a value, as BAD_USER_INPUT. Everything else is a fault of the service: the client gets a reference, the
log the traceback under the same reference, without what the client had sent.
"""

from __future__ import annotations

import base64
import secrets
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

import structlog
from graphql import FieldNode, GraphQLError

from adapters.errors import AdapterError
from gateway.http.headers import Sent
from gateway.http.refusal import STATUS, Refusal

log = structlog.get_logger("gateway.http")

# Shorter strings of a request are no secrets, and would blank half of a traceback.
_SHORTEST_SECRET = 4
_MOST_SECRETS = 10_000
_HIDDEN = "[hidden]"
# graphql-core quotes the value it could not take, however long it is.
_LONGEST_MESSAGE = 2_000


MOST_ALIKE = 20
"""Errors with the same words at the same field that are told one by one."""


class Masking:
    """Formats the errors of one answer.

    Parameters
    ----------
    request_id
        Logged with each fault.
    """

    def __init__(self, request_id: str | None = None) -> None:
        self._request_id = request_id
        self._hidden: list[Any] = []
        # One fault in a list of 10,000 rows is logged once.
        self._references: dict[object, str] = {}

    def hide(self, *values: Any) -> None:
        """Keep the strings within these values out of the log, should an exception quote them.

        Values may be JSON, or functions that return it: they are looked at only when there is a fault to log.
        """
        self._hidden.extend(values)

    def request_errors(self, errors: Iterable[GraphQLError]) -> Refusal:
        """The refusal for errors found before execution: of syntax, validation, or a variable's value."""
        formatted = []
        for error in errors:
            fault = _root(error)
            if isinstance(fault, AdapterError):
                formatted.append(_format(error, error.message, fault.code, fault.details))
            elif isinstance(fault, GraphQLError | ValueError | TypeError | ArithmeticError):
                formatted.append(_format(error, error.message, "BAD_USER_INPUT", {}))
            else:
                # A scalar that stumbled over something else than the value it was given.
                formatted.append(_format(error, *self._mask(fault)))
        internal = any(error["extensions"]["code"] == "INTERNAL" for error in formatted)
        return Refusal(formatted, 500 if internal else 400, well_formed=not internal)

    def field_errors(self, errors: Iterable[GraphQLError]) -> list[dict[str, Any]]:
        """The errors of fields. One mistake under a long list fails once an item: the first of these are told one by one, the
        others counted in one more error, whose ``extensions.omitted`` says how many."""
        out: list[dict[str, Any]] = []
        alike: dict[tuple[str, str, tuple[str, ...]], list[dict[str, Any]]] = {}
        for error in errors:
            told = self.field_error(error)
            field = tuple(step for step in told.get("path") or () if isinstance(step, str))
            same = alike.setdefault((told["message"], told["extensions"]["code"], field), [])
            same.append(told)
            if len(same) <= MOST_ALIKE:
                out.append(told)
        for (message, code, field), same in alike.items():
            if len(same) > MOST_ALIKE:
                omitted = len(same) - MOST_ALIKE
                words = f"{omitted} more errors like the last at {'.'.join(field)}: {message}"
                out.append({"message": words, "extensions": {"code": code, "omitted": omitted}})
        return out

    def field_error(self, error: GraphQLError) -> dict[str, Any]:
        """Format an error of one field."""
        fault = _root(error)
        if isinstance(fault, AdapterError):
            return _format(error, fault.message, fault.code, fault.details)
        if isinstance(fault, GraphQLError):
            extensions = fault.extensions or {}
            if extensions.get("code") in STATUS:
                return _format(error, fault.message, extensions["code"], extensions)
            # graphql-core's executor points at the argument that it could not take; a scalar's serialiser or a
            # list that is none points at the field, and then the service is wrong and not its client.
            if fault.nodes and not isinstance(fault.nodes[0], FieldNode):
                return _format(error, error.message, "BAD_USER_INPUT", {})
        elif isinstance(fault, TimeoutError):
            return _format(error, "A backend did not answer in time.", "TIMEOUT", {})
        return _format(error, *self._mask(fault))

    def refusal(self, fault: BaseException) -> Refusal:
        """The refusal for an exception that ended the whole request."""
        if isinstance(fault, Refusal):
            return fault
        if isinstance(fault, AdapterError):
            message, code, details = fault.message, fault.code, fault.details
        elif isinstance(fault, TimeoutError):
            message, code, details = "A backend did not answer in time.", "TIMEOUT", {}
        else:
            message, code, details = self._mask(fault)
        error = {"message": message, "extensions": {**details, "code": code}}
        well_formed = STATUS.get(code, 500) == 400
        return Refusal([error], STATUS.get(code, 500), well_formed=well_formed)

    def _mask(self, fault: BaseException) -> tuple[str, str, dict[str, Any]]:
        place = fault.__traceback__
        while place and place.tb_next:
            place = place.tb_next
        key = (type(fault), place and (place.tb_frame.f_code, place.tb_lineno))
        reference = self._references.get(key)
        if reference is None:
            reference = self._references[key] = secrets.token_hex(6)
            log.error(
                "internal error",
                reference=reference,
                request_id=self._request_id,
                exception_type=type(fault).__qualname__,
                traceback=self._hide("".join(_trace(fault))),
            )
        return f"Internal error; quote reference {reference}", "INTERNAL", {"reference": reference}

    def _hide(self, text: str) -> str:
        found = {s for s, _ in zip(_strings(self._hidden), range(_MOST_SECRETS), strict=False)}
        # The longest first: a secret may begin with another.
        for secret in sorted(found, key=len, reverse=True):
            text = text.replace(secret, _HIDDEN).replace(repr(secret)[1:-1], _HIDDEN)
        return text


def secrets_in(headers: Sent) -> list[str]:
    """Every word of a request that may be a token, and its halves where it is a user with a password (RFC 7617): in no line of the log."""
    found = []
    for name in (b"authorization", b"x-auth-request-token"):
        for word in headers.get(name, b"").decode("latin-1").split(" "):
            found.append(word)
            try:
                found += base64.b64decode(word, validate=True).decode().split(":")
            except ValueError:
                continue
    return found


def _format(error: GraphQLError, message: str, code: str, details: dict[str, Any]) -> dict[str, Any]:
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]} ..."
    formatted: dict[str, Any] = {"message": message}
    if error.locations:
        formatted["locations"] = [{"line": at.line, "column": at.column} for at in error.locations]
    if error.path is not None:
        formatted["path"] = error.path
    formatted["extensions"] = {**details, "code": code}
    return formatted


def _root(error: GraphQLError) -> BaseException:
    """What was raised where it began, inside the layers that graphql-core and strawberry add."""
    fault: BaseException = error
    while isinstance(fault, GraphQLError) and isinstance(fault.original_error, BaseException):
        fault = fault.original_error
    return fault


def _trace(fault: BaseException | None) -> Iterator[str]:
    """The traceback of an exception and of its causes. A GraphQLError's own text is left out: it quotes the query."""
    seen: set[int] = set()
    while fault is not None and id(fault) not in seen:
        seen.add(id(fault))
        message = fault.message if isinstance(fault, GraphQLError) else str(fault)
        yield f"{type(fault).__module__}.{type(fault).__qualname__}: {message}\n"
        yield from traceback.format_tb(fault.__traceback__)
        inner = fault.__cause__ or (None if fault.__suppress_context__ else fault.__context__)
        if inner is not None:
            yield "caused by:\n"
        fault = inner


def _strings(values: Iterable[Any]) -> Iterator[str]:
    stack = list(values)
    while stack:
        value = stack.pop()
        if isinstance(value, str):
            if len(value) >= _SHORTEST_SECRET:
                yield value
        elif isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
        elif callable(value):
            stack.append(value())
