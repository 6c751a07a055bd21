"""Chance in few words. One seed is all that hypothesis draws for a document: with a draw for each choice it repeats itself, and most
documents are changed copies of a few."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """``mess``: how often, of a hundred times, something wrong may be said; 0 in a document that is to have no errors."""

    def __init__(self, seed: int, mess: int) -> None:
        self._random = Random(seed)
        self.mess = mess

    def chance(self, of_100: int) -> bool:
        return self._random.random() * 100 < of_100

    def wrong(self) -> bool:
        return self.chance(self.mess)

    def pick(self, values: Sequence[T]) -> T:
        return self._random.choice(values)

    def some(self, values: Sequence[T], most: int = 2) -> list[T]:
        return [self.pick(values) for _ in range(self._random.randint(1, most))]
