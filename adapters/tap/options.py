"""What the configuration says about one ObsCore service (``uri`` and ``options`` of a repository)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .. import instant
from ..errors import BadUserInput
from ..origin import Origin
from ..protocol import Settings
from . import adql

BUTLERS_NAMES = {
    "instrument": "instrument_name",
    "day_obs": "lsst_day_obs",
    "exposure": "lsst_exposure",
    "visit": "lsst_visit",
    "detector": "lsst_detector",
    "skymap": "lsst_skymap",
    "tract": "lsst_tract",
    "patch": "lsst_patch",
    "band": "lsst_band",
    "physical_filter": "lsst_filter",
}
"""Butler's dimensions, and the columns in which Rubin's ObsCore tables have them (lsst.dax.obscore)."""

MODES = ("auto", "sync", "async")


@dataclass(frozen=True, slots=True)
class Options:
    """``uri`` is the TAP service (without /sync). Of its options:

    ``table``, ``mode`` (sync, async, or auto: sync, and async where the service refuses it), ``names`` (dimensions to columns, beside
    ``BUTLERS_NAMES``), ``dimensions`` (columns that are to be part of data IDs), ``type`` and ``collection`` (the columns that say what a
    dataset is and where it belongs), ``did`` (the service's identifiers of Butler datasets, with ``{id}``), ``time_scale`` (of t_min and
    t_max: UTC, TAI, TT or TDB), ``timeout`` (seconds that the service gets for a query), ``catalogue_seconds`` (how long its types and
    collections are kept), ``max_bytes`` (of one answer), ``insecure`` (tokens may go over plain http), ``anonymous`` (no caller's token goes
    there: a public service of somebody else's).
    """

    uri: str
    table: str = "ivoa.obscore"
    mode: str = "auto"
    names: Mapping[str, str] = field(default_factory=dict)
    dimensions: tuple[str, ...] = ("obs_id", "target_name", "facility_name")
    type: str | None = None
    collection: str = "obs_collection"
    did: str | None = None
    time_scale: str = "UTC"
    timeout: float = 60.0
    catalogue_seconds: float = 600.0
    max_bytes: int = 1 << 28
    insecure: bool = False
    anonymous: bool = False

    @property
    def origin(self) -> Origin:
        """Where a token may go."""
        return Origin.of(self.uri)

    @property
    def forwards(self) -> bool:
        """Whether a caller's token may be sent there."""
        return not self.anonymous and (self.origin.secure or self.insecure)


def read(settings: Settings) -> Options:
    """Raises BadUserInput for what makes no sense, naming the option."""
    try:
        Origin.of(settings.uri)
        parts = urlsplit(settings.uri)
    except ValueError:
        raise BadUserInput(
            "uri: a TAP service has an address such as https://host/tap, without a user or a password."
        ) from None
    if parts.query or parts.fragment:
        raise BadUserInput("uri: the address of a TAP service has no query and no fragment.")
    given = dict(settings.options)
    found: dict[str, Any] = {"uri": settings.uri.rstrip("/")}
    for name, check in _CHECKS.items():
        if name in given:
            value = given.pop(name)
            try:
                found[name] = check(value)
            except (TypeError, ValueError, AttributeError) as error:
                raise BadUserInput(f"options.{name}: {error}.") from None
    if given:
        raise BadUserInput(
            f"options: unknown {', '.join(sorted(map(str, given)))}; there are {', '.join(_CHECKS)}."
        )
    return Options(**found)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("is true or false")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError("is a number above 0")
    return float(value)


def _one_of(*known: str) -> Any:
    def check(value: Any) -> str:
        if value not in known:
            raise ValueError(f"is one of {', '.join(known)}")
        return str(value)

    return check


def _template(value: Any) -> str:
    if not isinstance(value, str) or value.count("{id}") != 1:
        raise ValueError("is an identifier with {id} in it, once")
    return value


def _names(value: Any) -> Mapping[str, str]:
    return {str(name): adql.identifier(column) for name, column in value.items()}


def _columns(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError("is a list of columns")
    return tuple(adql.identifier(column) for column in value)


_CHECKS: Mapping[str, Any] = {
    "table": adql.identifier,
    "mode": _one_of(*MODES),
    "names": _names,
    "dimensions": _columns,
    "type": adql.identifier,
    "collection": adql.identifier,
    "did": _template,
    "time_scale": _one_of(*instant.SCALES),
    "timeout": _number,
    "catalogue_seconds": _number,
    "max_bytes": lambda value: int(_number(value)),
    "insecure": _flag,
    "anonymous": _flag,
}
