"""Associations: how two datasets belong together, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Annotated, Any, overload

import strawberry
from strawberry import UNSET

from adapters.question import Kinship, Used, Way
from adapters.rows import Row, Rows, TypeInfo

from .arguments import some
from .association_kind import AssociationKind
from .context import Scope, by_parent
from .dataset import Dataset, DatasetRows, Layout
from .listing import Build
from .loader import Loader
from .noun import noun
from .quantum import Quantum, quantum_of
from .semantics import semantics
from .timespan import Timespan

Pair = tuple[str, str]


class Ties(Layout):
    """Where the columns of an answer about associations are; those that it lacks read as None."""

    __slots__ = ("source", "way")

    def __init__(self, scope: Scope, rows: Rows, source: TypeInfo | None, way: Way | None) -> None:
        super().__init__(scope, rows)
        self.source = source
        self.way = way


class Association:
    """A dataset at the end of an edge, and what the answer says about the edge. ``parent``: id of the dataset that the edge begins
    at; None for a bare data ID."""

    __slots__ = ("node", "parent", "row", "ties")

    def __init__(self, ties: Ties, row: Row, parent: str | None) -> None:
        self.ties = ties
        self.row = row
        self.parent = parent
        self.node = Dataset(ties, row)

    def value(self, name: str) -> Any:
        place = self.ties.places.get(name)
        return None if place is None else self.row[place]

    def kind(self) -> Kinship:
        return Kinship.PROVENANCE if self.ties.way is not None else Kinship(self.value("kind"))


@noun
class AssociationEdge:
    """A dataset that belongs to another, and the reason."""

    __slots__ = ("_cursor", "tie")

    def __init__(self, tie: Association, cursor: Callable[[], str] | None = None) -> None:
        self.tie = tie
        self._cursor = cursor

    @strawberry.field
    def cursor(self) -> str | None:
        """Where this item stands, to go on behind it; opaque. Null on `calibration`, which is no list."""
        return None if self._cursor is None else self._cursor()

    @strawberry.field
    def node(self) -> Dataset:
        """The dataset that the edge leads to."""
        return self.tie.node

    @strawberry.field
    def kind(self) -> AssociationKind:
        """Why they belong together."""
        return AssociationKind[self.tie.kind().name]

    @strawberry.field
    def semantics(self) -> str:
        """What this dataset is to the one that the edge comes from, a term of the IVOA vocabulary
        http://www.ivoa.net/rdf/datalink/core. CALIBRATION: #flat, #bias, #dark or #calibration, all of which can be used;
        from a calibration to what it is valid for #auxiliary. PROVENANCE: #progenitor was used to make it, #derivation was
        made from it. SPATIAL: #counterpart. DATA_ID: #coderived, or #auxiliary where one is a calibration. TEMPORAL:
        #auxiliary."""
        tie = self.tie
        return semantics(tie.kind(), tie.node.info(), tie.ties.source, tie.ties.way)

    @strawberry.field
    def collection(self) -> str | None:
        """The collection that supplied it; null for PROVENANCE, which searches none."""
        collection: str | None = self.tie.value("collection")
        return collection

    @strawberry.field
    def rank(self) -> int | None:
        """The place of that collection in the search order, with chains unfolded; 0 is first."""
        rank: int | None = self.tie.value("rank")
        return rank

    @strawberry.field
    def validity(self) -> Timespan | None:
        """CALIBRATION: the range in which the calibration is valid."""
        tie = self.tie
        if tie.kind() is not Kinship.CALIBRATION:
            return None
        return Timespan(tie.value("valid_begin"), tie.value("valid_end"))

    @strawberry.field
    def overlap(self) -> float | None:
        """SPATIAL: how much of the region that the edge comes from this one covers, 0 to 1 (convex polygons; null for other
        shapes)."""
        overlap: float | None = self.tie.value("overlap")
        return overlap

    @strawberry.field
    async def used(
        self,
        run: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Only executions in these RUN collections count: names or globs. Left out: any."
            ),
        ] = UNSET,
        depth: Annotated[
            int, strawberry.argument(description="Most quanta on the way from one to the other.")
        ] = 3,
    ) -> bool | None:
        """Whether a recorded execution really used it: true where a way of at most depth quanta joins the two (calexp, warp,
        coadd), or one quantum read both (a raw with its flat), in the runs named; false where executions of either are
        recorded and none did; null where nothing is recorded, and on edges from a bare data ID. What overlaps or is certified
        and was not used is `related(used: false)`."""
        runs = some(run, "run") or None
        parent = self.tie.parent
        if parent is None:
            return None
        return await used_together(self.tie.ties.scope, runs, depth).load((parent, self.tie.node.hex()))

    @strawberry.field
    async def quantum(self) -> Quantum | None:
        """PROVENANCE: the unit of execution next to this dataset on the way from the other; null for other kinds."""
        quantum: str | None = self.tie.value("quantum")
        return None if quantum is None else await quantum_of(self.tie.ties.scope, quantum)

    @strawberry.field
    def depth(self) -> int | None:
        """PROVENANCE: how many quanta away, by the shortest way; 1 is next to it. Null for other kinds."""
        depth: int | None = self.tie.value("depth")
        return depth


