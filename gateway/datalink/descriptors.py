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


def descriptors(
    directory: Directory,
    labels: Sequence[str],
    base_url: str,
    names: Iterable[str],
    types: Iterable[TypeInfo],
) -> tuple[Descriptor, ...]:
    """The descriptors of a table with columns of these ``names`` over the repositories of these ``labels``; none where no column has identifiers.

    A descriptor holds for all rows: where the repositories have different DataLink services, it is the gateway's, which knows them all. Cutouts are offered
    where one service makes them for all, and where all ``types`` that rows may have are images, as DataLink offers them for one.
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
    cutouts = {directory.of(label).cutout for label in labels}
    found = cutouts.pop() if len(cutouts) == 1 else None
    if found is None or not images(types):
        return (links,)
    return links, cutout(found, "cutout", ref=IDENTIFIER)
