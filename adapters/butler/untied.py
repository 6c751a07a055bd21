"""Why a dataset has no association of a kind: what was looked for, and what is there instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..caller import Call
from ..instant import to_text
from ..question import Kinship, Question, Regions, Related, Timespans
from ..rows import Rows

_SHOWN = 5  # validity ranges, collections

Ends = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Looked:
    """A dataset type that was looked for: how it would be tied, and the collections that may hold it, in search order."""

    name: str
    is_calibration: bool
    kinship: Kinship
    collections: tuple[str, ...]


class Ways(Protocol):
    """How an explanation finds out what it tells, for a question about one parent."""

    def ask(self, question: Question, call: Call) -> Rows: ...

    def types(self, question: Related, call: Call) -> Sequence[str]:
        """Names of the dataset types that the question means."""
        ...

    def looked_for(self, question: Related, call: Call) -> Sequence[Looked]:
        """Those of them that some collection may hold."""
        ...

    def ranges(self, question: Related, name: str, call: Call) -> Iterable[Ends]:
        """When calibrations of a type are certified for the parent's data ID, at whatever time."""
        ...


@dataclass(slots=True)
class Untied:
    """Explains an empty answer to Related for one parent."""

    ways: Ways

    def explain(self, question: Related, call: Call) -> list[str]:
        """Sentences for people; empty where there is an association, or nothing to say."""
        ways = self.ways
        if len(question.keys) != 1 or ways.ask(question.paged(1), call).rows:
            return []
        if question.used is not None:
            some = ways.ask(replace(question, used=None).paged(1), call).rows
            if some:
                word = "used" if question.used else "is known to have left unused"
                return [f"There are associations, but none that a recorded execution {word}."]
        if question.constraints:
            free = ways.ask(replace(question, constraints=()).paged(1), call).rows
            if free:
                return ["There are associations, but none that dataId leaves."]
        looked = ways.looked_for(question, call)
        held = {one.name for one in looked}
        found = [
            f"None of the collections searched holds datasets of type '{name}'."
            for name in ways.types(question, call)
            if name not in held
        ]
        return found + [self._why(question, one, call) for one in looked]

    def _why(self, question: Related, looked: Looked, call: Call) -> str:
        searched = _some(looked.collections)
        if looked.kinship is Kinship.CALIBRATION and looked.is_calibration:
            return self._not_valid(question, looked, call)
        if looked.kinship is Kinship.SPATIAL:
            own = self.ways.ask(Regions(question.dimensions, question.keys), call).rows
            if not own:
                return "Its region on the sky is not recorded, so that nothing can be said to overlap it."
            return f"No dataset of type '{looked.name}' overlaps its region in {searched}."
        if looked.kinship is Kinship.CALIBRATION:
            return f"No dataset of type '{looked.name}' was observed while it is certified, or an earlier collection has another."
        return f"No dataset of type '{looked.name}' has a data ID that goes with this one in {searched}."

    def _not_valid(self, question: Related, looked: Looked, call: Call) -> str:
        observed = self.ways.ask(Timespans(question.dimensions, question.keys), call).rows
        if not observed:
            return f"Its time is not recorded, so that no '{looked.name}' can be said to be valid then."
        ranges = sorted(
            set(self.ways.ranges(question, looked.name, call)), key=lambda r: (r[0] is not None, r[0] or 0)
        )
        when = _range(observed[0][2], observed[0][3])
        if not ranges:
            return f"No '{looked.name}' with this data ID is certified in {_some(looked.collections)}."
        shown = ", ".join(_range(*span) for span in ranges[:_SHOWN]) + (
            ", ..." if len(ranges) > _SHOWN else ""
        )
        return f"'{looked.name}' is certified for this data ID for {shown}; the observation, {when}, is in none of them."


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")


def _range(begin: int | None, end: int | None) -> str:
    return f"[{'...' if begin is None else to_text(begin)}, {'...' if end is None else to_text(end)})"