class AssociationRows(Sequence[Association]):
    """Associations of one parent that are still rows: each is made when it is looked at."""

    __slots__ = ("parent", "rows", "ties")

    def __init__(self, ties: Ties, rows: Sequence[Row], parent: str | None) -> None:
        self.ties = ties
        self.rows = rows
        self.parent = parent

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Association: ...
    @overload
    def __getitem__(self, place: slice) -> AssociationRows: ...
    def __getitem__(self, place: int | slice) -> Association | AssociationRows:
        if isinstance(place, slice):
            return AssociationRows(self.ties, self.rows[place], self.parent)
        return Association(self.ties, self.rows[place], self.parent)

    def __iter__(self) -> Iterator[Association]:
        return (Association(self.ties, row, self.parent) for row in self.rows)

    def nodes(self) -> DatasetRows:
        """The datasets at their ends."""
        return DatasetRows(self.ties, self.rows)


class AssociationEdges(Sequence[AssociationEdge]):
    """A page of such associations as edges; ``cursor`` gives the cursor of each."""

    __slots__ = ("cursor", "ties")

    def __init__(self, ties: AssociationRows, cursor: Callable[[int], str]) -> None:
        self.ties = ties
        self.cursor = cursor

    def __len__(self) -> int:
        return len(self.ties)

    @overload
    def __getitem__(self, place: int) -> AssociationEdge: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[AssociationEdge]: ...
    def __getitem__(self, place: int | slice) -> AssociationEdge | Sequence[AssociationEdge]:
        if isinstance(place, slice):
            return list(self)[place]
        return AssociationEdge(self.ties[place], partial(self.cursor, place))

    def __iter__(self) -> Iterator[AssociationEdge]:
        return (AssociationEdge(tie, partial(self.cursor, place)) for place, tie in enumerate(self.ties))


def associations(parent: str | None, source: TypeInfo | None, way: Way | None = None) -> Build[Association]:
    """How the rows about one parent (its id and type; neither for a bare data ID) become associations."""

    async def build(scope: Scope, rows: Rows) -> Sequence[Association]:
        return AssociationRows(Ties(scope, rows, source, way), rows.rows, parent) if rows.rows else []

    return build


def used_together(scope: Scope, runs: tuple[str, ...] | None, depth: int) -> Loader[Pair, bool | None]:
    """Whether recorded executions used two datasets together; all edges of a level are one question."""

    async def fetch(pairs: list[Pair]) -> dict[Pair, bool | None]:
        rows = await scope.ask(Used(tuple(pairs), runs, depth), len(pairs), 1)
        if not rows.rows:
            return {}
        place = rows.index("used")
        # A backend without a type for truth answers 0 and 1.
        return {
            pair: None if found[0][place] is None else bool(found[0][place])
            for pair, found in by_parent(rows, pairs).items()
        }

    return scope.loader(("used", runs, depth), fetch, None)
