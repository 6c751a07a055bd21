"""What is tied to a dataset or a data ID by data IDs, validity, sky or time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from adapters import instant
from adapters.errors import BadUserInput
from adapters.question import Kinship, Question, Related
from adapters.rows import Row, Rows, TypeInfo

from .association import Association, AssociationEdge, associations
from .association_connection import AssociationConnection
from .context import Scope
from .listing import Nested
from .scalars import uuid_out

Parent = tuple[tuple[Any, ...], str]  # its key, and its id: "" for a bare data ID


class Kin(Nested[Association]):
    """What ``asked``, which has no keys yet, finds for one parent; ``source`` is the parent's type, if it is a dataset.

    All parents of a level that have the same type are one question.
    """

    __slots__ = ("strict",)

    def __init__(
        self,
        scope: Scope,
        asked: Related,
        source: TypeInfo | None,
        parent: Parent,
        field: str,
        first: int,
        after: str | None,
    ) -> None:
        def many(parents: tuple[Parent, ...]) -> Related:
            ids = tuple(identifier for _, identifier in parents) if source is not None else ()
            return replace(asked, keys=tuple(key for key, _ in parents), ids=ids)

        build = associations(parent[1] or None, source)
        super().__init__(scope, many, parent, field, first, after, build)
        self.counted = lambda parents: replace(many(parents), overlap=False)
        self.strict = asked.find_first is not False

    def bound(self, question: Question, field: str) -> str:
        """A page may go on where another one ended that did not want to know how much overlaps."""
        if isinstance(question, Related):
            question = replace(question, overlap=True)
        return super().bound(question, field)

    async def rows(self) -> Rows:
        rows = await super().rows()
        if self.strict:
            require_one_calibration(rows)
        return rows

    async def explain(self) -> list[str]:
        """Asked for a parent without any: where there are some, nothing is in need of an explanation."""
        leaf = await self.leaf()
        found = leaf.nodes or leaf.more or self.after is not None
        return [*([] if found else await super().explain()), *leaf.notes]


def require_one_calibration(rows: Rows) -> None:
    """Of one parent's rows: raises BadUserInput where a collection has two calibrations of one data ID that are valid for
    it. Butler would call that ambiguous. In their order they follow one another, so a page meets both."""
    if len(rows.rows) < 2:
        return
    places = {column.name: place for place, column in enumerate(rows.columns)}
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


def related(
    scope: Scope, asked: Related, source: TypeInfo | None, parent: Parent, first: int, after: str | None
) -> AssociationConnection:
    """The list of what ``asked`` finds for this parent."""
    if not asked.types:
        raise BadUserInput("related: type is an empty list; name at least one dataset type, or a glob.")
    if asked.by is Kinship.PROVENANCE:
        raise BadUserInput(
            "A data ID was not executed: ask related(by: PROVENANCE) of a dataset, or Repository.quanta for the data ID."
        )
    return AssociationConnection(Kin(scope, asked, source, parent, "related", first, after))


async def calibration(
    scope: Scope, asked: Related, source: TypeInfo, parent: Parent
) -> AssociationEdge | None:
    """The one that ``asked`` finds for this parent. It is no list, and its edge has no cursor."""
    (name,) = asked.types
    if set(name) & set("*?["):
        raise BadUserInput(f"calibration: '{name}' is a glob; name one dataset type, or ask related.")
    found = Kin(scope, asked, source, parent, "calibration", 1, None)
    rows = await found.rows()
    if len({row[rows.index("id")] for row in rows.rows}) > 1:
        raise BadUserInput(
            f"calibration: several data IDs of '{name}' belong to it; ask related, with dataId for one of them."
        )
    if not all(info.is_calibration for info in rows.types.values()):
        raise BadUserInput(
            f"calibration: '{name}' is no calibration type; for what this one is valid for ask related(type: \"{name}\")."
        )
    leaf = await found.leaf()
    return AssociationEdge(leaf.nodes[0]) if leaf.nodes else None
