"""A registry whose versions the SQL is not tested on: every question goes to Butler's public API. Correct, and slower."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..caller import Call
from ..errors import BadUserInput, Unsupported
from ..question import Datasets, Files, Order, Question
from ..rows import Facets, FileContent, Rows
from .api import ButlerApi
from .empty import Explanation
from .files import content


@dataclass(slots=True)
class Fallback:
    """What ``Registry`` offers, by other means."""

    api: ButlerApi
    defaults: tuple[str, ...]

    def ask(self, question: Question, call: Call) -> Rows:
        return self.api.ask(question, call)

    def count(self, question: Question, call: Call) -> int:
        return self.api.count(question, call)

    def facets(self, question: Question, by: Sequence[str], first: int, call: Call) -> Facets:
        if not isinstance(question, Datasets):
            raise Unsupported("Facets are counted over datasets only.")
        if not by:
            raise BadUserInput("facets needs at least one dimension or field to count by.")
        # A row's key begins with the values that it is ordered by.
        fields = [name for name in by if name != "type"]
        ordered = replace(question, order=tuple(Order(name) for name in fields)).paged(call.max_rows)
        rows = self.api.ask(ordered, call)
        counts: Counter[tuple[object, ...]] = Counter()
        for row in rows.rows:
            assert rows.key is not None
            values = iter(rows.key(row))
            counts[tuple(row[1] if name == "type" else next(values) for name in by)] += 1
        found = sorted(counts.items(), key=lambda item: (-item[1], [(v is None, v) for v in item[0]]))
        return Facets(tuple(by), [(*key, number) for key, number in found[:first]], len(found) <= first)

    def explain(self, question: Question, call: Call) -> list[str]:
        if not isinstance(question, Datasets):
            return []
        return Explanation(self.ask, self.defaults).of(question, call)

    def content(self, dataset: str, component: str | None, call: Call) -> FileContent:
        return content(self.api.ask(Files((dataset,)), call), component)
