"""An argument that was given, or was not: null given explicitly is the same as left out."""

from __future__ import annotations

from typing import Any, TypeVar

from strawberry import UNSET

T = TypeVar("T")


def given(value: T | None) -> T | None:
    """The value, or None where the client left it out or gave null."""
    return None if value is UNSET else value


def names(value: list[str] | None) -> tuple[str, ...] | None:
    """A list of names as questions carry it; None where it was left out, which is not the empty list."""
    value = given(value)
    return None if value is None else tuple(value)


def alone(**choices: Any) -> tuple[str, Any] | None:
    """The only one of the choices that was given, with its name; None unless it is exactly one."""
    found = [(name, value) for name, value in choices.items() if given(value) is not None]
    return found[0] if len(found) == 1 else None
