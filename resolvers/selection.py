"""What is selected below a field, where an answer costs more than it should without knowing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from graphql import FieldNode, FragmentSpreadNode, GraphQLResolveInfo, InlineFragmentNode, SelectionNode


def selects(info: GraphQLResolveInfo[Any], *path: str) -> bool:
    """Whether the field at this path below the one being resolved is selected, through fragments too.

    @skip and @include are not looked at: what they leave out counts as selected.
    """
    return bool(fields(info, *path))


def fields(info: GraphQLResolveInfo[Any], *path: str) -> list[FieldNode]:
    """The fields at this path below the one being resolved."""
    nodes: list[FieldNode] = list(info.field_nodes)
    for name in path:
        nodes = [field for field in below(info, nodes) if field.name.value == name]
    return nodes


def below(info: GraphQLResolveInfo[Any], nodes: Iterable[FieldNode]) -> list[FieldNode]:
    """The fields next below some fields, through fragments."""
    return [
        field
        for node in nodes
        if node.selection_set
        for field in _fields(node.selection_set.selections, info)
    ]


def _fields(selections: Iterable[SelectionNode], info: GraphQLResolveInfo[Any]) -> Iterator[FieldNode]:
    # Validation has refused fragments that spread themselves.
    for selection in selections:
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            yield from _fields(selection.selection_set.selections, info)
        elif isinstance(selection, FragmentSpreadNode):
            yield from _fields(info.fragments[selection.name.value].selection_set.selections, info)
