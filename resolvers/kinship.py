"""What is tied to a dataset or a data ID by data IDs, validity, sky or time."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

from adapters import instant
from adapters.errors import BadUserInput
from adapters.question import Kinship, Question, Related
from adapters.rows import Joined, Row, Rows, TypeInfo

from .association import Association, AssociationEdge, Ties, associations
from .association_connection import AssociationConnection
from .context import Scope
from .dataset import Dataset, Layout
from .listing import Leaf, Nested
from .scalars import uuid_out

Parent = tuple[tuple[Any, ...], str]  # its key, and its id: "" for a bare data ID


class Tie:
    """What ``asked``, which has no keys yet, finds for parents of one type; ``source`` is that type, if they are datasets."""

    __slots__ = ("asked", "scope", "source")

    def __init__(self, scope: Scope, asked: Related, source: TypeInfo | None) -> None:
        self.scope = scope
        self.asked = asked
        self.source = source

    def many(self, parents: tuple[Parent, ...]) -> Related:
        ids = tuple(identifier for _, identifier in parents) if self.source is not None else ()
        return replace(self.asked, keys=tuple(key for key, _ in parents), ids=ids)

    def counted(self, parents: tuple[Parent, ...]) -> Related:
        return replace(self.many(parents), overlap=False, beside=None)


class Kin(Nested[Association]):
    """What a tie finds for one parent. All parents of a level that have the same type are one question."""

    __slots__ = ("strict",)

    def __init__(self, tie: Tie, parent: Parent, field: str, first: int, after: str | None) -> None:
        build = associations(parent[1] or None, tie.source)
        super().__init__(tie.scope, tie.many, parent, field, first, after, build, tie.asked)
        self.counted = tie.counted
        self.strict = tie.asked.find_first is not False

    def bound(self, question: Question) -> str:
        """A page may go on where another one ended that did not want to know how much overlaps."""
        if isinstance(question, Related):
            question = replace(question, overlap=True)
        return super().bound(question)

    async def page_of(self, rows: Rows) -> Leaf[Association]:
        if self.strict:
            require_one_calibration(rows)
        return await super().page_of(rows)

    async def explain(self) -> list[str]:
        """Asked for a parent without any: where there are some, nothing is in need of an explanation."""
        leaf = await self.leaf()
        found = leaf.nodes or leaf.more or self.after is not None
        return [*([] if found else await super().explain()), *leaf.notes]


def require_one_calibration(rows: Rows) -> None:
    """Of one parent's rows: raises BadUserInput where a collection has two calibrations of one data ID that are valid for
    it. Butler would call that ambiguous. In their order they follow one another, so a page meets both."""
    if len(rows.rows) < 2 or not any(info.is_calibration for info in rows.types.values()):
        return
    places = rows.places
    id, type, kind, collection = (places[name] for name in ("id", "type", "kind", "collection"))
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows.rows:
        info = rows.types[row[type]]
        if row[kind] != Kinship.CALIBRATION or not info.is_calibration:
            continue
        data_id = (row[places[name]] for name in info.required)
        other = found.setdefault((row[type], row[collection], *data_id), row)
        if other[id] == row[id]:
            continue
        said = " and ".join(
            f"{uuid_out(one[id])} from {_time(one[places['valid_begin']])} to {_time(one[places['valid_end']])}"
            for one in (other, row)
        )
        raise BadUserInput(
            f"Ambiguous: in collection '{row[collection]}' more than one '{info.name}' is valid for it: {said}; "
            "related(findFirst: false) lists all of them.",
            collection=row[collection],
            ids=[uuid_out(other[id]), uuid_out(row[id])],
        )


def _time(end: int | None) -> str:
    return "unbounded" if end is None else instant.to_text(end)


def related(tie: Tie, parent: Parent, first: int, after: str | None) -> AssociationConnection:
    """The list of what is tied to this parent."""
    if not tie.asked.types:
        raise BadUserInput("related: type is an empty list; name at least one dataset type, or a glob.")
    if tie.asked.by is Kinship.PROVENANCE:
        raise BadUserInput(
            "A data ID was not executed: ask related(by: PROVENANCE) of a dataset, or Repository.quanta for the data ID."
        )
    return AssociationConnection(Kin(tie, parent, "related", first, after))


async def calibration(tie: Tie, parent: Parent) -> AssociationEdge | None:
    """The one that is tied to this parent. It is no list, and its edge has no cursor."""
    (found,) = await calibrations(tie, [parent], alone=True)
    return found


async def calibrations(
    tie: Tie, parents: Sequence[Parent], *, alone: bool = False
) -> list[AssociationEdge | None]:
    """The same for many parents of a level; ``alone``: others of the level ask for theirs."""
    (name,) = tie.asked.types
    if set(name) & set("*?["):
        raise BadUserInput(f"calibration: '{name}' is a glob; name one dataset type, or ask related.")
    pages = Kin(tie, parents[0], "calibration", 1, None).pages()
    parts = [await pages.load(parents[0])] if alone else await pages.load_many(parents)
    ties: dict[int, Ties | None] = {}
    found: list[AssociationEdge | None] = []
    for (_, parent), (whole, own) in zip(parents, parts, strict=True):
        if len(own) > 1:
            _require_one(name, replace(whole, rows=own))
        known = ties.get(id(whole))
        if known is None:
            _require_calibration(name, whole)
            known = ties[id(whole)] = Ties(tie.scope, whole, tie.source, None) if whole.columns else None
        found.append(AssociationEdge(Association(known, own[0], parent)) if known and own else None)
    return found


def calibration_beside(dataset: Dataset, key: Hashable, joined: Joined) -> AssociationEdge | None:
    """The calibration that came along with a dataset: it stands in the same row."""
    row = dataset.row()
    if row[joined.places[0]] is None:
        return None
    ties = ties_beside(dataset.layout(), dataset.info(), key, joined)
    return AssociationEdge(Association(ties, row, dataset.hex()))


def ties_beside(layout: Layout, source: TypeInfo, key: Hashable, joined: Joined) -> Ties:
    """Where calibrations that came along are in the rows of datasets of a type."""
    ties = layout.ties.get(key)
    if ties is None:
        assert joined.rows is not None
        ties = layout.ties[key] = Ties(layout.scope, joined.rows, source, None)
    assert isinstance(ties, Ties)
    return ties


def _require_one(name: str, rows: Rows) -> None:
    require_one_calibration(rows)
    if len({row[rows.places["id"]] for row in rows.rows}) > 1:
        raise BadUserInput(
            f"calibration: several data IDs of '{name}' belong to it; ask related, with dataId for one of them."
        )


def _require_calibration(name: str, rows: Rows) -> None:
    if not all(info.is_calibration for info in rows.types.values()):
        raise BadUserInput(
            f"calibration: '{name}' is no calibration type; for what this one is valid for ask related(type: \"{name}\")."
        )
