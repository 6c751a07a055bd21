"""Cutouts: descriptors of a SODA service (IVOA SODA 1.0), as the field's own service takes it.

It takes one ID and one stencil, a CIRCLE or a POLYGON, ICRS degrees; ranges are refused there, so they are not offered.
"""

from __future__ import annotations

from collections.abc import Iterable

from adapters.rows import TypeInfo
from gateway.tables.obscore.defaults import dataproduct_type
from gateway.tables.table import Descriptor, Parameter

STANDARD = "ivo://ivoa.net/std/SODA#sync-1.0"
MEDIA_TYPE = "application/fits"

_STENCILS = (
    Parameter(
        "CIRCLE",
        "double",
        "3",
        unit="deg",
        ucd="phys.angArea;obs",
        xtype="circle",
        description="A circle to cut out: right ascension, declination and radius, ICRS",
    ),
    Parameter(
        "POLYGON",
        "double",
        "*",
        unit="deg",
        ucd="pos.outline;obs",
        xtype="polygon",
        description="A polygon to cut out: right ascension and declination of each corner, ICRS, counter-clockwise as seen from outside",
    ),
)


def cutout(service: str, id: str, *, ref: str | None = None, identifier: str = "") -> Descriptor:
    """The descriptor of a service. ``ref``: the column that has the identifiers; else the ``identifier`` itself."""
    what = Parameter(
        "ID",
        ref=ref,
        value=identifier,
        ucd="meta.ref.ivoid" if ref is None else None,
        description="IVOA identifier of the image",
    )
    return Descriptor(
        id,
        "Cuts a part out of an image (SODA)",
        STANDARD,
        f"{service}/sync",
        (what, *_STENCILS),
        content_type=MEDIA_TYPE,
    )


def image(info: TypeInfo) -> bool:
    """Whether datasets of a type are images of the sky, by their storage class and dimensions."""
    return dataproduct_type(info) == "image"


def images(types: Iterable[TypeInfo]) -> bool:
    """Whether all of these are."""
    found = list(types)
    return bool(found) and all(map(image, found))
