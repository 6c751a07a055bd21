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

import hashlib
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self

Value = str | int | float | bool
KeyValue = str | int | float | None


class Op(StrEnum):
    """How a constraint compares. GLOB is the shell's: ``*``, ``?``, ``[abc]``, ``[!abc]``; case matters."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    GLOB = "glob"
    GE = "gte"
    GT = "gt"
    LE = "lte"
    LT = "lt"


@dataclass(frozen=True, slots=True)
class Constraint:
    """``name`` is a dimension (``visit``), an alternate key or another field of a dimension record
    (``exposure.obs_id``), or, about the dataset itself, ``run``. A NULL satisfies no constraint."""

    name: str
    op: Op
    value: Value | tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of time, nanoseconds of TAI; None is unbounded. An instant is a span of one
    nanosecond."""

    begin: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Sky:
    """A region of the sky, ICRS degrees, as IVOA POS text (CIRCLE, POLYGON, RANGE); a point is a circle of
    radius 0."""

    shape: str


@dataclass(frozen=True, slots=True)
class Bind:
    """A value for ``:name`` in a where expression. ``kind`` is one of string, long, float, strings, longs,
    time (ns), timespan (Span), region (POS text), uuid (hex)."""

    name: str
    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Where:
    """Butler's own query expression."""

    text: str
    binds: tuple[Bind, ...] = ()


@dataclass(frozen=True, slots=True)
class Among:
    """Data IDs from elsewhere, one tuple of values each in the order of ``names``."""

    names: tuple[str, ...]
    rows: tuple[tuple[str | int, ...], ...]


@dataclass(frozen=True, slots=True)
class Order:
    """``name``: a dimension, ``element.field``, ``timespan.begin``, ``timespan.end``, ``ingest_date`` or
    ``run``. NULLs sort last either way; strings by code point."""

    name: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """``first`` rows behind the row whose key is ``after`` (see ``Rows.key``)."""

    first: int
    after: tuple[KeyValue, ...] | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """What is wanted of each dataset of an answer, besides what identifies it.

    Its timespan, its region, the calibrations that are valid for it (a dataset type, and the collections to search): an adapter gives along what
    it has at hand and says so (``Rows.beside``); the rest is asked for by itself. ``dimensions``: of the implied dimensions only
    these are wanted (None: all), and ``ingest_date`` may be unwanted: an adapter may leave out the columns of the others.
    """

    timespan: bool = False
    region: bool = False
    calibrations: tuple[tuple[str, tuple[str, ...] | None], ...] = ()
    dimensions: frozenset[str] | None = None
    ingest_date: bool = True


