"""What is selected of each dataset of a list that its own question can bring along: its timespan, its region, its calibrations."""

from __future__ import annotations

from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLResolveInfo,
    Undefined,
    value_from_ast,
)

from adapters.question import Beside

from .selection import below, fields

_LISTED = (("nodes",), ("edges", "node"))


def beside_each(info: GraphQLResolveInfo[Any]) -> Beside | None:
    """What is wanted beside each dataset of the connection that is being resolved; None: nothing. @skip and @include are not looked at."""
    return _beside(info, [node for path in _LISTED for node in fields(info, *path)])


def beside_it(info: GraphQLResolveInfo[Any]) -> Beside | None:
    """The same for a single dataset."""
    return _beside(info, list(info.field_nodes))


def _beside(info: GraphQLResolveInfo[Any], datasets: list[FieldNode]) -> Beside | None:
    timespan = region = False
    calibrations: dict[tuple[str, tuple[str, ...] | None], None] = {}
    for node in below(info, datasets):
        match node.name.value:
            case "timespan":
                timespan = True
            case "region":
                region = True
            case "calibration":
                key = _calibration(info, node)
                if key is not None:
                    calibrations[key] = None
    if not (timespan or region or calibrations):
        return None
    return Beside(timespan, region, tuple(calibrations))


def _calibration(info: GraphQLResolveInfo[Any], node: FieldNode) -> tuple[str, tuple[str, ...] | None] | None:
    """The type and the collections that ``calibration`` was given; None where they cannot be told."""
    dataset = info.schema.type_map["Dataset"]
    assert isinstance(dataset, GraphQLObjectType)
    field: GraphQLField = dataset.fields["calibration"]
    given: dict[str, Any] = {}
    for argument in node.arguments or ():
        definition = field.args.get(argument.name.value)
        if definition is None:
            return None
        value = value_from_ast(argument.value, definition.type, info.variable_values)  # type: ignore[arg-type]
        if value is not Undefined:
            given[argument.name.value] = value
    name, collections = given.get("type"), given.get("collections")
    if not isinstance(name, str):
        return None
    return name, None if collections is None else tuple(collections)
