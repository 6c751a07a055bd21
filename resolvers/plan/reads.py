"""What a selection of datasets, or of what comes along in their rows, reads of a row: known where its fields need nothing else.

Such fields can be written for some of the rows alone, and once for all rows that have the same in these columns. The overlap is not among them: 0.0 and -0.0
are equal, and not the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from ..beside import DIMENSIONS
from .plan import Leaf, ListOf, Object, Step

Names = frozenset[str] | None
"""Columns, by the names that rows have for them; None: more is needed than a row."""

_DATASET = {"uuid": "id", "run": "run", "ingestDate": "ingest_date"}
_EDGE = {"collection": "collection", "rank": "rank"}


def reads(step: Step) -> Names:
    """What a field of Dataset reads, with all that is selected below it."""
    if reads not in step.known:
        step.known[reads] = _of_dataset(step)
    known: Names = step.known[reads]
    return known


def edge_reads(step: Step) -> Names:
    """The same for a field whose value is an AssociationEdge."""
    if edge_reads not in step.known:
        step.known[edge_reads] = _together(_below(step), _of_edge)
    known: Names = step.known[edge_reads]
    return known


def plain(step: Step, fields: Collection[str]) -> bool:
    """Whether nothing but these fields is selected below, as they are declared."""
    return all(
        one.declared is None or (one.name in fields and one.resolver is not None) for one in _below(step)
    )


def _of_dataset(step: Step) -> Names:
    if step.declared is None:
        return frozenset()
    if step.resolver is None:
        return None
    if step.name in _DATASET:
        return frozenset((_DATASET[step.name],))
    match step.name:
        case "type":
            return frozenset(("type",)) if _of_type(step) else None
        case "dataId" if plain(step, DIMENSIONS):
            return frozenset(DIMENSIONS[one.name] for one in _below(step) if one.name in DIMENSIONS)
    return None


def _of_edge(step: Step) -> Names:
    if step.declared is None:
        return frozenset()
    if step.resolver is None:
        return None
    if step.name in _EDGE:
        return frozenset((_EDGE[step.name],))
    match step.name:
        case "validity" if plain(step, ("begin", "end")):
            return frozenset(("kind", "valid_begin", "valid_end"))
        case "node":
            return _together(_below(step), reads)
    return None


def _of_type(step: Step) -> bool:
    """Whether a type says all that is selected of it by itself."""
    return all(
        one.declared is None
        or (
            one.resolver is not None
            and not one.resolver.is_async
            and isinstance(one.shape.item if isinstance(one.shape, ListOf) else one.shape, Leaf)
        )
        for one in _below(step)
    )


def _below(step: Step) -> tuple[Step, ...]:
    return step.shape.selection.steps if isinstance(step.shape, Object) else ()


def _together(steps: Iterable[Step], of: Callable[[Step], Names]) -> Names:
    found: set[str] = set()
    for step in steps:
        names = of(step)
        if names is None:
            return None
        found |= names
    return frozenset(found)
