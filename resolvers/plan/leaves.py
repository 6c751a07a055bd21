"""Columns of scalars and enums as JSON texts: what a scalar's own ``serialize`` does, for all values at once.

A column with a value that is not of the plain kind is written value by value with the scalar's own function; one that this refuses is ``Refused``, and the
ordinary executor says why. The texts are orjson's, as those of any answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
from graphql import GraphQLEnumType, GraphQLLeafType

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
    each = _each(type_.serialize)
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
            return _longs(each)
        case "Float":
            return _floats(each)
        case "DateTime":
            return _instants(type_.serialize)
        case "UUID":
            return _uuids(each)
    return each


def _each(serialize: Callable[[Any], Any]) -> Write:
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


class _Written(dict[Any, str]):
    """Values and their texts: each is written when it is first met. Those that were met are let go where they are too many."""

    def __init__(self, each: Write, most: int) -> None:
        self._each = each
        self._most = most

    def __missing__(self, value: Any) -> str:
        if len(self) >= self._most:
            self.clear()
        (written,) = self._each([value])
        self[value] = written
        return written


class _Strings(dict[Any, str]):
    """Strings and their texts. Nothing else that is a key equals a string."""

    def __missing__(self, value: Any) -> str:
        if type(value) is not str and value is not None:
            raise Refused
        written = self[value] = text(value)
        return written


def _strings(each: Write) -> Write:
    def write(values: Column) -> Texts:
        try:
            # Runs, collections and types repeat.
            return list(map(_Strings().__getitem__, values))
        except (Refused, TypeError):
            return each(values)

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


def _longs(each: Write) -> Write:
    mixed = {int, _NONE}

    def write(values: Column) -> Texts:
        if not set(map(type, values)) <= mixed:
            return each(values)
        return _together(values, orjson.OPT_STRICT_INTEGER)  # which is the range of a Long

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


def _together(values: Column, option: int | None = None) -> Texts:
    """Numbers, whose texts have no comma in them."""
    if not values:
        return []
    try:
        return orjson.dumps(values, option=option).decode()[1:-1].split(",")
    except TypeError as error:
        raise Refused from error


_DASHED = b'"01234567-0123-4567-0123-456789012345"'
_PLACES = tuple(
    (slice(place, None, len(_DASHED) + 1), slice(digit, None, 32))
    for digit, place in enumerate(place for place, one in enumerate(_DASHED) if one not in b'"-')
)
"""Where the digits of UUIDs are among dashes and commas, and where they are without: the first digit of each, the second of each ..."""
_FEW = 16  # UUIDs that are sooner written one by one


def _uuids(each: Write) -> Write:
    def write(values: Column) -> Texts:
        try:
            digits = "".join(values)
        except TypeError:
            return each(values)
        if set(map(len, values)) != {32} or not _hexadecimal(digits):
            return each(values)
        if len(values) < _FEW:
            return [f'"{v[:8]}-{v[8:12]}-{v[12:16]}-{v[16:20]}-{v[20:]}"' for v in values]
        bare, dashed = digits.encode(), bytearray((_DASHED + b",") * len(values))
        for among, alone in _PLACES:
            dashed[among] = bare[alone]
        return dashed[:-1].decode().split(",")

    return write


def _hexadecimal(digits: str) -> bool:
    try:
        return len(bytes.fromhex(digits)) * 2 == len(digits)
    except ValueError:
        return False


def _remembered(each: Write) -> Write:
    """Each different value written once: enums repeat in a column."""

    def write(values: Column) -> Texts:
        different = list(dict.fromkeys(values))
        written = dict(zip(different, each(different), strict=True))
        return [written[value] for value in values]

    return write


_MOST_INSTANTS = 20_000


@cache
def _instants(serialize: Callable[[Any], Any]) -> Write:
    """Instants take long to write, and the same ones are asked for again and again: they are remembered from request to request."""

    each = _each(serialize)
    known = _Written(each, _MOST_INSTANTS).__getitem__
    alone, mixed = {int}, {int, _NONE}

    def write(values: Column) -> Texts:
        kinds = set(map(type, values))
        if kinds == alone:
            return list(map(known, values))
        if not kinds <= mixed:
            return each(values)
        return [NULL if value is None else known(value) for value in values]

    return write
