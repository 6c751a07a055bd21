"""What is asked of datasets that are known already: where they lie, when they were observed, where their bytes are, every column."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from posixpath import basename
from typing import Any
from urllib.parse import urlsplit

from ..answers import FILE, MEMBERSHIP, REGION, SIZE, TIMESPAN
from ..caller import Call
from ..errors import NotFound, Unsupported
from ..media_types import OCTETS
from ..question import Files, RecordsByKey, Regions, Sizes, Timespans
from ..rows import Column, FileContent, Kind, Row, Rows
from .columns import DID, REQUIRED, Columns, Named
from .metadata import Metadata
from .shapes import encoded
from .times import nanoseconds

_KILOBYTE = 1_000  # VOUnits 1.1: access_estsize is in kbyte
_FILES = (*FILE, Column("media_type", Kind.STRING))
_SIZE = 5  # its place in a row of _FILES


class Lookups:
    """By obs_publisher_did, a few queries for however many."""

    def __init__(self, repository: str, metadata: Metadata, scale: str) -> None:
        self._repository = repository
        self._metadata = metadata
        self._scale = scale

    async def regions(self, question: Regions, call: Call) -> Rows:
        """s_region, where lsst.sphgeom has a region for it (``shapes.encoded``)."""
        columns = await self._of_datasets(question.dimensions, call)
        columns.require("s_region", what="where on the sky a dataset lies")
        found = await self._values(("s_region",), question.keys, columns, call)
        rows: list[Row] = []
        for parent, (text,) in found:
            region = None if text is None else encoded(text)
            if region is not None:
                rows.append((parent, DID, region))
        return Rows(REGION, rows)

    async def timespans(self, question: Timespans, call: Call) -> Rows:
        """t_min and t_max, nanoseconds of TAI."""
        columns = await self._of_datasets(question.dimensions, call)
        columns.require("t_min", "t_max", what="when something was observed")
        found = list(await self._values(("t_min", "t_max"), question.keys, columns, call))
        moments = nanoseconds([values for _, values in found], self._scale)
        rows: list[Row] = [
            (parent, DID, begin, end)
            for (parent, _), (begin, end) in zip(found, moments, strict=True)
            if begin is not None and end is not None
        ]
        return Rows(TIMESPAN, rows)

    async def records(self, question: RecordsByKey, call: Call) -> Rows:
        """All columns of N datasets; of another dimension there is nothing but its value."""
        columns = await self._metadata.columns(call)
        if question.element != DID:
            columns.dimension(question.element)
            raise Unsupported(
                f"ObsCore says nothing of {question.element} by itself; its columns belong to {DID}.",
                capability="records",
            )
        named = list(columns.others.values())
        found = await self._values(tuple(columns.others), question.keys, columns, call)
        rows: list[Row] = [(parent, question.keys[parent][0], *values) for parent, values in found]
        heads = (Column("parent", Kind.LONG), Column(DID, Kind.STRING, dimension=True), *map(_column, named))
        return Rows(heads, rows)

    async def files(self, question: Files, call: Call) -> Rows:
        """access_url. Its size is the service's estimate."""
        columns = await self._metadata.columns(call)
        columns.require("access_url", what="where the bytes are")
        dids = columns.identity.dids(question.ids, self._repository, call)
        keys = [(did,) for did in dids]
        wanted = [name for name in ("access_url", "access_format", "access_estsize") if columns.has(name)]
        asked = set(question.ids)
        rows: list[Row] = []
        for parent, values in await self._values(tuple(wanted), keys, columns, call):
            one = dict(zip(wanted, values, strict=True))
            identifier, url, size = (
                columns.identity.id(dids[parent]),
                one["access_url"],
                one.get("access_estsize"),
            )
            if identifier in asked and url is not None:
                bytes_ = None if size is None or size < 0 else int(size * _KILOBYTE)
                rows.append((identifier, url, None, None, None, bytes_, None, one.get("access_format")))
        return Rows(_FILES, rows)

    async def sizes(self, question: Sizes, call: Call) -> Rows:
        """The service's estimate."""
        found = await self.files(Files(question.ids), call)
        return Rows(SIZE, [(row[0], row[_SIZE]) for row in found.rows])

    async def memberships(self, *_: object) -> Rows:
        """None: a dataset of ObsCore belongs to one obs_collection, which is its run here."""
        return Rows(MEMBERSHIP, [])

    async def content(self, dataset: str, component: str | None, call: Call) -> FileContent:
        """access_url, for the caller to follow: nothing is fetched here, and no token goes there."""
        rows = [] if component else (await self.files(Files((dataset,)), call)).rows
        for row in rows:
            url = str(row[1])
            parts = urlsplit(url)
            if parts.scheme in ("http", "https") and parts.hostname:
                return FileContent(None, url, basename(parts.path) or dataset, row[-1] or OCTETS)
        raise NotFound(
            "This dataset has no file here." if not component else "ObsCore knows no components of files."
        )

    async def _of_datasets(self, dimensions: Sequence[str], call: Call) -> Columns:
        columns = await self._metadata.columns(call)
        for name in dimensions:
            columns.dimension(name)
        if tuple(dimensions) != REQUIRED:
            raise Unsupported(
                f"ObsCore knows regions and times of datasets, and none of {', '.join(dimensions) or 'nothing'}; ask with {DID}.",
                capability="regions and times of data IDs",
            )
        return columns

    async def _values(
        self, names: Sequence[str], keys: Sequence[Sequence[Any]], columns: Columns, call: Call
    ) -> Iterator[tuple[int, Row]]:
        """Columns of each identifier that the service has: its place in ``keys``, and the values."""
        places = {str(key[0]): place for place, key in enumerate(keys)}
        listed = [f"{columns.others[name].column} AS v_{place}" for place, name in enumerate(names)]
        asked = [f"{columns.did} AS s_did", *listed]
        found = await self._metadata.by_did(asked, columns, places, call, f"{names[0]} of datasets")
        return ((places[did], tuple(values)) for did, *values in found if did in places)


def _column(one: Named) -> Column:
    return Column(one.name, one.kind, one.unit, one.ucd, one.description)
