"""What the datasets of one type are in ObsCore's words: what is the same for all of them, and the templates of what is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.rows import TypeInfo
from gateway.tables.obscore import defaults
from gateway.tables.obscore.configuration import Configured, Extra
from gateway.tables.obscore.template import Source, Template

OBSERVED = ("exposure", "visit")
"""Elements whose record says how long and at what it was looked: the first that a type has."""

DID = "obs_publisher_did"
"""What identifies the datasets of the adapter for TAP services."""


@dataclass(frozen=True, slots=True)
class Product:
    """``said``: what the configuration says of the type, as its templates may use it. ``obs_id``, ``link`` and ``did`` are None where the
    gateway's own hold; ``access_format`` belongs to ``link``."""

    info: TypeInfo
    said: Mapping[str, Any]
    obs_id: Template | None
    link: Template | None
    did: Template | None
    access_format: str | None
    extras: Mapping[str, Extra]
    own_id: Template
    own_title: Template

    @property
    def templates(self) -> Iterator[Template]:
        yield from (one for one in (self.obs_id, self.link, self.did) if one is not None)
        yield from (extra.template for extra in self.extras.values() if extra.template is not None)

    @property
    def observed(self) -> str | None:
        """The one of ``OBSERVED``, as the exporter has it."""
        return next((name for name in OBSERVED if name in self.info.dimensions), None)

    @property
    def already(self) -> str | None:
        """The element whose records are rows of ObsCore: of a repository that is an ObsCore table itself."""
        return DID if DID in self.info.dimensions else None

    def dimension(self, source: Source) -> str | None:
        """The dimension that a source is, if it is one; an exposure stands for a visit where there is none."""
        if source.element is not None:
            return None
        if (
            source.name == "visit"
            and "visit" not in self.info.dimensions
            and "exposure" in self.info.dimensions
        ):
            return "exposure"
        return source.name if source.name in self.info.dimensions else None


def product(info: TypeInfo, label: str, configured: Configured | None) -> Product:
    """Of a dataset type of the repository with this label."""
    config = None if configured is None else configured.config
    said: dict[str, Any] = {
        "dataproduct_type": defaults.dataproduct_type(info),
        "dataproduct_subtype": None,
        "o_ucd": None,
        "calib_level": defaults.calib_level(info),
        "obs_collection": label if config is None else config.obs_collection or label,
        "access_format": None,
    }
    own_id, own_title = defaults.obs_id(info), defaults.obs_title(info)
    if configured is None or config is None:
        return Product(info, said, None, None, None, None, {}, own_id, own_title)
    given = config.dataset_types.get(info.name)
    if given is not None:
        said |= {
            "dataproduct_type": given.dataproduct_type,
            "dataproduct_subtype": given.dataproduct_subtype,
            "o_ucd": given.o_ucd,
            "calib_level": given.calib_level,
            "access_format": given.access_format,
        }
        if given.obs_collection is not None:
            said["obs_collection"] = given.obs_collection
        if given.s_xel is not None:
            said |= {"s_xel1": given.s_xel[0], "s_xel2": given.s_xel[1]}
    return Product(
        info,
        said,
        obs_id=configured.obs_ids.get(info.name),
        link=configured.links.get(info.name),
        did=configured.did,
        access_format=said["access_format"],
        extras={**configured.everywhere, **configured.extras.get(info.name, {})},
        own_id=own_id,
        own_title=own_title,
    )
