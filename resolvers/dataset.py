"""Datasets: the rows that everything here is about."""

from __future__ import annotations

from collections.abc import Awaitable, Hashable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any, overload
from urllib.parse import quote

import strawberry
from strawberry import UNSET

from adapters.question import Beside, DatasetsById, Versions
from adapters.rows import PUBLISHED, Joined, Row, Rows, TypeInfo

from .associated import Associated
from .collection import Collection, memberships
from .connection import After, First
from .content import ContentForm, ContentLink, content
from .context import Scope
from .data_id import DataId
from .dataset_type import DatasetType
from .file import File, artefacts
from .given import given, names
from .listing import Nested
from .node import Node, node_id
from .noun import noun
from .region import Region, regions
from .scalars import URL, UUID, DateTime, uuid_out
from .timespan import Timespan, timespans

if TYPE_CHECKING:
    from .dataset_connection import DatasetConnection
    from .repository import Repository

RepositoryType = Annotated["Repository", strawberry.lazy(".repository")]
Datasets = Annotated["DatasetConnection", strawberry.lazy(".dataset_connection")]


class Layout:
    """Where the columns of datasets are in the rows of one answer."""

    __slots__ = ("beside", "columns", "date", "id", "places", "run", "scope", "ties", "type", "types")

    def __init__(self, scope: Scope, rows: Rows) -> None:
        self.scope = scope
        self.columns = rows.columns
        self.places = rows.places
        self.id = self.places["id"]
        self.type = self.places["type"]
        self.run = self.places["run"]
        self.date = self.places.get("ingest_date")
        self.types = rows.types
        self.beside = rows.beside
        self.ties: dict[Hashable, Layout] = {}  # where a calibration is that came along in the same rows

    def same(self, other: Layout) -> bool:
        """Whether rows of the other, which may be another part of the same answer, can be read as rows of this one."""
        return other is self or (
            other.scope is self.scope
            and other.types is self.types
            and other.beside is self.beside
            and (other.places is self.places or other.columns is self.columns)
        )


def published(layout: Layout, row: Row) -> str | None:
    """The identifier that a dataset came with."""
    place = layout.places.get(PUBLISHED)
    return None if place is None else row[place]


def butler_id(layout: Layout, row: Row) -> UUID | None:
    """Its id where that is Butler's: what came with an identifier that does not hold it has one that was made here."""
    own, id = published(layout, row), row[layout.id]
    return UUID(id) if own is None or uuid_out(id) in own else None


