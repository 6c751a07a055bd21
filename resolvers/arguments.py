"""Arguments that several fields take, with what they mean."""

from __future__ import annotations

from typing import Annotated

import strawberry

from adapters.errors import BadUserInput

from .bind import Bind
from .filters import DataIdFilter
from .given import names
from .sky import SkyFilter
from .time_filter import TimeFilter

Binds = Annotated[list[Bind] | None, strawberry.argument(description="Values for the names in where.")]
Shape = Annotated[
    SkyFilter | None,
    strawberry.argument(
        name="sky", description="Overlap with a shape; refused for dimensions without a region."
    ),
]
Time = Annotated[TimeFilter | None, strawberry.argument(description="Overlap with a range of time.")]
Terms = Annotated[
    list[str] | None,
    strawberry.argument(
        description="Dimensions or fields, by Butler name; a leading - for descending order. Nulls come last either way."
    ),
]
Expression = Annotated[
    str | None,
    strawberry.argument(
        name="where", description="Butler's own query expression, with values bound by name in bind."
    ),
]
Partial = Annotated[
    DataIdFilter | None,
    strawberry.argument(description="Constraints on dimensions; those left out are wildcards."),
]
Types = Annotated[list[str], strawberry.argument(description="Dataset types: names or globs.")]
OnlyTypes = Annotated[
    list[str] | None, strawberry.argument(description="Only datasets of these types: names or globs.")
]
Searched = Annotated[
    list[str] | None,
    strawberry.argument(
        description="Names or globs, in search order. Left out: the repository's default collections. CALIBRATION collections,\n"
        "and those in chains, are searched like the others."
    ),
]
FindFirst = Annotated[
    bool | None,
    strawberry.argument(
        description="true: of each type and data ID only the dataset of the first collection, in search order, that has one.\n"
        "false: every one. Left out: as in DatasetQuery."
    ),
]


def some(value: list[str] | None, name: str) -> tuple[str, ...]:
    """Names or globs; nothing where they were left out. Raises BadUserInput for an empty list, which names nothing."""
    found = names(value)
    if found == ():
        raise BadUserInput(f"{name} is left out, or names at least one.")
    return found or ()
