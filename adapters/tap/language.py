"""What a service's ADQL can do beyond ADQL 2.0, or less: found out by asking it, once, when it matters."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from ..caller import Call
from ..errors import BadUserInput
from . import adql
from .votable import Answer

_LITERALS = re.compile(r"(LIKE )?'((?:[^']|'')*)'")

Ask = Callable[[str, int, Call, str], Awaitable[Answer]]


class Language:
    """The dialect of one service."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._known: dict[str, bool] = {}

    async def escapes(self, call: Call) -> bool:
        """Whether a backslash takes the meaning off _ in a pattern for LIKE, which ADQL does not say."""
        return await self._shows(
            "'a_b' LIKE 'a\\_b' AND NOT ('axb' LIKE 'a\\_b')", call, "whether LIKE has an escape"
        )

    async def keeps_percent(self, call: Call) -> bool:
        """Whether a per cent sign in a literal stays one: DaCHS 2.7 (gavo.protocols.adqlglue) makes it two."""
        return await self._shows("'a%b' LIKE 'a_b'", call, "whether it keeps a per cent sign")

    async def garbles(self, query: str, call: Call) -> bool:
        """Whether the service would make another query of this one."""
        risky = any(
            ("\\%" if like else "%") in literal
            for like, literal in _LITERALS.findall(query)
            if "%" in literal
        )
        return risky and not await self.keeps_percent(call)

    async def cases(self, table: str, column: str, call: Call) -> bool:
        """Whether it has CASE (ADQL 2.1), and sorts by it."""
        listed = [f"CASE WHEN {column} IS NULL THEN 1 ELSE 0 END AS n_0", f"{column} AS s_0"]
        query = adql.select(listed, table, order=["n_0", "s_0"], top=1)
        if "CASE" not in self._known:
            try:
                await self._ask(query, 1, call, "whether it has CASE")
                self._known["CASE"] = True
            except BadUserInput:
                self._known["CASE"] = False
        return self._known["CASE"]

    async def _shows(self, condition: str, call: Call, what: str) -> bool:
        """Whether a condition on constants holds there; a service that does not take it has not what it is about."""
        if condition not in self._known:
            query = adql.select(["table_name"], "TAP_SCHEMA.tables", where=condition, top=1)
            try:
                self._known[condition] = bool((await self._ask(query, 1, call, what)).rows)
            except BadUserInput:
                self._known[condition] = False
        return self._known[condition]
