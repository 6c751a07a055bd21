"""The shape of a GraphQL document: how deep, how wide, how often, measured in one linear pass.

Limiters that follow every spread of a fragment double their work with each link of ``fragment A { ...B ...B }``;
here each definition is walked once, without recursion, and fragments are then added up in the order of their use.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    ListValueNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
)

from adapters.errors import BadUserInput, TooComplex
from gateway.limits.limits import Limits

_INTROSPECTION = frozenset({"__schema", "__type"})
# Chained fragments multiply: the sum of a short document can have more digits than a computer has time to add.
_CAP = 1_000_000_000


@dataclass(slots=True)
class Shape:
    """What a document asks for, after its fragments are expanded; counts stop at 1e9.

    With several operations each number is that of the largest operation. Introspection is whatever lies at or
    below ``__schema`` and ``__type``; it counts in its own two numbers and not in ``depth`` and ``fields``.
    """

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    introspection_depth: int = 0
    introspection_fields: int = 0
    values_depth: int = 0
    definitions: int = 0
    # Fields that a selection set of the document names again, fragments not expanded.
    repeats: int = 0
    has_nul: bool = False


@dataclass(slots=True)
class _Part:
    """One definition: its own numbers, and where it spreads which fragments."""

    depth: int = 0
    fields: int = 0
    aliases: int = 0
    directives: int = 0
    meta_depth: int = 0
    meta_fields: int = 0
    # The depth of everything, as it counts when this fragment is spread inside introspection.
    whole_depth: int = 0
    # Fragment name, and the depth of its spread: outside introspection, and within it (0: not within).
    spreads: list[tuple[str, int, int]] = field(default_factory=list)


def measure(document: DocumentNode) -> Shape:
    """Measure a document in time linear to its size, whatever its fragments do.

    A spread that closes a cycle or names no fragment adds nothing: validation reports it.
    """
    shape = Shape(definitions=len(document.definitions))
    operations: list[_Part] = []
    fragments: dict[str, _Part] = {}
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            part = _walk(definition.selection_set, shape)
            _add_directives(definition.directives, part, shape)
            for variable in definition.variable_definitions or ():
                _add_directives(variable.directives, part, shape)
                if variable.default_value:
                    _walk_value(variable.default_value, shape)
            operations.append(part)
        elif isinstance(definition, FragmentDefinitionNode):
            part = _walk(definition.selection_set, shape)
            _add_directives(definition.directives, part, shape)
            fragments[definition.name.value] = part
    _expand(fragments)
    for part in operations:
        _add_spreads(part, fragments, frozenset())
        shape.depth = max(shape.depth, part.depth)
        shape.fields = max(shape.fields, part.fields)
        shape.aliases = max(shape.aliases, part.aliases)
        shape.directives = max(shape.directives, part.directives)
        shape.introspection_depth = max(shape.introspection_depth, part.meta_depth)
        shape.introspection_fields = max(shape.introspection_fields, part.meta_fields)
    return shape


def check_shape(shape: Shape, limits: Limits) -> None:
    """Hold a shape against the limits.

    Raises
    ------
    adapters.errors.TooComplex
        ``details`` hold ``what``, ``limit`` and ``actual``; the message names the limit.
    adapters.errors.BadUserInput
        A string in the document holds the character NUL, which no database takes.
    """
    for what, actual, limit, name in (
        ("definitions", shape.definitions, limits.max_definitions, "max_definitions"),
        ("repeated fields", shape.repeats, limits.max_repeats, "max_repeats"),
        ("values depth", shape.values_depth, limits.max_variables_depth, "max_variables_depth"),
        ("directives", shape.directives, limits.max_directives, "max_directives"),
        ("aliases", shape.aliases, limits.max_aliases, "max_aliases"),
        ("fields", shape.fields, limits.max_fields, "max_fields"),
        ("depth", shape.depth, limits.max_depth, "max_depth"),
        (
            "introspection fields",
            shape.introspection_fields,
            limits.max_introspection_fields,
            "max_introspection_fields",
        ),
        (
            "introspection depth",
            shape.introspection_depth,
            limits.max_introspection_depth,
            "max_introspection_depth",
        ),
    ):
        if actual > limit:
            raise too_complex(what, actual, limit, name)
    if shape.has_nul:
        raise BadUserInput("A string in the query holds the character NUL (U+0000), which is not allowed.")


def too_complex(what: str, actual: int, limit: int, name: str) -> TooComplex:
    """The refusal of a document that passes the limit ``name``."""
    return TooComplex(
        f"The {what} of this query are {actual}; the limit {name} is {limit}."
        if what.endswith("s")
        else f"The {what} of this query is {actual}; the limit {name} is {limit}.",
        what=what,
        limit=limit,
        actual=actual,
    )


def _walk(selection_set: SelectionSetNode, shape: Shape) -> _Part:
    """Measure one definition without following its spreads."""
    part = _Part()
    # The set holds the names answered by one selection set, which its inline fragments share.
    names: set[str] = set()
    stack = [(selection_set, 0, 0, names)]
    while stack:
        selections, depth, meta, names = stack.pop()
        for node in selections.selections:
            if node.directives:
                _add_directives(node.directives, part, shape)
            if isinstance(node, FieldNode):
                if node.alias:
                    part.aliases += 1
                name = (node.alias or node.name).value
                if name in names:
                    shape.repeats += 1
                names.add(name)
                for argument in node.arguments or ():
                    _walk_value(argument.value, shape)
                if meta or node.name.value in _INTROSPECTION:
                    below = (depth, meta + 1)
                    part.meta_fields += 1
                    part.meta_depth = max(part.meta_depth, meta + 1)
                else:
                    below = (depth + 1, 0)
                    part.fields += 1
                    part.depth = max(part.depth, depth + 1)
                part.whole_depth = max(part.whole_depth, sum(below))
                if node.selection_set:
                    stack.append((node.selection_set, *below, set()))
            elif isinstance(node, FragmentSpreadNode):
                part.spreads.append((node.name.value, depth, meta))
            elif isinstance(node, InlineFragmentNode):
                stack.append((node.selection_set, depth, meta, names))
    return part


def _walk_value(value: ValueNode, shape: Shape) -> None:
    stack = [(value, 0)]
    while stack:
        node, depth = stack.pop()
        if isinstance(node, StringValueNode):
            if "\0" in node.value:
                shape.has_nul = True
        elif isinstance(node, ListValueNode | ObjectValueNode):
            depth += 1
            shape.values_depth = max(shape.values_depth, depth)
            if isinstance(node, ListValueNode):
                stack.extend((item, depth) for item in node.values)
            else:
                stack.extend((item.value, depth) for item in node.fields)


def _add_directives(directives: Iterable[DirectiveNode] | None, part: _Part, shape: Shape) -> None:
    for directive in directives or ():
        part.directives += 1
        for argument in directive.arguments or ():
            _walk_value(argument.value, shape)


def _expand(fragments: dict[str, _Part]) -> None:
    """Add to every fragment what it spreads, innermost first, each once."""
    done: set[str] = set()
    for root in fragments:
        if root in done:
            continue
        path = [(root, iter(fragments[root].spreads))]
        open_ = {root}
        while path:
            name, spreads = path[-1]
            for spread, _, _ in spreads:
                if spread in fragments and spread not in done and spread not in open_:
                    path.append((spread, iter(fragments[spread].spreads)))
                    open_.add(spread)
                    break
            else:
                path.pop()
                _add_spreads(fragments[name], fragments, open_)
                open_.discard(name)
                done.add(name)


def _add_spreads(part: _Part, fragments: dict[str, _Part], open_: Iterable[str]) -> None:
    """Add the fragments that ``part`` spreads; those still open would close a cycle."""
    for name, depth, meta in part.spreads:
        inner = fragments.get(name)
        if inner is None or name in open_:
            continue
        if meta:
            part.meta_fields += inner.fields + inner.meta_fields
            part.meta_depth = max(part.meta_depth, meta + inner.whole_depth)
        else:
            part.fields += inner.fields
            part.depth = max(part.depth, depth + inner.depth)
            part.meta_fields += inner.meta_fields
            part.meta_depth = max(part.meta_depth, inner.meta_depth)
        part.whole_depth = max(part.whole_depth, depth + meta + inner.whole_depth)
        part.aliases += inner.aliases
        part.directives += inner.directives
    part.fields = min(part.fields, _CAP)
    part.meta_fields = min(part.meta_fields, _CAP)
    part.aliases = min(part.aliases, _CAP)
    part.directives = min(part.directives, _CAP)
