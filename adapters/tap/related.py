"""Datasets tied to others by the sky or by time: the table joined to itself, N parents in a few queries."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from .. import overlap
from ..caller import Call
from ..errors import BadUserInput, TooComplex, Unsupported
from ..question import Kinship, Related
from ..rows import Column, Kind, Row, Rows
from . import adql
from .catalogue import Catalogue
from .columns import DID, REQUIRED, Columns
from .datasets import DatasetQueries, Wanted
from .metadata import PARTS, Metadata
from .order import Sorting
from .selection import Selecting, Selection
from .service import Service
from .shapes import encoded

_AT_ONCE = 4
_EDGE = (
    Column("kind", Kind.STRING),
    Column("collection", Kind.STRING),
    Column("rank", Kind.LONG),
    Column("valid_begin", Kind.TIME),
    Column("valid_end", Kind.TIME),
    Column("overlap", Kind.FLOAT),
)
_PARENTS = "p_did"
_HERE, _THERE = "p", "o"


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question made ready; ``parents`` and ``columns`` are the same table, twice."""

    question: Related
    parents: Columns
    columns: Columns
    catalogue: Catalogue
    selection: Selection
    wanted: Wanted
    sorting: Sorting
    kept: bool  # per cent signs in identifiers

    @property
    def overlapping(self) -> bool:
        """Whether it is wanted how much overlaps."""
        return self.question.overlap and self.question.by is Kinship.SPATIAL


