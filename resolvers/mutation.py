"""Where everything that changes something begins. Fields of one request are done one after the other, in its order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import strawberry
from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    get_argument_values,
    is_list_type,
    is_non_null_type,
)
from graphql.execution.values import VariableValues

from adapters.errors import BadUserInput

from .asked import Asked
from .context import Info
from .dataset_query import DatasetQuery, question
from .noun import noun
from .saved_result import SavedResult, results
from .scalars import JSON


@noun
class Mutation:
    """What can be changed. Sent by POST."""

    __slots__ = ()

    @strawberry.mutation
    async def save_result(
        self,
        info: Info,
        repositories: Annotated[
            list[str], strawberry.argument(description="Labels of repositories, in search order.")
        ],
        query: Annotated[DatasetQuery, strawberry.argument(description="Which datasets.")],
    ) -> SavedResult:
        """Freeze the answer of a question as a table of its own, so that a lengthy result can be paged, sorted, filtered, counted
        and downloaded again without asking the repository again. A short one is COMPLETED at once; a long one is read in the
        background: ask `result` for it by its id."""
        context = info.context
        if not repositories:
            raise BadUserInput("repositories is an empty list; name at least one.")
        labels = tuple(dict.fromkeys(repositories))
        opened = {label: context.scope(label).repository for label in labels}
        asked = Asked(labels, (question(query),))
        context.budget.spend(1, 1)
        kept = await results(context).save(asked, _said(info), context.call, opened, context.base_url)
        return SavedResult(context, kept)

    @strawberry.mutation
    async def delete_result(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="The id of a saved result.")],
    ) -> strawberry.ID:
        """Delete a saved result, or stop its being saved. One that there is not, or that is another caller's: NOT_FOUND."""
        await results(info.context).delete(id, info.context.call.caller)
        return id


def _said(info: Info) -> JSON:
    """The arguments of the field as JSON: what the client sent, each scalar in its standard form."""
    raw = info._raw_info
    definition = raw.parent_type.fields[raw.field_name]
    values = get_argument_values(definition, raw.field_nodes[0], VariableValues({}, info.variable_values))
    return JSON({name: _written(value, definition.args[name].type) for name, value in values.items()})


def _written(value: Any, type: GraphQLInputType) -> Any:
    if is_non_null_type(type):
        return _written(value, type.of_type)
    if value is None:
        return None
    if is_list_type(type):
        return [_written(item, type.of_type) for item in value]
    if isinstance(type, GraphQLInputObjectType):
        assert isinstance(value, Mapping)
        return {name: _written(item, type.fields[name].type) for name, item in value.items()}
    return type.serialize(value)  # type: ignore[union-attr]
