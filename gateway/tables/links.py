"""Addresses of tables: the whole question stands in them, or, where it is too long for that, is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

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


class Links:
    """Gives lists addresses, and finds the list of an address."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    async def link(self, asked: Asked, format: str, obscore: bool, caller: Caller, base_url: str) -> Link:
        text = written.write(asked)
        expires = None
        if len(text) <= LONGEST:
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
        text = parameters[given[0]]
        return written.read(text if given == ["QUESTION"] else await self._kept.find(caller, text))
