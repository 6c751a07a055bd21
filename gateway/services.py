"""The data retrieval services that know a repository's datasets: where they are, as configured (``services`` of a repository) or discovered
(``discovery``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from gateway.address import Address


class ServicesConfig(BaseModel):
    """The IVOA services that know the datasets of a repository by their identifiers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    datalink: Address | None = Field(
        default=None,
        description="The DataLink service, without its /links. Left out: the gateway itself, under /datalink.",
    )
    cutout: Address | None = Field(
        default=None, description="The SODA service that cuts images out, without its /sync."
    )
    tap: Address | None = Field(
        default=None,
        description="The TAP service that has their ObsCore rows, without its /sync. Tables can be uploaded to it and joined on obs_publisher_did.",
    )
    sia: Address | None = Field(
        default=None, description="The SIA 2.0 service that finds its images, without its /query."
    )


class DiscoveryConfig(BaseModel):
    """Service discovery of the Rubin Science Platform."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Address | None = Field(
        default=None,
        description="The address of Repertoire, without its /discovery. The services of a repository are those of the dataset with the same name as its "
        "label; what is configured under services goes above them. Left out: nothing is discovered.",
    )
    seconds: float = Field(
        default=300.0, ge=1, description="The seconds after which it is read again, in the background."
    )


@dataclass(frozen=True, slots=True)
class Services:
    """Addresses of IVOA services, without a trailing slash; None where there is none. The gateway itself answers DataLink where no
    service is named."""

    datalink: str | None = None
    cutout: str | None = None
    tap: str | None = None
    sia: str | None = None


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
        return Services(
            configured.datalink or found.datalink,
            configured.cutout or found.cutout,
            configured.tap or found.tap,
            configured.sia or found.sia,
        )

    def datalink(self, label: str, base_url: str) -> str:
        """The DataLink service of a repository; ``base_url``: the gateway's own address as the caller sees it."""
        return self.of(label).datalink or f"{base_url}/datalink"
