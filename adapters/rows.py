"""The second coin: what is answered. Named, typed columns and plain tuples, and how complete they are.

JSON for a GraphQL list, a VOTable and an Arrow stream are faces of the same Rows; no path builds an object
for a row unless someone asks for one.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .question import KeyValue

Row = tuple[Any, ...]


class Kind(StrEnum):
    """What the values of a column are."""

    UUID = "uuid"  # 32 lower-case hex digits
    STRING = "string"
    LONG = "long"
    FLOAT = "float"
    BOOL = "bool"
    TIME = "time"  # int: ns of TAI since 1970-01-01 TAI
    REGION = "region"  # base64 of lsst.sphgeom's encoding, as in the registry
    HASH = "hash"  # bytes
    NAMES = "names"  # tuple of strings


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    kind: Kind
    unit: str | None = None
    ucd: str | None = None
    description: str | None = None
    dimension: bool = False  # part of the data ID


@dataclass(frozen=True, slots=True)
class TypeInfo:
    """A dataset type. ``required`` identify a dataset; ``dimensions`` has the implied ones too, in the
    universe's order."""

    name: str
    required: tuple[str, ...]
    dimensions: tuple[str, ...]
    storage_class: str
    is_calibration: bool


@dataclass(frozen=True, slots=True)
class Joined:
    """Where each row of datasets has something that was asked beside it (``question.Beside``).

    A timespan: whether there is one, its begin and its end; ``source``: the dimension element that has it. A region: its text. A field
    of a record: its value. A calibration: its id, None where none is valid; ``rows`` then says where the same row has the columns of Related.
    """

    places: tuple[int, ...]
    source: str | None = None
    rows: Rows | None = None


PUBLISHED = "obs_publisher_did"
"""The column of the identifier that their publisher gave to datasets (ObsCore 1.1, section 3.3), where they have such
(``protocol.publishes``)."""


@dataclass(slots=True)
class Rows:
    """Tuples, or what can be read like them: ``places`` says where in a row each column is. A row may hold more values, which only ``key`` reads.

    Datasets have the columns id, type, run, ingest_date, then the union of their types' dimensions (a
    dimension that a row's type lacks is None), and ``types`` describes each type that occurs. ``more``: rows
    follow behind the last one (exact). ``overflow``: a limit cut the list; it says which. ``key`` gives a
    row's place in the order of its question, for cursors and for merging.
    """

    columns: tuple[Column, ...]
    rows: Sequence[Row]
    more: bool = False
    overflow: str | None = None
    key: Callable[[Row], tuple[KeyValue, ...]] | None = None
    types: Mapping[str, TypeInfo] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # what is unknown here, for explain
    beside: Mapping[Hashable, Joined] = field(
        default_factory=dict
    )  # "timespan", "region", fields and calibrations as asked
    _places: Mapping[str, int] | None = field(default=None, repr=False, compare=False)

    @property
    def places(self) -> Mapping[str, int]:
        """Where each column is, by name."""
        if self._places is None:
            self._places = {column.name: place for place, column in enumerate(self.columns)}
        return self._places

    def of(self, rows: Sequence[Row], *, more: bool | None = None) -> Rows:
        """Other rows with all that is said of these; it is said of each of many parents, and ``dataclasses.replace`` takes long."""
        return Rows(
            self.columns,
            rows,
            self.more if more is None else more,
            self.overflow,
            self.key,
            self.types,
            self.notes,
            self.beside,
            self.places,
        )

    def index(self, name: str) -> int:
        """Raises KeyError."""
        return self.places[name]


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field of a dimension element's records. ``type`` is Butler's word (int, float, string, bool, hash,
    timespan, region)."""

    name: str
    type: str
    unit: str | None = None
    documentation: str | None = None


@dataclass(frozen=True, slots=True)
class ElementInfo:
    """A dimension element of the universe, in Butler's words."""

    name: str
    governor: bool
    skypix: bool
    dimension: bool
    required: tuple[str, ...]
    implied: tuple[str, ...]
    alternate_keys: tuple[str, ...]
    fields: tuple[FieldInfo, ...]
    spatial: bool
    temporal: bool
    documentation: str | None = None


@dataclass(frozen=True, slots=True)
class UniverseInfo:
    """Namespace, version and elements, in dependency order."""

    namespace: str
    version: int
    elements: Mapping[str, ElementInfo]
    dimension_kinds: Mapping[str, Kind]

    @property
    def label(self) -> str:
        return f"{self.namespace}/{self.version}"


@dataclass(frozen=True, slots=True)
class Facets:
    """Counts by value: rows of (values..., count), most frequent first; ``complete`` False where the limit
    cut them."""

    by: tuple[str, ...]
    rows: list[Row]
    complete: bool


@dataclass(frozen=True, slots=True)
class FileContent:
    """Where the bytes of one artefact are, for the gateway to serve: a local path, or an address to redirect
    to."""

    path: str | None
    url: str | None
    name: str
    media_type: str
