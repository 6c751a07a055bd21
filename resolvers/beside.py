"""What is selected of each dataset of a list that its own question can bring along: its timespan, its region, its calibrations."""

from __future__ import annotations

from collections.abc import Callable
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
from .variables import uses_variables

_LISTED = (("nodes",), ("edges", "node"))


def beside_each(info: GraphQLResolveInfo[Any]) -> Beside:
    """What is wanted beside each dataset of the connection that is being resolved. @skip and @include are not looked at."""
    return _kept(info, lambda: [node for path in _LISTED for node in fields(info, *path)])


def beside_it(info: GraphQLResolveInfo[Any]) -> Beside:
    """The same for a single dataset."""
    return _kept(info, lambda: list(info.field_nodes))


_KEPT: dict[tuple[int, ...], tuple[list[FieldNode], Beside]] = {}
"""What was selected, by the fields that were resolved: documents are kept, and asked again and again. The fields are held, or another might
take the place of one in memory."""

_MOST_KEPT = 1_000


def _kept(info: GraphQLResolveInfo[Any], datasets: Callable[[], list[FieldNode]]) -> Beside:
    asked = tuple(map(id, info.field_nodes))
    known = _KEPT.get(asked)
    if known is not None:
        return known[1]
    found = datasets()
    beside = _beside(info, found)
    own = (node for node in below(info, found) if node.name.value == "calibration")
    if not any(uses_variables(argument) for node in own for argument in node.arguments or ()):
        if len(_KEPT) >= _MOST_KEPT:
            _KEPT.clear()
        _KEPT[asked] = (list(info.field_nodes), beside)
    return beside


DIMENSIONS = {
    "instrument": "instrument",
    "detector": "detector",
    "physicalFilter": "physical_filter",
    "band": "band",
    "group": "group",
    "dayObs": "day_obs",
    "exposure": "exposure",
    "visit": "visit",
    "skymap": "skymap",
    "tract": "tract",
    "patch": "patch",
}
"""The typed fields of DataId, and the dimensions that they are."""

_TYPED: dict[str, str | None] = {**DIMENSIONS, "required": None, "__typename": None}
"""Fields of DataId that need no dimension but their own; any other may need all."""


def _beside(info: GraphQLResolveInfo[Any], datasets: list[FieldNode]) -> Beside:
    timespan = region = dated = False
    calibrations: dict[tuple[str, tuple[str, ...] | None], None] = {}
    dimensions: set[str] | None = set()
    look = list(datasets)
    own = below(info, datasets)
    for node in own:
        match node.name.value:
            case "timespan":
                timespan = True
            case "region":
                region = True
            case "calibration":
                key = _calibration(info, node)
                if key is not None:
                    calibrations[key] = None
                look += [one for one in below(info, [node]) if one.name.value == "node"]
    for node in below(info, look):
        match node.name.value:
            case "ingestDate":
                dated = True
            case "dataId":
                names = [_TYPED.get(one.name.value, "") for one in below(info, [node])]
                if "" in names:
                    dimensions = None
                elif dimensions is not None:
                    dimensions |= {name for name in names if name}
    return Beside(
        timespan, region, tuple(calibrations), None if dimensions is None else frozenset(dimensions), dated
    )


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
