"""The order that a client asks for."""

from __future__ import annotations

from adapters.errors import BadUserInput
from adapters.question import Order

from .given import given


def order(terms: list[str] | None) -> tuple[Order, ...]:
    """Order terms; a leading - is descending order. The adapter knows which names there are."""
    found: dict[str, Order] = {}
    for term in given(terms) or ():
        name = term.removeprefix("-").strip()
        if not name:
            raise BadUserInput(
                f"orderBy: {term!r} names nothing; write visit, or -visit for descending order."
            )
        if name in found:
            raise BadUserInput(f"orderBy: '{name}' is given twice.")
        found[name] = Order(name, term.startswith("-"))
    return tuple(found.values())
