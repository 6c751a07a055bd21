"""The objects of one type at one place of the answer, for all their parents together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
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

    def near(self, step: Step, run: Run) -> bool:  # noqa: ARG002  (an answer for frames that have no better one)
        """Whether a field, with all that is selected below it, needs nothing but what is here: it can be had for some of the objects alone."""
        return False

    def part(self, start: int, stop: int) -> Frame:
        """Some of the objects; asked where a field is near."""
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


class Picks:
    """Which object of a frame stands where one was asked, for each that was asked: its mark, None where nothing stands there. ``of``: the mark of
    each object of the frame. One that stands in many places is written once. ``everywhere``: the one object of the frame stands in all."""

    __slots__ = ("everywhere", "frame", "marks", "of")

    def __init__(
        self, frame: Frame, marks: Sequence[Hashable], of: Sequence[Hashable], *, everywhere: bool = False
    ) -> None:
        self.frame = frame
        self.marks = marks
        self.of = of
        self.everywhere = everywhere


class Groups:
    """The objects of a frame as lists: how many stand in each, one list behind the other."""

    __slots__ = ("counts", "frame")

    def __init__(self, frame: Frame, counts: Sequence[int]) -> None:
        self.frame = frame
        self.counts = counts


def some(frame: Frame, present: Sequence[Any]) -> Frame | Picks:
    """The objects of a frame where ``present`` has something, in their order; and nothing elsewhere."""
    if len(frame) == len(present):
        return frame
    marks = [place if there else None for place, there in enumerate(present)]
    return Picks(frame, marks, [mark for mark in marks if mark is not None])


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


MERGE: dict[type, Callable[[Sequence[Any]], Frame | None]] = {}
"""The frame for the objects of several such sequences of one class, one behind the other; None where they have none in common."""


def merged(sequences: Sequence[Any]) -> Frame | None:
    """The frame for the objects of several such sequences."""
    (kind, *others) = {type(one) for one in sequences}
    return None if others else MERGE[kind](sequences)
