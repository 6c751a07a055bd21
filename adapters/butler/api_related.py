"""Associations through Butler's public API: of N parents at once, in as many calls as a kind of tie has steps, whatever N is.

Which tie is meant is decided as for SQL (``kinship``); ``api_ties`` finds what is tied; here the search order decides which of several stand,
and they are put in the order of the question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from lsst.daf.butler import Butler, DatasetType

from ..caller import Call
from ..errors import BadUserInput, TooComplex, Unsupported
from ..question import Kinship, Related
from ..rows import Column, Kind, Row, Rows
from . import glob
from .api_datasets import Shape
from .api_dimensions import order_names
from .api_name import required_kinds, resolve
from .api_names import Names, Step
from .api_place import Key, Place
from .api_selection import require_inside
from .api_ties import Parents, Target, Tie, ties
from .beside import EDGE
from .kinship import Side, chosen

_EARLIEST = -(2**63)

_HELD = (Kind.UUID, Kind.LONG, Kind.LONG)
"""What a key has behind a data ID: the dataset's id, the begin of its validity, the place of the collection that ties it."""


def related(butler: Butler, names: Names, question: Related, call: Call) -> Rows:
    """Datasets tied to each parent. Raises Unsupported for what recorded executions would have to tell."""
    if question.by is Kinship.PROVENANCE or question.used is not None:
        raise Unsupported("Nothing is known here of what executions used.", capability="PROVENANCE")
    if question.page.after is not None and len(question.keys) != 1:
        raise BadUserInput("after belongs to one parent; ask for the others one by one.")
    path = names.path(question.collections)
    parents = _parents(butler, names, question, path)
    found = targets(names, question, parents, path)
    shape = Shape(butler, [target.type for target in found], question.beside)
    keyed: list[list[tuple[Key, Row]]] = [[] for _ in question.keys]
    for target in found:
        first = _find_first(question, target.kinship, names)
        for tie in _standing(ties(butler, question, parents, target, call.max_rows), target, first):
            # A dataset is not tied to itself; where it is the first of its data ID none that stands behind it takes its place.
            if question.ids and tie.id.hex == question.ids[tie.parent]:
                continue
            keyed[tie.parent].append(_placed(tie, target, shape))
    place = _place(question, found)
    page = replace(question.page, first=question.page.first + 1)
    rows, keys = list[Row](), dict[int, Key]()
    for own in keyed:
        cut = place.cut(own, page)
        rows += [row for _, row in cut]
        keys.update((id(row), key) for key, row in cut)
    if len(rows) > call.max_rows + 1:
        raise too_many(call.max_rows, len(rows))
    columns = (Column("parent", Kind.LONG), *shape.columns, *EDGE)
    return Rows(columns, rows, key=lambda row: keys[id(row)], types=shape.types)


def _place(question: Related, found: Sequence[Target]) -> Place:
    """Where datasets of these types stand among those of their parent, as ``_placed`` says."""
    kinds = [term.kind for term in found[0].terms] if found else []
    held = {one.type.name: (*required_kinds(one.type.dimensions), *_HELD) for one in found}
    return Place([*kinds, Kind.STRING], [term.descending for term in question.order], held)


def tied(butler: Butler, names: Names, question: Related) -> tuple[list[str], list[Target]]:
    """The dataset types that a question means, by name, and those of them that some collection may hold, each with its tie. Raises as
    ``targets`` does."""
    path = names.path(question.collections)
    found = targets(names, question, _parents(butler, names, question, path), path)
    return [one.name for one in names.types(question.types)], found


def too_many(most: int, actual: int) -> TooComplex:
    return TooComplex(
        f"More than {most} associations; ask for fewer parents or a smaller first.",
        limit=most,
        actual=actual,
        what="associations",
    )


