"""Datasets of an ObsCore table: lists in pages, their number, counts by value, and by identifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..answers import DATASET
from ..caller import Call
from ..errors import BadUserInput, TooComplex, Unsupported
from ..question import Beside, Datasets, KeyValue, Op, Order
from ..question import DatasetsById as ById
from ..question import DatasetsByIvoid as ByIvoid
from ..rows import Column, Facets, Joined, Row, Rows
from . import adql
from .catalogue import Catalogue
from .columns import DID, Columns
from .metadata import Metadata
from .order import Sorting, Term
from .selection import Selecting, Selection
from .service import Service
from .shapes import encoded
from .times import nanoseconds


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is selected of each row, by alias: what it is, its dimensions, and t_min, t_max and s_region where they are wanted."""

    columns: Columns
    timespan: bool = False
    region: bool = False

    @classmethod
    def of(cls, columns: Columns, beside: Beside | None, *, region: bool = False) -> Wanted:
        timed = beside is not None and beside.timespan and columns.has("t_min") and columns.has("t_max")
        placed = region or (beside is not None and beside.region)
        return cls(columns, timed, placed and columns.has("s_region"))

    @property
    def selected(self) -> dict[str, str]:
        """Aliases and columns, in order."""
        columns = self.columns
        found = {f"k{n}": name for n, name in enumerate(columns.kind_of)}
        found["c"] = columns.others[columns.collection].column
        found |= {f"d{n}": one.column for n, one in enumerate(columns.dimensions)}
        if self.timespan:
            found |= {"t0": columns.others["t_min"].column, "t1": columns.others["t_max"].column}
        if self.region:
            found["s"] = columns.others["s_region"].column
        return {f"o_{alias}": column for alias, column in found.items()}

    def listed(self) -> list[str]:
        return [f"{column} AS {alias}" for alias, column in self.selected.items()]

    def __len__(self) -> int:
        return len(self.selected)


