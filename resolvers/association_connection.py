"""Lists of associations, and what can be said about them besides their items."""

from __future__ import annotations

from functools import partial

import strawberry

from .association import Association, AssociationEdge
from .completeness import Completeness, completeness
from .connection import Paged
from .context import Info
from .dataset import Dataset
from .listing import Leaf
from .noun import noun
from .table import Form, Obscore, TableFormat, TableLink, table


@noun
class AssociationConnection(Paged):
    """A page of datasets that belong to another one."""

    __slots__ = ()

    @strawberry.field
    async def edges(self) -> list[AssociationEdge]:
        """The items of this page, each with its cursor and the reason."""
        leaf: Leaf[Association] = await self.listing.page()
        return [AssociationEdge(tie, partial(leaf.cursor, place)) for place, tie in enumerate(leaf.nodes)]

    @strawberry.field
    async def nodes(self) -> list[Dataset]:
        """The items of this page."""
        leaf: Leaf[Association] = await self.listing.page()
        return [tie.node for tie in leaf.nodes]

    @strawberry.field
    async def completeness(self) -> Completeness:
        """Whether the list is all that the question has, and if not, why not. Never silently cut."""
        return completeness(await self.listing.page())

    @strawberry.field
    async def explain(self) -> list[str] | None:
        """Why there is nothing, or less than expected: no range is valid then, the dataset has no time, no recorded execution
        read it ... Empty when there is nothing to say."""
        return await self.listing.beside(self.listing.explain())

    @strawberry.field
    async def table(
        self, info: Info, format: Form = TableFormat.VOTABLE, obscore: Obscore = False
    ) -> TableLink | None:
        """The whole selection, not only this page, as a table to download or to hand to another service."""
        return await table(info, self.listing, format, obscore)
