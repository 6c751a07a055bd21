"""The order that a client asks for."""

from __future__ import annotations

import re

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
        direction = re.fullmatch(r"(\S+)\s+(asc|desc)(ending)?", name, re.IGNORECASE)
        if direction is not None:
            wanted = direction[1] if direction[2].lower() == "asc" else f"-{direction[1]}"
            raise BadUserInput(f"orderBy: write '{wanted}' for '{term}'; a leading - is descending order.")
        if name in found:
            raise BadUserInput(f"orderBy: '{name}' is given twice.")
        found[name] = Order(name, term.startswith("-"))
    return tuple(found.values())
