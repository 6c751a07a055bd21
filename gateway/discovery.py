"""Service discovery of the Rubin Science Platform: which services know the datasets of a repository, as Repertoire says (repertoire.lsst.io).

Repertoire's ``/discovery`` is public JSON: ``datasets`` by name, each with ``services`` by name, each with a ``url`` and the ``versions`` of its API. A
repository is the dataset of the same name as its label. It is read in the background when the gateway begins, and again every so often; no request waits
for it, and no token is sent. When it cannot be read, what it said last holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import httpx2
import structlog
from pydantic import BaseModel, ValidationError

from gateway.services import Services

log = structlog.get_logger("gateway.discovery")

_TIMEOUT = 10.0
_AGAIN = (
    15.0  # seconds after which a failed reading is tried again, or the ordinary ones where these are fewer
)
_LARGEST = 5_000_000  # bytes; the whole of data.lsst.cloud is some 10,000


class _Version(BaseModel):
    url: str


class _Service(BaseModel):
    url: str
    versions: dict[str, _Version] = {}

    def base(self, version: str, path: str) -> str | None:
        """The address below which ``path`` is. The versions of an API may be per dataset where the service's own address is not: they go first."""
        for name, one in self.versions.items():
            if name.startswith(version) and one.url.rstrip("/").endswith(path):
                return _address(one.url.rstrip("/").removesuffix(path))
        return _address(self.url.rstrip("/").removesuffix(path))


class _Dataset(BaseModel):
    services: dict[str, _Service] = {}


class _Discovery(BaseModel):
    datasets: dict[str, _Dataset]


class Discovery:
    """``url``: Repertoire's address, without ``/discovery``. ``seconds`` pass between readings."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url = f"{url.rstrip('/').removesuffix('/discovery')}/discovery"
        self._seconds = seconds
        self._services: Mapping[str, Services] = {}

    def of(self, label: str) -> Services | None:
        """What was said of the services of a repository; None where nothing was, or nothing is known yet."""
        return self._services.get(label)

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Keep what is known up to date meanwhile."""
        reading = asyncio.ensure_future(self._keep())
        try:
            yield
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading

    async def _keep(self) -> None:
        # trust_env: nothing of the environment gets to change where services are. A redirect is not followed for the same reason.
        async with httpx2.AsyncClient(timeout=_TIMEOUT, follow_redirects=False, trust_env=False) as client:
            while True:
                try:
                    async with asyncio.timeout(_TIMEOUT):
                        self._services = _services(await _content(client, self._url))
                    pause = self._seconds
                except (httpx2.HTTPError, TimeoutError, ValueError) as error:
                    log.warning("services not discovered; what is known holds", reason=_reason(error))
                    pause = min(_AGAIN, self._seconds)
                await asyncio.sleep(pause)


async def _content(client: httpx2.AsyncClient, url: str) -> bytes:
    """Raises httpx2.HTTPError, ValueError."""
    async with client.stream("GET", url, headers={"Accept": "application/json"}) as answer:
        if answer.status_code != 200:
            raise ValueError(f"the status is {answer.status_code}")
        found = bytearray()
        async for part in answer.aiter_bytes():
            found += part
            if len(found) > _LARGEST:
                raise ValueError(f"it has more than {_LARGEST} bytes")
        return bytes(found)


def _services(content: bytes) -> dict[str, Services]:
    """By dataset. Raises ValueError."""
    return {
        name: Services(
            datalink=_base(dataset, "datalink", "datalink-links-", "/links"),
            cutout=_base(dataset, "cutout", "soda-sync-", "/sync"),
            tap=_base(dataset, "tap", "tap-sync-", "/sync"),
            sia=_base(dataset, "sia", "sia-query-2", "/query"),
        )
        for name, dataset in _Discovery.model_validate_json(content).datasets.items()
    }


def _base(dataset: _Dataset, name: str, version: str, path: str) -> str | None:
    service = dataset.services.get(name)
    return None if service is None else service.base(version, path)


def _address(text: str) -> str | None:
    """An address that links may lead to; None for anything else."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    usable = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc
    return text if usable and not (parts.query or parts.fragment) else None


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return "it is not what Repertoire answers"
    return str(error) if type(error) is ValueError else type(error).__qualname__
