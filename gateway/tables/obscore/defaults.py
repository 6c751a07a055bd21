"""What a dataset type is in ObsCore's words, where no configuration says so: told from its dimensions and its storage class."""

from __future__ import annotations

import re

from adapters.rows import TypeInfo
from gateway.tables.obscore.template import Template, parse

_PIXELS = re.compile(r"(Decorated)?(Image|MaskedImage|Exposure|Mask|VisitImage|RawImage)[A-Z]?\d*")
_SOURCES = re.compile(r"\w*Catalog|ArrowAstropy|ArrowTable|ArrowNumpy|DataFrame|AstropyTable|AstropyQTable")
_OBSERVED = frozenset({"exposure", "visit"})
_TILED = frozenset({"tract", "patch"})


def dataproduct_type(info: TypeInfo) -> str | None:
    """``image`` for pixels and ``measurements`` for tables that lie on the sky (ObsCore 1.1, section 3.3.1), raw exposures being images
    whatever holds them; None for anything else. A flat is pixels, but no image of the sky."""
    if info.is_calibration or not {*_OBSERVED, *_TILED} & {*info.dimensions}:
        return None
    if _PIXELS.fullmatch(info.storage_class) or _raw(info):
        return "image"
    return "measurements" if _SOURCES.fullmatch(info.storage_class) else None


def calib_level(info: TypeInfo) -> int:
    """1 for raw exposures, 3 for what was put onto a sky map (coadds and what is resampled for them), 2 for the rest. ObsCore knows no
    level for what is no observation (a sky map, a log), and no row may be without one."""
    if _raw(info):
        return 1
    return 3 if _TILED & {*info.dimensions} else 2


def _raw(info: TypeInfo) -> bool:
    return "exposure" in info.dimensions and "raw" in re.split(r"[^a-z]+", info.name.lower())


def obs_id(info: TypeInfo) -> Template:
    """What all datasets of one observation share: its instrument and visit, else exposure; of a sky map tract and patch. Else the data ID;
    and for datasets without one, the type."""
    has = set(info.dimensions)
    for names in (
        ("instrument", "visit"),
        ("instrument", "exposure"),
        ("skymap", "tract", "patch"),
        ("skymap", "tract"),
    ):
        if has.issuperset(names):
            return parse("-".join(f"{{{name}}}" for name in names))
    return parse("-".join(f"{{{name}}}" for name in info.required) or "{dataset_type}")


def obs_title(info: TypeInfo) -> Template:
    """The type and the data ID: ``calexp instrument=HSC detector=16 visit=903334``."""
    return parse(" ".join(["{dataset_type}", *(f"{name}={{{name}}}" for name in info.required)]))
