"""Questions about datasets."""

from __future__ import annotations

from dataclasses import dataclass, field

from .terms import (
    FIRST_PAGE,
    Among,
    Beside,
    Constraint,
    Order,
    Page,
    Question,
    Sky,
    Span,
    Where,
)


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
    page: Page = FIRST_PAGE
    beside: Beside | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DatasetsById(Question):
    """Datasets by id; ids that the repository lacks have no row."""

    ids: tuple[str, ...]
    beside: Beside | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class DatasetsByIvoid(Question):
    """Datasets by the identifiers that their publisher gave them, in repositories with such (``protocol.publishes``); those that it lacks have no row."""

    ivoids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FindDataset(Question):
    """The one dataset of a type and a complete data ID that is first in search order; no row, or one.

    In CALIBRATION collections it is the one whose range of validity overlaps ``validity``; without it a search path
    that holds such collections for a calibration type is refused (Butler would silently find nothing), and two of
    one collection are an error that names them.
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
    page: Page = FIRST_PAGE


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
class Sizes(Question):
    """How large these datasets are, for many at once: whoever knows it of one after the other only answers Unsupported. Columns: id, size (bytes of all
    artefacts of one of its copies, null where that of one was not recorded). A dataset without a file has no row."""

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
    page: Page = FIRST_PAGE
