"""The data retrieval services that know a repository's datasets: where they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Services:
    """Addresses of IVOA services, without a trailing slash; None where there is none. The gateway itself answers DataLink where no
    service is named."""

    datalink: str | None = None
    cutout: str | None = None


class Directory:
    """The services of each repository, by its label. ``discovered``: what discovery says of one now; what is configured goes above it."""

    def __init__(
        self, services: Mapping[str, Services], discovered: Callable[[str], Services | None] | None = None
    ) -> None:
        self._services = services
        self._discovered = discovered

    def of(self, label: str) -> Services:
        configured = self._services.get(label, Services())
        found = None if self._discovered is None else self._discovered(label)
        if found is None:
            return configured
        return Services(configured.datalink or found.datalink, configured.cutout or found.cutout)

    def datalink(self, label: str, base_url: str) -> str:
        """The DataLink service of a repository; ``base_url``: the gateway's own address as the caller sees it."""
        return self.of(label).datalink or f"{base_url}/datalink"
