"""Artefacts of datasets through Butler: where each is, and what the datastore's records say of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from lsst.daf.butler import Butler, DatasetRef
from lsst.resources import ResourcePath

from ..answers import FILE
from ..errors import BadUserInput, NotFound
from ..media_types import OCTETS, media_type_of
from ..question import Files
from ..rows import FileContent, Row, Rows
from .files import in_parts


def files(butler: Butler, question: Files, *, recorded: bool) -> Rows:
    """One row an artefact; datasets without a file, and unknown ones, have none.

    ``recorded``: the datastore's records are looked up, a dataset at a time; a server gives the addresses alone.
    """
    try:
        wanted = [UUID(one) for one in dict.fromkeys(question.ids)]
    except ValueError as error:
        raise BadUserInput(f"A dataset id is 32 hexadecimal digits: {error}.") from None
    known = {ref.id: ref for ref in butler.get_many_datasets(wanted)} if wanted else {}
    rows: list[Row] = []
    for identifier in wanted:
        ref = known.get(identifier)
        if ref is not None and recorded:
            ref = butler.get_dataset(identifier, datastore_records=True)
        if ref is not None:
            rows.extend(_of(butler, ref))
    return Rows(FILE, rows)


def _of(butler: Butler, ref: DatasetRef) -> Iterator[Row]:
    """The records give size, formatter and checksum; where there are none (RemoteButler) the address alone is known."""
    try:
        uris = butler.getURIs(ref)
    except (FileNotFoundError, LookupError):
        return
    places: dict[str | None, Any] = {} if uris.primaryURI is None else {None: uris.primaryURI}
    places.update(uris.componentURIs)
    records: dict[str | None, Any] = {}
    for stored in (ref._datastore_records or {}).values():
        for one in stored:
            records[getattr(one, "component", None) or None] = one
    for component, uri in places.items():
        record = records.get(component)
        size = getattr(record, "file_size", -1)
        yield (
            ref.id.hex,
            uri.geturl(),
            component,
            getattr(record, "storage_class_name", None),
            getattr(record, "formatter", None),
            None if size is None or size < 0 else size,
            getattr(record, "checksum", None),
        )


def content(butler: Butler, dataset: str, component: str | None) -> FileContent:
    """Where the bytes of one artefact are. NotFound where there is no file."""
    found = files(butler, Files((dataset,)), recorded=False)
    for row in found.rows:
        if row[2] == component or (component is None and row[2] is None):
            place = ResourcePath(row[1])
            media_type = media_type_of(place.basename()) or OCTETS
            local = place.ospath if place.isLocal else None
            return FileContent(local, None if local else row[1], place.basename(), media_type)
    if component is None and found.rows:
        raise in_parts(row[2] for row in found.rows)
    raise NotFound("The dataset has no such file here.", dataset=dataset, component=component)