class DatasetQueries:
    """Pages, counts and facets of datasets."""

    def __init__(
        self, repository: str, service: Service, metadata: Metadata, selecting: Selecting, scale: str
    ) -> None:
        self._repository = repository
        self._service = service
        self._metadata = metadata
        self._selecting = selecting
        self._scale = scale

    # pages

    async def page(self, question: Datasets, call: Call) -> Rows:
        columns, catalogue = await self._metadata.both(call)
        selection = await self._selecting.datasets(question, columns, catalogue, call)
        wanted = Wanted.of(columns, question.beside, region=selection.sky.exact is not None)
        if selection.empty:
            return self.rows([], wanted, catalogue, Sorting(()), call, notes=selection.notes)
        sorting = await self.sorting(question.order, columns, selection, call)
        found, more, overflow = await self._read(
            selection, wanted, sorting, question.page.first, question.page.after, call
        )
        rows = self.rows(found, wanted, catalogue, sorting, call, notes=selection.notes)
        rows.more, rows.overflow = more, overflow
        return rows

    async def _read(
        self,
        selection: Selection,
        wanted: Wanted,
        sorting: Sorting,
        first: int,
        after: tuple[KeyValue, ...] | None,
        call: Call,
    ) -> tuple[list[Row], bool, str | None]:
        """Rows of a page, whether more follow, and which limit cut them. Where rows have to be looked at, several queries."""
        found: list[Row] = []
        seen = 0
        s_region = len(wanted) - 1
        key = self._key(sorting, len(wanted))
        while True:
            asked = first + 1 - len(found)
            if selection.sky.exact is not None:
                asked = max(asked, min(1_000, call.max_rows))
            conditions = [sorting.behind(after)] if after is not None else []
            query = adql.select(
                [*wanted.listed(), *sorting.selected()],
                wanted.columns.source,
                where=selection.where(*conditions),
                order=sorting.clause(),
                top=asked,
            )
            answer = await self._service.query(query, asked, call, "datasets")
            found += [
                row
                for row in answer.rows
                if selection.sky.exact is None or selection.sky.takes(row[s_region])
            ]
            if len(found) > first:
                return found[:first], True, None
            if len(answer.rows) < asked and not answer.overflow:
                return found, False, None
            if selection.sky.exact is None or not answer.rows:
                return found, True, f"the service sends {len(answer.rows)} rows at most"
            seen += len(answer.rows)
            if seen > call.max_rows:
                raise TooComplex(
                    f"More than {call.max_rows} datasets lie around this shape; use a circle or a polygon.",
                    limit=call.max_rows,
                    actual=seen,
                    what="datasets looked at",
                )
            after = key(answer.rows[-1])

    async def sorting(
        self, order: Sequence[Order], columns: Columns, selection: Selection, call: Call
    ) -> Sorting:
        """The order asked for, completed by the identifier.

        Raises
        ------
        Unsupported
            Rows without a value would have to be last, and the service cannot sort them there.
        """
        terms = []
        flags = bool(order) and await self._service.language.cases(
            columns.table, columns.did.rpartition(".")[2], call
        )
        for place, one in enumerate(order):
            column = columns.named(one.name)
            terms.append(Term(column, f"s_{place}", one.descending, f"n_{place}" if flags else None))
        if terms and not flags:
            names = [term.column.column for term in terms]
            counts = [f"COUNT({name}) AS n_{place}" for place, name in enumerate(names)]
            query = adql.select(["COUNT(*) AS n_all", *counts], columns.source, where=selection.where())
            ((total, *known),) = (await self._service.query(query, 1, call, "whether a term is NULL")).rows
            lacking = [term.column.name for term, count in zip(terms, known, strict=True) if count != total]
            if lacking:
                raise Unsupported(
                    f"Some of these datasets have no {' and no '.join(lacking)}, and the service cannot list them last; leave it "
                    "out of orderBy, or constrain it.",
                    capability="order by what may be missing",
                )
        return Sorting((*terms, Term(columns.dimensions[0], "s_did")))

    def rows(
        self,
        found: Sequence[Row],
        wanted: Wanted,
        catalogue: Catalogue,
        sorting: Sorting,
        call: Call,
        notes: tuple[str, ...] = (),
    ) -> Rows:
        """Rows of datasets from those of a query that selected what is wanted, then the terms of the order."""
        columns = wanted.columns
        kinds, width = len(columns.kind_of), len(columns.dimensions)
        times = kinds + 1 + width
        moments = (
            nanoseconds([row[times : times + 2] for row in found], self._scale) if wanted.timespan else None
        )
        made: list[Row] = []
        met = []
        types = {}
        for place, row in enumerate(found):
            kind = catalogue.kind(row[:kinds])
            types[kind.name] = catalogue.info(kind, columns)
            did = row[kinds + 1]
            identifier = columns.identity.id(did)
            met.append((identifier, did))
            extra: tuple[Any, ...] = ()
            if moments is not None:
                begin, end = moments[place]
                extra = (begin is not None and end is not None, begin, end)
            if wanted.region:
                text = row[len(wanted) - 1]
                extra = (*extra, None if text is None else encoded(text))
            made.append(
                (
                    identifier,
                    kind.name,
                    row[kinds],
                    None,
                    *row[kinds + 1 : times],
                    *extra,
                    *row[len(wanted) :],
                )
            )
        columns.identity.remember(met, self._repository, call)
        heads = (*DATASET, *(Column(one.name, one.kind, dimension=True) for one in columns.dimensions))
        beside: dict[Any, Joined] = {}
        behind = len(heads)
        if wanted.timespan:
            beside["timespan"] = Joined((behind, behind + 1, behind + 2), DID)
            behind += 3
        if wanted.region:
            beside["region"] = Joined((behind,), DID)
            behind += 1
        return Rows(heads, made, key=self._key(sorting, behind), types=types, notes=notes, beside=beside)

    @staticmethod
    def _key(sorting: Sorting, begin: int) -> Callable[[Row], tuple[KeyValue, ...]]:
        places = []
        for term in sorting.terms:
            places.append(begin)
            begin += 1 + (term.flag is not None)

        def key(row: Row) -> tuple[KeyValue, ...]:
            return tuple(row[place] for place in places)

        return key

    # by identifier

    async def by_id(self, question: ById, call: Call) -> Rows:
        columns = await self._metadata.columns(call)
        dids = columns.identity.dids(question.ids, self._repository, call)
        rows = await self._identified(dids, question.beside, columns, call)
        asked = set(question.ids)
        rows.rows = [row for row in rows.rows if row[0] in asked]
        return rows

    async def by_ivoid(self, question: ByIvoid, call: Call) -> Rows:
        rows = await self._identified(question.ivoids, None, await self._metadata.columns(call), call)
        asked, place = set(question.ivoids), rows.index(DID)
        rows.rows = [row for row in rows.rows if row[place] in asked]
        return rows

    async def _identified(
        self, dids: Sequence[str], beside: Beside | None, columns: Columns, call: Call
    ) -> Rows:
        """Datasets with these identifiers, and perhaps others."""
        catalogue = await self._metadata.catalogue(call)
        wanted = Wanted.of(columns, beside)
        listed = [*wanted.listed(), f"{columns.did} AS s_did"]
        found = await self._metadata.by_did(listed, columns, dids, call, "datasets by identifier")
        return self.rows(found, wanted, catalogue, Sorting((Term(columns.dimensions[0], "s_did"),)), call)

    # counts

    async def count(self, question: Datasets, call: Call) -> int:
        columns, catalogue = await self._metadata.both(call)
        selection = await self._selecting.datasets(question, columns, catalogue, call)
        if selection.empty:
            return 0
        if selection.sky.exact is not None:
            whole = replace(question, order=(), beside=None).paged(call.max_rows)
            rows = await self.page(whole, call)
            number = len(rows.rows) + rows.more
        else:
            query = adql.select(["COUNT(*) AS n_datasets"], columns.source, where=selection.where())
            ((number,),) = (await self._service.query(query, 1, call, "how many datasets")).rows
        if number > call.max_rows:
            raise TooComplex(
                f"More than {call.max_rows} datasets: counting them passes the limit.",
                limit=call.max_rows,
                actual=int(number),
                what="datasets counted",
            )
        return int(number)

    async def facets(self, question: Datasets, by: Sequence[str], first: int, call: Call) -> Facets:
        if not by:
            raise BadUserInput("facets needs at least one dimension or field to count by.")
        columns, catalogue = await self._metadata.both(call)
        selection = await self._selecting.datasets(question, columns, catalogue, call)
        named = [columns.kind_of if name == "type" else (columns.named(name).column,) for name in by]
        if selection.empty:
            return Facets(tuple(by), [], True)
        if selection.sky.exact is not None:
            raise Unsupported(
                "A TAP service cannot count within a range of right ascension and declination; ask with a circle or a polygon.",
                capability="facets of a range",
            )
        listed = [f"{column} AS g_{n}_{m}" for n, own in enumerate(named) for m, column in enumerate(own)]
        query = adql.select(
            [*listed, "COUNT(*) AS n_datasets"],
            columns.source,
            where=selection.where(),
            group=[column for own in named for column in own],
        )
        answer = await self._service.query(query, call.max_rows, call, "counts by value")
        if answer.overflow or len(answer.rows) > call.max_rows:
            raise TooComplex(
                f"More than {call.max_rows} different values; count by fewer dimensions.",
                limit=call.max_rows,
                actual=len(answer.rows),
                what="values",
            )
        counts: dict[tuple[Any, ...], int] = {}
        for *values, number in answer.rows:
            key, rest = [], list(values)
            for name, own in zip(by, named, strict=True):
                part, rest = rest[: len(own)], rest[len(own) :]
                key.append(catalogue.kind(part).name if name == "type" else part[0])
            counts[tuple(key)] = counts.get(tuple(key), 0) + int(number)
        ordered = sorted(counts.items(), key=lambda item: (-item[1], [(v is None, v) for v in item[0]]))
        return Facets(tuple(by), [(*key, number) for key, number in ordered[:first]], len(ordered) <= first)

    # why nothing

    async def explain(self, question: Datasets, call: Call) -> list[str]:
        """Types and collections that have none, and rows that lack what is asked for."""
        columns, catalogue = await self._metadata.both(call)
        selection = await self._selecting.datasets(question, columns, catalogue, call)
        notes = list(selection.notes)
        if selection.empty:
            return notes
        bare = replace(question, sky=None, time=None, among=None, order=())
        wider = await self._selecting.datasets(bare, columns, catalogue, call)
        counted = {name: columns.others[name].column for name in ("s_region", "t_min") if columns.has(name)}
        listed = [f"COUNT({column}) AS n_{name}" for name, column in counted.items()]
        query = adql.select(["COUNT(*) AS n_all", *listed], columns.source, where=wider.where())
        ((total, *known),) = (await self._service.query(query, 1, call, "why there is nothing")).rows
        lacks = {name: total - count for name, count in zip(counted, known, strict=True)}
        if total == 0:
            said = ", ".join(sorted({one.name for one in question.constraints if one.op is not Op.NE}))
            notes.append(f"No dataset has these values of {said}." if said else "There is no such dataset.")
        elif question.sky is not None and lacks.get("s_region"):
            notes.append(f"{lacks['s_region']} of {total} datasets have no region on the sky.")
        elif question.time is not None and lacks.get("t_min"):
            notes.append(f"{lacks['t_min']} of {total} datasets have no time.")
        return notes
