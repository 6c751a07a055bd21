"""Nouns that stand over the rows of one answer: their fields are the answer's columns, and no object is made of a row unless a field asks for it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from adapters.question import Kinship
from adapters.rows import Joined, Row

from ..association import Association, AssociationEdge, Ties
from ..beside import DIMENSIONS
from ..data_id import DataId
from ..dataset import Dataset, DatasetRows, Layout
from ..dataset_type import DatasetType
from ..kinship import ties_beside
from ..timespan import Timespan
from .frame import MERGE, WHOLE, Frame, Sparse
from .leaves import Column
from .nouns import Datasets, Edges, calibration_key

if TYPE_CHECKING:
    from .plan import Step
    from .run import Run


def _column(rows: Sequence[Row], place: int | None) -> Column:
    return [None] * len(rows) if place is None else list(map(itemgetter(place), rows))


class RowIds(Frame):
    """The data IDs of datasets."""

    __slots__ = ("layout", "rows")

    def __init__(self, layout: Layout, rows: Sequence[Row]) -> None:
        self.layout = layout
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def objects(self) -> Sequence[DataId]:
        return [Dataset(self.layout, row).identity() for row in self.rows]


def _dimension(name: str) -> Callable[[RowIds, Step, Run], Column]:
    return lambda ids, step, run: _column(ids.rows, ids.layout.places.get(name))


RowIds.columns = {field: _dimension(name) for field, name in DIMENSIONS.items()}


class Spans(Frame):
    """Timespans."""

    __slots__ = ("begin", "end")

    def __init__(self, begin: Column, end: Column) -> None:
        self.begin = begin
        self.end = end

    def __len__(self) -> int:
        return len(self.begin)

    def objects(self) -> Sequence[Timespan]:
        return [Timespan(begin, end) for begin, end in zip(self.begin, self.end, strict=True)]


Spans.columns = {
    "begin": lambda spans, step, run: spans.begin,
    "end": lambda spans, step, run: spans.end,
}


class RowDatasets(Datasets):
    """Datasets."""

    __slots__ = ("_made", "layout", "rows")

    def __init__(self, layout: Layout, rows: Sequence[Row]) -> None:
        self.layout = layout
        self.rows = rows
        self._made: Sequence[Dataset] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def objects(self) -> Sequence[Dataset]:
        if self._made is None:
            self._made = [Dataset(self.layout, row) for row in self.rows]
        return self._made

    def data_id(self, step: Step, run: Run) -> Frame:
        return RowIds(self.layout, self.rows)

    def type(self, step: Step, run: Run) -> Column:
        types = {name: DatasetType(self.layout.scope, info) for name, info in self.layout.types.items()}
        return [types[name] for name in _column(self.rows, self.layout.type)]

    def timespan(self, step: Step, run: Run) -> Any:
        joined = self.layout.beside.get("timespan")
        if joined is None:
            return super().timespan(step, run)
        known, begin, end = joined.places
        there = [row for row in self.rows if row[known]]
        return self._sparse(known, Spans(_column(there, begin), _column(there, end)))

    def calibration(self, step: Step, run: Run) -> Any:
        key = calibration_key(step, run)
        joined = self.layout.beside.get(key)
        if joined is None:
            return super().calibration(step, run)
        (place,) = joined.places
        there = [row for row in self.rows if row[place] is not None]
        return self._sparse(place, RowEdges(self._ties(key, joined), there, self.layout.id))

    def _ties(self, key: Hashable, joined: Joined) -> Ties:
        (first, *_) = self.layout.types.values()
        return ties_beside(self.layout, first, key, joined)

    def _sparse(self, place: int, frame: Frame) -> Frame | Sparse:
        """A frame for the rows that have something at a place, among all."""
        if len(frame) == len(self.rows):
            return frame
        return Sparse(frame, [row[place] not in (None, False, 0) for row in self.rows])


RowDatasets.columns = Datasets.columns | {
    "uuid": lambda datasets, step, run: _column(datasets.rows, datasets.layout.id),
    "run": lambda datasets, step, run: _column(datasets.rows, datasets.layout.run),
    "ingestDate": lambda datasets, step, run: _column(datasets.rows, datasets.layout.date),
    "type": RowDatasets.type,
    "dataId": RowDatasets.data_id,
    "timespan": RowDatasets.timespan,
    "calibration": RowDatasets.calibration,
}


class RowEdges(Edges):
    """Associations. ``parent``: the place of the id of the dataset that each begins at."""

    __slots__ = ("_made", "parent", "rows", "ties")

    def __init__(self, ties: Ties, rows: Sequence[Row], parent: int) -> None:
        self.ties = ties
        self.rows = rows
        self.parent = parent

    def __len__(self) -> int:
        return len(self.rows)

    def objects(self) -> Sequence[AssociationEdge]:
        return [AssociationEdge(Association(self.ties, row, row[self.parent])) for row in self.rows]

    def said(self, name: str) -> Column:
        return _column(self.rows, self.ties.places.get(name))

    def node(self, step: Step, run: Run) -> Any:
        return RowDatasets(self.ties, self.rows)

    def validity(self, step: Step, run: Run) -> Any:
        if all(kind == Kinship.CALIBRATION for kind in dict.fromkeys(self.said("kind"))):
            return Spans(self.said("valid_begin"), self.said("valid_end"))
        return super().validity(step, run)


RowEdges.columns = Edges.columns | {"node": RowEdges.node, "validity": RowEdges.validity}


def of_rows(datasets: DatasetRows) -> Frame:
    return RowDatasets(datasets.layout, datasets.rows)


def joined(parts: Iterable[DatasetRows]) -> DatasetRows | None:
    """The datasets of several lists as those of one, where they come from one answer."""
    found = list(parts)
    first = found[0].layout
    if any(part.layout.places is not first.places or part.layout.scope is not first.scope for part in found):
        return None
    return DatasetRows(first, [row for part in found for row in part.rows])


WHOLE[DatasetRows] = of_rows
MERGE[DatasetRows] = joined
