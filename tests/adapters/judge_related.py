"""What Butler itself, or a brute force, says of datasets that belong together: the judge of Related and RelatedDataIds.

Every tie becomes pairs of a parent and a place where a dataset is held (dataset, collection, validity range). They come from

- CALIBRATION from an observation, SPATIAL between observations and sky maps, and DATA_ID: one of Butler's general queries, as a pipeline's
  would be: ``join_data_coordinates`` of the parents, ``join_dataset_search`` of the type, every constraint in Butler's ``where``,
  ``find_first=False`` to see collections and validity ranges. Butler joins dimensions, visits and exposures, times and regions;
- CALIBRATION from a calibration: brute force over all certifications: data IDs agree (and where the sky joins them, a flat's detector and the patch
  of a warp, Butler's query does too), the validity range overlaps the observation's timespan, and no earlier CALIBRATION collection has anything of that data ID that is valid then;
- SPATIAL between observations, between sky maps, and of exposures (through their visits): brute force, lsst.sphgeom on all regions;
- TEMPORAL: brute force on all timespans;
- DATA_ID between observations and certified calibrations, where Butler would join by time: brute force on the expanded data IDs.

Find-first then keeps, of each parent and data ID, what the first collection of the path has: a range that is ambiguous shows as several. No dataset
belongs together with itself; where it is the first of its data ID, none that stands behind it takes its place. Where it is not ambiguous
Butler's own ``find_first=True`` must name the same datasets (asserted on the way). Order: Python's sort.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lsst.daf.butler import DataCoordinate, DatasetType, DimensionGroup

from adapters.errors import BadUserInput
from adapters.question import Datasets, Kinship, Related

from .facts_related import Facts, Held, held_of, together
from .judge import Judge, Row, in_order, is_glob


class RelatedJudge(Facts):
    """Related, answered by Butler and by force."""

    # -------------------- which tie

    def kinship(self, question: Related, target: DatasetType, path: list[str]) -> Kinship:
        """The tie asked for, or Butler's own. Raises BadUserInput where there is none."""
        here, there = self.butler.dimensions.conform(question.dimensions), target.dimensions
        own = [c for c in path if target.name in self.judge.info[c].dataset_types]
        certified = target.isCalibration() and bool(self.calibrations(own))
        a, b = self.families(here), self.families(there)
        ties = []
        if (certified and here.temporal) or (self.certifying(question, path) and there.temporal):
            ties.append(Kinship.CALIBRATION)
        if a and b and not a & b:
            ties.append(Kinship.SPATIAL)
        shared = set(here.required) & set(there.required)
        governors = {"instrument", "skymap"}
        narrow = set(here.required) <= governors or set(there.required) <= governors
        crossing = {"exposure", "visit"}
        met = bool(crossing & set(here.required)) and bool(crossing & set(there.required))
        if shared - governors or (shared and narrow) or met:
            ties.append(Kinship.DATA_ID)
        default = ties[0] if ties else None
        if a & b:
            ties.append(Kinship.SPATIAL)
        if here.temporal and there.temporal:
            ties.append(Kinship.TEMPORAL)
        chosen = question.by or default or (Kinship.SPATIAL if a & b else None)
        if chosen is None or chosen not in ties:
            raise BadUserInput("no such tie")
        return chosen

    def certifying(self, question: Related, path: list[str]) -> list[tuple[int, str]]:
        """CALIBRATION collections that certify the parents' type, with their ranks: those searched, else the default ones."""
        source = question.source
        if source is None or not self.judge.types[source].isCalibration():
            return []
        for candidates in (path, self.judge.path(None)):
            own = [
                (place, c)
                for place, c in enumerate(candidates)
                if c in self.calibrations([c]) and source in self.judge.info[c].dataset_types
            ]
            if own:
                return own
        return []

    # -------------------- the answer

    def related(self, question: Related) -> list[Row]:
        judge = self.judge
        path = judge.path(question.collections)
        exact = {name for name in question.types if not is_glob(name)}
        keyed: list[tuple[Any, Row]] = []
        for name in judge.named(question.types, judge.types):
            target = judge.types[name]
            try:
                kind = self.kinship(question, target, path)
            except BadUserInput:
                if name in exact:
                    raise
                continue
            for row in self._of_type(question, target, kind, path):
                order = [judge._order(term, _data_id(judge, target, row), row) for term in question.order]
                required = [row[d] for d in target.dimensions.required]
                low = -(2**63) if row["valid_begin"] is None else row["valid_begin"]
                keyed.append(((order, [name, *required, row["id"], low, row["rank"]]), row))
        parents = range(len(question.keys))
        return [
            row
            for p in parents
            for row in in_order([k for k in keyed if k[1]["parent"] == p], question.order)
        ]

    def _of_type(self, question: Related, target: DatasetType, kind: Kinship, path: list[str]) -> list[Row]:
        own = [c for c in path if target.name in self.judge.info[c].dataset_types]
        if not own:
            return []
        globs = any(is_glob(name) for name in question.collections or ())
        first = question.find_first
        if first is None:
            first = kind is Kinship.CALIBRATION or not globs
        here = self.butler.dimensions.conform(question.dimensions)
        certified = target.isCalibration() and bool(self.calibrations(own))
        a, b = self.families(here), self.families(target.dimensions)
        pairs: Iterable[tuple[int, Held]]
        if kind is Kinship.CALIBRATION and not (certified and here.temporal):
            return self._reverse(question, target, own, path, first)
        if (
            kind is Kinship.TEMPORAL
            or (kind is Kinship.DATA_ID and certified and here.temporal)
            or (kind is Kinship.SPATIAL and (a & b or not here.spatial or not target.dimensions.spatial))
        ):
            pairs = self._brute(question, target, own, kind)
        else:
            pairs = self._butlers(question, target, own, first)
        rank = {c: place for place, c in reversed(list(enumerate(path)))}
        kept = _first(self, pairs, rank, first)
        found = [(p, h) for p, h in kept if not question.ids or h.id != question.ids[p]]
        if kind is not Kinship.CALIBRATION:
            once: dict[tuple[int, str], tuple[int, Held]] = {}
            for p, h in sorted(found, key=lambda one: (rank[one[1].collection], one[1].begin or -1)):
                once.setdefault((p, h.id), (p, h))
            found = list(once.values())
        certifying = set(self.calibrations(own))

        def of(h: Held) -> str:
            by_data_id = kind is Kinship.CALIBRATION and h.collection not in certifying
            return str(Kinship.DATA_ID if by_data_id else kind)

        return [
            {"parent": p, **self.rows[h.id], "kind": of(h), "collection": h.collection}
            | {"rank": rank[h.collection], "valid_begin": h.begin, "valid_end": h.end}
            for p, h in dict.fromkeys(found)
        ]

    def _allowed(self, question: Related, target: DatasetType, own: list[str]) -> list[Held]:
        """Where datasets of the type that satisfy the constraints are."""
        bare = Datasets((target.name,), ("*",), question.constraints, find_first=False)
        ids = {row["id"] for row in self.judge.datasets(bare)}
        return [h for h in self.held(target.name) if h.id in ids and h.collection in own]

    def _butlers(
        self, question: Related, target: DatasetType, own: list[str], first: bool
    ) -> list[tuple[int, Held]]:
        here = self.butler.dimensions.conform(question.dimensions)
        names = [*here.required, *(d for d in target.dimensions.required if d not in here.required)]
        terms = self.judge.limits(
            Datasets((target.name,), None, question.constraints), target.dimensions, target.name
        )
        where, bind = terms.clause()
        certified = target.isCalibration() and bool(self.calibrations(own))
        fields = {"dataset_id", "collection", *(["timespan"] if certified else [])}
        keys = {
            key: DataCoordinate.standardize(dict(zip(here.required, key, strict=True)), dimensions=here)
            for key in question.keys
        }

        def ask(find_first: bool) -> list[Row]:
            with self.butler.query() as query:
                query = query.join_data_coordinates(keys.values()).join_dataset_search(target.name, own)
                general = query.where(where, bind=bind).general(
                    names,
                    dataset_fields={target.name: {"dataset_id"} if find_first else fields},
                    find_first=find_first,
                )
                return list(general)

        rows = [
            (tuple(row[d] for d in here.required), held_of(row, target.name, certified)) for row in ask(False)
        ]
        if first and (here.temporal or not certified):
            self._same_as_butlers_first(rows, ask, here, target, own)
        return [(p, h) for p, key in enumerate(question.keys) for found, h in rows if found == key]

    def _same_as_butlers_first(
        self,
        rows: list[Any],
        ask: Callable[[bool], list[Row]],
        here: DimensionGroup,
        target: DatasetType,
        own: list[str],
    ) -> None:
        rank = {c: place for place, c in reversed(list(enumerate(own)))}
        mine = {(key, h.id) for key, h in _first(self, rows, rank, True)}
        places = {(key, *(self.rows[i][d] for d in target.dimensions.required)) for key, i in mine}
        if len(places) == len(mine):
            name = f"{target.name}.dataset_id"
            butlers = {(tuple(row[d] for d in here.required), row[name].hex) for row in ask(True)}
            assert mine == butlers, "the judge's find-first is not Butler's"

    def _brute(
        self, question: Related, target: DatasetType, own: list[str], kind: Kinship
    ) -> list[tuple[int, Held]]:
        here, there = self.butler.dimensions.conform(question.dimensions), target.dimensions
        found = []
        candidates = [(h, self.rows[h.id]) for h in self._allowed(question, target, own)]
        for parent, key in enumerate(question.keys):
            data_id = self.expanded(here, key)
            for h, row in candidates:
                if kind is Kinship.TEMPORAL:
                    tied = together(self.timespan(here, data_id), self.timespan(there, row))
                elif kind is Kinship.SPATIAL:
                    alike = not self.families(here) & self.families(there)
                    shared = [d for d in there.names if d in here.names] if alike else []
                    tied = all(data_id[d] == row[d] for d in shared) and bool(
                        self.pairs(here, data_id, there, row)
                    )
                else:
                    tied = self._agree(here, data_id, there, row)
                if tied:
                    found.append((parent, h))
        return found

    def _agree(self, here: DimensionGroup, a: Row, there: DimensionGroup, b: Row) -> bool:
        return all(a[d] == b[d] for d in there.names if d in here.names)

    def _reverse(
        self, question: Related, target: DatasetType, own: list[str], path: list[str], first: bool
    ) -> list[Row]:
        assert question.source is not None
        ranks = {c: place for place, c in reversed(self.certifying(question, path))}
        certified = [h for h in self.held(question.source) if h.collection in ranks]
        source = self.judge.types[question.source].dimensions
        turn = {c: place for place, c in reversed(list(enumerate(path)))}
        targets = [(h, self.rows[h.id]) for h in self._allowed(question, target, own)]
        times = {h.id: self.timespan(target.dimensions, row) for h, row in targets}
        out: dict[tuple[Any, ...], Row] = {}
        joined = {(parent, h.id) for parent, h in self._butlers(question, target, own, False)}
        for parent, identifier in enumerate(question.ids):
            calibration = self.rows[identifier]
            rivals = [
                h for h in certified if all(self.rows[h.id][d] == calibration[d] for d in source.required)
            ]
            pairs = [
                (mine, h)
                for mine in rivals
                if mine.id == identifier
                for h, row in targets
                if (parent, h.id) in joined
                and all(row[d] == calibration[d] for d in source.required if d in row)
                and together(mine.span, times[h.id])
                and not any(
                    ranks[r.collection] < ranks[mine.collection] and together(r.span, times[h.id])
                    for r in rivals
                )
            ]
            kept = set(_first(self, ((parent, h) for _, h in pairs), turn, first))
            for mine, h in pairs:
                if (parent, h) in kept:
                    row = {
                        "parent": parent,
                        **self.rows[h.id],
                        "kind": "CALIBRATION",
                        "collection": mine.collection,
                    }
                    row |= {"rank": ranks[mine.collection], "valid_begin": mine.begin, "valid_end": mine.end}
                    out[(parent, h.id, mine)] = row
        return list(out.values())


def _data_id(judge: Judge, target: DatasetType, row: Row) -> DataCoordinate:
    required = {d: row[d] for d in target.dimensions.required}
    return DataCoordinate.standardize(required, dimensions=target.dimensions)


def _first(
    judge: RelatedJudge, pairs: Iterable[tuple[Any, Held]], rank: dict[str, int], first: bool
) -> list[tuple[Any, Held]]:
    """Of each parent and data ID what the first collection has."""
    found = list(pairs)
    if not first:
        return found
    best: dict[Any, int] = {}

    def place(p: Any, h: Held) -> Any:
        row = judge.rows[h.id]
        return (p, row["type"], *(row[d] for d in judge.judge.types[row["type"]].dimensions.required))

    for p, h in found:
        best[place(p, h)] = min(best.get(place(p, h), len(rank)), rank[h.collection])
    return [(p, h) for p, h in found if rank[h.collection] == best[place(p, h)]]