class Question:
    """Base of all questions."""

    __slots__ = ()

    def digest(self) -> str:
        """16 hex digits that identify the question without its page: what a cursor is bound to."""
        bare = replace(self, page=Page(0)) if hasattr(self, "page") else self  # type: ignore[type-var]
        return hashlib.blake2b(repr(bare).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

    def paged(self, first: int, after: tuple[KeyValue, ...] | None = None) -> Self:
        return replace(self, page=Page(first, after))  # type: ignore[type-var]


# -------------------- datasets


@dataclass(frozen=True, slots=True)
class Datasets(Question):
    """Datasets that match a partly given data ID.

    ``types`` and ``collections`` are names or globs; ``collections`` None: the repository's default ones; in
    search order. ``find_first`` True: of each type and data ID the dataset of the first collection that holds
    one (constraints apply before). False: every dataset once. None: True for named collections, False for
    globs and for calibration types where CALIBRATION collections are searched.
    """

    types: tuple[str, ...]
    collections: tuple[str, ...] | None = None
    constraints: tuple[Constraint, ...] = ()
    among: Among | None = None
    where: Where | None = None
    sky: Sky | None = None
    time: Span | None = None
    validity: Span | None = None
    ingested_before: int | None = None
    find_first: bool | None = None
    order: tuple[Order, ...] = ()
    page: Page = Page(100)
    beside: Beside | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DatasetsById(Question):
    """Datasets by id; ids that the repository lacks have no row."""

    ids: tuple[str, ...]
    beside: Beside | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FindDataset(Question):
    """The one dataset of a type and a complete data ID that is first in search order; no row, or one.

    In CALIBRATION collections it is the one valid within ``validity``; without it a search path that holds
    such collections for a calibration type is refused (Butler would silently find nothing), and two valid in
    one collection are an error that names their ranges.
    """

    type: str
    data_id: tuple[tuple[str, str | int], ...]
    collections: tuple[str, ...] | None = None
    validity: Span | None = None
    ingested_before: int | None = None


@dataclass(frozen=True, slots=True)
class Versions(Question):
    """For each key, the datasets of that type and data ID in any run, newest ingest date first, ties by id.

    A key is the dataset type's name followed by the values of its required dimensions, in order.
    ``collections`` (names or globs): only in these. Rows come grouped by the column ``parent`` (index of the
    key), at most ``page.first + 1`` a parent: one more than the page says that there are more. ``page.after``
    may be given with a single key only.
    """

    keys: tuple[tuple[str | int, ...], ...]
    collections: tuple[str, ...] | None = None
    page: Page = Page(100)


@dataclass(frozen=True, slots=True)
class Memberships(Question):
    """Collections that hold these datasets besides their runs. Columns: id, collection, type. Ordered by
    collection name."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Files(Question):
    """Artefacts of these datasets. Columns: id, uri, component, storage_class, formatter, size, checksum. A
    known dataset without a file has no row."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Certifications(Question):
    """Validity ranges in CALIBRATION collections, by their exact names. Columns: parent (index of the name), those
    of a dataset, then valid_begin and valid_end.

    Of each collection ordered by data ID, begin (unbounded first), id, and at most ``page.first + 1`` rows: one
    more than the page says that there are more. ``validity``: ranges that overlap this one. ``page.after`` may be
    given with a single name only.
    """

    collections: tuple[str, ...]
    type: str
    constraints: tuple[Constraint, ...] = ()
    validity: Span | None = None
    page: Page = Page(100)


# -------------------- data IDs


@dataclass(frozen=True, slots=True)
class DataIds(Question):
    """Data IDs that exist for these dimensions: what Butler's ``query_data_ids`` gives, with every implied
    dimension.

    ``having``: only those for which ``collections`` hold a dataset of each of these types; ``lacking``: of
    none of these. Columns: every dimension of the group spanned by ``dimensions``, in the universe's order.
    """

    dimensions: tuple[str, ...]
    constraints: tuple[Constraint, ...] = ()
    among: Among | None = None
    having: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    collections: tuple[str, ...] | None = None
    where: Where | None = None
    sky: Sky | None = None
    time: Span | None = None
    order: tuple[Order, ...] = ()
    page: Page = Page(100)


@dataclass(frozen=True, slots=True)
class Records(Question):
    """Records of one dimension element. Columns: the dimensions of the element, then its fields by their
    Butler names; a timespan is two columns (timespan.begin, timespan.end) and a region one (region)."""

    element: str
    constraints: tuple[Constraint, ...] = ()
    where: Where | None = None
    sky: Sky | None = None
    time: Span | None = None
    order: tuple[Order, ...] = ()
    page: Page = Page(100)


@dataclass(frozen=True, slots=True)
class RecordsByKey(Question):
    """Records of one element for N data IDs, each the values of the element's required dimensions in order.

    Columns as of Records, preceded by ``parent`` (index of the key). Keys without a record have no row.
    """

    element: str
    keys: tuple[tuple[str | int, ...], ...]


@dataclass(frozen=True, slots=True)
class Regions(Question):
    """Where N data IDs of the same dimensions lie: the region of the finest spatial element that the
    dimensions have, and for dimensions with an exposure and no visit that of the exposure's visit (the lowest
    visit id where several have one).

    Columns: parent, source (name of the element), region. Keys without a region have no row.
    """

    dimensions: tuple[str, ...]
    keys: tuple[tuple[str | int, ...], ...]


@dataclass(frozen=True, slots=True)
class Timespans(Question):
    """When N data IDs of the same dimensions were observed. Columns: parent, source, begin, end. Without a
    timespan: no row."""

    dimensions: tuple[str, ...]
    keys: tuple[tuple[str | int, ...], ...]


# -------------------- collections, dataset types


@dataclass(frozen=True, slots=True)
class Collections(Question):
    """Collections whose names match any of the globs (empty: all), by name. With ``flatten`` the chains among
    them are replaced by what they lead to (recursively). Columns: name, type (RUN, TAGGED, CHAINED,
    CALIBRATION), documentation."""

    match: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    flatten: bool = False
    page: Page = Page(100)


@dataclass(frozen=True, slots=True)
class CollectionsByName(Question):
    """Collections by exact name; unknown ones have no row. Columns as of Collections."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CollectionLinks(Question):
    """For each named collection its children (in search order) or its parents (by name).

    Columns: parent (index of the name), position, then those of Collections. At most ``page.first + 1`` rows
    a parent; the key of a row is its (position, name). ``page.after`` with a single name only.
    """

    names: tuple[str, ...]
    direction: str  # "children" or "parents"
    page: Page = Page(100)


@dataclass(frozen=True, slots=True)
class DatasetTypes(Question):
    """Dataset types by name. ``match``: globs (empty: all); ``collections`` (names or globs): only those of
    which they may hold datasets.

    Columns: name, required, dimensions (tuples of names), storage_class, is_calibration.
    """

    match: tuple[str, ...] = ()
    collections: tuple[str, ...] | None = None
    is_calibration: bool | None = None
    page: Page = Page(100)


@dataclass(frozen=True, slots=True)
class DatasetTypesByName(Question):
    """Dataset types by exact name; unknown ones have no row. Columns as of DatasetTypes."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CollectionDatasetTypes(Question):
    """For each named collection the dataset types of which it may hold datasets (a chain: all that its
    children may hold), by name.

    Columns: parent, then those of DatasetTypes; at most ``page.first + 1`` rows a parent. ``page.after`` with
    a single name only.
    """

    names: tuple[str, ...]
    page: Page = Page(100)


# -------------------- associations


class Kinship(StrEnum):
    """Why two datasets belong together. Names are those of the schema's enum ``AssociationKind``."""

    CALIBRATION = "CALIBRATION"  # a validity range overlaps the time of an observation
    SPATIAL = "SPATIAL"  # regions share a point
    TEMPORAL = "TEMPORAL"  # timespans overlap
    DATA_ID = "DATA_ID"  # equal or implied data IDs
    PROVENANCE = "PROVENANCE"  # recorded by an execution


@dataclass(frozen=True, slots=True)
class Related(Question):
    """Datasets tied to N others by their data IDs, by validity, sky or time.

    A key is the values of ``dimensions`` (the required ones of the parents' type, or of bare data IDs), in order; ``source``
    is the parents' dataset type, None for bare data IDs, and ``ids`` their ids, parallel to the keys. ``by`` None: what
    the dimensions say, as Butler's own queries would join them. ``used``: only those that a recorded execution used
    together with the parent, or did not.

    Columns: parent, those of a dataset, then kind (of Kinship), collection (that supplied it), rank (its place in the
    search order), valid_begin and valid_end (CALIBRATION), overlap (SPATIAL: how much of the parent's region the other
    one covers, 0 to 1; None for other shapes than convex polygons, and where ``overlap`` is False: it costs). Rows come grouped by parent, at most
    ``page.first + 1`` each. ``page.after`` may be given with a single key only.
    """

    dimensions: tuple[str, ...]
    keys: tuple[tuple[str | int, ...], ...]
    types: tuple[str, ...]
    source: str | None = None
    ids: tuple[str, ...] = ()
    by: Kinship | None = None
    collections: tuple[str, ...] | None = None
    constraints: tuple[Constraint, ...] = ()
    find_first: bool | None = None
    used: bool | None = None
    order: tuple[Order, ...] = ()
    overlap: bool = True
    page: Page = Page(100)
    beside: Beside | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RelatedDataIds(Question):
    """Data IDs of ``wanted`` dimensions joined to N others: a visit to its exposures, a visit and detector to patches.

    Keys are the values of ``dimensions`` in order. Columns: parent, every dimension of the group that ``wanted`` spans,
    overlap (how much of the parent's region this one covers; None where the sky has no part in it, or it was not asked).
    """

    dimensions: tuple[str, ...]
    keys: tuple[tuple[str | int, ...], ...]
    wanted: tuple[str, ...]
    constraints: tuple[Constraint, ...] = ()
    overlap: bool = True
    page: Page = Page(100)


class Way(StrEnum):
    """Against time, or with it. Names are those of the schema's enum ``Direction``."""

    UPSTREAM = "UPSTREAM"
    DOWNSTREAM = "DOWNSTREAM"


@dataclass(frozen=True, slots=True)
class Lineage(Question):
    """What N datasets were made from, or what was made from them, as recorded, at most ``depth`` quanta away.

    Columns: parent, those of a dataset, quantum (its id, the last one on the way), depth (of the shortest way; 1 is
    next to the parent). Of each parent ordered by depth, type, id; at most ``page.first + 1`` rows; each dataset once.
    ``types``: names or globs. Whether anything is recorded of a dataset at all is another question: Recorded.
    """

    ids: tuple[str, ...]
    way: Way
    depth: int = 1
    types: tuple[str, ...] = ()
    page: Page = Page(100)


@dataclass(frozen=True, slots=True)
class Recorded(Question):
    """What is recorded of these datasets: columns id, producer (the quantum that wrote it, or None), read (whether any
    recorded quantum read it). A dataset of which nothing is recorded has no row."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Used(Question):
    """Whether recorded executions used two datasets together, for N pairs of ids.

    True where a way of at most ``depth`` quanta leads from one to the other in either direction, or one quantum read both.
    False where executions are recorded that would have to show it, and none did: where pipelines make one's type from the
    other's, the later one's producer; where one of them is a calibration, whatever read the other one; else either one.
    None where nothing is recorded that could tell. ``runs``: names or globs of runs whose executions count; None: all.
    Columns: parent (index of the pair), used.
    """

    pairs: tuple[tuple[str, str], ...]
    runs: tuple[str, ...] | None = None
    depth: int = 3


@dataclass(frozen=True, slots=True)
class Quanta(Question):
    """Units of execution, recorded and predicted, by run, task, data ID and id.

    ``tasks`` and ``runs``: names or globs; ``statuses``: names of the schema's enum ``QuantumStatus``. Columns: id (hex), task,
    task_class, run, status, message, data_id (a JSON object as text).
    """

    tasks: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    page: Page = Page(100)


@dataclass(frozen=True, slots=True)
class QuantaById(Question):
    """Quanta by id (hex); unknown ones have no row. Columns as of Quanta."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuantumDatasets(Question):
    """What N quanta read or wrote. Columns: parent, those of a dataset. Of each ordered by type, data ID, id; at most
    ``page.first + 1`` rows. Datasets that were predicted and never written have no row."""

    ids: tuple[str, ...]
    role: str  # "inputs" or "outputs"
    types: tuple[str, ...] = ()
    page: Page = Page(100)
