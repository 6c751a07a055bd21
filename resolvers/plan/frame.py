"""The objects of one type at one place of the answer, for all their parents together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from .leaves import Column

if TYPE_CHECKING:
    from .plan import Step
    from .run import Run


class Frame:
    """``columns``: fields whose values are found for all objects at once, by their names in the schema: values as the field's resolver would give
    them, object after object. Any other field is asked of each object."""

    __slots__ = ()
    columns: ClassVar[
        Mapping[str, Callable[[Any, Step, Run], Column | Frame | Awaitable[Column | Frame]]]
    ] = {}

    def __len__(self) -> int:
        raise NotImplementedError

    def objects(self) -> Sequence[Any]:
        """The objects, one by one."""
        raise NotImplementedError


class Objects(Frame):
    """Objects that are there already."""

    __slots__ = ("_objects",)

    def __init__(self, objects: Sequence[Any]) -> None:
        self._objects = objects

    def __len__(self) -> int:
        return len(self._objects)

    def objects(self) -> Sequence[Any]:
        return self._objects


FRAMES: dict[type, Callable[[Sequence[Any]], Frame]] = {}
"""Frames for objects of classes whose fields can be found all at once."""


def framed(objects: Sequence[Any]) -> Frame:
    """The frame for these objects."""
    make = FRAMES.get(type(objects[0]))
    return Objects(objects) if make is None or len(set(map(type, objects))) > 1 else make(objects)
