"""Questions about collections and dataset types."""

from __future__ import annotations

from dataclasses import dataclass

from .terms import (
    FIRST_PAGE,
    Page,
    Question,
)


@dataclass(frozen=True, slots=True)
class Collections(Question):
    """Collections whose names match any of the globs (empty: all), by name. With ``flatten`` the chains among
    them are replaced by what they lead to (recursively). Columns: name, type (RUN, TAGGED, CHAINED,
    CALIBRATION), documentation."""

    match: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    flatten: bool = False
    page: Page = FIRST_PAGE


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
    page: Page = FIRST_PAGE


@dataclass(frozen=True, slots=True)
class DatasetTypes(Question):
    """Dataset types by name. ``match``: globs (empty: all); ``collections`` (names or globs): only those of
    which they may hold datasets.

    Columns: name, required, dimensions (tuples of names), storage_class, is_calibration.
    """

    match: tuple[str, ...] = ()
    collections: tuple[str, ...] | None = None
    is_calibration: bool | None = None
    page: Page = FIRST_PAGE


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
    page: Page = FIRST_PAGE