def targets(names: Names, question: Related, parents: Parents, path: Sequence[Step]) -> list[Target]:
    """The types asked for that some collection may hold, each with its tie.

    Raises
    ------
    NotFound
        A named dataset type or collection does not exist.
    BadUserInput
        A named type cannot be tied to the parents in this way, or lacks a dimension that is asked for; the message has what is
        possible.
    """
    exact = {name for name in question.types if not glob.is_glob(name)}
    found = []
    for one in names.types(question.types):
        own = tuple((place, step) for place, step in enumerate(path) if one.name in step.types)
        certified = one.isCalibration() and any(step.type == "CALIBRATION" for _, step in own)
        there = Side(f"dataset type '{one.name}'", one.dimensions, one.isCalibration(), certified)
        try:
            kinship = chosen(question.by, parents.side, there)
            require_inside(question.constraints, one.dimensions)
        except BadUserInput:
            if one.name in exact:
                raise
            continue
        if own:
            terms = (
                order_names(question.order, one.dimensions, dataset=True)
                if one.name in exact
                else [resolve(term.name, one.dimensions, dataset=True) for term in question.order]
            )
            found.append(Target(one, own, kinship, certified, tuple(terms)))
    return found


def _parents(butler: Butler, names: Names, question: Related, path: Sequence[Step]) -> Parents:
    group = butler.dimensions.conform(question.dimensions)
    if question.source is None:
        return Parents(Side(f"data ID ({', '.join(question.dimensions)})", group, dataset=False))
    source = names.type(question.source)
    certifying = _certifying(names, source, path) if source.isCalibration() else ()
    side = Side(f"dataset type '{source.name}'", group, source.isCalibration(), bool(certifying))
    return Parents(side, source, certifying)


def _certifying(names: Names, source: DatasetType, path: Sequence[Step]) -> tuple[tuple[int, Step], ...]:
    """CALIBRATION collections that may certify the parents: those searched, or else the default ones - a search for raws in their run
    must not lose the collection that says which flat is theirs."""

    def of(steps: Iterable[Step]) -> tuple[tuple[int, Step], ...]:
        numbered = enumerate(steps)
        return tuple((n, s) for n, s in numbered if s.type == "CALIBRATION" and source.name in s.types)

    return of(path) or (of(names.path(None)) if names.defaults else ())


def _find_first(question: Related, kinship: Kinship, names: Names) -> bool:
    if question.find_first is not None:
        return question.find_first
    return kinship is Kinship.CALIBRATION or not names.wild(question.collections)


def _standing(found: Iterable[Tie], target: Target, first: bool) -> Iterable[Tie]:
    """Of each parent and data ID what the first collection has, with ``first``; each dataset once, or once a range of validity where that
    ties it."""
    if first and len(target.path) > 1:
        found = list(found)
        best: dict[tuple[int, Key], int] = {}
        for tie in found:
            place = (tie.parent, tie.required)
            best[place] = min(best.get(place, tie.turn), tie.turn)
        found = [tie for tie in found if tie.turn == best[tie.parent, tie.required]]
    once: dict[Any, Tie] = {}
    identity: Callable[[Tie], Any] = lambda tie: (tie.parent, tie.id)  # noqa: E731
    if target.kinship is Kinship.CALIBRATION:
        identity = lambda tie: (tie.parent, tie.id, tie.collection, tie.begin, tie.end)  # noqa: E731
    if len(target.path) > 1 or target.path[0][1].type == "CALIBRATION":
        found = sorted(found, key=lambda tie: (tie.turn, tie.rank, _low(tie)))
    for tie in found:
        once.setdefault(identity(tie), tie)
    return once.values()


def _low(tie: Tie) -> int:
    return _EARLIEST if tie.begin is None else tie.begin


def _placed(tie: Tie, target: Target, shape: Shape) -> tuple[Key, Row]:
    """Its place among those of its parent, and its row."""
    dataset = shape.row(tie.raw, target.type.name)
    order = tuple(term.value(tie.raw, target.type.name) for term in target.terms)
    kinship = target.kinship
    if kinship is Kinship.CALIBRATION and target.certified and not _certifies(tie, target):
        kinship = (
            Kinship.DATA_ID
        )  # what collections that certify nothing have goes by its data ID, at any time
    edge = (str(kinship), tie.collection, tie.rank, tie.begin, tie.end, tie.share)
    key = (*order, target.type.name, *tie.required, dataset[0], _low(tie), tie.rank)
    return key, (tie.parent, *dataset, *edge)


def _certifies(tie: Tie, target: Target) -> bool:
    """Whether the collection that has a calibration certifies it."""
    return any(place == tie.turn and step.type == "CALIBRATION" for place, step in target.path)
