"""Collections, dataset types and data IDs of an ObsCore table."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..answers import COLLECTION, DATASET_TYPE, LINK, PARENT
from ..caller import Call
from ..errors import Unsupported
from ..question import (
    CollectionDatasetTypes,
    Collections,
    CollectionsByName,
    DataIds,
    DatasetTypes,
    DatasetTypesByName,
    Page,
)
from ..rows import Column, Row, Rows
from . import adql
from .catalogue import Catalogue
from .columns import DID
from .metadata import Metadata
from .order import Sorting, Term
from .selection import Selecting
from .service import Service


class Lists:
    """An obs_collection is a collection of the kind RUN: a dataset belongs to one of them, and none holds another."""

    def __init__(self, service: Service, metadata: Metadata, selecting: Selecting) -> None:
        self._service = service
        self._metadata = metadata
        self._selecting = selecting

    async def collections(self, question: Collections, call: Call) -> Rows:
        catalogue = await self._metadata.catalogue(call)
        names = [
            name
            for name in catalogue.collections
            if (not question.match or _any(name, question.match))
            and (not question.types or "RUN" in question.types)
        ]
        return _paged(COLLECTION, [_collection(name) for name in names], question.page)

    async def collections_by_name(self, question: CollectionsByName, call: Call) -> Rows:
        known = set((await self._metadata.catalogue(call)).collections)
        return Rows(
            COLLECTION, [_collection(name) for name in dict.fromkeys(question.names) if name in known]
        )

    async def links(self, *_: object) -> Rows:
        """None: ObsCore has no chains."""
        return Rows(LINK, [], key=lambda row: (row[1], row[2]))

    async def types(self, question: DatasetTypes, call: Call) -> Rows:
        catalogue = await self._metadata.catalogue(call)
        names = set(catalogue.infos) if not question.is_calibration else set()
        if question.collections is not None:
            path = set(catalogue.path(question.collections))
            names &= {kind.name for kind, collection in catalogue.held if collection in path}
        rows = [
            _type(catalogue, name)
            for name in sorted(names)
            if not question.match or _any(name, question.match)
        ]
        return _paged(DATASET_TYPE, rows, question.page)

    async def types_by_name(self, question: DatasetTypesByName, call: Call) -> Rows:
        catalogue = await self._metadata.catalogue(call)
        return Rows(
            DATASET_TYPE,
            [_type(catalogue, one) for one in dict.fromkeys(question.names) if one in catalogue.infos],
        )

    async def types_of(self, question: CollectionDatasetTypes, call: Call) -> Rows:
        catalogue = await self._metadata.catalogue(call)
        rows: list[Row] = []
        for parent, name in enumerate(question.names):
            held = sorted({kind.name for kind, collection in catalogue.held if collection == name})
            own = _paged(DATASET_TYPE, [_type(catalogue, one) for one in held], question.page, further=1)
            rows += [(parent, *row) for row in own.rows]
        return Rows((PARENT, *DATASET_TYPE), rows, key=lambda row: (row[1],))

    async def data_ids(self, question: DataIds, call: Call) -> Rows:
        """Combinations of values that datasets have; one that is NULL is none."""
        columns = await self._metadata.columns(call)
        asked = [columns.dimension(name) for name in question.dimensions]
        named = list(columns.dimensions) if DID in question.dimensions else asked
        named = [one for one in columns.dimensions if one in named]
        required = [one for one in named if one in asked]
        selection = await self._selecting.data_ids(question, columns, call)
        heads = tuple(Column(one.name, one.kind, dimension=True) for one in named)
        if selection.sky.exact is not None:
            raise Unsupported(
                "A TAP service cannot list data IDs within a range of right ascension and declination; ask with a circle or a polygon.",
                capability="data IDs of a range",
            )
        ordered = [
            next((one for one in columns.dimensions if one.name == term.name), None)
            for term in question.order
        ]
        terms = [
            Term(column or columns.dimension(term.name), f"s_{place}", term.descending)
            for place, (term, column) in enumerate(zip(question.order, ordered, strict=True))
        ]
        known = {term.column.name for term in terms}
        terms += [Term(one, f"r_{place}") for place, one in enumerate(required) if one.name not in known]
        sorting = Sorting(tuple(terms))
        conditions = [
            f"{one.column} IS NOT NULL" for one in {t.column.name: t.column for t in terms}.values()
        ]
        if question.page.after is not None:
            conditions.append(sorting.behind(question.page.after))
        if selection.empty or not named:
            return Rows(heads, [])
        first = question.page.first
        listed = [f"{one.column} AS d_{place}" for place, one in enumerate(named)]
        query = adql.select(
            [*listed, *sorting.selected()],
            columns.source,
            where=selection.where(*conditions),
            order=sorting.clause(),
            top=first + 1,
            distinct=True,
        )
        answer = await self._service.query(query, first + 1, call, "data IDs")
        width = len(named)
        limit = f"the service sends {len(answer.rows)} rows at most" if answer.overflow else None
        return Rows(
            heads,
            answer.rows[:first],
            more=len(answer.rows) > first or answer.overflow,
            overflow=limit,
            key=lambda row: tuple(row[width:]),
        )


def _any(name: str, patterns: Iterable[str]) -> bool:
    return any(adql.matches(name, one) if adql.is_glob(one) else name == one for one in patterns)


def _collection(name: str) -> Row:
    return (name, "RUN", None)


def _type(catalogue: Catalogue, name: str) -> Row:
    info = catalogue.infos[name]
    return (info.name, info.required, info.dimensions, info.storage_class, info.is_calibration)


def _name(row: Row) -> tuple[Any, ...]:
    return (row[0],)


def _paged(
    heads: tuple[Column, ...],
    rows: Sequence[Row],
    page: Page,
    key: Callable[[Row], tuple[Any, ...]] = _name,
    further: int = 0,
) -> Rows:
    """A page of rows that come by name; with ``further`` rows more than it has."""
    begin = 0 if page.after is None else bisect_right([row[0] for row in rows], str(page.after[0]))
    end = begin + page.first
    return Rows(heads, list(rows[begin : end + further]), more=end < len(rows), key=key)
