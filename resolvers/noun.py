"""How a class becomes a type of the schema: its docstrings are the descriptions that clients read."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any, TypeVar, cast

import strawberry
from strawberry.types.base import StrawberryObjectDefinition

C = TypeVar("C")


def noun(cls: type[C]) -> type[C]:
    """An object type described by the docstrings of the class and of its resolvers.

    The class's own ``__init__`` stays, an inherited one too: such objects stand over a row of an answer and are
    not built field by field.
    """
    return _described(cls, strawberry.type)


def interface(cls: type[C]) -> type[C]:
    """An interface described by the docstrings of the class and of its resolvers."""
    return _described(cls, strawberry.interface)


def _described(cls: type[C], make: Any) -> type[C]:
    # dataclasses would give the class an __init__ of its fields, and it has none; one in the class itself stays.
    if "__init__" not in cls.__dict__:
        cls.__init__ = cls.__init__  # type: ignore[method-assign]
    made = make(cls, description=cleandoc(cls.__doc__) if cls.__doc__ else None)
    definition = cast(StrawberryObjectDefinition, made.__strawberry_definition__)
    for field in definition.fields:
        resolver = field.base_resolver
        if field.description is None and resolver is not None and resolver.wrapped_func.__doc__:
            field.description = cleandoc(resolver.wrapped_func.__doc__)
    return cast("type[C]", made)