@noun
class Dataset(Node, Associated):
    """A dataset: something of a type, for a data ID, written by one run."""

    __slots__ = ("_layout", "_row")

    def __init__(self, layout: Layout, row: Row) -> None:
        self._layout = layout
        self._row = row

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Relay global id: opaque, stable."""
        return node_id("Dataset", self._layout.scope.label, self.hex())

    @strawberry.field
    def uuid(self) -> UUID | None:
        """Butler's id of it. Null where the backend has none (TAP)."""
        return butler_id(self._layout, self._row)

    @strawberry.field
    def repository(self) -> RepositoryType:
        """Where it was found."""
        from .repository import Repository

        return Repository(self._layout.scope)

    @strawberry.field
    def type(self) -> DatasetType:
        """What it is."""
        return DatasetType(self._layout.scope, self.info())

    @strawberry.field
    def run(self) -> str | None:
        """The RUN collection that it was written to."""
        run: str | None = self._row[self._layout.run]
        return run

    @strawberry.field
    def data_id(self) -> DataId:
        """What it is of."""
        return self.identity()

    @strawberry.field
    def ingest_date(self) -> DateTime | None:
        """When it came into the repository."""
        assert self._layout.date is not None, "a list that was asked without it"
        date: int | None = self._row[self._layout.date]
        return None if date is None else DateTime(date)

    @strawberry.field
    async def region(self) -> Region | None:
        """Where it looked, or lies: the region of the finest element that its dimensions have, an exposure's from its visit.
        Null where the dimensions have no region (flats), or no one recorded it."""
        if (joined := self.beside("region")) is not None:
            return self.region_beside(joined)
        key = self.identity().key()
        return None if key is None else await regions(self._layout.scope, self.info().required).load(key)

    @strawberry.field
    async def timespan(self) -> Timespan | None:
        """When it was observed. Null where the dimensions have no time, or no one recorded it."""
        if (joined := self.beside("timespan")) is not None:
            return self.timespan_beside(joined)
        key = self.identity().key()
        return None if key is None else await timespans(self._layout.scope, self.info().required).load(key)

    @strawberry.field
    async def collections(self) -> list[Collection] | None:
        """Collections that hold it, beyond its run, by name."""
        return await memberships(self._layout.scope).load(self.hex())

    @strawberry.field
    async def files(self) -> list[File] | None:
        """Where the bytes are, whatever the format, the store or the naming. Null: not known here (UNSUPPORTED says so); empty:
        known, but without a file."""
        return await artefacts(self._layout.scope).load(self.hex())

    @strawberry.field
    async def content(
        self,
        form: Annotated[ContentForm, strawberry.argument(description="One of DatasetType.forms.")],
        component: Annotated[
            str | None, strawberry.argument(description="A component alone: columns, schema ...")
        ] = UNSET,
        columns: Annotated[
            list[str] | None,
            strawberry.argument(
                description="Of a table, these columns only: names, or patterns with * and ?."
            ),
        ] = UNSET,
    ) -> ContentLink | None:
        """Content in a form of the community's choice: a link that the caller's token opens. Null, with an error NOT_FOUND, where it is known
        to have no file."""
        return await content(self, form, given(component), given(columns))

    @strawberry.field
    def ivoid(self) -> str:
        """IVOA identifier (ivo://...?repo=...&id=...): usable as ID with DataLink, SODA and SIA services as it is."""
        return self.identifier()

    def identifier(self) -> str:
        """What its publisher calls it, where it says so; otherwise what the configuration says that those of its repository are called."""
        if (own := published(self._layout, self._row)) is not None:
            return own
        scope, dashed = self._layout.scope, uuid_out(self.hex())
        return scope.repository.settings.ivoid.replace("{repository}", scope.label).replace("{id}", dashed)

    @strawberry.field
    def datalink(self) -> URL | None:
        """DataLink document of this dataset: its file, cutouts, calibrations that can be used, and what it was made from."""
        context = self._layout.scope.context
        if context.datalink is None:
            return None
        service = context.datalink(self._layout.scope.label, context.base_url)
        return URL(f"{service}/links?ID={quote(self.identifier(), safe='')}")

    @strawberry.field
    def versions(
        self,
        collections: Annotated[
            list[str] | None, strawberry.argument(description="Only those in these: names or globs.")
        ] = UNSET,
        first: First = 100,
        after: After = UNSET,
    ) -> Datasets | None:
        """Datasets of the same type and data ID in any run, itself among them: its versions, newest ingest date first."""
        from .dataset_connection import DatasetConnection

        within, info = names(collections), self.info()

        def many(keys: tuple[Any, ...]) -> Versions:
            return Versions(keys, within)

        parent = (info.name, *self.key())
        return DatasetConnection(Nested(self._layout.scope, many, parent, "versions", first, after, datasets))

    def beside(self, key: Hashable) -> Joined | None:
        """Where its row has something that came along with it; None: that has to be asked for."""
        return self._layout.beside.get(key)

    def timespan_beside(self, joined: Joined) -> Timespan | None:
        known, begin, end = joined.places
        return Timespan(self._row[begin], self._row[end]) if self._row[known] else None

    def region_beside(self, joined: Joined) -> Region | None:
        (place,) = joined.places
        text = self._row[place]
        return None if text is None else Region(joined.source or "", text)

    def itself(self) -> Dataset:
        return self

    def layout(self) -> Layout:
        return self._layout

    def row(self) -> Row:
        return self._row

    def scope(self) -> Scope:
        return self._layout.scope

    def hex(self) -> str:
        """Its id, 32 lower-case hex digits."""
        return str(self._row[self._layout.id])

    def info(self) -> TypeInfo:
        return self._layout.types[self._row[self._layout.type]]

    def key(self) -> tuple[Any, ...]:
        """Values of its required dimensions, in order."""
        return tuple(self._row[self._layout.places[name]] for name in self.info().required)

    def value(self, name: str) -> Any:
        """The value of a dimension, of run or of type; None where its type has no such dimension."""
        place = self._layout.places.get(name)
        return None if place is None else self._row[place]

    def identity(self) -> DataId:
        layout, row, info = self._layout, self._row, self.info()
        return DataId(
            layout.scope,
            {name: row[layout.places[name]] for name in info.dimensions if name in layout.places},
            info.required,
        )


class DatasetRows(Sequence[Dataset]):
    """Datasets that are still rows: each is made when it is looked at."""

    __slots__ = ("layout", "rows")

    def __init__(self, layout: Layout, rows: Sequence[Row]) -> None:
        self.layout = layout
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, place: int) -> Dataset: ...
    @overload
    def __getitem__(self, place: slice) -> DatasetRows: ...
    def __getitem__(self, place: int | slice) -> Dataset | DatasetRows:
        if isinstance(place, slice):
            return DatasetRows(self.layout, self.rows[place])
        return Dataset(self.layout, self.rows[place])

    def __iter__(self) -> Iterator[Dataset]:
        return (Dataset(self.layout, row) for row in self.rows)


async def datasets(scope: Scope, rows: Rows) -> Sequence[Dataset]:
    """The datasets of an answer."""
    return DatasetRows(Layout(scope, rows), rows.rows) if rows.rows else []


def dataset_of(scope: Scope, dataset: str, beside: Beside | None = None) -> Awaitable[Dataset | None]:
    """A dataset by its id (32 hex digits)."""

    async def fetch(ids: list[str]) -> dict[str, Dataset | None]:
        found = await datasets(scope, await scope.ask(DatasetsById(tuple(ids), beside), len(ids), 1))
        return {one.hex(): one for one in found}

    return scope.loader(("datasets", beside), fetch, None).load(dataset)
