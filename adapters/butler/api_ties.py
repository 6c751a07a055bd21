"""What is tied to N parents, by Butler's own joins where Butler has them and by time or data ID in Python where it has none.

Butler joins dimensions, visits and exposures, the validity of calibrations and the sky in one general query with the parents' data IDs uploaded.
It does not join what overlaps in time only, nor a certified calibration to an observation of any time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from lsst.daf.butler import Butler, DataCoordinate, DatasetType, DimensionElement, DimensionGroup
from lsst.daf.butler.queries import Query

from .. import overlap
from ..errors import TooComplex
from ..question import Kinship, Related, Span
from . import sky
from .api_datasets import fields_of
from .api_dimensions import batches, coordinates, of_keys, region_fields, region_of
from .api_name import Name, Raw, ends, picker
from .api_names import Step
from .api_place import Key
from .api_rows import rows_of
from .api_selection import Selection, merged
from .api_spans import Spans
from .expression import timespan
from .kinship import Side

_RANGES = 100
"""Ranges of time that one query asks for; more are asked for as fewer, wider ones."""


@dataclass(frozen=True, slots=True)
class Parents:
    """What the parents are; ``certifying``: the CALIBRATION collections that tell when they are valid, with their places in the search."""

    side: Side
    source: DatasetType | None = None
    certifying: tuple[tuple[int, Step], ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One dataset type of a question: the collections that may hold it with their places in the search order, the tie, and what the
    question orders by."""

    type: DatasetType
    path: tuple[tuple[int, Step], ...]
    kinship: Kinship
    certified: bool
    terms: tuple[Name, ...]


@dataclass(slots=True)
class Tie:
    """A dataset of a parent. ``turn``: the place of the collection that holds it, ``rank`` of the one that supplies the tie."""

    parent: int
    id: Any
    required: Key
    raw: Raw
    turn: int
    collection: str
    rank: int
    begin: int | None = None
    end: int | None = None
    share: float | None = None


def ties(butler: Butler, question: Related, parents: Parents, target: Target, most: int) -> Iterator[Tie]:
    """Everything of one type that is tied to the parents, wherever it is held, the parents themselves among it.

    Raises
    ------
    TooComplex
        Butler finds more than ``most`` rows.
    """
    if not question.keys:
        return iter(())
    seeker = Seeker(butler, question, parents, target, most)
    here, there = parents.side, Side("", target.type.dimensions)
    forward = target.certified and here.timed
    if target.kinship is Kinship.TEMPORAL:
        return seeker.by_time()
    if target.kinship is Kinship.CALIBRATION and not forward:
        return seeker.by_certification()
    if target.kinship is Kinship.DATA_ID and forward:
        return seeker.by_data_id()
    if target.kinship is Kinship.SPATIAL and (
        here.families & there.families or not here.group.spatial or not there.group.spatial
    ):
        from .api_sky import by_sky

        return by_sky(seeker)
    return seeker.by_join()


