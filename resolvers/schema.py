"""The schema, and its text."""

from __future__ import annotations

from functools import cache

import strawberry
from graphql import build_schema as parsed
from graphql import lexicographic_sort_schema, print_schema
from strawberry.schema.config import StrawberryConfig

from .collection import Collection
from .dataset import Dataset
from .dataset_type import DatasetType
from .mutation import Mutation
from .quantum import Quantum
from .query import Query
from .repository import Repository
from .scalars import SCALARS


@cache
def build_schema() -> strawberry.Schema:
    """The schema; built once, it holds no state of a request. Executed with a ``resolvers.context.Context`` as
    context value and without a root value."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        # Reached through Node only, where nothing else names them.
        types=[Repository, Collection, DatasetType, Dataset, Quantum],
        config=StrawberryConfig(scalar_map=SCALARS),
    )


def sdl() -> str:
    """The schema's text: sorted, ending in a newline; what schema.graphql at the project's root holds."""
    return print_schema(lexicographic_sort_schema(parsed(build_schema().as_str()))) + "\n"
