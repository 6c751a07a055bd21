"""Lists of datasets, and what can be said about them besides their items."""

from __future__ import annotations

from typing import Annotated

import strawberry

from adapters.errors import BadUserInput

from .completeness import Completeness, completeness
from .connection import Connection
from .context import Info
from .dataset import Dataset
from .facet import FacetList, facet_list
from .noun import noun
from .table import Form, Obscore, TableFormat, TableLink, table


@noun
class DatasetConnection(Connection[Dataset]):
    """A page of datasets."""

    __slots__ = ()

    @strawberry.field
    async def completeness(self) -> Completeness:
        """Whether the list is all that the question has, and if not, why not. Never silently cut."""
        return completeness(await self.listing.page())

    @strawberry.field
    async def explain(self) -> list[str] | None:
        """Why there is nothing, or less than expected: which constraint leaves no rows, which collection or type is unknown
        here. Empty when there is nothing to say."""
        return await self.listing.beside(self.listing.explain())

    @strawberry.field
    async def facets(
        self,
        by: Annotated[
            list[str],
            strawberry.argument(
                description="Dimensions, fields of their records (exposure.obs_id), run or type, by Butler name."
            ),
        ],
        first: Annotated[int, strawberry.argument(description="Most combinations of values.")] = 100,
    ) -> FacetList | None:
        """Counts by the values of these dimensions or fields, over the whole list and not only this page."""
        if not by or len(set(by)) != len(by):
            raise BadUserInput("facets: by names at least one dimension or field, each once.")
        facets = await self.listing.beside(self.listing.facets(tuple(by), first))
        return None if facets is None else facet_list(facets)

    @strawberry.field
    async def table(
        self, info: Info, format: Form = TableFormat.VOTABLE, obscore: Obscore = False
    ) -> TableLink | None:
        """The whole selection, not only this page, as a table to download or to hand to another service."""
        return await table(info, self.listing, format, obscore)
