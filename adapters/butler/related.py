"""Associations: which flat, which patches, which coadds - of N parents at once, with the reason on each row."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import sqlalchemy as sa
from lsst.daf.butler import DimensionGroup

from ..caller import Call
from ..errors import AdapterError, BadUserInput, TooComplex, Unsupported
from ..question import Among, Kinship, Page, Related
from ..rows import Row, Rows
from . import conditions, glob, links
from .api import ButlerApi
from .beside import Along, CalibrationKey, Valid, along
from .kinship import Side, chosen
from .links import Links
from .names import CollectionRecord, Names, TypeRecord
from .parents import first_of_each, in_one_order, shaped
from .reach import Cut, Reach
from .related_sky import spatial
from .store import Store
from .tables import Tables

Path = tuple[tuple[int, CollectionRecord], ...]
Togetherness = Callable[[Sequence[tuple[str, str]], Call], Sequence[bool | None]]
"""Pairs of dataset ids -> whether a recorded execution used them together; None where nothing is recorded."""


@dataclass(frozen=True, slots=True)
class Target:
    """One dataset type of a question: the collections that may hold it, with their places in the search order, and the tie."""

    record: TypeRecord
    path: Path
    kinship: Kinship


@dataclass(frozen=True, slots=True)
class _Ready:
    """What is known of a question whatever its parents: how each type is reached, and the answer that rows of it are. ``identity``: what
    statements are known by."""

    here: Side
    source: TypeRecord | None
    reached: Sequence[tuple[Target, Reach]]
    identity: tuple[Hashable, ...]
    shape: Rows

    def behind(self, question: Related) -> list[tuple[Any, ...]]:
        """What is put behind each row, by its parent: what it has in common with all, and with the parent."""
        if len(self.reached) != 1:
            return []
        ((_, reach),) = self.reached
        same, places = tuple(reach.same.values()), [question.dimensions.index(d) for d in reach.shared]
        if not places:
            return [same] * len(question.keys) if same else []
        return [(*same, *(key[place] for place in places)) for key in question.keys]


@dataclass(slots=True)
class RelatedQueries:
    """Related. ``together`` tells of recorded execution; None: nothing can be known of it here."""

    store: Store
    tables: Tables
    names: Names
    api: ButlerApi
    together: Togetherness | None = None

    def page(self, question: Related, call: Call) -> Rows:
        ready = self._ready(question, call)
        limit = question.page.first + 1
        rows = ready.shape.of(self._collect(ready, question, limit, call))
        if len(ready.reached) > 1:
            rows.rows = in_one_order(rows, [term.descending for term in question.order])
        if question.used is not None:
            rows.rows = self._only_used(rows, question, call)
        rows.rows = first_of_each(rows.rows, limit)
        behind = ready.behind(question)
        if behind:
            rows.rows = [(*row, *behind[row[0]]) for row in rows.rows]
        return rows

    def count(self, question: Related, call: Call) -> int:
        """Counted for one parent. Raises TooComplex past the limit."""
        bare = replace(question, order=(), overlap=False, beside=None).paged(call.max_rows)
        number = len(self.page(bare, call).rows)
        if number > call.max_rows:
            raise TooComplex(
                f"More than {call.max_rows} associations: counting them passes the limit.",
                limit=call.max_rows,
                actual=number,
                what="associations counted",
            )
        return number

    def targets(self, question: Related, call: Call) -> list[Target]:
        """The types asked for that some collection may hold, each with its tie.

        Raises
        ------
        NotFound
            A named dataset type or collection does not exist.
        BadUserInput
            A named type cannot be tied to the parents in this way, or lacks a dimension that is asked for; the message has what is
            possible.
        """
        self.names.remember_types(call)
        path = self.names.path(question.collections, call)
        types = self.names.types(question.types, call)
        holdings = self.names.holdings(types, path, call)
        here = self._parents(question, self._source(question, call), path, call)
        found = []
        for record in types:
            own = tuple((place, c) for place, c in enumerate(path) if (record.id, c.id) in holdings)
            certified = record.info.is_calibration and any(c.type == "CALIBRATION" for _, c in own)
            there = Side(f"dataset type '{record.name}'", record.group, record.info.is_calibration, certified)
            try:
                kinship = chosen(question.by, here, there)
                conditions.require_inside(question.constraints, record.group, self.tables)
            except BadUserInput:
                if record.exact:
                    raise
                continue
            if own:
                found.append(Target(record, own, kinship))
        return found

    def _ready(self, question: Related, call: Call) -> _Ready:
        """What is known of a question before its parents are; kept of those that begin at the beginning."""
        if question.page.after is not None:
            return self._prepared(question, call)
        bare = replace(question, keys=(), ids=(), page=Page(0))
        ready: _Ready | None = self.names.ready(bare, call)
        if ready is None:
            ready = self._prepared(bare, call)
            self.names.keep_ready(bare, ready, 1 + len(ready.reached), call)
        return ready

    def _prepared(self, question: Related, call: Call) -> _Ready:
        targets = self.targets(question, call)
        path = self.names.path(question.collections, call)
        source = self._source(question, call)
        here = self._parents(question, source, path, call)
        group = self.tables.universe.conform({d for t in targets for d in t.record.info.required})
        names = _shown(question, group, targets)
        taken = self._along(question, targets)
        reached = []
        for target in targets:
            first = self._find_first(question, target.kinship, call)
            backward = target.kinship is Kinship.CALIBRATION and not _forward(here, target)
            tying = self._calibrations(source, path, call) if source and backward else ()
            reach = Reach(
                self.tables, question, target.record, target.kinship, target.path, first, names, taken, tying
            )
            if len(targets) == 1 and target.kinship is not Kinship.SPATIAL:
                reach = replace(reach, same=reach.alike(), shared=_shared(question, target, names))
            reached.append((target, reach))
        identity = (question, here, names, taken and taken.identity)
        return _Ready(here, source, reached, identity, shaped(question, [r for _, r in reached], names))

    def _collect(self, ready: _Ready, question: Related, limit: int, call: Call) -> list[Row]:
        here, source = ready.here, ready.source
        found: list[Row] = []
        for target, reach in ready.reached:
            # A dataset is not tied to itself.
            own = bool(question.ids) and source is not None and source.name == target.record.name
            if target.kinship is Kinship.SPATIAL:
                most = limit if question.used is None else call.max_rows + 1
                asked = replace(reach, question=question)
                found += spatial(self.store, asked, here, most, call, question.ids if own else ())
                continue

            def build(
                cut: Cut | Literal[False], target: Target = target, own: bool = own, reach: Reach = reach
            ) -> sa.Select[Any] | None:
                tied = self._links(question, here, source, target, reach.tying, call)
                return reach.statement(tied, cut=cut, own=own)

            alike: tuple[Hashable, ...] | None = None
            sieved = self._sieved(here, target)
            if question.page.after is None and (sieved or not self._found_first(here, target)):
                alike = (*ready.identity, target, reach.tying, own)
            each = None if sieved or question.used is not None else limit
            rows = self._read(question, self._cut(target, here, own), each, build, alike, call)
            found += self._joined(question, target, rows, call) if sieved else rows
        return found

    @staticmethod
    def _sieved(here: Side, target: Target) -> bool:
        """Whether the sky keeps some of what a calibration is valid for apart from it: warps of a visit that its detector did not see."""
        backward = target.kinship is Kinship.CALIBRATION and not _forward(here, target)
        return backward and _needs_sky(here.group, target.record.group)

    def _joined(self, question: Related, target: Target, rows: list[Row], call: Call) -> list[Row]:
        """The rows that Butler joins too."""
        if not rows:
            return rows
        asked = replace(
            question, types=(target.record.name,), order=(), beside=None, used=None, overlap=False
        )
        tied = {row[:2] for row in self.api.ask(asked.paged(call.max_rows), call).rows}
        return [row for row in rows if row[:2] in tied]

    def _read(
        self,
        question: Related,
        cut: Cut | Literal[False],
        limit: int | None,
        build: Callable[[Cut | Literal[False]], sa.Select[Any] | None],
        alike: tuple[Hashable, ...] | None,
        call: Call,
    ) -> list[Row]:
        """The rows of one type, ``cut`` like this, or by parents where more came than was asked for; ``limit`` None: all of them."""
        packed = self.tables.dialect.packed
        values = {
            **packed("keys", question.keys),
            **packed("ids", [[identifier] for identifier in question.ids]),
            "each": call.max_rows if limit is None else limit,
        }

        def rows(cut: Cut | Literal[False], most: int) -> list[Row]:
            statement = (
                build(cut)
                if alike is None
                else self.store.statements.again((*alike, cut), lambda: build(cut))
            )
            return [] if statement is None else self.store.rows(statement, call, {**values, "most": most})

        most = call.max_rows
        if limit is None:
            cut = False
        elif cut is False:
            most = min(most, len(question.keys) * limit)
        found = rows(cut, most + 1)
        if len(found) > most and limit is not None and cut is not Cut.PARENTS:
            found = rows(Cut.PARENTS, call.max_rows + 1)
        if len(found) > call.max_rows:
            raise TooComplex(
                f"More than {call.max_rows} associations; ask for fewer parents or a smaller first.",
                limit=call.max_rows,
                actual=len(found),
                what="associations",
            )
        return found

    def _cut(self, target: Target, here: Side, own: bool) -> Cut | Literal[False]:
        """How a page of each parent is best read. A window that counts each parent's rows costs as much as all the rest, and few parents
        have more than one valid calibration; but a calibration is valid for many, and seldom for two ranges of time."""
        if target.kinship is Kinship.CALIBRATION and (self.store.sqlite or _forward(here, target)):
            return False
        return Cut.PARENTS if own or target.kinship is not Kinship.CALIBRATION else Cut.LINKS

    def _along(self, question: Related, ready: Sequence[Target]) -> Along | None:
        """What a list of one type takes along."""
        if question.beside is None or len(ready) != 1:
            return None
        return along(question.beside, ready[0].record, (), self.tables)

    def valid(self, record: TypeRecord, key: CalibrationKey, call: Call) -> Valid | None:
        """The calibrations that a question about datasets of this type can take along: of one type, certified in one collection that
        alone is searched. None, too, for what cannot be asked: its own question says why."""
        name, collections = key
        if glob.is_glob(name):
            return None
        asked = Related(
            record.info.required, (), (name,), record.name, by=Kinship.CALIBRATION, collections=collections
        )
        try:
            (target,) = self.targets(asked, call)
        except (AdapterError, ValueError):
            return None
        here, there = record.group, target.record
        if not there.info.is_calibration or not here.temporal or _needs_sky(here, there.group):
            return None
        ((place, only), *others) = target.path
        if others or only.type != "CALIBRATION":
            return None
        return Valid(key, there, place, only)

    def _found_first(self, here: Side, target: Target) -> bool:
        """Whether the links have to be found before there is a statement."""
        return target.kinship is not Kinship.TEMPORAL and _needs_sky(here.group, target.record.group)

    def _source(self, question: Related, call: Call) -> TypeRecord | None:
        return None if question.source is None else self.names.type(question.source, call)

    def _parents(
        self, question: Related, source: TypeRecord | None, path: Sequence[CollectionRecord], call: Call
    ) -> Side:
        group = self.tables.universe.conform(question.dimensions)
        if source is None:
            return Side(f"data ID ({', '.join(question.dimensions)})", group, dataset=False)
        certified = source.info.is_calibration and bool(self._calibrations(source, path, call))
        return Side(f"dataset type '{source.name}'", group, source.info.is_calibration, certified)

    def _calibrations(self, source: TypeRecord, path: Sequence[CollectionRecord], call: Call) -> Path:
        """CALIBRATION collections that may certify the parents: those searched, or else the default ones - a search for raws in their
        run must not lose the collection that says which flat is theirs."""
        for candidates in (list(path), None):
            if candidates is None:
                try:
                    candidates = self.names.path(None, call)
                except BadUserInput:
                    return ()
            held = self.names.holdings([source], candidates, call)
            own = tuple(
                (place, c)
                for place, c in enumerate(candidates)
                if c.type == "CALIBRATION" and (source.id, c.id) in held
            )
            if own:
                return own
        return ()

    def _find_first(self, question: Related, kinship: Kinship, call: Call) -> bool:
        if question.find_first is not None:
            return question.find_first
        if kinship is Kinship.CALIBRATION:
            return True
        return not self.names.wild(question.collections, call)

    def _links(
        self,
        question: Related,
        here: Side,
        source: TypeRecord | None,
        reached: Target,
        tying: Path,
        call: Call,
    ) -> Links:
        tables, target = self.tables, reached.record.group
        kinship = reached.kinship
        shared = [name for name in target.names if name in here.group.names]
        if kinship is Kinship.CALIBRATION:
            forward = _forward(here, reached)
            if forward and _needs_sky(here.group, target):
                asked = self._asked_of_butler(question, target, call)
                timed = links.by_time(tables, here.group, question.dimensions, ())
                both = asked.rows.join(timed.rows, timed.parent == asked.parent)
                return replace(
                    timed, rows=both, parent=asked.parent, dimensions=asked.dimensions, settled=False
                )
            if forward:
                # What another shared dimension implies need not be compared.
                implied = {i for n in shared for i in tables.universe.dimensions[n].implied.names}
                compared = [name for name in shared if name not in implied]
                return links.by_time(tables, here.group, question.dimensions, compared)
            assert source is not None
            return links.by_certification(tables, source, tying)
        if kinship is Kinship.TEMPORAL:
            return links.by_time(tables, here.group, question.dimensions, ())
        if _needs_sky(here.group, target):
            return self._asked_of_butler(question, target, call)
        return links.by_data_id(tables, here.group, question.dimensions, target)

    def _asked_of_butler(self, question: Related, target: DimensionGroup, call: Call) -> Links:
        """Links of dimensions that Butler joins in more than one way at once: its own query, the parents uploaded."""
        both = self.tables.universe.conform([*question.dimensions, *target.required])
        among = Among(question.dimensions, question.keys)
        found = self.api.data_ids(tuple(both.required), call, among=among)
        place = {name: n for n, name in enumerate(both.names)}
        parents: dict[tuple[Any, ...], list[int]] = {}
        for n, key in enumerate(question.keys):  # datasets of several runs have one data ID
            parents.setdefault(key, []).append(n)
        names = tuple(target.required)
        pairs = {
            (parent, *(row[place[d]] for d in names))
            for row in found
            for parent in parents[tuple(row[place[d]] for d in question.dimensions)]
        }
        kinds = [sa.BigInteger(), *(self.tables.sql_type(name) for name in names)]
        rows = self.tables.dialect.upload(sorted(pairs), kinds)
        return Links(rows, rows.c.c0, {name: rows.c[f"c{n + 1}"] for n, name in enumerate(names)})

    # what the store cannot say

    def _only_used(self, rows: Rows, question: Related, call: Call) -> list[Row]:
        if self.together is None:
            raise Unsupported("Nothing is known here of what executions used.", capability="PROVENANCE")
        if not question.ids:
            raise BadUserInput("used is asked of datasets, and a bare data ID is none.")
        pairs = [(question.ids[row[0]], row[1]) for row in rows.rows]
        told = self.together(pairs, call)
        return [row for row, used in zip(rows.rows, told, strict=True) if used is question.used]


def _forward(here: Side, target: Target) -> bool:
    """Whether the target is the calibration that is valid for the parents, and not what they are valid for."""
    certified = any(c.type == "CALIBRATION" for _, c in target.path)
    return target.record.info.is_calibration and certified and here.timed


def _shown(question: Related, group: DimensionGroup, targets: Sequence[Target]) -> tuple[str, ...]:
    """The dimensions that the answer has columns of."""
    if question.beside is None or question.beside.dimensions is None:
        return tuple(group.names)
    needed = {*question.beside.dimensions, *(d for t in targets for d in t.record.info.required)}
    return tuple(name for name in group.names if name in needed)


def _shared(question: Related, target: Target, names: Sequence[str]) -> tuple[str, ...]:
    """The dimensions of the answer that a row has as its parent: of datasets that are not tied by time alone."""
    if question.source is None or target.kinship is Kinship.TEMPORAL:
        return ()
    return tuple(name for name in names if name in question.dimensions and name in target.record.group.names)


def _needs_sky(a: DimensionGroup, b: DimensionGroup) -> bool:
    """Whether the finest regions of both together are those of neither side (a warp has a visit and a patch, a raw the detector): then
    Butler ties them by the sky too."""
    both = a.universe.conform([*a.names, *b.names])
    finest = {family.choose(both).name for family in both.spatial}
    return len(finest) > 1 and not finest <= set(a.elements) and not finest <= set(b.elements)
