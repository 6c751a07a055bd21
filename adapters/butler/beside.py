"""What a page of datasets takes along in its own statement: when they were observed, where they lie, fields of their dimensions' records, which
calibration is valid for them.

Only what comes at most once for each dataset and needs nothing but a join on what is there already; anything else is left to a question of its
own, and so is a calibration that turns out to be ambiguous.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionElement, DimensionGroup, SkyPixDimension

from ..question import Beside, Kinship
from ..rows import Column as RowColumn
from ..rows import Joined, Kind, Rows
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

_PLAIN = ("int", "float", "string")
"""Types of fields that every database gives as they are."""

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
    fields: tuple[tuple[DimensionElement, str], ...] = ()

    @property
    def identity(self) -> Hashable:
        return (
            self.observed and self.observed.name,
            self.lying and self.lying.name,
            tuple((one.key, one.record.id, one.place, one.collection) for one in self.valid),
            self.shown,
            self.dated,
            tuple((element.name, name) for element, name in self.fields),
        )

    def join(
        self, values: Mapping[str, Column], joined: Mapping[str, sa.FromClause], clause: sa.FromClause
    ) -> tuple[list[Column], sa.FromClause]:
        """When and where, from a clause that has the dimensions' ``values`` and some elements' tables."""
        own, whole, _ = self._own(values, joined, clause)
        return own, whole

    def beside(
        self,
        columns: dict[str, Column],
        values: Mapping[str, Column],
        joined: Mapping[str, sa.FromClause],
        clause: sa.FromClause,
    ) -> tuple[dict[str, Column], list[Column], sa.FromClause]:
        """The ``columns`` of a page of datasets, all that stands beside them, and a clause that has both."""
        own, clause, seen = self._own(values, joined, clause)
        if seen is None:
            return columns, own, clause
        if self.tables.dialect.name == "postgresql":
            return self._each_once(columns, own, seen, clause)
        for one in self.valid:
            found, clause = self._calibration(one, values, seen, clause)
            own += found
        return columns, own, clause

    def _own(
        self, values: Mapping[str, Column], joined: Mapping[str, sa.FromClause], clause: sa.FromClause
    ) -> tuple[list[Column], sa.FromClause, sa.FromClause | None]:
        """When and where, and the table that has the time in which calibrations are valid."""
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
            dialect, when = self.tables.dialect, table(self.observed)
            columns += [dialect.has_timespan(when), *dialect.timespan(when)]
        if self.lying is not None:
            columns.append(table(self.lying).c.region)
        columns += [table(element).c[name] for element, name in self.fields]
        seen = table(observed(self.group)) if self.valid else None
        return columns, clause, seen

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
        date = [dataset.c.ingest_date] if self.dated else []
        return [dialect.hex(calibs.c.dataset_id), run.c.name, *date, *dialect.timespan(calibs)], clause

    def _each_once(
        self,
        columns: dict[str, Column],
        own: Sequence[Column],
        seen: sa.FromClause,
        clause: sa.FromClause,
    ) -> tuple[dict[str, Column], list[Column], sa.FromClause]:
        """The calibrations of a whole page: looked up once for all rows that can have the same ones, and not for each row."""
        carried = {
            name: column for name, column in columns.items() if not isinstance(column, sa.BindParameter)
        }
        beside = [column.label(f"own{place}") for place, column in enumerate(own)]
        page = (
            sa.select(*(column.label(name) for name, column in carried.items()), *beside, seen.c.timespan)
            .select_from(clause)
            .cte("page")
            .prefix_with("MATERIALIZED")
        )
        columns = {name: page.c[name] if name in carried else column for name, column in columns.items()}
        found: list[Column] = [page.c[label.name] for label in beside]
        clause = page
        for one in self.valid:
            keys = [name for name in one.record.info.required if name in carried]
            known = self._for_keys(one, columns, keys, page)
            on = [known.c[name] == page.c[name] for name in keys]
            clause = clause.outerjoin(known, sa.and_(*on, self.tables.dialect.coincide(known, page)))
            found += [self.tables.dialect.hex(known.c.id), known.c.run]
            found += [known.c.date] if self.dated else []
            found += [known.c.begin, known.c.end]
        return columns, found, clause

    def _for_keys(
        self, one: Valid, columns: Mapping[str, Column], keys: Sequence[str], page: sa.CTE
    ) -> sa.CTE:
        """The calibrations that are valid for any row of the page: for each of their data IDs among the rows those that share an instant with
        when any such row was observed."""
        tables, dialect, info = self.tables, self.tables.dialect, one.record.info
        assert one.record.calibs is not None
        grouped = [page.c[name] for name in keys]
        seen = sa.func.range_agg(page.c.timespan).label("timespan")
        rows = sa.select(*grouped, seen).group_by(*grouped).subquery()
        calibs = tables.association(one.record.calibs, info.required, True).alias()
        dataset, run = tables.dataset.alias(), tables.collection.alias()
        clause = calibs.join(dataset, dataset.c.id == calibs.c.dataset_id)
        clause = clause.join(run, run.c.collection_id == dataset.c.run_id)
        begin, end = dialect.timespan(calibs)
        # With an offset this is no join to the planner, which cannot know how few rows it has: an index is asked for each data ID. The
        # data ID is that of the calibrations, of which there are statistics: they tell that this side of a join is the one to hash.
        each = (
            sa.select(
                *(calibs.c[name] for name in keys),
                calibs.c.dataset_id.label("id"),
                run.c.name.label("run"),
                *([dataset.c.ingest_date.label("date")] if self.dated else []),
                calibs.c.timespan,
                begin.label("begin"),
                end.label("end"),
            )
            .select_from(clause)
            .where(
                calibs.c.dataset_type_id == one.record.id,
                calibs.c.collection_id == one.collection.id,
                *(calibs.c[d] == (rows.c[d] if d in keys else columns[d]) for d in info.required),
                dialect.coincide(calibs, rows),
            )
            .offset(sa.literal_column("0"))
            .lateral()
        )
        found = sa.select(*each.c).select_from(rows.join(each, sa.true()))
        return found.cte().prefix_with("MATERIALIZED")

    # what came

    def told(
        self, start: int, own: Mapping[str, int], behind: int
    ) -> tuple[Mapping[Hashable, Joined], tuple[Any, ...]]:
        """Where each thing is in rows; ``start``: where the first of these columns is, ``own``: where the dataset's own are. And what is the same
        in every row: that is not carried by the database, and has to be put at ``behind``."""
        found: dict[Hashable, Joined] = {}
        place = start
        if self.observed is not None:
            found["timespan"] = Joined((place, place + 1, place + 2), self.observed.name)
            place += 3
        if self.lying is not None:
            found["region"] = Joined((place,), self.lying.name)
            place += 1
        for element, name in self.fields:
            found[f"{element.name}.{name}"] = Joined((place,), element.name)
            place += 1
        same: tuple[Any, ...] = ()
        for one in self.valid:
            found[one.key] = self._found(one, place, behind + len(same), own)
            place += len(self._columns())
            same += (one.record.name, Kinship.CALIBRATION.value, one.collection.name, one.place, None)
        return found, same

    @property
    def width(self) -> int:
        """How many columns of the database it is."""
        beside = 3 * (self.observed is not None) + (self.lying is not None) + len(self.fields)
        return beside + len(self._columns()) * len(self.valid)

    def _columns(self) -> tuple[str, ...]:
        """What a row says of a calibration."""
        return ("id", "run", *(["ingest_date"] if self.dated else []), "valid_begin", "valid_end")

    def _found(self, one: Valid, begin: int, behind: int, own: Mapping[str, int]) -> Joined:
        info = one.record.info
        # Its data ID is a part of the dataset's.
        places = {name: own[name] for name in info.dimensions if name in own}
        places |= {name: begin + n for n, name in enumerate(self._columns())}
        places |= {
            name: behind + n for n, name in enumerate(("type", "kind", "collection", "rank", "overlap"))
        }
        columns = (
            RowColumn("id", Kind.UUID),
            RowColumn("type", Kind.STRING),
            RowColumn("run", Kind.STRING),
            *([RowColumn("ingest_date", Kind.TIME)] if self.dated else []),
            *(RowColumn(n, self.tables.kind(n), dimension=True) for n in info.dimensions if n in own),
            *EDGE,
        )
        return Joined((begin,), None, Rows(columns, [], types={info.name: info}, _places=places))


def along(wanted: Beside, record: TypeRecord, valid: Sequence[Valid], tables: Tables) -> Along:
    """What of ``wanted`` datasets of this type can take along, and which of their own columns they need."""
    group = record.group
    seen = observed(group) if wanted.timespan and group.temporal else None
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
    fields = tuple(_fields(wanted.fields, group))
    return Along(tables, group, seen, lying, fit, shown, wanted.ingest_date, fields)


def _fields(names: Sequence[str], group: DimensionGroup) -> Iterator[tuple[DimensionElement, str]]:
    """Those that the records of these dimensions have."""
    for one in names:
        owner, _, name = one.partition(".")
        if owner in group.elements:
            element = group.universe[owner]
            known = element.metadata_columns
            if element.has_own_table and name in known.names and known[name].type in _PLAIN:
                yield element, name


def observed(group: DimensionGroup) -> DimensionElement:
    """The element that says when what has these dimensions was observed."""
    (family, *_) = group.temporal
    return group.universe[family.choose(group).name]


def _lying(group: DimensionGroup) -> DimensionElement | None:
    """The element whose region it is, where it is found by the dimensions alone."""
    feet = sky.footing(group)
    if len(feet) != 1 or feet[0].through_visits or isinstance(feet[0].element, SkyPixDimension):
        return None
    return feet[0].element
