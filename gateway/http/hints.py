"""What would have been right: graphql-core says of a wrong document what it expected there, and not what there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
)

_MOST = 16  # names of one type that are told


def hinted(error: GraphQLError, schema: GraphQLSchema) -> GraphQLError:
    """The error, with what its type has instead, or how it is written."""
    for pattern, hint in _HINTS.items():
        found = pattern.search(error.message)
        if found is not None:
            more = hint(found, schema)
            if more:
                error.message = f"{error.message.rstrip('.')}. {more}"
            break
    return error


def _object(found: re.Match[str], schema: GraphQLSchema) -> str:
    type_ = schema.get_type(found[1])
    if not isinstance(type_, GraphQLInputObjectType):
        return ""
    return f"Write {{eq: {found[2]}}}." if "eq" in type_.fields else _members(type_.fields)


def _field(found: re.Match[str], schema: GraphQLSchema) -> str:
    type_ = schema.get_type(found[1])
    return _members(type_.fields) if isinstance(type_, GraphQLInputObjectType) else ""


def _value(found: re.Match[str], schema: GraphQLSchema) -> str:
    type_ = schema.get_type(found[1])
    return _members(type_.values) if isinstance(type_, GraphQLEnumType) else ""


def _item(found: re.Match[str], schema: GraphQLSchema) -> str:
    connection = schema.get_type(found[2])
    if not isinstance(connection, GraphQLObjectType) or "nodes" not in connection.fields:
        return ""
    node = get_named_type(connection.fields["nodes"].type)
    if not isinstance(node, GraphQLObjectType) or found[1] not in node.fields:
        return ""
    return f"Its items have it: nodes {{ {found[1]} }}."


def _members(names: Mapping[str, object]) -> str:
    told = [*names][:_MOST]
    return f"There are {', '.join(told)}{' ...' if len(names) > _MOST else ''}."


_HINTS: dict[re.Pattern[str], Callable[[re.Match[str], GraphQLSchema], str]] = {
    re.compile(r"Expected value of type '(\w+)' to be an object, found: (.{1,100})\.$"): _object,
    re.compile(r"Expected value of type '(\w+)' not to include unknown field '\w+', found"): _field,
    re.compile(r"Value '\w+' does not exist in '(\w+)' enum\.$"): _value,
    re.compile(r"^Cannot query field '(\w+)' on type '(\w+Connection)'\.$"): _item,
    re.compile(r"Float cannot represent non numeric value: ['\"]-?\d+[:h ]"): lambda *_: (
        "Positions are in decimal degrees."
    ),
    re.compile(r"^Variable '\$(\w+)' .* used in position expecting type '([^']+)'\.$"): lambda found, _: (
        f"Declare it as ${found[1]}: {found[2]}."
    ),
}
