"""A plan for people to read: a line a field, indented like the document, each with how it was answered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from .frame import Frame
from .nouns import Lists
from .plan import Abstract, Leaf, ListOf, Object, Plan, Selection, Shape, Step
from .run import Columns, Pieces, Run


class How(StrEnum):
    """How a field is answered."""

    COLUMN = "all objects at once"
    LIST = "read with its list"
    EACH = "of each object"
    PLAN = "by the plan itself"
    NEVER = "not reached"


class Line(NamedTuple):
    text: str
    how: How


class Watched(Run):
    """A run that remembers how each field was answered: by the place of its step in memory, since steps are no keys."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.how: dict[int, How] = {}

    def _field(self, step: Step, column: Columns | None, frame: Frame, pieces: Pieces) -> None:
        self.how[id(step)] = _how(column, frame)
        super()._field(step, column, frame, pieces)


def _how(column: Columns | None, frame: Frame) -> How:
    if column is None:
        return How.EACH
    return How.LIST if isinstance(frame, Lists) else How.COLUMN


def lines(plan: Plan, how: Mapping[int, How]) -> Iterator[Line]:
    """A line for each field."""
    return _lines(plan.root, how, "")


def _lines(selection: Selection, how: Mapping[int, How], indent: str) -> Iterator[Line]:
    for step in selection.steps:
        alias = "" if step.key == step.name else f"{step.key}: "
        arguments = ", ".join(one.name.value for one in step.nodes[0].arguments or ()) if step.nodes else ""
        name = f"{selection.type}.{step.name}" + (f"({arguments})" if arguments else "")
        known = How.PLAN if step.declared is None else how.get(id(step), How.NEVER)
        yield Line(f"{indent}{alias}{name}: {_shape(step.shape)}", known)
        for below in _selections(step.shape):
            yield from _lines(below, how, indent + "  ")


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
