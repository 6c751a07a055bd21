"""Questions about data IDs and the records behind them."""

from __future__ import annotations

from dataclasses import dataclass

from .terms import (
    FIRST_PAGE,
    Among,
    Constraint,
    Order,
    Page,
    Question,
    Sky,
    Span,
    Where,
)


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
    page: Page = FIRST_PAGE


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
    page: Page = FIRST_PAGE


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
