"""What a task logged, as Butler keeps it (``ButlerLogRecordsFormatter``): JSON, whole or a record a line, which Butler's own model reads."""

from __future__ import annotations

from lsst.daf.butler.logging import ButlerLogRecords
from lsst.resources import ResourcePath

from ..content import Structure
from .content_structure import plainly


def logs(place: ResourcePath, name: str) -> Structure:
    """The records of a file. Raises ValueError for one that is not in this form, TooComplex."""
    return records(ButlerLogRecords.from_raw(place.read()), name)


def records(found: ButlerLogRecords, name: str) -> Structure:
    """Records, each with the time, level, name and message that it was logged with."""
    return Structure(name, plainly([one.model_dump() for one in found]))
