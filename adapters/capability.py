"""What an adapter says it can do. A question that needs more is refused by name, never answered wrongly or in
part."""

from __future__ import annotations

from enum import StrEnum


class Capability(StrEnum):
    """Names are those of the schema's enum ``Capability``."""

    WILDCARD = "WILDCARD"  # data IDs partly given, globs
    WHERE = "WHERE"  # Butler's expression language
    SKY = "SKY"
    TIME = "TIME"
    CALIBRATION = "CALIBRATION"  # validity ranges
    PROVENANCE = "PROVENANCE"  # recorded execution
    FILES = "FILES"  # where the bytes are
    CONTENT = "CONTENT"  # content in another form
    WRITE = "WRITE"
    INGEST_DATE = "INGEST_DATE"
