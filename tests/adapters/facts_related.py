"""What the judge of associations knows of a repository: every place where a dataset is held, every region, every time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lsst.daf.butler import CollectionType, DataCoordinate, DimensionGroup, SkyPixDimension
from lsst.sphgeom import Region

from adapters.question import Datasets

from .judge import Judge, Row
from .terms import ends

Span = tuple[int | None, int | None]


@dataclass(frozen=True)
class Held:
    """A dataset in a collection."""

    id: str
    collection: str
    begin: int | None = None
    end: int | None = None

    @property
    def span(self) -> Span:
        return (self.begin, self.end)


def together(a: Span | None, b: Span | None) -> bool:
    """Whether two half-open ranges share an instant; None has no time at all."""
    if a is None or b is None:
        return False
    return (a[0] is None or b[1] is None or a[0] < b[1]) and (b[0] is None or a[1] is None or b[0] < a[1])


class Facts:
    """Where datasets are held, where and when they were observed: by Butler's public API, all of it."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.butler = judge.butler
        self.rows = {row["id"]: row for row in judge.datasets(Datasets(("*",), ("*",), find_first=False))}
        definitions = self.butler.query_dimension_records("visit_definition", explain=False, limit=None)
        self.visits: dict[tuple[str, int], list[int]] = {}
        for one in definitions:
            self.visits.setdefault((one.instrument, one.exposure), []).append(one.visit)
        self._held: dict[str, list[Held]] = {}

    def held(self, name: str) -> list[Held]:
        """Every place where datasets of a type are."""
        if name not in self._held:
            known = self.judge.info.items()
            own = [
                n for n, one in known if name in one.dataset_types and one.type is not CollectionType.CHAINED
            ]
            certified = self.judge.types[name].isCalibration() and bool(self.calibrations(own))
            fields = {"dataset_id", "collection", *(["timespan"] if certified else [])}
            with self.butler.query() as query:
                query = query.join_dataset_search(name, own)
                rows = query.general(
                    self.judge.types[name].dimensions, dataset_fields={name: fields}, find_first=False
                )
                self._held[name] = [held_of(row, name, certified) for row in rows]
        return self._held[name]

    def expanded(self, group: DimensionGroup, key: Sequence[Any]) -> Row:
        data_id = DataCoordinate.standardize(dict(zip(group.required, key, strict=True)), dimensions=group)
        return dict(self.butler.registry.expandDataId(data_id).mapping)

    def regions(self, group: DimensionGroup, data_id: Row) -> list[tuple[str, Region]]:
        """Regions by family; of an exposure those of all its visits."""
        if not group.spatial and "exposure" in group.names:
            wide = group.universe.conform([*group.names, "visit"])
            visits = self.visits.get((data_id["instrument"], data_id["exposure"]), [])
            return [r for visit in sorted(visits) for r in self._regions(wide, {**data_id, "visit": visit})]
        return self._regions(group, data_id)

    def _regions(self, group: DimensionGroup, data_id: Row) -> list[tuple[str, Region]]:
        found = []
        for family in group.spatial:
            element = family.choose(group)
            if isinstance(element, SkyPixDimension):
                found.append((family.name, element.pixelization.pixel(data_id[element.name])))
                continue
            try:
                record = self.judge.record(element.name, data_id)
            except KeyError:  # a detector without a region in this visit
                continue
            if record.region is not None:
                found.append((family.name, record.region))
        return found

    def timespan(self, group: DimensionGroup, data_id: Row) -> Span | None:
        (family,) = group.temporal
        found = self.judge.record(family.choose(group).name, data_id).timespan
        return None if found is None else ends(found)

    def families(self, group: DimensionGroup) -> set[str]:
        wide = group
        if not group.spatial and "exposure" in group.names:
            wide = group.universe.conform([*group.names, "visit"])
        return {family.name for family in wide.spatial}

    def pairs(
        self, here: DimensionGroup, a: Row, there: DimensionGroup, b: Row
    ) -> list[tuple[Region, Region]]:
        """The regions of two data IDs that share a point; where Butler joins them, the finest that both together have."""
        mine, theirs = self.regions(here, a), self.regions(there, b)
        if here.spatial and there.spatial and not self.families(here) & self.families(there):
            both = self._regions(here.universe.conform([*here.names, *there.names]), {**b, **a})
            mine = [one for one in both if one[0] in self.families(here)]
            theirs = [one for one in both if one[0] in self.families(there)]
        return [(x, y) for _, x in mine for _, y in theirs if x.overlaps(y) is not False]

    def calibrations(self, path: Iterable[str]) -> list[str]:
        return [c for c in path if self.judge.info[c].type is CollectionType.CALIBRATION]


def held_of(row: Row, name: str, certified: bool) -> Held:
    begin, end = (
        ends(row[f"{name}.timespan"]) if certified and row[f"{name}.timespan"] is not None else (None, None)
    )
    return Held(row[f"{name}.dataset_id"].hex, row[f"{name}.collection"], begin, end)
