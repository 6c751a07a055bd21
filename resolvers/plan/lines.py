"""A plan for people to read: a line a field, indented like the document, each with how it is answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from strawberry.schema.schema_converter import GraphQLCoreConverter

from .frame import FRAMES
from .nouns import DataIds, Datasets, Lists
from .plan import Abstract, Leaf, ListOf, Object, Plan, Selection, Shape, Step


class How(StrEnum):
    """How a field is answered."""

    COLUMN = "all objects at once"
    LIST = "read with its list"
    EACH = "of each object"
    PLAN = "by the plan itself"


class Line(NamedTuple):
    text: str
    how: How


def lines(plan: Plan) -> Iterator[Line]:
    """A line for each field."""
    return _lines(plan.root, None, "")


def _lines(selection: Selection, frame: Any, indent: str) -> Iterator[Line]:
    """``frame``: what the objects stand in, where that is not what they always stand in."""
    for step in selection.steps:
        stands = frame or FRAMES.get(_class(step))
        alias = "" if step.key == step.name else f"{step.key}: "
        arguments = ", ".join(one.name.value for one in step.nodes[0].arguments or ()) if step.nodes else ""
        name = f"{selection.type}.{step.name}" + (f"({arguments})" if arguments else "")
        yield Line(f"{indent}{alias}{name}: {_shape(step.shape)}", _how(step, stands))
        below = DataIds if _column(step, stands) is Datasets.data_id else None
        for deeper in _selections(step.shape):
            yield from _lines(deeper, below, indent + "  ")


def _class(step: Step) -> type:
    """The class whose field it is."""
    found: type = step.parent.extensions[GraphQLCoreConverter.DEFINITION_BACKREF].origin
    return found


def _column(step: Step, frame: Any) -> object:
    """What finds the field's values for all objects of a frame at once; None where each is asked."""
    columns: Mapping[str, object] = getattr(frame, "columns", {})
    return None if step.resolver is None else columns.get(step.name)


def _how(step: Step, frame: Any) -> How:
    if step.declared is None:
        return How.PLAN
    if _column(step, frame) is None:
        return How.EACH
    return How.LIST if frame is Lists else How.COLUMN


def _shape(shape: Shape) -> str:
    match shape:
        case Leaf():
            text = shape.name
        case ListOf():
            text = f"[{_shape(shape.item)}]"
        case Object():
            text = shape.selection.type
        case Abstract():
            text = " | ".join(shape.selections)
    return text if shape.null else text + "!"


def _selections(shape: Shape) -> Iterator[Selection]:
    match shape:
        case ListOf():
            yield from _selections(shape.item)
        case Object():
            yield shape.selection
        case Abstract():
            yield from shape.selections.values()
