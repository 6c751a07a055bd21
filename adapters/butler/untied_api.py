"""What an explanation of a missing association needs to know, asked of Butler's public API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..caller import Call
from ..question import Certifications, Constraint, DataIds, Op, Page, Question, Related
from ..rows import Rows
from .api_ties import Target
from .untied import Ends, Looked, alike


@dataclass(slots=True)
class ApiWays:
    """``untied.Ways``. ``ask`` answers questions; ``tied`` says which dataset types a question means, and those of them that some
    collection may hold."""

    ask: Callable[[Question, Call], Rows]
    tied: Callable[[Related, Call], tuple[Sequence[str], Sequence[Target]]]

    def types(self, question: Related, call: Call) -> Sequence[str]:
        return self.tied(question, call)[0]

    def looked_for(self, question: Related, call: Call) -> Sequence[Looked]:
        return [
            Looked(
                one.type.name,
                one.type.isCalibration(),
                one.kinship,
                tuple(step.name for _, step in one.path),
                alike(one.type.dimensions.universe.conform(question.dimensions), one.type.dimensions),
            )
            for one in self.tied(question, call)[1]
        ]

    def ranges(self, question: Related, name: str, call: Call) -> Iterable[Ends]:
        target = next(one for one in self.tied(question, call)[1] if one.type.name == name)
        certifying = tuple(step.name for _, step in target.path if step.type == "CALIBRATION")
        here = [
            Constraint(dimension, Op.EQ, value)
            for dimension, value in zip(question.dimensions, question.keys[0], strict=True)
        ]
        required = tuple(target.type.dimensions.required)
        # An exposure says which physical filter a flat is for.
        both = tuple(dict.fromkeys((*question.dimensions, *required)))
        known = self.ask(DataIds(both, tuple(here), page=Page(call.max_rows)), call)
        places = [known.index(dimension) for dimension in required]
        found: list[Ends] = []
        for values in {tuple(row[place] for place in places) for row in known.rows}:
            own = tuple(
                Constraint(dimension, Op.EQ, value) for dimension, value in zip(required, values, strict=True)
            )
            rows = self.ask(
                Certifications(certifying, name, (*own, *question.constraints), page=Page(call.max_rows)),
                call,
            )
            begin, end = rows.index("valid_begin"), rows.index("valid_end")
            found += [(row[begin], row[end]) for row in rows.rows]
        return found
