"""Dataset types: what is kept, for which dimensions."""

from __future__ import annotations

from collections.abc import Awaitable

import strawberry

from adapters.question import DatasetTypesByName
from adapters.rows import Row, Rows, TypeInfo

from .connection import Connection
from .content import ContentForm, forms
from .context import Scope
from .node import Node, node_id
from .noun import noun


@noun
class DatasetType(Node):
    """A dataset type: a name, dimensions, and the class of what is stored."""

    __slots__ = ("_info", "_scope")

    def __init__(self, scope: Scope, info: TypeInfo) -> None:
        self._scope = scope
        self._info = info

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Relay global id: opaque, stable."""
        return node_id("DatasetType", self._scope.label, self._info.name)

    @strawberry.field
    def name(self) -> str:
        """Unique within its repository."""
        return self._info.name

    @strawberry.field
    def required(self) -> list[str]:
        """Dimensions that identify a dataset of this type."""
        return list(self._info.required)

    @strawberry.field
    def dimensions(self) -> list[str]:
        """All dimensions, the implied ones too, in the order of the universe."""
        return list(self._info.dimensions)

    @strawberry.field
    def storage_class(self) -> str:
        """Butler's name for what is stored: ExposureF, ArrowAstropy ..."""
        return self._info.storage_class

    @strawberry.field
    def is_calibration(self) -> bool:
        """Whether datasets may be certified in CALIBRATION collections for ranges of time."""
        return self._info.is_calibration

    @strawberry.field
    async def components(self) -> list[str] | None:
        """Parts that can be had alone (wcs of calexp.wcs). Null, with an error, where the gateway does not know the storage
        class."""

        async def fetch(infos: list[TypeInfo]) -> dict[TypeInfo, list[str]]:
            return {
                info: await self._scope.repository.components(info, self._scope.context.call)
                for info in infos
            }

        # Each type by itself, so that an unknown storage class costs its own field only.
        return await self._scope.loader(("components", self._info), fetch, list[str]()).load(self._info)

    @strawberry.field
    async def forms(self) -> list[ContentForm] | None:
        """Forms in which the content of such a dataset can be had over HTTP (see Dataset.content)."""
        return await forms(self._scope, self._info)


@noun
class DatasetTypeConnection(Connection[DatasetType]):
    """A page of dataset types."""

    __slots__ = ()


async def dataset_types(scope: Scope, rows: Rows) -> list[DatasetType]:
    """The dataset types of an answer."""
    return [DatasetType(scope, info) for info in _infos(rows)]


def dataset_type_of(scope: Scope, name: str) -> Awaitable[DatasetType | None]:
    """A dataset type by its exact name."""

    async def fetch(names: list[str]) -> dict[str, DatasetType | None]:
        rows = await scope.ask(DatasetTypesByName(tuple(names)), len(names), 1)
        return {info.name: DatasetType(scope, info) for info in _infos(rows)}

    return scope.loader("dataset types", fetch, None).load(name)


def _infos(rows: Rows) -> list[TypeInfo]:
    if not rows.rows:
        return []
    places = [
        rows.index(name) for name in ("name", "required", "dimensions", "storage_class", "is_calibration")
    ]

    def info(row: Row) -> TypeInfo:
        name, required, dimensions, storage_class, is_calibration = (row[place] for place in places)
        return TypeInfo(name, tuple(required), tuple(dimensions), storage_class, bool(is_calibration))

    return [info(row) for row in rows.rows]