class Relations:
    """SPATIAL: the s_regions intersect (ADQL's INTERSECTS). TEMPORAL: t_min to t_max overlap. A dataset is not tied to itself."""

    def __init__(
        self, service: Service, metadata: Metadata, selecting: Selecting, datasets: DatasetQueries
    ) -> None:
        self._service = service
        self._metadata = metadata
        self._selecting = selecting
        self._datasets = datasets

    async def page(self, question: Related, call: Call) -> Rows:
        """Rows grouped by parent, at most one more of each than its page has.

        Raises
        ------
        Unsupported
            The tie is none that ObsCore has.
        """
        asked = await self._ready(question, call)
        sides = [str(key[0]) for key in question.keys]
        found = await self._read(asked, sides, call) if sides and not asked.selection.empty else []
        parents = {did: place for place, did in enumerate(sides)}
        found = [row for row in found if row[0] in parents]
        found.sort(key=lambda row: parents[row[0]])
        found = _first_of_each(found, question.page.first + 1)
        return self._rows(found, parents, asked, call)

    async def count(self, question: Related, call: Call) -> int:
        """Of one parent or several together. Raises TooComplex past the limit."""
        asked = await self._ready(question, call)
        if asked.selection.empty or not question.keys:
            return 0
        if not asked.kept:
            raise Unsupported(
                "The service garbles identifiers with a per cent sign, and cannot count what is related to one.",
                capability="per cent signs",
            )
        where = self._where(asked, [str(key[0]) for key in question.keys])
        query = adql.select(["COUNT(*) AS n_pairs"], self._joined(asked), where=where)
        ((number,),) = (await self._service.query(query, 1, call, "how many related datasets")).rows
        if number > call.max_rows:
            raise TooComplex(
                f"More than {call.max_rows} associations: counting them passes the limit.",
                limit=call.max_rows,
                actual=int(number),
                what="associations counted",
            )
        return int(number)

    async def _ready(self, question: Related, call: Call) -> _Asked:
        if question.by not in (Kinship.SPATIAL, Kinship.TEMPORAL):
            said = question.by or "the ties of dimensions, which Butler's queries make"
            raise Unsupported(
                f"An ObsCore service does not know {said}; possible is by: SPATIAL, TEMPORAL.",
                capability=(question.by or Kinship.DATA_ID).value,
            )
        if question.used is not None:
            raise Unsupported("ObsCore does not say what executions used.", capability="PROVENANCE")
        if tuple(question.dimensions) != REQUIRED:
            raise Unsupported(
                f"ObsCore ties datasets to datasets, and a data ID of {', '.join(question.dimensions) or 'nothing'} to none; ask with {DID}.",
                capability="related data IDs",
            )
        if question.page.after is not None and len(question.keys) != 1:
            raise BadUserInput("after goes on with a single parent.")
        table, catalogue = await self._metadata.both(call)
        columns = table.aliased(_THERE)
        if question.by is Kinship.SPATIAL:
            columns.require("s_region", what="where on the sky a dataset lies")
        else:
            columns.require("t_min", "t_max", what="when something was observed")
        selection = await self._selecting.datasets(question, columns, catalogue, call)
        spatial = question.overlap and question.by is Kinship.SPATIAL
        wanted = Wanted.of(columns, question.beside, region=spatial)
        sorting = await self._datasets.sorting(question.order, columns, selection, call)
        kept = not any(
            "%" in str(key[0]) for key in question.keys
        ) or await self._service.language.keeps_percent(call)
        return _Asked(question, table.aliased(_HERE), columns, catalogue, selection, wanted, sorting, kept)

    async def _read(self, asked: _Asked, dids: Sequence[str], call: Call) -> list[Row]:
        """The parent's identifier, what is wanted of the other one, the terms of the order, and the parent's s_region where it is needed."""
        question, sorting = asked.question, asked.sorting
        listed = [f"{asked.parents.did} AS {_PARENTS}", *asked.wanted.listed(), *sorting.selected()]
        if asked.overlapping:
            listed.append(f"{asked.parents.others['s_region'].column} AS p_region")
        alone = len(dids) == 1 and asked.kept
        after = question.page.after
        conditions = [sorting.behind(after)] if after is not None else []
        top = question.page.first + 1 if alone else None
        order = sorting.clause() if alone else [_PARENTS, *sorting.clause()]
        gate = asyncio.Semaphore(_AT_ONCE)

        async def part(own: Sequence[str]) -> list[Row]:
            where = self._where(asked, own, *conditions)
            query = adql.select(listed, self._joined(asked), where=where, order=order, top=top)
            async with gate:
                return await self._metadata.whole(query, call, f"{question.by} associations")

        unique = list(dict.fromkeys(dids))
        parts = [unique[n : n + PARTS] for n in range(0, len(unique), PARTS)]
        return [row for rows in await asyncio.gather(*map(part, parts)) for row in rows]

    @staticmethod
    def _joined(asked: _Asked) -> str:
        """The table beside itself: ``p`` are the parents."""
        here, there = asked.parents, asked.columns

        def at(name: str) -> tuple[str, str]:
            return here.others[name].column, there.others[name].column

        if asked.question.by is Kinship.SPATIAL:
            tie = f"1 = INTERSECTS({', '.join(at('s_region'))})"
        else:
            (begin, other_begin), (end, other_end) = at("t_min"), at("t_max")
            tie = f"{begin} < {other_end} AND {other_begin} < {end}"
        return f"{here.source} JOIN {there.source} ON {tie}"

    @staticmethod
    def _where(asked: _Asked, dids: Sequence[str], *further: str) -> str:
        did = asked.parents.did
        return adql.both(
            [
                adql.identified(did, dids, kept=asked.kept),
                adql.other(did, asked.columns.did),
                *asked.selection.conditions,
                *further,
            ]
        )

    def _rows(self, found: Sequence[Row], parents: dict[str, int], asked: _Asked, call: Call) -> Rows:
        spatial = asked.overlapping
        inner = [row[1 : -1 if spatial else None] for row in found]
        rows = self._datasets.rows(
            inner, asked.wanted, asked.catalogue, asked.sorting, call, notes=asked.selection.notes
        )
        width = len(rows.columns)
        path = (
            self._selecting.path(asked.question.collections, asked.catalogue) or asked.catalogue.collections
        )
        ranks = {name: place for place, name in enumerate(path)}
        assert asked.question.by is not None
        kind = asked.question.by.value
        place = rows.index("run")
        made: list[Row] = []
        for row, one in zip(found, rows.rows, strict=True):
            share = _share(row[-1], row[len(asked.wanted)]) if spatial else None
            edge = (kind, one[place], ranks.get(one[place], len(ranks)), None, None, share)
            made.append((parents[row[0]], *one[:width], *edge, *one[width:]))
        shifted = {
            key: type(joined)(tuple(p + 1 + len(_EDGE) for p in joined.places), joined.source)
            for key, joined in rows.beside.items()
        }
        inner_key = rows.key
        assert inner_key is not None
        step = 1 + len(_EDGE)
        return Rows(
            (Column("parent", Kind.LONG), *rows.columns, *_EDGE),
            made,
            key=lambda row: inner_key(row[step:]),
            types=rows.types,
            notes=rows.notes,
            beside=shifted,
        )


def _share(here: str | None, there: str | None) -> float | None:
    """How much of the parent's region the other one covers."""
    whole, other = (None if text is None else encoded(text) for text in (here, there))
    return None if whole is None or other is None else overlap.fraction(whole, other)


def _first_of_each(rows: Sequence[Row], most: int) -> list[Row]:
    """At most so many of each parent; rows come grouped by it."""
    found: list[Row] = []
    last, count = None, 0
    for row in rows:
        count = count + 1 if row[0] == last else 1
        last = row[0]
        if count <= most:
            found.append(row)
    return found
