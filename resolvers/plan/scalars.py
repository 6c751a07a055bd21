"""Variables that are scalars, and arguments that are such variables: most requests have no others, and graphql-core's way to their values, which
knows lists, input objects and defaults, costs a small request a tenth of its time. What is not covered, or not right, is left to that way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLInputType,
    GraphQLLeafType,
    GraphQLSchema,
    OperationDefinitionNode,
    Undefined,
    VariableNode,
    is_non_null_type,
    is_scalar_type,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from strawberry.relay import GlobalID
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.base import StrawberryMaybe, StrawberryOptional

Signatures = Mapping[str, tuple[GraphQLVariableSignature, Callable[[Any], Any]]]


def signatures(schema: GraphQLSchema, operation: OperationDefinitionNode) -> Signatures | None:
    """The variables of a valid operation by name, each with what makes a value of what a request gives; None: not all of them are scalars."""
    found: dict[str, tuple[GraphQLVariableSignature, Callable[[Any], Any]]] = {}
    for node in operation.variable_definitions or ():
        signature = get_variable_signature(schema, node)
        if not isinstance(signature, GraphQLVariableSignature):
            return None
        scalar = _scalar(signature.type)
        if scalar is None:
            return None
        found[signature.name] = (signature, scalar.coerce_input_value)
    return found


def values(known: Signatures, raw: Mapping[str, Any]) -> VariableValues | None:
    """The variables of a request; None: one is missing, null, or none of its type."""
    sources: dict[str, VariableValueSource] = {}
    coerced: dict[str, Any] = {}
    for name, (signature, coerce) in known.items():
        given = raw.get(name)
        if given is None:
            return None
        sources[name] = VariableValueSource(signature, given)
        try:
            coerced[name] = coerce(given)
        except Exception:  # noqa: BLE001  graphql-core says what is wrong with it
            return None
        if coerced[name] is Undefined:
            return None
    return VariableValues(sources, coerced)


def variables_of(
    field: GraphQLField, node: FieldNode, arguments: Mapping[str, StrawberryArgument]
) -> Mapping[str, str] | None:
    """The variables that these arguments of a field are, by the names that its resolver has for them. ``arguments``: by GraphQL's names. None: not
    all are variables, or not all are scalars that a resolver takes as they are."""
    found: dict[str, str] = {}
    for given in node.arguments or ():
        declared = arguments.get(given.name.value)
        if declared is None:
            continue
        value, type_ = given.value, declared.type
        bare = type_.of_type if isinstance(type_, StrawberryOptional) else type_
        made = isinstance(type_, StrawberryMaybe) or bare is GlobalID
        if made or not isinstance(value, VariableNode) or _scalar(field.args[given.name.value].type) is None:
            return None
        assert declared.python_name
        found[declared.python_name] = value.name.value
    return found


def given(variables: Mapping[str, str], coerced: Mapping[str, Any]) -> dict[str, Any] | None:
    """The arguments; None: a variable is missing, or null."""
    found = {name: coerced.get(variable) for name, variable in variables.items()}
    return None if None in found.values() else found


def _scalar(type_: GraphQLInputType) -> GraphQLLeafType | None:
    bare: Any = type_.of_type if is_non_null_type(type_) else type_
    return bare if is_scalar_type(bare) else None
