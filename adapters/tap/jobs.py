"""A query as a job (IVOA UWS 1.1), for services that do not answer at once: started, waited for, fetched, and always deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx2

from ..caller import Call
from ..errors import AdapterError, BackendUnavailable
from . import votable
from .votable import Answer

if TYPE_CHECKING:
    from .service import Reply, Service

_DELETING = 5.0  # seconds that the service is given to delete a job
_FIRST, _LONGEST = 0.1, 2.0  # seconds between two looks at a job
_RUNNING = frozenset({"PENDING", "QUEUED", "EXECUTING", "HELD", "SUSPENDED", "UNKNOWN"})


class Job:
    """One job of one call."""

    def __init__(self, service: Service, call: Call) -> None:
        self._service = service
        self._call = call

    async def run(self, values: Mapping[str, str]) -> Answer:
        """The job's table. At the deadline, at a cancellation and at any error the job is deleted, which aborts it."""
        service = self._service
        made = await service.send("POST", f"{service.options.uri}/async", self._call, values)
        if made.location is None:
            # It says why it made none, or that it has no jobs either.
            await service.table(made)
            raise service.unavailable("makes no job of a query", retry=False)
        address = made.location
        try:
            # Not along with the query, which UWS 1.1 allows and DaCHS does not hear.
            started = await service.send("POST", f"{address}/phase", self._call, {"PHASE": "RUN"})
            if started.location is None and started.status != 200:
                await service.table(started)
            await self._wait(address)
            return await service.table(await self._fetch(f"{address}/results/result"))
        finally:
            # Nobody waits for it: the deadline may be over.
            service.afterwards(self._delete(address))

    async def _wait(self, address: str) -> None:
        pause = _FIRST
        while True:
            phase = await self._service.send("GET", f"{address}/phase", self._call)
            if phase.status != 200:
                await self._service.table(phase)
            word = phase.content.decode("ascii", "replace").strip().upper()
            if word == "COMPLETED":
                return
            if word not in _RUNNING:
                await self._failed(address, word)
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST)

    async def _failed(self, address: str, word: str) -> None:
        """Raise what the job's error document says, or that it ended otherwise."""
        if word == "ERROR":
            reply = await self._fetch(f"{address}/error")
            try:
                votable.read(reply.content)
            except votable.QueryError as error:
                raise self._service.refused(str(error)) from None
            except votable.NoVotable:
                if b"<" not in reply.content[:200]:
                    raise self._service.refused(reply.content.decode("utf-8", "replace")) from None
        raise BackendUnavailable(
            f"The TAP service of repository '{self._service.name}' gave the job up.",
            repository=self._service.name,
            retry=True,
        )

    async def _fetch(self, address: str) -> Reply:
        reply = await self._service.send("GET", address, self._call)
        return (
            reply if reply.location is None else await self._service.send("GET", reply.location, self._call)
        )

    async def _delete(self, address: str) -> None:
        with suppress(httpx2.HTTPError, AdapterError, TimeoutError):
            async with asyncio.timeout(_DELETING):
                await self._service.send("DELETE", address, self._call)
