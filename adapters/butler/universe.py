"""A dimension universe: in plain data, and what its names mean."""

from __future__ import annotations

from collections.abc import Sequence

from lsst.daf.butler import DimensionElement, DimensionUniverse

from ..errors import BadUserInput, nearest, unknown
from ..rows import ElementInfo, FieldInfo, Kind, UniverseInfo

_UNITS = {
    "exposure_time": "s",
    "dark_time": "s",
    "tracking_ra": "deg",
    "tracking_dec": "deg",
    "sky_angle": "deg",
    "azimuth": "deg",
    "zenith_angle": "deg",
}
"""Units that Butler's documentation of these fields gives in words (configs/dimensions.yaml)."""

KINDS = {"bool": Kind.BOOL, "int": Kind.LONG, "float": Kind.FLOAT, "hash": Kind.HASH, "string": Kind.STRING}
"""Of fields and keys, by Butler's names of their types."""


def describe(universe: DimensionUniverse) -> UniverseInfo:
    elements = {element.name: _element(element, universe) for element in universe.elements}
    kinds = {
        name: Kind.STRING if universe.dimensions[name].primary_key.type == "string" else Kind.LONG
        for name in universe.dimensions.names
    }
    return UniverseInfo(universe.namespace, universe.version, elements, kinds)


def _element(element: DimensionElement, universe: DimensionUniverse) -> ElementInfo:
    name = element.name
    described = [
        FieldInfo(spec.name, str(spec.type), _UNITS.get(spec.name), (spec.doc or "").strip() or None)
        for spec in (*element.alternate_keys, *element.metadata_columns)
    ]
    if element.spatial is not None:
        described.append(FieldInfo("region", "region", None, "Region on the sky, ICRS."))
    if element.temporal is not None:
        described.append(FieldInfo("timespan", "timespan", None, "Half-open range of time, TAI."))
    return ElementInfo(
        name=name,
        governor=name in universe.governor_dimensions.names,
        skypix=name in universe.skypix_dimensions.names,
        dimension=name in universe.dimensions.names,
        required=tuple(element.required.names),
        implied=tuple(element.implied.names),
        alternate_keys=tuple(spec.name for spec in element.alternate_keys),
        fields=tuple(described),
        spatial=element.spatial is not None,
        temporal=element.temporal is not None,
        documentation=(getattr(element, "documentation", "") or "").strip() or None,
    )


def require_listable(dimensions: Sequence[str], universe: DimensionUniverse) -> None:
    """Raises BadUserInput for what has no list of data IDs, and for a name that is no dimension, with the nearest ones."""
    pixels = universe.skypix_dimensions.names
    if not dimensions:
        raise BadUserInput("dataIds needs at least one dimension.")
    for name in dimensions:
        if name not in universe.dimensions:
            message, details = unknown(
                "dimension", name, [d for d in universe.dimensions.names if d not in pixels]
            )
            raise BadUserInput(message, **details)
        if name in pixels:
            raise BadUserInput(f"'{name}' is a pixelisation of the sky: it has no list of data IDs.")


def fields(element: DimensionElement) -> dict[str, Kind]:
    """Alternate keys and metadata of an element's records, with their kinds."""
    specs = (*element.alternate_keys, *element.metadata_columns)
    return {spec.name: KINDS.get(spec.type, Kind.STRING) for spec in specs}


def known_names(universe: DimensionUniverse) -> list[str]:
    """Dimensions, but for pixels of the sky, and fields of their records."""
    pixels = universe.skypix_dimensions.names
    known = [dimension for dimension in universe.dimensions.names if dimension not in pixels]
    return known + [f"{one.name}.{field}" for one in universe.elements for field in fields(one)]


def no_name(name: str, universe: DimensionUniverse, others: Sequence[str]) -> BadUserInput:
    """The error for what is neither a dimension nor a field, with the nearest names; ``others`` are names besides those."""
    head, _, tail = name.partition(".")
    element = universe[head] if head in universe.elements.names else None
    if element is not None and tail in ("region", "timespan"):
        way = None
        if tail == "region" and element.spatial is not None:
            way = "ask with sky"
        elif tail == "timespan" and element.temporal is not None:
            way = f"ask with time, or by {head}.timespan.begin and {head}.timespan.end"
        if way is not None:
            return BadUserInput(f"'{name}' is neither compared nor ordered as a whole: {way}.", unknown=name)
    known = [*known_names(universe), "timespan.begin", "timespan.end", *others]
    near = nearest(name, known) or nearest(name.rpartition(".")[2], known)
    what = (
        f"'{head}' has no field '{tail}'"
        if tail and element is not None
        else f"'{name}' is no dimension or field of universe {universe.namespace}/{universe.version}"
    )
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else "."
    return BadUserInput(what + hint, unknown=name, nearest=near)
