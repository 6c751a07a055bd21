"""Datasets of saved results, found again in their repositories as they are now."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.protocol import Repository, publishes
from adapters.question import Beside, DatasetsById, DatasetsByIvoid
from adapters.rows import PUBLISHED, Row, Rows

Saved = tuple[str, str | None, str]
"""What was saved of a dataset: its repository, its id (32 hex digits) if it has one there, and its IVOA identifier."""


class Again:
    """Asks one repository for these: by their ids, and where datasets have identifiers of their own by those, as an id may lead nowhere there."""

    def __init__(self, repository: Repository, saved: Sequence[Saved], beside: Beside | None = None) -> None:
        self._name = PUBLISHED if publishes(repository) else "id"
        self._rows: dict[str, list[Saved]] = {}
        for one in saved:
            key = one[2] if self._name == PUBLISHED else one[1]
            if key is not None:
                self._rows.setdefault(key, []).append(one)
        keys = tuple(self._rows)
        self.question = DatasetsByIvoid(keys) if self._name == PUBLISHED else DatasetsById(keys, beside)

    def rows(self, answer: Rows, row: Row) -> Sequence[Saved]:
        """What was saved of the dataset in a row of the answer."""
        return self._rows.get(row[answer.index(self._name)], ())
