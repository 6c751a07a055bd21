"""What a list asks, whole and by itself: to be answered again as a table, or kept."""

from __future__ import annotations

from dataclasses import dataclass

from adapters.question import Question


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions of a list, whatever the page, and the labels of the repositories that they are put to.

    Several repositories: one question about datasets, to all of them, in search order (``resolvers.search``). Several questions: to one
    repository, and their answers stand one behind the other. A question with keys or ids has exactly one: its parent.
    """

    repositories: tuple[str, ...]
    questions: tuple[Question, ...]
