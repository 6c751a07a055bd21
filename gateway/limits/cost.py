"""The rows one request may ask of its backends."""

from __future__ import annotations

from adapters.errors import TooComplex


class Budget:
    """Counts the rows that a request asks for and refuses the statement that would pass the limit.

    Whoever runs a statement calls ``spend`` first: for a connection with actual ``parents`` above it that may
    return ``first`` rows for each. The product of real parents is what is counted, not a guess from the document,
    so an honest query over few rows is never refused for what it might have found.
    """

    __slots__ = ("_limit", "_spent")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._spent = 0

    @property
    def limit(self) -> int:
        return self._limit

    @property
    def spent(self) -> int:
        """Rows asked for so far; a refused statement is not among them."""
        return self._spent

    def spend(self, parents: int, first: int) -> None:
        """Allow a statement of at most ``parents * first`` rows.

        Raises
        ------
        adapters.errors.TooComplex
            The sum passes the limit; nothing was spent and the statement must not be run.
        """
        if parents < 0 or first < 0:
            raise ValueError("parents and first cannot be negative")
        actual = self._spent + parents * first
        if actual > self._limit:
            raise TooComplex(
                f"This query asks for up to {actual} rows ({parents} parents times first: {first} here); "
                f"the limit max_cost is {self._limit}. Ask for fewer rows at once or page through them.",
                what="cost",
                limit=self._limit,
                actual=actual,
            )
        self._spent = actual
