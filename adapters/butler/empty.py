"""Why a list of datasets is empty, or shorter than one might expect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ..caller import Call
from ..errors import AdapterError, nearest
from ..question import Collections, Constraint, DataIds, Datasets, DatasetTypes, Op, Question
from ..rows import Rows
from . import glob

_NEAREST_AMONG = 20_000
_NEAREST_VALUES = 2_000


@dataclass(slots=True)
class Explanation:
    """Finds the constraint that leaves nothing by asking again with fewer of them, one row each."""

    ask: Callable[[Question, Call], Rows]
    defaults: tuple[str, ...]

    def of(self, question: Datasets, call: Call) -> list[str]:
        """Sentences for people; empty when there is nothing to say."""
        found = list(self.ask(question.paged(0), call).notes)
        found += self._unmatched(question, call)
        if self._any(question, call):
            return found
        bare = Datasets(question.types, question.collections, find_first=False)
        if not self._any(bare, call):
            named = self.defaults if question.collections is None else question.collections
            searched = ", ".join(named) or "none"
            found.append(
                f"Without any constraint there is no such dataset either; collections searched: {searched}."
            )
            return found
        alone = [(words, part) for words, part in _parts(question) if not self._any(part, call)]
        if alone:
            found += [
                f"{words} leaves no dataset, whatever else is asked{self._near(part, call)}."
                for words, part in alone
            ]
            return found
        growing = bare
        for words, part in _parts(question):
            growing = _both(growing, part)
            if not self._any(growing, call):
                found.append(
                    f"Each constraint leaves some datasets, but {words} none of those that the ones before it leave."
                )
                break
        return found

    def _near(self, part: Datasets, call: Call) -> str:
        """Values of a dimension that look like the one that was asked for."""
        for constraint in part.constraints:
            if constraint.op is not Op.EQ or not isinstance(constraint.value, str) or "." in constraint.name:
                continue
            try:
                known = self.ask(DataIds((constraint.name,)).paged(_NEAREST_VALUES), call)
            except AdapterError:
                return ""
            place = known.index(constraint.name)
            near = nearest(constraint.value, dict.fromkeys(str(row[place]) for row in known.rows))
            return f"; near it: {', '.join(near)}" if near else ""
        return ""

    def _unmatched(self, question: Datasets, call: Call) -> list[str]:
        out = []
        for pattern in question.types:
            if glob.is_glob(pattern) and not self.ask(DatasetTypes((pattern,)).paged(1), call).rows:
                known = [row[0] for row in self.ask(DatasetTypes().paged(_NEAREST_AMONG), call).rows]
                if near := nearest(pattern.strip("*?"), known):
                    out.append(
                        f"Dataset types near '{pattern}' (upper and lower case differ): {', '.join(near)}."
                    )
        for pattern in question.collections or ():
            if glob.is_glob(pattern) and not self.ask(Collections((pattern,)).paged(1), call).rows:
                everything = [row[0] for row in self.ask(Collections().paged(_NEAREST_AMONG), call).rows]
                near = nearest(pattern.strip("*?"), everything)
                hint = f"; near it: {', '.join(near)}" if near else ""
                out.append(f"No collection matches '{pattern}'{hint}.")
        return out

    def _any(self, question: Datasets, call: Call) -> bool:
        try:
            rows = self.ask(replace(question, order=()).paged(1), call)
        except AdapterError:
            return True  # what is wrong with it is said where it is asked
        return bool(rows.rows)


def _parts(question: Datasets) -> Iterator[tuple[str, Datasets]]:
    """Each constraint of a question alone, with words for it."""
    bare = Datasets(question.types, question.collections, find_first=False)
    for constraint in question.constraints:
        yield _words(constraint), replace(bare, constraints=(constraint,))
    if question.among is not None:
        yield f"among ({len(question.among.rows)} data IDs)", replace(bare, among=question.among)
    if question.where is not None:
        yield f'where "{question.where.text[:200]}"', replace(bare, where=question.where)
    if question.sky is not None:
        yield f"sky {question.sky.shape[:200]} (degrees)", replace(bare, sky=question.sky)
    if question.time is not None:
        yield "time", replace(bare, time=question.time)
    if question.validity is not None:
        yield "validity", replace(bare, validity=question.validity)
    if question.ingested_before is not None:
        yield "ingestedBefore", replace(bare, ingested_before=question.ingested_before)


def _both(a: Datasets, b: Datasets) -> Datasets:
    return replace(
        a,
        constraints=a.constraints + b.constraints,
        among=b.among or a.among,
        where=b.where or a.where,
        sky=b.sky or a.sky,
        time=b.time or a.time,
        validity=b.validity or a.validity,
        ingested_before=b.ingested_before if b.ingested_before is not None else a.ingested_before,
    )


def _words(constraint: Constraint) -> str:
    value = constraint.value
    if isinstance(value, tuple):
        shown = ", ".join(repr(v) for v in value[:5]) + (", ..." if len(value) > 5 else "")
        value = f"({shown})"
    signs = {
        Op.EQ: "=",
        Op.NE: "!=",
        Op.GE: ">=",
        Op.GT: ">",
        Op.LE: "<=",
        Op.LT: "<",
        Op.IN: "in",
        Op.GLOB: "glob",
    }
    return f"{constraint.name} {signs[constraint.op]} {value if isinstance(constraint.value, tuple) else repr(value)}"
