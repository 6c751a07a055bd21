"""What a question about datasets is asked of: of each type the branches that may hold it, as few as tell its datasets apart."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field

from ..question import Datasets
from ..rows import Kind
from .branch import Branch, Extra, Restriction
from .names import CollectionRecord, TypeRecord
from .tables import Tables

_NARROW_COLLECTIONS = 40  # more collections than this are searched in one wide branch
_GOVERNOR_VALUES = 8  # likewise for instruments and sky maps of one collection


@dataclass(slots=True)
class Candidate:
    """One dataset type of the question: where to look for it, and by which rule."""

    type: TypeRecord
    branches: list[Branch]
    find_first: bool
    restriction: Restriction = field(default_factory=Restriction)

    @property
    def identity(self) -> Hashable:
        """What its SQL is made of; None where that is of one question only, keys and ids found beforehand."""
        if self.restriction.keys or self.restriction.ids is not None:
            return None
        shapes = tuple((b.collections, b.calibration, tuple(b.fixed.items())) for b in self.branches)
        return (self.type.id, self.type.info, self.find_first, shapes)

    def single(self, extras: Sequence[Extra]) -> bool:
        """No data ID and no dataset can come twice: there is nothing to sort out."""
        rows_once = all(branch.distinct(extras) for branch in self.branches)
        first, *others = self.branches
        apart = all(b.collections == first.collections and b.fixed != first.fixed for b in others)
        return rows_once and apart

    def constants(self, question: Datasets, tables: Tables) -> dict[str, str]:
        """Dimensions that have the same text in every row."""
        first, *others = (branch.constants(question) for branch in self.branches)
        return {
            name: value
            for name, value in first.items()
            if isinstance(value, str)
            and tables.kind(name) is Kind.STRING
            and all(name in other and other[name] == value for other in others)
        }


def branches(
    record: TypeRecord,
    path: Sequence[CollectionRecord],
    governors: dict[str, dict[int, list[str]]],
    constrained: frozenset[str],
    *,
    certified_only: bool,
) -> list[Branch]:
    """The branches of one type over the collections of a search path that may hold it (already filtered).

    ``governors``: values a collection has of each governor dimension; ``constrained``: governors that the question fixes itself.
    ``certified_only``: CALIBRATION collections only, since a validity is asked for.
    """
    plain = [(n, c) for n, c in enumerate(path) if c.type != "CALIBRATION" and not certified_only]
    certified = [(n, c) for n, c in enumerate(path) if c.type == "CALIBRATION"] if record.calibs else []
    found: list[Branch] = []
    for group, calibration in ((plain, False), (certified, True)):
        if len(group) > _NARROW_COLLECTIONS:
            found.append(Branch(record, tuple(group), calibration, {}))
            continue
        for place in group:
            choices = _fixed(record, place[1], governors, constrained)
            found += [Branch(record, (place,), calibration, fixed) for fixed in choices]
    return found


def _fixed(
    record: TypeRecord,
    collection: CollectionRecord,
    governors: dict[str, dict[int, list[str]]],
    constrained: frozenset[str],
) -> Iterator[dict[str, str]]:
    names = [d for d in record.info.required if d in governors and d not in constrained]
    values = [sorted(governors[name].get(collection.id, ())) for name in names]
    if any(len(v) > _GOVERNOR_VALUES for v in values):
        yield {}
        return
    for combination in itertools.product(*values):
        yield dict(zip(names, combination, strict=True))
