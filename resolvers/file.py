"""Files: where the bytes of a dataset are."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import strawberry

from adapters.media_types import media_type_of
from adapters.question import Files
from adapters.rows import Rows

from .context import Scope
from .loader import Loader
from .noun import noun
from .scalars import URL, Long, uuid_out

_COLUMNS = ("uri", "component", "storage_class", "formatter", "size", "checksum")


@noun
class File:
    """An artefact of a dataset."""

    __slots__ = (
        "_checksum",
        "_component",
        "_dataset",
        "_formatter",
        "_scope",
        "_size",
        "_storage_class",
        "_uri",
    )

    def __init__(
        self,
        scope: Scope,
        dataset: str,
        values: tuple[str, str | None, str | None, str | None, int | None, str | None],
    ) -> None:
        self._scope = scope
        self._dataset = dataset
        self._uri, self._component, self._storage_class, self._formatter, self._size, self._checksum = values

    @strawberry.field
    def uri(self) -> str:
        """Where the store says that it is (file, s3, gs, https ...)."""
        return self._uri

    @strawberry.field
    def url(self) -> URL:
        """Where this caller can read it over HTTP with the same token."""
        base, label = self._scope.context.base_url, quote(self._scope.label, safe="")
        query = f"?component={quote(self._component, safe='')}" if self._component else ""
        return URL(f"{base}/files/{label}/{uuid_out(self._dataset)}{query}")

    @strawberry.field
    def component(self) -> str | None:
        """The component that it holds; null where it holds the whole dataset."""
        return self._component

    @strawberry.field
    def storage_class(self) -> str | None:
        """Butler's name for what is stored in it."""
        return self._storage_class

    @strawberry.field
    def formatter(self) -> str | None:
        """The class that wrote it, and reads it."""
        return self._formatter

    @strawberry.field
    def media_type(self) -> str | None:
        """Media type, as its name tells; null where it does not."""
        return self.media_type_of_name()

    def media_type_of_name(self) -> str | None:
        return media_type_of(urlsplit(self._uri).path)

    def facts(self) -> tuple[str, str | None, int | None]:
        """Address, component and bytes, for those who are no clients."""
        return self._uri, self._component, None if self._size is None or self._size < 0 else self._size

    @strawberry.field
    def size(self) -> Long | None:
        """Bytes; null where no one recorded it."""
        return None if self._size is None or self._size < 0 else Long(self._size)

    @strawberry.field
    def checksum(self) -> str | None:
        """Checksum, as the store recorded it."""
        return self._checksum


def artefacts(scope: Scope) -> Loader[str, list[File]]:
    """The artefacts of datasets (32 hex digits); none where one is known and has no file."""

    async def fetch(ids: list[str]) -> dict[str, list[File]]:
        return _files(scope, await scope.ask(Files(tuple(ids)), len(ids), 1))

    return scope.loader("files", fetch, list[File]())


def _files(scope: Scope, rows: Rows) -> dict[str, list[File]]:
    if not rows.rows:
        return {}
    identifier, places = rows.index("id"), [rows.index(name) for name in _COLUMNS]
    found: dict[str, list[File]] = {}
    for row in rows.rows:
        uri, component, storage_class, formatter, size, checksum = (row[place] for place in places)
        values = (uri, component, storage_class, formatter, size, checksum)
        found.setdefault(row[identifier], []).append(File(scope, row[identifier], values))
    return found
