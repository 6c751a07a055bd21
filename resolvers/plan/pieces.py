"""JSON objects put together from pieces: what all of them have in common, and columns of what is each one's own.

An object inside an object is no text of its own: its pieces stand among those of the outer one, and a row becomes its part of the answer in one step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

from .leaves import Texts

Piece = str | Texts
"""A text that all objects have, or the text of each."""

_NONE = type(None)


def objects(pieces: Sequence[Piece], count: int) -> Texts:
    """The texts of so many objects: for each, all pieces one behind the other."""
    if count == 1:
        return ["".join([piece if type(piece) is str else piece[0] for piece in pieces])]
    columns: list[Iterable[str]] = []
    common: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            common.append(piece)
            continue
        if common:
            columns.append(repeat("".join(common), count))
            common = []
        columns.append(piece)
    if not columns:
        return ["".join(common)] * count
    if common:
        columns.append(repeat("".join(common), count))
    return list(map("".join, zip(*columns, strict=True)))


def alike(values: Sequence[Any]) -> bool:
    """Whether one text will do for all of these values. False where that would be long to tell: of floats, and of what is equal without being the same."""
    first = values[0]
    if not (type(first) in (str, int, _NONE) and values[-1] == first and values.count(first) == len(values)):
        return False
    return type(first) is not int or set(map(type, values)) == {int}


def part(pieces: Iterable[Any], start: int, stop: int) -> list[Any]:
    """The pieces for some of the objects."""
    return [piece if isinstance(piece, str) else piece[start:stop] for piece in pieces]
