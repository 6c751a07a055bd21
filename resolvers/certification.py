"""Certifications: which calibration is valid when."""

from __future__ import annotations

import strawberry

from adapters.rows import Rows

from .connection import Connection
from .context import Scope
from .dataset import Dataset, Layout
from .noun import noun
from .timespan import Timespan


@strawberry.type(
    description="A calibration and a range of time for which a CALIBRATION collection certifies it."
)
class Certification:
    dataset: Dataset = strawberry.field(description="The calibration.")
    validity: Timespan = strawberry.field(description="When it is valid.")


@noun
class CertificationConnection(Connection[Certification]):
    """A page of certifications."""

    __slots__ = ()


async def certifications(scope: Scope, rows: Rows) -> list[Certification]:
    """The certifications of an answer."""
    if not rows.rows:
        return []
    layout = Layout(scope, rows)
    begin, end = rows.index("valid_begin"), rows.index("valid_end")
    return [
        Certification(dataset=Dataset(layout, row), validity=Timespan(row[begin], row[end]))
        for row in rows.rows
    ]
