"""Why a dataset has no association of a kind: what was looked for, and what is there instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from lsst.daf.butler import DimensionGroup

from ..caller import Call
from ..errors import BadUserInput
from ..instant import to_text
from ..question import Kinship, Question, Regions, Related, Timespans
from ..rows import Rows
from . import glob
from .kinship import Side

_SHOWN = 5  # validity ranges, collections
_NAMED = 30  # dataset types

Ends = tuple[int | None, int | None]


@dataclass(frozen=True, slots=True)
class Looked:
    """A dataset type that was looked for: how it would be tied, and the collections that may hold it, in search order. ``alike``: the
    dimensions of which a tie by the sky wants one value on both sides."""

    name: str
    is_calibration: bool
    kinship: Kinship
    collections: tuple[str, ...]
    alike: tuple[str, ...] = ()


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
    repository: str

    def explain(self, question: Related, call: Call) -> list[str]:
        """Sentences for people; empty where there is an association, or nothing to say."""
        ways = self.ways
        if len(question.keys) != 1 or ways.ask(question.paged(1), call).rows:
            return []
        if question.used is not None:
            some = ways.ask(replace(question, used=None).paged(1), call).rows
            if some and not ways.ask(replace(question, used=not question.used).paged(1), call).rows:
                return [
                    "There are associations, but no execution is recorded that would show whether any was used."
                ]
            if some:
                word = "used" if question.used else "is known to have left unused"
                return [f"There are associations, but none that a recorded execution {word}."]
        if question.constraints:
            free = ways.ask(replace(question, constraints=()).paged(1), call).rows
            if free:
                return ["There are associations, but none that dataId leaves."]
        found = self._unmatched(question, call)
        looked = ways.looked_for(question, call)
        found += self._not_looked_for(question, {one.name for one in looked}, call)
        together: dict[Looked, list[str]] = {}
        for one in looked:
            # Of what is certified each type has ranges of its own; others differ in no more than their names.
            certified = one.kinship is Kinship.CALIBRATION and one.is_calibration
            together.setdefault(one if certified else replace(one, name=""), []).append(one.name)
        said = [self._why(question, one, names, call) for one, names in together.items()]
        return [*found, *dict.fromkeys(said)]

    def _unmatched(self, question: Related, call: Call) -> list[str]:
        """The globs that no dataset type matches."""
        names = self.ways.types(question, call)
        return [
            f"No dataset type of repository '{self.repository}' matches '{pattern}'."
            for pattern in question.types
            if glob.is_glob(pattern) and not any(glob.matches(name, pattern) for name in names)
        ]

    def _not_looked_for(self, question: Related, looked: set[str], call: Call) -> list[str]:
        """Of the types that are meant, those that cannot be tied like this, and those that nothing searched holds."""
        untied: dict[str, str] = {}
        lacking: dict[str, str] = {}
        missing: list[str] = []
        for name in self.ways.types(question, call):
            if name in looked:
                continue
            alone = replace(question, types=(name,))  # a type that is named tells what a glob passes over
            if (mistake := self._mistake(replace(alone, constraints=()), call)) is not None:
                untied[name] = mistake
            elif (mistake := self._mistake(alone, call)) is not None:
                lacking[name] = mistake
            else:
                missing.append(name)
        by = f"It cannot be tied by {question.by} to datasets of {_types(list(untied))}"
        if question.by is None:
            by = f"It shares no required dimension with datasets of {_types(list(untied))}, and Butler has no join of them"
        by += "; asked for by its name, each says what is possible."
        without = f"dataId names what datasets of {_types(list(lacking))} do not have."
        found: list[str] = []
        for refused, all_of_them in ((untied, by), (lacking, without)):
            found += [all_of_them] if len(refused) > 1 else refused.values()
        if missing:
            found.append(f"None of the collections searched holds datasets of {_types(missing)}.")
        return found

    def _mistake(self, question: Related, call: Call) -> str | None:
        """What is wrong with a question, if anything is."""
        try:
            self.ways.looked_for(question, call)
        except BadUserInput as mistake:
            return mistake.message[:1].upper() + mistake.message[1:]
        return None

    def _why(self, question: Related, looked: Looked, names: Sequence[str], call: Call) -> str:
        searched, types = _some(looked.collections), _types(names)
        if looked.kinship is Kinship.CALIBRATION and looked.is_calibration:
            return self._not_valid(question, looked, call)
        if looked.kinship is Kinship.SPATIAL:
            own = self.ways.ask(Regions(question.dimensions, question.keys), call).rows
            if not own:
                return "Its region on the sky is not recorded, so that nothing can be said to overlap it."
            same = f" with the same {' and '.join(looked.alike)}" if looked.alike else ""
            return f"No dataset of {types}{same} overlaps its region in {searched}."
        if looked.kinship is Kinship.TEMPORAL:
            observed = self.ways.ask(Timespans(question.dimensions, question.keys), call).rows
            if not observed:
                return "Its time is not recorded, so that nothing can be said to have been observed then."
            when = _range(observed[0][2], observed[0][3])
            return f"No dataset of {types} was observed in its time, {when}, in {searched}."
        if looked.kinship is Kinship.CALIBRATION:
            return f"No dataset of {types} was observed while it is certified, or an earlier collection has another."
        return f"No dataset of {types} has a data ID that goes with this one in {searched}."

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


def alike(here: DimensionGroup, there: DimensionGroup) -> tuple[str, ...]:
    """The dimensions of which a tie by the sky wants one value on both sides (the band of a coadd and of what overlaps it): those that
    both have. Between observations, or sky maps, there are none."""
    if Side("", here).families & Side("", there).families:
        return ()
    return tuple(name for name in there.names if name in here.names)


def _types(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:_NAMED])
    more = f" and {len(names) - _NAMED} others" if len(names) > _NAMED else ""
    return f"type {shown}" if len(names) == 1 else f"the types {shown}{more}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")


def _range(begin: int | None, end: int | None) -> str:
    return f"[{'...' if begin is None else to_text(begin)}, {'...' if end is None else to_text(end)})"
