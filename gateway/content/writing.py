"""A content in the form that was asked for, part by part. Synchronous: run in threads, one part at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from adapters.content import Content, Shape, Structure, TableContent
from adapters.errors import Unsupported
from gateway.content import fits, json
from gateway.content.fitted import fitted, fitted_schema
from gateway.content.json import Json
from gateway.tables.formats import FORMATS
from gateway.tables.table import Encoder, Format, Table
from resolvers.content import FORMS, ContentForm, unfit

_FORMATS: dict[ContentForm, Format] = {
    ContentForm.JSON: Json(),
    **{ContentForm[name]: FORMATS[name] for name in ("VOTABLE", "PARQUET", "ARROW", "CSV", "ECSV")},
}
_ALL_TYPES = frozenset({ContentForm.PARQUET, ContentForm.ARROW})


@dataclass(slots=True)
class Writing:
    """One content on its way out."""

    media_type: str
    suffix: str
    parts: Iterator[bytes]
    """What is to be sent; some are empty, so that a long way to the next one can be broken off."""
    encoder: Encoder | None = field(default=None)

    def failed(self, message: str) -> bytes:
        """What is to be sent last where nothing more can be read: what came before must not pass for the whole."""
        return b"" if self.encoder is None else self.encoder.failed(message)


def write(content: Content, form: ContentForm) -> Writing:
    """Begin. Raises Unsupported, with the forms that can, for what this form cannot hold."""
    shape = Shape.STRUCTURE if isinstance(content, Structure) else Shape.TABLE
    possible = FORMS[shape]
    if form not in possible:
        raise unfit(form, possible, "This is a structure and no table: it")
    if isinstance(content, Structure):
        return Writing(Json().media_type, Json().suffix, json.written(content))
    if form is ContentForm.FITS:
        return Writing(fits.MEDIA_TYPE, fits.SUFFIX, _saying_forms(fits.written(content)))
    format = _FORMATS[form]
    fit = form not in _ALL_TYPES
    schema = fitted_schema(content.schema) if fit else content.schema
    try:
        encoder = format.encoder(Table(content.name, "", schema, _none()))
    except Unsupported as error:
        raise _with_forms(error) from error
    parts = _saying_forms(_encoded(encoder, content, schema, fit=fit))
    return Writing(format.media_type, format.suffix, parts, encoder)


def _encoded(encoder: Encoder, content: TableContent, schema: pa.Schema, *, fit: bool) -> Iterator[bytes]:
    yield encoder.begin()
    for batch in content.batches():
        if fit:
            batch = pa.RecordBatch.from_arrays([fitted(column) for column in batch.columns], schema=schema)
        yield encoder.rows(batch)
    yield encoder.end(None)


def _saying_forms(parts: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from parts
    except Unsupported as error:
        raise _with_forms(error) from error


def _with_forms(error: Unsupported) -> Unsupported:
    """The forms that hold any table."""
    able = [ContentForm.NATIVE, ContentForm.PARQUET, ContentForm.ARROW]
    return Unsupported(error.message, **{"forms": [form.name for form in able], **error.details})


async def _none() -> AsyncIterator[pa.RecordBatch]:
    """Batches are handed to encoders one by one here."""
    batch: pa.RecordBatch
    for batch in ():
        yield batch
