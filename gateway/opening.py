"""Opens the configured repositories, each through the adapter that its configuration names.

Adapters are entry points of the group ``butler_gateway.adapters``, so that anyone can add one in a distribution of
their own. Only adapters that are named are imported: Butler's own import takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import cast

from adapters.errors import AdapterError
from adapters.guarded import Guarded
from adapters.protocol import Repository, Settings
from gateway.config import Config
from gateway.misconfigured import ConfigError

GROUP = "butler_gateway.adapters"

OpenRepository = Callable[[str, Settings], Repository]


def open_repositories(config: Config) -> Mapping[str, Repository]:
    """The repositories by label, in search order, each behind a breaker. Opening reads nothing; ConfigError for an adapter that is
    unknown, cannot be imported, or does not take its settings."""
    installed = {point.name: point for point in entry_points(group=GROUP)}
    openers = {
        label: _opener(f"repositories.{label}.adapter", repository.adapter, installed)
        for label, repository in config.repositories.items()
    }
    opened: dict[str, Repository] = {}
    for label, opener in openers.items():
        try:
            opened[label] = Guarded(opener(label, config.settings_of(label)))
        except AdapterError as error:
            raise ConfigError(f"repositories.{label}: {error.message}") from error
    return opened


def _opener(key: str, name: str, installed: Mapping[str, EntryPoint]) -> OpenRepository:
    if name not in installed:
        known = ", ".join(sorted(installed)) or "none: is butler-gateway installed?"
        raise ConfigError(f"{key}: it should be the name of an installed adapter ({known}), not {name!r}")
    try:
        return cast(OpenRepository, installed[name].load())
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{key}: the adapter {name!r} cannot be imported: {error}") from error
