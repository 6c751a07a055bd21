"""The objects of one type at one place of the answer, for all their parents together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from .plan import Step
    from .run import Run


class Frame:
    """``columns``: fields whose values are found for all objects at once, by their names in the schema: values as the field's resolver would give
    them, object after object. Any other field is asked of each object."""

    __slots__ = ()
    columns: ClassVar[dict[str, Callable[[Any, Step, Run], Any]]] = {}

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


class Sparse:
    """A frame for some of the objects that were asked, in their order; ``present`` says which."""

    __slots__ = ("frame", "present")

    def __init__(self, frame: Frame, present: Sequence[bool]) -> None:
        self.frame = frame
        self.present = present


FRAMES: dict[type, Callable[[Sequence[Any]], Frame]] = {}
"""Frames for objects of classes whose fields can be found all at once."""


WHOLE: dict[type, Callable[[Any], Frame]] = {}
"""Frames for sequences whose objects are not made yet."""


def framed(objects: Sequence[Any]) -> Frame:
    """The frame for these objects."""
    whole = WHOLE.get(type(objects))
    if whole is not None:
        return whole(objects)
    make = FRAMES.get(type(objects[0]))
    return Objects(objects) if make is None or len(set(map(type, objects))) > 1 else make(objects)


MERGE: dict[type, Callable[[Sequence[Any]], Any]] = {}
"""How such sequences of one class become one; None where they cannot."""


def merged(sequences: Sequence[Any]) -> Frame | None:
    """The frame for the objects of several such sequences, one behind the other."""
    (kind, *others) = {type(one) for one in sequences}
    whole = None if others else MERGE[kind](sequences)
    return None if whole is None else framed(whole)
