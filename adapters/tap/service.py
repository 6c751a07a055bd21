"""One TAP service (IVOA TAP 1.1) over HTTP: a query goes there, a table comes back, in time or not at all.

The caller's token is sent to the configured origin alone: an answer that leads elsewhere is not followed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

import httpx2
import structlog

from ..caller import Call
from ..errors import (
    AdapterError,
    BackendTimeout,
    BackendUnavailable,
    BadUserInput,
    Forbidden,
    Timeout,
    Unauthenticated,
    Unsupported,
)
from ..notes import By, noted
from ..origin import Origin
from ..retry_after import seconds_of
from . import votable
from .language import Language
from .options import Options
from .votable import Answer

log = structlog.get_logger("adapters.tap")

_CONNECT = 10.0  # seconds
_HOPS = 5
_LONG = 200_000  # bytes of a document that is parsed in a thread
_REFUSES_SYNC = frozenset({404, 405, 501})


@dataclass(frozen=True, slots=True)
class Reply:
    """What came over HTTP; ``location`` is absolute, ``later`` what Retry-After says."""

    status: int
    content: bytes
    location: str | None = None
    later: str | None = None


@dataclass(slots=True)
class Service:
    """Safe under concurrent calls of one event loop."""

    name: str
    options: Options
    language: Language = field(init=False, repr=False)
    _client: httpx2.AsyncClient | None = field(default=None, repr=False)
    _sync: bool | None = None  # whether /sync is known to answer, or to be refused
    _behind: set[asyncio.Task[None]] = field(default_factory=set, repr=False)

    def __post_init__(self) -> None:
        self.language = Language(self._ask)

    async def query(self, adql: str, most: int, call: Call, what: str) -> Answer:
        """Rows of a query, at most ``most`` of them; ``overflow`` tells that there are more.

        Raises
        ------
        Timeout, BackendTimeout
            The caller's deadline is over, or the time that the service is given for a query.
        BackendUnavailable
            It does not answer, or with something that is no answer of a TAP service.
        Unauthenticated, Forbidden
            As the service says.
        BadUserInput
            The service does not take the query.
        Unsupported
            It would take it for another one.
        """
        if await self.language.garbles(adql, call):
            raise Unsupported(
                f"The TAP service of repository '{self.name}' garbles texts with a per cent sign, and cannot be asked for one.",
                capability="per cent signs",
            )
        return await self._ask(adql, most, call, what)

    async def _ask(self, adql: str, most: int, call: Call, what: str) -> Answer:
        # A service says OVERFLOW as soon as MAXREC rows came, even when these were all: one more is allowed than wanted.
        values = {
            "REQUEST": "doQuery",
            "LANG": "ADQL",
            "QUERY": adql,
            "MAXREC": str(most + 1),
            "RESPONSEFORMAT": "votable",
        }
        remaining = call.deadline.remaining()
        allowed = min(remaining, self.options.timeout)
        if allowed <= 0:
            raise Timeout("The time allowed for this request is over.")
        with noted(call.notes, By.SERVICE, f"ADQL on {self.options.table}: {what}"):
            try:
                async with asyncio.timeout(allowed):
                    return await self._answer(values, call)
            except TimeoutError:
                if remaining <= self.options.timeout:
                    raise Timeout("The time allowed for this request is over.") from None
                raise BackendTimeout(
                    f"The TAP service of repository '{self.name}' took longer than {self.options.timeout:g} s.",
                    repository=self.name,
                    retry=True,
                ) from None
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                # Nothing of the error is kept: it holds the request, with its headers.
                log.warning("TAP service does not answer", repository=self.name, error=type(error).__name__)
                raise self.unavailable("does not answer", retry=True) from None

    def afterwards(self, work: Coroutine[Any, Any, None]) -> None:
        """Something to be done for which no answer waits."""
        task = asyncio.get_running_loop().create_task(work)
        self._behind.add(task)
        task.add_done_callback(self._behind.discard)

    async def close(self) -> None:
        if self._behind:
            await asyncio.wait(self._behind, timeout=_CONNECT)
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    # sync and async

    async def _answer(self, values: Mapping[str, str], call: Call) -> Answer:
        if self.options.mode != "async" and self._sync is not False:
            reply = await self.send("POST", f"{self.options.uri}/sync", call, values)
            for _ in range(_HOPS):
                if reply.location is None:
                    break
                # DALI 1.1, section 3.1: a service may answer by leading to where the result is.
                reply = await self.send("GET", reply.location, call)
            if self.options.mode == "sync" or reply.status not in _REFUSES_SYNC or self._sync:
                answer = await self.table(reply)
                self._sync = True
                return answer
            self._sync = False
        from .jobs import Job

        return await Job(self, call).run(values)

    async def table(self, reply: Reply) -> Answer:
        """The table of a reply, or what the service says instead."""
        if reply.status == 401:
            raise Unauthenticated(
                f"The TAP service of repository '{self.name}' wants a token, or another one.",
                repository=self.name,
                retry=False,
            )
        if reply.status == 403:
            raise Forbidden(
                f"The TAP service of repository '{self.name}' refuses this caller.",
                repository=self.name,
                retry=False,
            )
        if reply.status in (408, 504):
            raise BackendTimeout(
                f"The TAP service of repository '{self.name}' took too long.",
                repository=self.name,
                retry=True,
            )
        if reply.location is not None or 300 <= reply.status < 400:
            raise self.unavailable("leads from one address to another without an end", retry=False)
        if reply.status == 429 or reply.status >= 500:
            raise self.unavailable(
                f"does not answer (HTTP {reply.status})",
                retry=True,
                status=reply.status,
                **seconds_of(reply.later),
            )
        try:
            if len(reply.content) > _LONG:
                return await asyncio.to_thread(votable.read, reply.content)
            return votable.read(reply.content)
        except votable.QueryError as error:
            raise self.refused(str(error)) from None
        except votable.NoVotable:
            raise self.unavailable(
                f"answers with something that is no VOTable (HTTP {reply.status})", retry=False
            ) from None

    # HTTP

    async def send(
        self, method: str, address: str, call: Call, values: Mapping[str, str] | None = None
    ) -> Reply:
        """One exchange. Raises BackendUnavailable for an address elsewhere, whoever gave it: nothing is sent there."""
        if not self._ours(address):
            raise self.unavailable("leads to another host, and is not followed there", retry=False)
        request = self.client().build_request(
            method, address, data=values and dict(values), headers=self._headers(call)
        )
        response = await self.client().send(request, stream=True)
        try:
            content = bytearray()
            async for part in response.aiter_bytes():
                content += part
                if len(content) > self.options.max_bytes:
                    raise self.unavailable(f"sends more than {self.options.max_bytes} bytes", retry=False)
        finally:
            await response.aclose()
        location = response.headers.get("Location") if 300 <= response.status_code < 400 else None
        return Reply(
            response.status_code,
            bytes(content),
            location and _joined(address, location),
            response.headers.get("Retry-After"),
        )

    def _ours(self, address: str) -> bool:
        try:
            return Origin.of(address) == self.options.origin
        except ValueError:
            return False

    def _headers(self, call: Call) -> dict[str, str]:
        token = call.caller.token
        if token is None or not self.options.forwards:
            return {}
        if not token.well_formed:
            raise Unauthenticated(
                "The token has characters that a header does not carry.", repository=self.name, retry=False
            )
        return {"Authorization": f"Bearer {token.reveal()}"}

    def client(self) -> httpx2.AsyncClient:
        if self._client is None:
            # Neither proxies nor .netrc of the environment: nothing but the configuration says who is sent what.
            self._client = httpx2.AsyncClient(
                follow_redirects=False,
                trust_env=False,
                timeout=httpx2.Timeout(None, connect=_CONNECT),
                limits=httpx2.Limits(max_connections=20, max_keepalive_connections=5),
                headers={
                    "User-Agent": "butler-gateway",
                    "Accept": "application/x-votable+xml, text/xml, */*",
                },
            )
        return self._client

    # errors

    def unavailable(self, how: str, *, retry: bool, **details: int) -> BackendUnavailable:
        return BackendUnavailable(
            f"The TAP service of repository '{self.name}' {how}.",
            repository=self.name,
            retry=retry,
            **details,
        )

    def refused(self, said: str) -> AdapterError:
        """What a service's QUERY_STATUS ERROR is: out of time, or a query that it does not take."""
        line = " ".join(said.split())[:300]
        if re.search(r"time[d ]?-?out|timed out|too long|cancel", line, re.IGNORECASE):
            return BackendTimeout(
                f"The TAP service of repository '{self.name}' took too long: {line}",
                repository=self.name,
                retry=True,
            )
        return BadUserInput(
            f"The TAP service of repository '{self.name}' does not take this question: {line or 'it does not say why'}",
            repository=self.name,
        )


def _joined(address: str, location: str) -> str:
    """Where a Location leads from an address; what leads nowhere stays as it is, and is nobody's origin."""
    try:
        return urljoin(address, location)
    except ValueError:
        return location
