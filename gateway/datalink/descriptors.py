"""What a table of datasets says of the services that take its rows (DataLink 1.1, section 4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from adapters.media_types import DATALINK
from adapters.rows import TypeInfo
from gateway.datalink.cutout import cutout, images
from gateway.datalink.link import STANDARD
from gateway.datalink.member import PATH
from gateway.services import Directory
from gateway.tables.table import Descriptor, Parameter

IDENTIFIER = "obs_publisher_did"
TAP = "ivo://ivoa.net/std/TAP#sync-1.1"
SIA = "ivo://ivoa.net/std/SIA#query-2.0"


def descriptors(
    directory: Directory,
    labels: Sequence[str],
    base_url: str,
    names: Iterable[str],
    types: Iterable[TypeInfo],
) -> tuple[Descriptor, ...]:
    """The descriptors of a table with columns of these ``names`` over the repositories of these ``labels``; none where no column has identifiers.

    A descriptor holds for all rows: where the repositories have different DataLink services, it is the gateway's, which knows them all. The others are offered
    where one service is that of all repositories; cutouts and SIA where all ``types`` that rows may have are images, as DataLink offers cutouts for one.
    """
    if IDENTIFIER not in names:
        return ()
    services = {directory.datalink(label, base_url) for label in labels}
    service = services.pop() if len(services) == 1 else f"{base_url}{PATH}"
    links = Descriptor(
        "datalink",
        "What belongs to a dataset: its file, cutouts, calibrations, and what it was made from (DataLink)",
        STANDARD,
        f"{service}/links",
        (Parameter("ID", ref=IDENTIFIER, description="IVOA identifier of the dataset"),),
        content_type=DATALINK,
    )
    known = [directory.of(label) for label in labels]
    cutouts, taps, sias = (_one(getattr(one, name) for one in known) for name in ("cutout", "tap", "sia"))
    found = [links]
    if (cutouts or sias) and images(types):
        found += [cutout(cutouts, "cutout", ref=IDENTIFIER)] if cutouts else []
        found += [_sia(sias)] if sias else []
    return (*found, _tap(taps)) if taps else tuple(found)


def _one(addresses: Iterable[str | None]) -> str | None:
    """The one that is everybody's."""
    found = set(addresses)
    return found.pop() if len(found) == 1 else None


def _sia(service: str) -> Descriptor:
    """SIA 2.0, section 2.1: ID is the identifier that the publisher gave."""
    return Descriptor(
        "sia",
        "What the image service says of an image (SIA)",
        SIA,
        f"{service}/query",
        (Parameter("ID", ref=IDENTIFIER, description="IVOA identifier of the image"),),
        content_type="application/x-votable+xml",
    )


def _tap(service: str) -> Descriptor:
    """TAP 1.1, section 2.7; a table is uploaded by POST, which a descriptor has no words for."""
    return Descriptor(
        "tap",
        f"Tables of these datasets, to ask by ADQL; this table can be uploaded there and joined on {IDENTIFIER} (TAP)",
        TAP,
        f"{service}/sync",
        (
            Parameter("LANG", value="ADQL", description="The language of the query"),
            Parameter("QUERY", description="The query"),
        ),
        content_type="application/x-votable+xml",
    )
