"""The dimension universe of a repository: what its data IDs are made of."""

from __future__ import annotations

import strawberry

from adapters.rows import ElementInfo
from adapters.rows import FieldInfo as Field


@strawberry.type(description="A field of a dimension element's records.")
class FieldInfo:
    name: str = strawberry.field(description="Butler's name.")
    type: str = strawberry.field(
        description="Butler's word: int, float, string, bool, hash, timespan, region."
    )
    unit: str | None = strawberry.field(description="Unit, where one is known.")
    documentation: str | None = strawberry.field(description="What it means.")


@strawberry.type(
    description="An element of a repository's dimension universe: a dimension, or a join of several."
)
class DimensionElement:
    name: str = strawberry.field(description="Butler's name: visit, visit_detector_region ...")
    governor: bool = strawberry.field(description="instrument, skymap ...: what other dimensions hang on.")
    alternate_keys: list[str] = strawberry.field(
        description="Fields that identify a record as well as the dimension itself: full_name of detector."
    )
    required: list[str] = strawberry.field(
        description="Dimensions that identify a record, itself among them."
    )
    implied: list[str] = strawberry.field(description="Dimensions whose value follows from the record.")
    fields: list[FieldInfo] = strawberry.field(
        description="Name and type of each field of this element's records."
    )
    spatial: bool = strawberry.field(description="Whether records have a region.")
    temporal: bool = strawberry.field(description="Whether records have a timespan.")
    documentation: str | None = strawberry.field(description="What it stands for.")


def dimension_element(element: ElementInfo) -> DimensionElement:
    return DimensionElement(
        name=element.name,
        governor=element.governor,
        alternate_keys=list(element.alternate_keys),
        required=list(element.required),
        implied=list(element.implied),
        fields=[field_info(field) for field in element.fields],
        spatial=element.spatial,
        temporal=element.temporal,
        documentation=element.documentation,
    )


def field_info(field: Field) -> FieldInfo:
    return FieldInfo(name=field.name, type=field.type, unit=field.unit, documentation=field.documentation)
