"""What a dataset can say about others: which belong to it, and which it was really made from."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET

from adapters.errors import BadUserInput
from adapters.question import Beside, Kinship, Related, Way
from adapters.rows import Joined, TypeInfo

from .arguments import FindFirst, OnlyTypes, Partial, Searched, Terms, Types, some
from .association_kind import AssociationKind
from .beside import beside_each
from .connection import After, First
from .context import Info, Scope
from .direction import Direction
from .filters import DataIdFilter, constraints
from .given import given, names
from .noun import noun
from .order import order
from .quantum import Quantum, quantum_of
from .selection import selects

if TYPE_CHECKING:
    from .association import AssociationEdge
    from .association_connection import AssociationConnection
    from .dataset import Dataset
    from .kinship import Tie
    from .lineage import Origin

Edge = Annotated["AssociationEdge", strawberry.lazy(".association")]
Associations = Annotated["AssociationConnection", strawberry.lazy(".association_connection")]


@noun
class Associated:
    """The part of a dataset that leads to others."""

    __slots__ = ()

    @strawberry.field
    async def related(
        self,
        info: Info,
        type: Types,
        by: Annotated[
            AssociationKind | None,
            strawberry.argument(description="Left out: what the dimensions say; see above."),
        ] = UNSET,
        collections: Searched = UNSET,
        data_id: Partial = UNSET,
        used: Annotated[
            bool | None,
            strawberry.argument(
                description="Only those that a recorded execution used together with this dataset, or did not use."
            ),
        ] = UNSET,
        find_first: FindFirst = UNSET,
        order_by: Terms = UNSET,
        first: First = 100,
        after: After = UNSET,
    ) -> Associations | None:
        """Datasets tied to this one. by left out: what the dimensions say, as Butler's own queries would join them (calibration
        validity for calibration types, sky overlap between observations and sky maps, equal data IDs elsewhere); where the
        two types share no required dimension and no such join exists (deepCoadd and flat share a band only), BAD_USER_INPUT
        that lists what is possible. by: PROVENANCE is what it was made from, then what was made from it, one quantum away;
        it takes type, first and after, and where nothing is recorded it is null, with an error NOT_FOUND that says so.
        No dataset is tied to itself; where it is the first of its data ID (findFirst), none that stands behind it takes its
        place: versions lists those.
        Paging: after belongs to one parent; another parent answers BAD_CURSOR. To go on with one of many parents, ask for it
        by id."""
        from .kinship import related as tied

        kind = Kinship[by.name] if by else None
        if kind is Kinship.PROVENANCE:
            for name, value in (
                ("collections", collections),
                ("dataId", data_id),
                ("findFirst", find_first),
                ("orderBy", order_by),
            ):
                if given(value) is not None:
                    raise BadUserInput(
                        f"related(by: PROVENANCE) follows what was recorded and takes no {name}."
                    )
            return await self._recorded(type, given(used), first, after)
        tie = self.tie(
            type,
            by=kind,
            collections=collections,
            data_id=data_id,
            used=used,
            find_first=find_first,
            order_by=order_by,
            overlap=selects(info._raw_info, "edges", "overlap"),
            beside=beside_each(info._raw_info),
        )
        return tied(tie, (self.key(), self.hex()), first, after)

    @strawberry.field
    async def calibration(
        self,
        type: Annotated[str, strawberry.argument(description="Name of a calibration type: flat, bias ...")],
        collections: Searched = UNSET,
    ) -> Edge | None:
        """The one calibration of this type that is valid for this dataset (raw to flat): the first in search order. Null where
        none is; `related(by: CALIBRATION)` then says why in explain. Several in one collection that are valid for it, which
        Butler calls ambiguous, are BAD_USER_INPUT with the ranges that clash."""
        from .kinship import calibration as tied
        from .kinship import calibration_beside

        key = (type, names(collections))
        if (joined := self.beside(key)) is not None:
            return calibration_beside(self.itself(), key, joined)
        return await tied(self.calibrated(type, collections), (self.key(), self.hex()))

    @strawberry.field
    async def inputs(
        self, type: OnlyTypes = UNSET, first: First = 100, after: After = UNSET
    ) -> Associations | None:
        """What was really read to make it, as recorded by the execution, by type. Null, with an error NOT_FOUND that says so,
        where the execution that wrote it is not recorded (a raw): an empty list means that it read nothing."""
        return await self._followed(Way.UPSTREAM, 1, type, "inputs", first, after)

    @strawberry.field
    async def outputs(
        self, type: OnlyTypes = UNSET, first: First = 100, after: After = UNSET
    ) -> Associations | None:
        """What was really made from it, as recorded by executions, by type. Null, with an error NOT_FOUND that says so, where
        no execution that wrote or read it is recorded: an empty list means that no recorded one read it."""
        return await self._followed(Way.DOWNSTREAM, 1, type, "outputs", first, after)

    @strawberry.field
    async def lineage(
        self,
        direction: Annotated[
            Direction, strawberry.argument(description="To its ancestors, or to its descendants.")
        ] = Direction.UPSTREAM,
        depth: Annotated[
            int, strawberry.argument(description="Most quanta away; the repository's settings have a limit.")
        ] = 3,
        type: OnlyTypes = UNSET,
        first: First = 100,
        after: After = UNSET,
    ) -> Associations | None:
        """All ancestors or descendants, depth quanta away at most, nearest first, each once; each edge says how far. Null,
        with an error NOT_FOUND, where inputs or outputs would be."""
        return await self._followed(Way[direction.name], depth, type, "lineage", first, after)

    @strawberry.field
    async def producer(self) -> Quantum | None:
        """The unit of execution that wrote it; null where that is not recorded."""
        from .lineage import recorded_of

        record = await recorded_of(self.scope(), self.hex())
        if record is None or record.producer is None:
            return None
        return await quantum_of(self.scope(), record.producer)

    def tie(
        self,
        type: list[str],
        *,
        by: Kinship | None = None,
        collections: list[str] | None = UNSET,
        data_id: DataIdFilter | None = UNSET,
        used: bool | None = UNSET,
        find_first: bool | None = UNSET,
        order_by: list[str] | None = UNSET,
        overlap: bool = False,
        beside: Beside | None = None,
    ) -> Tie:
        """What is asked for every dataset of this one's type."""
        from .kinship import Tie

        asked = Related(
            dimensions=self.info().required,
            keys=(),
            types=tuple(type),
            source=self.info().name,
            by=by,
            collections=names(collections),
            constraints=constraints(data_id),
            find_first=given(find_first),
            used=given(used),
            order=order(order_by),
            overlap=overlap,
            beside=beside,
        )
        return Tie(self.scope(), asked, self.info())

    def calibrated(self, type: str, collections: list[str] | None) -> Tie:
        """The same for its calibration of a type."""
        return self.tie([type], by=Kinship.CALIBRATION, collections=collections)

    def scope(self) -> Scope:
        raise NotImplementedError

    def beside(self, key: Hashable) -> Joined | None:
        raise NotImplementedError

    def itself(self) -> Dataset:
        raise NotImplementedError

    def hex(self) -> str:
        raise NotImplementedError

    def info(self) -> TypeInfo:
        raise NotImplementedError

    def key(self) -> tuple[Any, ...]:
        raise NotImplementedError

    def _origin(self) -> Origin:
        from .lineage import Origin

        return Origin(self.scope(), self.info(), self.hex())

    async def _followed(
        self, way: Way, depth: int, type: list[str] | None, field: str, first: int, after: str | None
    ) -> AssociationConnection:
        from .association_connection import AssociationConnection
        from .lineage import followed

        types = some(type, "type")
        return AssociationConnection(await followed(self._origin(), way, depth, types, field, first, after))

    async def _recorded(
        self, type: list[str], used: bool | None, first: int, after: str | None
    ) -> AssociationConnection:
        from .association_connection import AssociationConnection
        from .lineage import both

        if used is False:
            raise BadUserInput("related(by: PROVENANCE) is what was used; ask used: false of another kind.")
        return AssociationConnection(await both(self._origin(), some(type, "type"), first, after))
