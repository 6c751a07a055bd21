"""One row of a links document, and the document (DataLink 1.1, section 3.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from gateway.tables.table import Descriptor, Table, column

STANDARD = "ivo://ivoa.net/std/DataLink#links-1.1"


class Link(NamedTuple):
    """Exactly one of ``access_url``, ``service_def`` and ``error_message`` is there. Names are the standard's."""

    semantics: str
    access_url: str | None = None
    service_def: str | None = None
    error_message: str | None = None
    description: str | None = None
    content_type: str | None = None
    content_length: int | None = None
    local_semantics: str | None = None
    link_auth: str | None = None


_FIELDS = (
    column("ID", pa.string(), ucd="meta.id;meta.main", description="The identifier that was asked for"),
    column("access_url", pa.string(), ucd="meta.ref.url", description="Where the linked thing is"),
    column(
        "service_def",
        pa.string(),
        ucd="meta.ref",
        description="The service descriptor of this document that makes the linked thing",
    ),
    column("error_message", pa.string(), ucd="meta.code.error", description="Why there is no such link"),
    column("description", pa.string(), ucd="meta.note", description="What the linked thing is, for people"),
    column(
        "semantics",
        pa.string(),
        ucd="meta.code",
        description="What it is to the dataset, a term of http://www.ivoa.net/rdf/datalink/core",
    ),
    column("content_type", pa.string(), ucd="meta.code.mime", description="Its media type"),
    column(
        "content_length",
        pa.int64(),
        unit="byte",
        ucd="phys.size;meta.file",
        description="Its size",
    ),
    column("local_semantics", pa.string(), ucd="meta.id.assoc", description="Butler's dataset type"),
    column(
        "link_auth",
        pa.string(),
        ucd="meta.code",
        description="Whether the link wants the caller's token: false, optional or true",
    ),
)


def document(links: Sequence[tuple[str, Link]], descriptors: tuple[Descriptor, ...]) -> Table:
    """The links of identifiers, those of one together."""
    columns = {
        field.name: [
            identifier if field.name == "ID" else getattr(link, field.name) for identifier, link in links
        ]
        for field in _FIELDS
    }
    schema = pa.schema(_FIELDS)
    batch = pa.RecordBatch.from_pydict(columns, schema=schema)

    async def batches() -> AsyncIterator[pa.RecordBatch]:
        if links:
            yield batch

    return Table(
        "links",
        "What belongs to datasets (DataLink)",
        schema,
        batches(),
        infos={"standardID": STANDARD},
        descriptors=descriptors,
    )
