"""Why two datasets belong together."""

from __future__ import annotations

from enum import Enum

import strawberry


@strawberry.enum(description="Why two datasets belong together.")
class AssociationKind(Enum):
    CALIBRATION = strawberry.enum_value(
        "CALIBRATION", description="A calibration is certified for the time of an observation."
    )
    SPATIAL = strawberry.enum_value("SPATIAL", description="Their regions on the sky overlap.")
    TEMPORAL = strawberry.enum_value("TEMPORAL", description="Their timespans overlap.")
    DATA_ID = strawberry.enum_value(
        "DATA_ID",
        description="Their data IDs are equal, or one follows from the other (an exposure and its visit).",
    )
    PROVENANCE = strawberry.enum_value(
        "PROVENANCE", description="An execution is recorded that read the one and wrote the other."
    )
