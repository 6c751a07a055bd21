"""What is asked, in Butler's words, without GraphQL and without SQL: the first of the two coins between the
rooms.

Every question is a frozen, hashable dataclass that can be printed, compared, cached, or put to another
adapter. Times are nanoseconds of TAI since 1970-01-01T00:00:00 TAI, as in Butler's registry; ranges are
half-open and an end that is None is unbounded. Dataset ids are 32 lower-case hex digits. Names of dimensions,
elements and fields are Butler's (snake_case).

N things related to M things is one question with N keys: questions with ``keys`` (or ``ids``, ``names``)
answer with a column that says which key a row belongs to.
"""

from __future__ import annotations

from .associations import (
    Kinship,
    Lineage,
    Quanta,
    QuantaById,
    QuantumDatasets,
    Recorded,
    Related,
    RelatedDataIds,
    Used,
    Way,
)
from .catalogue import (
    CollectionDatasetTypes,
    CollectionLinks,
    Collections,
    CollectionsByName,
    DatasetTypes,
    DatasetTypesByName,
)
from .data_ids import DataIds, Records, RecordsByKey, Regions, Timespans
from .datasets import (
    Certifications,
    Datasets,
    DatasetsById,
    DatasetsByIvoid,
    Files,
    FindDataset,
    Memberships,
    Sizes,
    Versions,
)
from .terms import (
    Among,
    Beside,
    Bind,
    Constraint,
    KeyValue,
    Op,
    Order,
    Page,
    Question,
    Sky,
    Span,
    Value,
    Where,
)

__all__ = [
    "Among",
    "Beside",
    "Bind",
    "Certifications",
    "CollectionDatasetTypes",
    "CollectionLinks",
    "Collections",
    "CollectionsByName",
    "Constraint",
    "DataIds",
    "DatasetTypes",
    "DatasetTypesByName",
    "Datasets",
    "DatasetsById",
    "DatasetsByIvoid",
    "Files",
    "FindDataset",
    "KeyValue",
    "Kinship",
    "Lineage",
    "Memberships",
    "Op",
    "Order",
    "Page",
    "Quanta",
    "QuantaById",
    "QuantumDatasets",
    "Question",
    "Recorded",
    "Records",
    "RecordsByKey",
    "Regions",
    "Related",
    "RelatedDataIds",
    "Sizes",
    "Sky",
    "Span",
    "Timespans",
    "Used",
    "Value",
    "Versions",
    "Way",
    "Where",
]
