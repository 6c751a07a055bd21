"""Which variables a document uses, and for what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphql import DirectiveNode, DocumentNode, VariableNode, Visitor, visit


def uses_variables(node: Any) -> bool:
    """Whether there is any within a node."""
    found: list[VariableNode] = []
    _visited(node, found.append, "variable")
    return bool(found)


def deciding_variables(document: DocumentNode) -> tuple[str, ...]:
    """Names of the variables in @skip and @include."""
    names: set[str] = set()

    def enter(node: DirectiveNode) -> None:
        if node.name.value in ("skip", "include"):
            _visited(node, lambda variable: names.add(variable.name.value), "variable")

    _visited(document, enter, "directive")
    return tuple(sorted(names))


def _visited(node: Any, enter: Callable[[Any], None], kind: str) -> None:
    class Look(Visitor):
        pass

    setattr(Look, f"enter_{kind}", lambda _self, found, *_: enter(found))
    visit(node, Look())