class Seeker:
    """The parts that the ways to find ties have in common."""

    def __init__(
        self, butler: Butler, question: Related, parents: Parents, target: Target, most: int
    ) -> None:
        self.butler, self.question, self.parents, self.target = butler, question, parents, target
        self.most = most
        self.name = target.type.name
        self.here, self.there = parents.side.group, target.type.dimensions
        self.turns = {step.name: place for place, step in reversed(target.path)}
        self.kinds = {step.name: step.type for _, step in target.path}
        self.selection = Selection(
            butler, self.there, question.constraints, dataset_type=self.name, what=f"'{self.name}'"
        )
        for term in target.terms:
            self.selection.need(term)
        beside = question.beside
        self.dated = beside is None or beside.ingest_date or self.selection.dated
        self._required = picker(tuple(self.there.required))
        self._held = itemgetter(
            *(f"{self.name}.{field}" for field in ("dataset_id", "collection", "timespan"))
        )

    # -------------------- ways

    def by_join(self) -> Iterator[Tie]:
        """What Butler joins to the parents' data IDs in one query: a raw's flat by validity, a calexp's patches by the sky."""
        measured = self._measured()
        both = self.butler.dimensions.conform([*self.here.required, *self.there.required])
        parents, key = self.parents_by_key()
        uploaded = coordinates(self.here, self.question.dimensions, self.question.keys)
        for row in self.rows(both, region_fields(*measured), uploaded):
            share = None
            if measured:
                near, far = (region_of(element, row) for element in measured)
                share = overlap.fraction(near, far) if near and far else None
            for parent in parents.get(key(row), ()):
                yield self.tie(parent, row, share)

    def by_certification(self) -> Iterator[Tie]:
        """What calibrations are valid for: both searched for in one query, which joins ranges of validity to times of observation.

        Where several collections certify, the first one that certifies any for an observation decides; so all are asked for."""
        source, ids = self.parents.source, defaultdict[str, list[int]](list)
        assert source is not None
        for parent, identifier in enumerate(self.question.ids):
            ids[identifier].append(parent)
        ranks = {step.name: place for place, step in reversed(self.parents.certifying)}
        both = self.butler.dimensions.conform([*self.here.required, *self.there.required])
        uploaded = coordinates(self.here, self.question.dimensions, self.question.keys)
        certified = itemgetter(f"{source.name}.dataset_id", f"{source.name}.collection")
        place = itemgetter(*self.here.required, f"{self.name}.dataset_id")
        rows = list(self.rows(both, {}, uploaded, (source.name, list(ranks))))
        best: dict[Any, int] = {}
        for row in rows:
            rank = ranks[certified(row)[1]]
            best[place(row)] = min(best.get(place(row), rank), rank)
        for row in rows:
            identifier, collection = certified(row)
            if ranks[collection] == best[place(row)]:
                begin, end = ends(row[f"{source.name}.timespan"])
                for parent in ids.get(identifier.hex, ()):
                    tie = self.tie(parent, row)
                    tie.collection, tie.rank, tie.begin, tie.end = collection, ranks[collection], begin, end
                    yield tie

    def by_data_id(self) -> Iterator[Tie]:
        """Calibrations of a parent's data ID whenever they are valid: the values that both sides have are looked up, then searched for."""
        shared = [name for name in self.there.names if name in self.here.names]
        group = self.butler.dimensions.conform(shared)
        parents: dict[Key, list[int]] = defaultdict(list)
        own, key = self.parents_by_key()
        question = self.question
        for row in of_keys(self.butler, question.dimensions, self.here, {}, question.keys, self.most):
            parents[tuple(row[name] for name in shared)] += own.get(key(row), [])
        wanted: list[Any] = list(
            {tuple(found[shared.index(name)] for name in group.required) for found in parents}
        )
        for row in self.rows(self.there, {}, coordinates(group, tuple(group.required), wanted)):
            for parent in parents.get(tuple(row[name] for name in shared), ()):
                yield self.tie(parent, row)

    def by_time(self) -> Iterator[Tie]:
        """What was observed while a parent was, whatever it is: Butler is asked for what lies in the parents' ranges of time."""
        spans = Spans.of(self.butler, self.question, self.here, self.most)
        (family, *_) = self.there.temporal
        column = f"{family.choose(self.there).name}.timespan"
        wanted = spans.merged(_RANGES)
        if not wanted:
            return
        text = " OR ".join(f"{column} OVERLAPS :span{n}" for n in range(len(wanted)))
        bind = {f"span{n}": timespan(Span(*one)) for n, one in enumerate(wanted)}
        fields = {family.choose(self.there).name: ["timespan"]}
        rows = [
            (row, ends(row[column]))
            for row in self.rows(self.there, fields, None, where=(f"({text})", bind))
            if row[column] is not None
        ]
        for parent, place in spans.meeting([span for _, span in rows]):
            yield self.tie(parent, rows[place][0])

    # -------------------- parts

    def _measured(self) -> Sequence[DimensionElement]:
        """The elements whose regions tell how much of a parent is covered, where that is asked."""
        if self.target.kinship is not Kinship.SPATIAL or not self.question.overlap:
            return ()
        return [foot.element for foot in sky.facing(self.here, self.there)]

    def parents_by_key(self) -> tuple[dict[Key, list[int]], Any]:
        """Parents by their keys, and what gives a row's key."""
        found: dict[Key, list[int]] = defaultdict(list)
        for parent, key in enumerate(self.question.keys):
            found[key].append(parent)
        return found, picker(self.question.dimensions)

    def rows(
        self,
        group: DimensionGroup,
        fields: Mapping[str, Iterable[str]],
        uploaded: Sequence[DataCoordinate] | None,
        beside: tuple[str, list[str]] | None = None,
        where: tuple[str, dict[str, Any]] | None = None,
    ) -> Iterator[Raw]:
        """Datasets of the target's type with the dimensions of ``group``, joined to uploaded data IDs (each once) and to datasets of
        another type ``beside``; one query, unless more is uploaded than a server takes.

        Raises
        ------
        TooComplex
            There are more than may be materialised.
        """
        searched = list(self.turns)
        datasets = {self.name: fields_of(self.dated)}
        count = 0
        for batch in [None] if uploaded is None else batches(uploaded):
            with self.butler.query() as query:
                joined = self._joined(query, batch, searched, beside, where)
                if beside is not None:
                    datasets[beside[0]] = {"dataset_id", "collection", "timespan"}
                wanted = merged(self.selection.fields, fields)
                result = joined.general(
                    group, dimension_fields=wanted, dataset_fields=datasets, find_first=False
                )
                sieved = len(group.spatial) > 1 or self.selection.reaching
                sieved = sieved or self.target.kinship is Kinship.SPATIAL
                for row in rows_of(self.butler, result, self.most - count + 1, sieved=sieved):
                    count += 1
                    if count > self.most:
                        raise TooComplex(
                            f"More than {self.most} associations; ask for fewer parents or a smaller first.",
                            limit=self.most,
                            actual=count,
                            what="associations",
                        )
                    if self.selection.admits(row):
                        yield row

    def _joined(
        self,
        query: Query,
        uploaded: Sequence[DataCoordinate] | None,
        searched: list[str],
        beside: tuple[str, list[str]] | None,
        where: tuple[str, dict[str, Any]] | None,
    ) -> Query:
        if uploaded is not None:
            query = query.join_data_coordinates(uploaded)
        query = query.join_dataset_search(self.name, searched)
        if beside is not None:
            query = query.join_dataset_search(*beside)
        return self.selection.narrow(query) if where is None else self.selection.narrow(query, *where)

    def tie(self, parent: int, row: Raw, share: float | None = None) -> Tie:
        identifier, collection, span = self._held(row)
        turn = self.turns[collection]
        begin, end = ends(span) if self.kinds[collection] == "CALIBRATION" else (None, None)
        return Tie(parent, identifier, self._required(row), row, turn, collection, turn, begin, end, share)
