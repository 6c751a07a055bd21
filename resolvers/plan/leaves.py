"""Columns of scalars and enums as JSON: what a scalar's own ``serialize`` does, for all values at once.

A column with a value that is not of the plain kind is written value by value with the scalar's own function; one that this refuses is ``Refused``, and the
ordinary executor says why.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from graphql import GraphQLEnumType, GraphQLLeafType

from ..scalars import LARGEST

Column = list[Any]
Write = Callable[[Column], Column]

_NONE = type(None)


class Refused(Exception):
    """A value that its type cannot represent."""


def writer(type_: GraphQLLeafType) -> Write:
    """How a column of this type is written; None stays None."""
    each = _each(type_)
    if isinstance(type_, GraphQLEnumType):
        return _remembered(each)
    match type_.name:
        case "String" | "ID":
            return _plain(str, each)
        case "Boolean":
            return _plain(bool, each)
        case "Int":
            return _plain(int, each, -(2**31), 2**31 - 1)
        case "Long":
            return _plain(int, each, -LARGEST, LARGEST)
        case "Float":
            return _floats(each)
        case "DateTime":
            return _remembered(each)
    return each


def _each(type_: GraphQLLeafType) -> Write:
    serialize = type_.serialize

    def write(values: Column) -> Column:
        try:
            written = [None if value is None else serialize(value) for value in values]
        except Exception as error:
            raise Refused from error
        # graphql-core takes a None from serialize for a mistake.
        if any(new is None and old is not None for new, old in zip(written, values, strict=True)):
            raise Refused
        return written

    return write


def _plain(kind: type, each: Write, least: int | None = None, most: int | None = None) -> Write:
    """Values that are written as they are."""
    alone, mixed = {kind}, {kind, _NONE}

    def write(values: Column) -> Column:
        kinds = set(map(type, values))
        if not kinds <= mixed:
            return each(values)
        if least is not None and most is not None:
            there = values if kinds == alone else [value for value in values if value is not None]
            if there and (min(there) < least or max(there) > most):
                raise Refused
        return values

    return write


def _floats(each: Write) -> Write:
    mixed = {float, _NONE}

    def write(values: Column) -> Column:
        if not set(map(type, values)) <= mixed:
            return each(values)
        if not all(value is None or math.isfinite(value) for value in values):
            raise Refused
        return values

    return write


def _remembered(each: Write) -> Write:
    """Each different value written once: instants and enums repeat in a column."""

    def write(values: Column) -> Column:
        different = list(dict.fromkeys(values))
        written = dict(zip(different, each(different), strict=True))
        return [written[value] for value in values]

    return write
