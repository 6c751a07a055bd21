"""A registry whose versions the SQL is not tested on: every question goes to Butler's public API. Correct, and slower."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..caller import Call
from ..question import Files, Question
from ..rows import Facets, FileContent, Rows
from .api import ButlerApi
from .files import content


@dataclass(slots=True)
class Fallback:
    """What ``Registry`` offers, by other means."""

    api: ButlerApi

    def ask(self, question: Question, call: Call) -> Rows:
        return self.api.ask(question, call)

    def count(self, question: Question, call: Call) -> int:
        return self.api.count(question, call)

    def facets(self, question: Question, by: Sequence[str], first: int, call: Call) -> Facets:
        return self.api.facets(question, by, first, call)

    def explain(self, question: Question, call: Call) -> list[str]:
        return self.api.explain(question, call)

    def content(self, dataset: str, component: str | None, call: Call) -> FileContent:
        return content(self.api.ask(Files((dataset,)), call), component)
