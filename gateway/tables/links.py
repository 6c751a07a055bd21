"""Addresses of tables: the whole question stands in them, or, where it is too long for that, is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

import anyio.to_thread

from adapters import instant
from adapters.caller import Caller
from adapters.errors import BadUserInput
from adapters.media_types import TABLES
from gateway.tables import written
from gateway.tables.kept import Kept
from resolvers.asked import Asked
from resolvers.table import Link

PATH = "/tables"
LONGEST = 4_000  # characters: proxies and clients take some 8,000 for a whole address
_LARGEST = (
    100_000  # bytes of what is packed in them: anybody may write an address, and whoever reads it unpacks it
)


class Links:
    """Gives lists addresses, and finds the list of an address."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def link(self, asked: Asked, format: str, obscore: bool, caller: Caller, base_url: str) -> Link:
        content = written.content(asked)
        text = written.packed(content)
        expires = None
        if len(text) <= LONGEST and len(content) <= _LARGEST:
            parameters = {"QUESTION": text}
        else:
            identifier, until = await self._kept.keep(caller, text)
            parameters = {"KEPT": identifier}
            expires = instant.from_text(datetime.fromtimestamp(until, UTC).isoformat())
        return self._at(parameters, format, obscore, base_url, expires)

    def result(self, id: str, expires: int, format: str, obscore: bool, base_url: str) -> Link:
        return self._at({"RESULT": id}, format, obscore, base_url, expires)

    @staticmethod
    def _at(
        parameters: dict[str, str], format: str, obscore: bool, base_url: str, expires: int | None
    ) -> Link:
        parameters["RESPONSEFORMAT"] = format.lower()
        if obscore:
            parameters["OBSCORE"] = "true"
        return Link(f"{base_url}{PATH}?{urlencode(parameters)}", TABLES[format], expires)

    async def asked(self, parameters: Mapping[str, str], caller: Caller) -> Asked:
        """What an address asks. Raises BadUserInput for one that asks nothing."""
        given = [name for name in ("QUESTION", "KEPT") if parameters.get(name)]
        if len(given) != 1:
            raise BadUserInput(
                "The address of a table has a QUESTION: it is what GraphQL's field 'table' of any list gives."
            )
        text, most = parameters[given[0]], _LARGEST
        if given == ["KEPT"]:
            text, most = await self._kept.find(caller, text), written.LONGEST
        elif len(text) > LONGEST:
            raise BadUserInput(
                f"No address of a table has a QUESTION of more than {LONGEST:,} characters: ask for 'table' again."
            )
        return await anyio.to_thread.run_sync(written.read, text, most)
