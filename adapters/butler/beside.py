"""What a page of datasets takes along in its own statement: when they were observed, where they lie, which calibration is valid for them.

Only what comes at most once for each dataset and needs nothing but a join on what is there already; anything else is left to a question of its
own, and so is a calibration that turns out to be ambiguous.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionElement, DimensionGroup, SkyPixDimension

from ..question import Beside, Kinship
from ..rows import Column as RowColumn
from ..rows import Joined, Kind, Row, Rows
from . import sky
from .names import CollectionRecord, TypeRecord
from .tables import Tables

Column = sa.ColumnElement[Any]
EDGE = (
    RowColumn("kind", Kind.STRING),
    RowColumn("collection", Kind.STRING),
    RowColumn("rank", Kind.LONG),
    RowColumn("valid_begin", Kind.TIME),
    RowColumn("valid_end", Kind.TIME),
    RowColumn("overlap", Kind.FLOAT),
)

"""What a row says of an association, behind the dataset's own columns."""

_COLUMNS = 5  # of a calibration: id, run, ingest date, begin and end of its validity


CalibrationKey = tuple[str, tuple[str, ...] | None]
"""A dataset type, and the collections to search for it."""


@dataclass(frozen=True, slots=True)
class Valid:
    """Calibrations of one type in one CALIBRATION collection, which has this place in the search order; ``key``: how they were asked for."""

    key: CalibrationKey
    record: TypeRecord
    place: int
    collection: CollectionRecord


@dataclass(frozen=True, slots=True)
class Along:
    """What is taken along for datasets of one type."""

    tables: Tables
    group: DimensionGroup
    observed: DimensionElement | None
    lying: DimensionElement | None
    valid: tuple[Valid, ...]
    shown: tuple[str, ...]
    """The dimensions that have columns."""
    dated: bool

    @property
    def identity(self) -> Hashable:
        return (
            self.observed and self.observed.name,
            self.lying and self.lying.name,
            tuple((one.key, one.record.id, one.place, one.collection) for one in self.valid),
            self.shown,
            self.dated,
        )

    def join(
        self, values: Mapping[str, Column], joined: Mapping[str, sa.FromClause], clause: sa.FromClause
    ) -> tuple[list[Column], sa.FromClause]:
        """Its columns, from a clause that has the dimensions' ``values`` and some elements' tables."""
        tables = dict(joined)

        def table(element: DimensionElement) -> sa.FromClause:
            nonlocal clause
            if element.name not in tables:
                alias = self.tables.element(element.name).alias()
                columns = self.tables.key_columns(element)
                on = sa.and_(*(alias.c[columns[d]] == values[d] for d in element.required.names))
                clause = clause.outerjoin(alias, on)
                tables[element.name] = alias
            return tables[element.name]

        columns: list[Column] = []
        if self.observed is not None:
            dialect, seen = self.tables.dialect, table(self.observed)
            columns += [dialect.has_timespan(seen), *dialect.timespan(seen)]
        if self.lying is not None:
            columns.append(table(self.lying).c.region)
        for one in self.valid:
            found, clause = self._calibration(one, values, table(_observed(self.group)), clause)
            columns += found
        return columns, clause

    def _calibration(
        self, one: Valid, values: Mapping[str, Column], seen: sa.FromClause, clause: sa.FromClause
    ) -> tuple[list[Column], sa.FromClause]:
        tables, dialect, info = self.tables, self.tables.dialect, one.record.info
        assert one.record.calibs is not None
        calibs = tables.association(one.record.calibs, info.required, True).alias()
        dataset, run = tables.dataset.alias(), tables.collection.alias()
        on = [calibs.c.dataset_type_id == one.record.id, calibs.c.collection_id == one.collection.id]
        on += [calibs.c[name] == values[name] for name in info.required]
        clause = clause.outerjoin(calibs, sa.and_(*on, dialect.coincide(calibs, seen)))
        clause = clause.outerjoin(dataset, dataset.c.id == calibs.c.dataset_id)
        clause = clause.outerjoin(run, run.c.collection_id == dataset.c.run_id)
        return [
            dialect.hex(calibs.c.dataset_id),
            run.c.name,
            dataset.c.ingest_date if self.dated else dialect.null(sa.BigInteger()),
            *dialect.timespan(calibs),
        ], clause

    # what came

    def told(
        self, rows: list[Row], start: int, own: Mapping[str, int]
    ) -> tuple[list[Row], Mapping[Hashable, Joined]]:
        """The rows, and where each thing is in them; ``start``: where the first of these columns is, ``own``: where the dataset's own are.
        What is the same in every row is put behind it here, and not carried by the database."""
        found: dict[Hashable, Joined] = {}
        place = start
        if self.observed is not None:
            found["timespan"] = Joined((place, place + 1, place + 2), self.observed.name)
            place += 3
        if self.lying is not None:
            found["region"] = Joined((place,), self.lying.name)
            place += 1
        behind = place + _COLUMNS * len(self.valid)
        constants: tuple[Any, ...] = ()
        for one in self.valid:
            found[one.key] = self._found(one, place, behind + len(constants), own)
            place += _COLUMNS
            constants += (one.record.name, Kinship.CALIBRATION.value, one.collection.name, one.place, None)
        return [(*row, *constants) for row in rows] if constants else rows, found

    def _found(self, one: Valid, begin: int, constants: int, own: Mapping[str, int]) -> Joined:
        info = one.record.info
        # Its data ID is a part of the dataset's.
        places = {name: own[name] for name in info.dimensions if name in own}
        places |= {
            name: begin + n for n, name in enumerate(("id", "run", "ingest_date", "valid_begin", "valid_end"))
        }
        places |= {
            name: constants + n for n, name in enumerate(("type", "kind", "collection", "rank", "overlap"))
        }
        columns = (
            RowColumn("id", Kind.UUID),
            RowColumn("type", Kind.STRING),
            RowColumn("run", Kind.STRING),
            RowColumn("ingest_date", Kind.TIME),
            *(RowColumn(n, self.tables.kind(n), dimension=True) for n in info.dimensions if n in own),
            *EDGE,
        )
        return Joined((begin,), None, Rows(columns, [], types={info.name: info}, _places=places))


def along(wanted: Beside, record: TypeRecord, valid: Sequence[Valid], tables: Tables) -> Along:
    """What of ``wanted`` datasets of this type can take along, and which of their own columns they need."""
    group = record.group
    observed = _observed(group) if wanted.timespan and group.temporal else None
    lying = _lying(group) if wanted.region else None
    fit = tuple(one for one in valid if set(one.record.info.dimensions) <= set(group.names))
    shown = tuple(group.names)
    if wanted.dimensions is not None:
        needed = {
            *wanted.dimensions,
            *record.info.required,
            *(d for one in fit for d in one.record.info.required),
        }
        shown = tuple(name for name in group.names if name in needed)
    return Along(tables, group, observed, lying, fit, shown, wanted.ingest_date)


def _observed(group: DimensionGroup) -> DimensionElement:
    (family, *_) = group.temporal
    return group.universe[family.choose(group).name]


def _lying(group: DimensionGroup) -> DimensionElement | None:
    """The element whose region it is, where it is found by the dimensions alone."""
    feet = sky.footing(group)
    if len(feet) != 1 or feet[0].through_visits or isinstance(feet[0].element, SkyPixDimension):
        return None
    return feet[0].element
