"""What is known of one service: its columns, its types and collections, and what its ADQL can do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from ..caller import Call
from ..errors import BadUserInput, TooComplex
from ..rows import Row
from . import adql
from .catalogue import Catalogue, Catalogues
from .columns import Columns, described
from .options import Options
from .service import Service

PARTS = 100  # identifiers in one query
_AT_ONCE = 4  # queries of one question


class Metadata:
    """Looked up when it is first needed, and kept: columns for good, the rest for a while."""

    def __init__(self, service: Service, options: Options, template: str) -> None:
        self._service = service
        self._options = options
        self._template = template
        self._columns: Columns | None = None
        self._catalogues = Catalogues(service, options.catalogue_seconds)

    async def columns(self, call: Call) -> Columns:
        """Raises BackendUnavailable where the table is no ObsCore table."""
        if self._columns is None:
            query = adql.select(["*"], self._options.table, top=1)
            answer = await self._service.query(query, 1, call, "its columns")
            found = described(answer, self._options, self._template, self._service.name)
            if not answer.rows:
                # What its identifiers look like is not known yet.
                return found
            self._columns = found
        return self._columns

    async def catalogue(self, call: Call) -> Catalogue:
        return await self._catalogues.get(await self.columns(call), call)

    async def both(self, call: Call) -> tuple[Columns, Catalogue]:
        columns = await self.columns(call)
        return columns, await self._catalogues.get(columns, call)

    async def by_did(
        self, listed: Sequence[str], columns: Columns, dids: Iterable[str], call: Call, what: str
    ) -> list[Row]:
        """What is listed of rows with these identifiers, and perhaps of others, in a few parts. One that no service can have has none."""
        asked = list(dict.fromkeys(did for did in dids if _sayable(did)))
        language = self._service.language
        kept = not any("%" in did for did in asked) or await language.keeps_percent(call)
        parts = [asked[n : n + PARTS] for n in range(0, len(asked), PARTS)]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def part(own: Sequence[str]) -> list[Row]:
            async with gate:
                query = adql.select(
                    listed, columns.source, where=adql.identified(columns.did, own, kept=kept)
                )
                return await self.whole(query, call, what)

        return [row for rows in await asyncio.gather(*map(part, parts)) for row in rows]

    async def whole(self, query: str, call: Call, what: str) -> list[Row]:
        """All rows of a query. Raises TooComplex where the service does not send all of them."""
        answer = await self._service.query(query, call.max_rows, call, what)
        if answer.overflow or len(answer.rows) > call.max_rows:
            raise TooComplex(
                f"The service sends {len(answer.rows)} rows at most of a list that is longer; ask for less at once.",
                limit=len(answer.rows),
                actual=len(answer.rows) + 1,
                what="rows",
            )
        return answer.rows


def _sayable(did: str) -> bool:
    try:
        adql.text(did)
    except BadUserInput:
        return False
    return True
