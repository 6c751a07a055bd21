"""Where every question begins."""

from __future__ import annotations

import asyncio
from typing import Annotated

import strawberry
from strawberry import UNSET

from adapters.errors import BadUserInput

from .collection import collection_of
from .connection import After, First
from .context import Context, Info
from .dataset import Dataset, dataset_of
from .dataset_connection import DatasetConnection
from .dataset_query import DatasetQuery, question
from .dataset_type import dataset_type_of
from .identifier import resolved
from .node import Node, parts_of
from .noun import noun
from .quantum import quantum_of
from .repository import Repository
from .saved_result import SavedResult, saved_result
from .search import Search
from .service import Service, service
from .viewer import Viewer, viewer


@noun
class Query:
    """What can be asked."""

    __slots__ = ()

    @strawberry.field
    def repositories(self, info: Info) -> list[Repository]:
        """Repositories that this caller may see, in the configured search order."""
        return [Repository(scope) for scope in info.context.scopes.values()]

    @strawberry.field
    def repository(
        self, info: Info, name: Annotated[str, strawberry.argument(description="Its label.")]
    ) -> Repository | None:
        """One repository by its label. Unknown, or not this caller's to see: the same NOT_FOUND error, with the nearest labels."""
        return Repository(info.context.scope(name))

    @strawberry.field
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The id of a node.")]
    ) -> Node | None:
        """The thing with this id; null where it is gone. What is no id is BAD_USER_INPUT."""
        return await _node(info.context, id)

    @strawberry.field
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most Service.maxFirst ids.")],
    ) -> list[Node | None]:
        """The things with these ids, in the order asked; null where one is gone. What is no id is null, with an error."""
        info.context.at_most(len(ids), "ids")
        # An exception in a list fails its item alone.
        return await asyncio.gather(*(_node(info.context, id) for id in ids), return_exceptions=True)  # type: ignore[return-value]

    @strawberry.field
    async def resolve(
        self,
        info: Info,
        identifier: Annotated[
            str,
            strawberry.argument(
                description="ivo://<authority>?repo=<label>&id=<uuid>, butler://<label>/<uuid>, or a bare UUID, which is looked for in all\n"
                "repositories."
            ),
        ],
    ) -> Dataset | None:
        """One dataset by an identifier that other services hand out; null where there is none. What is no identifier is
        BAD_USER_INPUT."""
        return await resolved(info.context, identifier)

    @strawberry.field
    def datasets(
        self,
        info: Info,
        repositories: Annotated[
            list[str], strawberry.argument(description="Labels of repositories, in search order.")
        ],
        query: Annotated[DatasetQuery, strawberry.argument(description="Which datasets.")],
        first: First = 100,
        after: After = UNSET,
    ) -> DatasetConnection | None:
        """One search over several repositories. With findFirst each data ID comes from the first repository of the search path
        that holds it; without, from every one of them. A repository that does not answer leaves the rest whole: completeness
        names it. Rows that are equal in the order asked for stand by dataset type, data ID and id, whatever repository they are of."""
        if not repositories:
            raise BadUserInput("repositories is an empty list; name at least one.")
        scopes = [info.context.scope(label) for label in dict.fromkeys(repositories)]
        return DatasetConnection(Search(scopes, question(query), first, after))

    @strawberry.field
    async def result(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of a saved result.")],
    ) -> SavedResult | None:
        """A saved result by its id, while it lasts; only for the caller who saved it. For any other id: NOT_FOUND."""
        return await saved_result(info.context, id)

    @strawberry.field
    def viewer(self, info: Info) -> Viewer:
        """Who the gateway takes the caller for, and what that allows."""
        return viewer(info.context)

    @strawberry.field
    def service(self, info: Info) -> Service:
        """Version and limits of this service, so that a client can keep to them."""
        return service(info.context)


async def _node(context: Context, id: str) -> Node | None:
    kind, label, *rest = parts_of(id)
    scope = context.scopes.get(label)
    if scope is None:
        return None
    if kind == "Dataset":
        return await dataset_of(scope, rest[0])
    if kind == "Quantum":
        return await quantum_of(scope, rest[0])
    if kind == "Collection":
        return await collection_of(scope, rest[0])
    if kind == "DatasetType":
        return await dataset_type_of(scope, rest[0])
    return Repository(scope)
