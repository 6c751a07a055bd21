"""Columns of scalars and enums as JSON texts: what a scalar's own ``serialize`` does, for all values at once.

A column with a value that is not of the plain kind is written value by value with the scalar's own function; one that this refuses is ``Refused``, and the
ordinary executor says why. The texts are orjson's, as those of any answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import orjson
from graphql import GraphQLEnumType, GraphQLLeafType

from ..scalars import LARGEST

Column = list[Any]
Texts = list[str]
Write = Callable[[Column], Texts]

NULL = "null"
_NONE = type(None)


class Refused(Exception):
    """A value that its type cannot represent."""


def text(value: Any) -> str:
    """Any value as JSON. Raises Refused for what orjson leaves to others."""
    try:
        return orjson.dumps(value).decode()
    except TypeError as error:
        raise Refused from error


def writer(type_: GraphQLLeafType) -> Write:
    """How a column of this type is written; None is null."""
    each = _each(type_)
    if isinstance(type_, GraphQLEnumType):
        return _remembered(each)
    match type_.name:
        case "String" | "ID":
            return _strings(each)
        case "Boolean":
            return _numbers(bool, each)
        case "Int":
            return _numbers(int, each, -(2**31), 2**31 - 1)
        case "Long":
            return _numbers(int, each, -LARGEST, LARGEST)
        case "Float":
            return _floats(each)
        case "DateTime":
            return _remembered(each)
        case "UUID":
            return _uuids(each)
    return each


def _each(type_: GraphQLLeafType) -> Write:
    serialize = type_.serialize

    def write(values: Column) -> Texts:
        try:
            written = [None if value is None else serialize(value) for value in values]
        except Exception as error:
            raise Refused from error
        # graphql-core takes a None from serialize for a mistake.
        if any(new is None and old is not None for new, old in zip(written, values, strict=True)):
            raise Refused
        return [text(value) for value in written]

    return write


def _strings(each: Write) -> Write:
    mixed = {str, _NONE}

    def write(values: Column) -> Texts:
        if not set(map(type, values)) <= mixed:
            return each(values)
        # Runs, collections and types repeat.
        written = {value: text(value) for value in dict.fromkeys(values)}
        return [written[value] for value in values]

    return write


def _numbers(kind: type, each: Write, least: int | None = None, most: int | None = None) -> Write:
    alone, mixed = {kind}, {kind, _NONE}

    def write(values: Column) -> Texts:
        kinds = set(map(type, values))
        if not kinds <= mixed:
            return each(values)
        if least is not None and most is not None:
            there = values if kinds == alone else [value for value in values if value is not None]
            if there and (min(there) < least or max(there) > most):
                raise Refused
        return _together(values)

    return write


def _floats(each: Write) -> Write:
    mixed = {float, _NONE}

    def write(values: Column) -> Texts:
        if not set(map(type, values)) <= mixed:
            return each(values)
        if not all(value is None or math.isfinite(value) for value in values):
            raise Refused
        return _together(values)

    return write


def _together(values: Column) -> Texts:
    """Numbers, whose texts have no comma in them."""
    return text(values)[1:-1].split(",") if values else []


def _uuids(each: Write) -> Write:
    def write(values: Column) -> Texts:
        if (
            set(map(type, values)) != {str}
            or set(map(len, values)) != {32}
            or not _hexadecimal("".join(values))
        ):
            return each(values)
        return [f'"{v[:8]}-{v[8:12]}-{v[12:16]}-{v[16:20]}-{v[20:]}"' for v in values]

    return write


def _hexadecimal(digits: str) -> bool:
    try:
        return len(bytes.fromhex(digits)) * 2 == len(digits)
    except ValueError:
        return False


def _remembered(each: Write) -> Write:
    """Each different value written once: instants and enums repeat in a column."""

    def write(values: Column) -> Texts:
        different = list(dict.fromkeys(values))
        written = dict(zip(different, each(different), strict=True))
        return [written[value] for value in values]

    return write
