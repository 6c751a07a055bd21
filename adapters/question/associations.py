"""Questions about how datasets belong together, and what executions made of what."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from .terms import (
    FIRST_PAGE,
    Beside,
    Constraint,
    Order,
    Page,
    Question,
)


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
    page: Page = FIRST_PAGE
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
    page: Page = FIRST_PAGE


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
    page: Page = FIRST_PAGE


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
    page: Page = FIRST_PAGE


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
    page: Page = FIRST_PAGE
