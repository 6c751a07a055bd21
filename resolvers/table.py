"""A list as a table to download, or to hand to another service."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Protocol

import strawberry

from adapters.errors import Unsupported

from .noun import noun
from .scalars import URL, DateTime

if TYPE_CHECKING:
    from adapters.caller import Caller

    from .asked import Asked
    from .context import Info
    from .listing import Listing


@strawberry.enum(description="Formats of tables.")
class TableFormat(Enum):
    VOTABLE = strawberry.enum_value(
        "VOTABLE", description="VOTable 1.4 (IVOA), with units, UCDs and service descriptors."
    )
    PARQUET = strawberry.enum_value(
        "PARQUET", description="Apache Parquet, with the columns' metadata as a VOTable in its footer."
    )
    ARROW = strawberry.enum_value("ARROW", description="A stream of Arrow IPC.")
    CSV = strawberry.enum_value("CSV", description="Comma-separated values with a header (RFC 4180).")
    ECSV = strawberry.enum_value("ECSV", description="astropy's Enhanced CSV, with units and descriptions.")
    JSONL = strawberry.enum_value("JSONL", description="A JSON object a line.")


class Link(NamedTuple):
    """Where a table is. ``expires``: ns of TAI; None where the address holds all that it needs."""

    url: str
    media_type: str
    expires: int | None


class Tables(Protocol):
    """Who answers lists as tables."""

    async def link(self, asked: Asked, format: str, obscore: bool, caller: Caller, base_url: str) -> Link:
        """Where this list is as a table; ``base_url``: the gateway's own address as the caller sees it."""
        ...

    def result(self, id: str, expires: int, format: str, obscore: bool, base_url: str) -> Link:
        """Where a saved result is as a table; ``expires``: when it goes, ns of TAI."""
        ...


@noun
class TableLink:
    """Where a table is, for whoever has the same token."""

    __slots__ = ("_link",)

    def __init__(self, link: Link) -> None:
        self._link = link

    @strawberry.field
    def url(self) -> URL:
        """Its address: GET with the caller's own token. It takes DALI's RESPONSEFORMAT and MAXREC."""
        return URL(self._link.url)

    @strawberry.field
    def media_type(self) -> str:
        """What will come from there."""
        return self._link.media_type

    @strawberry.field
    def expires(self) -> DateTime | None:
        """When the address leads nowhere any more, unless it is used until then; null: it holds the whole question, and does not expire."""
        return None if self._link.expires is None else DateTime(self._link.expires)


async def table(info: Info, listing: Listing[Any], format: TableFormat, obscore: bool = False) -> TableLink:
    """The link of a list."""
    context = info.context
    if context.tables is None:
        raise Unsupported("This service gives no tables.", capability="tables")
    return TableLink(
        await listing.link(context.tables, format.name, obscore, context.call.caller, context.base_url)
    )


Form = Annotated[TableFormat, strawberry.argument(description="The format.")]
Obscore = Annotated[
    bool,
    strawberry.argument(
        description="Datasets as ObsCore 1.1 has them (IVOA), for services and portals, instead of Butler's own columns."
    ),
]
