"""What an adapter says it can do, as clients read it."""

from __future__ import annotations

from enum import Enum

import strawberry


@strawberry.enum(
    description="What an adapter can do. A field that needs more answers with an UNSUPPORTED error that names what is missing."
)
class Capability(Enum):
    WILDCARD = strawberry.enum_value("WILDCARD", description="Data IDs partly given, globs.")
    WHERE = strawberry.enum_value("WHERE", description="Butler's query expressions.")
    SKY = strawberry.enum_value("SKY", description="Shapes on the sky.")
    TIME = strawberry.enum_value("TIME", description="Ranges of time.")
    CALIBRATION = strawberry.enum_value("CALIBRATION", description="Validity ranges of calibrations.")
    PROVENANCE = strawberry.enum_value("PROVENANCE", description="Recorded execution.")
    FILES = strawberry.enum_value("FILES", description="Where the bytes are.")
    CONTENT = strawberry.enum_value("CONTENT", description="Content in another form.")
    WRITE = strawberry.enum_value("WRITE", description="Writing.")
    INGEST_DATE = strawberry.enum_value("INGEST_DATE", description="When datasets came in.")
