"""A dataset as links tell of it."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

from adapters.protocol import Repository
from adapters.rows import Row, Rows, TypeInfo
from resolvers.scalars import uuid_out

PATH = "/datalink"


class Member(NamedTuple):
    """``id``: 32 hex digits; ``data_id``: the required dimensions' values, in order."""

    id: str
    info: TypeInfo
    run: str | None
    data_id: tuple[Any, ...]

    @property
    def words(self) -> str:
        """Type, data ID and run, for people."""
        named = " ".join(
            f"{name}={value}" for name, value in zip(self.info.required, self.data_id, strict=True)
        )
        return " ".join(filter(None, (self.info.name, named, self.run and f"in {self.run}")))


def members(rows: Rows) -> list[Member]:
    """Those of an answer about datasets, in its order."""
    if not rows.rows:
        return []
    places = rows.places

    def one(row: Row) -> Member:
        info = rows.types[row[places["type"]]]
        return Member(
            row[places["id"]], info, row[places["run"]], tuple(row[places[name]] for name in info.required)
        )

    return [one(row) for row in rows.rows]


def ivoid(repository: Repository, dataset: str) -> str:
    """The IVOA identifier of a dataset (32 hex digits)."""
    template = repository.settings.ivoid.replace("{repository}", repository.name)
    return template.replace("{id}", uuid_out(dataset))


def address(service: str, identifier: str) -> str:
    """Where a DataLink service has the links of an identifier."""
    return f"{service}/links?ID={quote(identifier, safe='')}"
