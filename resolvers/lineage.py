"""What datasets were made from, and what was made from them, as recorded by executions."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, NamedTuple

from adapters.errors import BadCursor, NotFound
from adapters.question import Lineage, Recorded, Way
from adapters.rows import Facets, TypeInfo

from . import cursor
from .asked import Asked
from .association import Association, associations
from .context import Scope
from .given import given
from .listing import Leaf, Listing, Nested


class Record(NamedTuple):
    """What is recorded of a dataset: the quantum that wrote it, and whether any read it."""

    producer: str | None
    read: bool


class Origin(NamedTuple):
    """The dataset that a lineage begins at."""

    scope: Scope
    type: TypeInfo
    id: str


def recorded_of(scope: Scope, dataset: str) -> Awaitable[Record | None]:
    """What is recorded of a dataset (32 hex digits); None where nothing is."""

    async def fetch(ids: list[str]) -> dict[str, Record | None]:
        rows = await scope.ask(Recorded(tuple(ids)), len(ids), 1)
        if not rows.rows:
            return {}
        id, producer, read = (rows.index(name) for name in ("id", "producer", "read"))
        return {row[id]: Record(row[producer], bool(row[read])) for row in rows.rows}

    return scope.loader("recorded", fetch, None).load(dataset)


async def followed(
    origin: Origin, way: Way, depth: int, types: tuple[str, ...], field: str, first: int, after: str | None
) -> Followed:
    """One way from a dataset. Raises NotFound where nothing is recorded that could be followed: for what it was made
    from its producer, for what was made from it anything at all."""
    record = await recorded_of(origin.scope, origin.id)
    if record is None or (way is Way.UPSTREAM and record.producer is None):
        raise _not_recorded(origin, way)
    return Followed(origin, record, way, depth, types, field, first, after)


async def both(origin: Origin, types: tuple[str, ...], first: int, after: str | None) -> Both:
    """What it was made from, then what was made from it. Raises NotFound where nothing is recorded."""
    record = await recorded_of(origin.scope, origin.id)
    if record is None:
        raise _not_recorded(origin, None)
    return Both(origin, record, types, first, after)


def _not_recorded(origin: Origin, way: Way | None) -> NotFound:
    # Without its id in the words: a thousand raws of one list say the same, and the path of an error says whose it is.
    name = origin.type.name
    if way is Way.UPSTREAM:
        text = f"Not recorded: no execution that wrote this '{name}' is known here, so what it was made from is unknown."
    else:
        text = f"Not recorded: no execution that wrote or read this '{name}' is known here, so what has to do with it is unknown."
    return NotFound(text, recorded=False)


class Followed(Nested[Association]):
    """One way from one dataset. All datasets of a level are one question."""

    __slots__ = ("depth", "record", "types", "way")

    def __init__(
        self,
        origin: Origin,
        record: Record,
        way: Way,
        depth: int,
        types: tuple[str, ...],
        field: str,
        first: int,
        after: str | None,
    ) -> None:
        def many(ids: tuple[str, ...]) -> Lineage:
            return Lineage(ids, way, depth, types)

        build = associations(origin.id, origin.type, way)
        super().__init__(origin.scope, many, origin.id, field, first, after, build)
        self.record = record
        self.way = way
        self.depth = depth
        self.types = types

    async def explain(self) -> list[str]:
        leaf = await self.leaf()
        found = leaf.nodes or leaf.more or self.after is not None
        return [*([] if found else [self._nothing()]), *leaf.notes]

    def _nothing(self) -> str:
        """Why the list is empty."""
        if self.way is Way.UPSTREAM and self.record.producer is None:
            return "The execution that wrote it is not recorded: what it was made from is missing here."
        if self.way is Way.DOWNSTREAM and not self.record.read:
            return "No recorded execution read it."
        if self.types:
            steps = "one step" if self.depth == 1 else f"{self.depth} steps"
            return f"Nothing of these types is within {steps}; lineage with a larger depth may find some."
        return "What the recorded executions read or wrote is not in the repository any more."


class Both(Listing[Association]):
    """What one dataset was made from, then what was made from it: two lists, one behind the other.

    A key begins with the place of its list, 0 or 1, so that pages go through both without a gap.
    """

    __slots__ = ("digest", "first", "halves", "resumed", "whole")

    def __init__(
        self, origin: Origin, record: Record, types: tuple[str, ...], first: int, after: str | None
    ) -> None:
        super().__init__()

        def half(way: Way, after: str | None) -> Followed:
            return Followed(origin, record, way, 1, types, "related", first, after)

        self.first = first
        self.whole = (half(Way.UPSTREAM, None), half(Way.DOWNSTREAM, None))
        self.digest = self.whole[0].digest
        self.halves: tuple[Followed, ...] = self.whole
        after = given(after)
        self.resumed = after is not None
        if after is not None:
            place, *key = cursor.key(cursor.read(after, self.digest))
            if type(place) is not int or place not in (0, 1) or not key:
                raise BadCursor(
                    "after is damaged: its key is none; take endCursor, or the cursor of an edge, as it is."
                )
            begun = self.whole[place]
            begun = half(begun.way, cursor.write(begun.digest, key))
            self.halves = (begun, *self.whole[place + 1 :])

    def asked(self) -> Asked:
        (label,) = self.whole[0].asked().repositories
        return Asked((label,), tuple(half.bare() for half in self.whole))

    async def fetch(self) -> Leaf[Association]:
        """The second list is asked only where the first one leaves room."""
        nodes: list[Association] = []
        cursors: list[tuple[Followed, Leaf[Association], int]] = []
        more, overflow = False, None
        for half in self.halves:
            leaf = await half.leaf()
            taken = leaf.nodes[: self.first - len(nodes)]
            nodes += taken
            cursors += [(half, leaf, place) for place in range(len(taken))]
            more = leaf.more or len(taken) < len(leaf.nodes)
            overflow = overflow or leaf.overflow
            if more:
                break

        def at(place: int) -> str:
            half, leaf, inside = cursors[place]
            key = cursor.read(leaf.cursor(inside), half.digest)
            return cursor.write(self.digest, [0 if half.way is Way.UPSTREAM else 1, *key])

        return Leaf(nodes=nodes, cursor=at, more=more, resumed=self.resumed, overflow=overflow)

    async def count(self) -> int:
        up, down = self.whole
        return await up.count() + await down.count()

    async def explain(self) -> list[str]:
        if self.resumed:
            return []
        up, down = self.whole
        return [*await up.explain(), *await down.explain()]

    async def facets(self, by: Any, first: int) -> Facets:
        raise NotImplementedError  # no field counts associations by value
