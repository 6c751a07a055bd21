"""Nouns that stand over the rows of one answer: their fields are the answer's columns, and no object is made of a row unless a field asks for it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from adapters.question import Kinship
from adapters.rows import PUBLISHED, Joined, Row
from adapters.turned import Turned, taken

from ..association import Association, AssociationEdge, AssociationEdges, Ties
from ..beside import DIMENSIONS
from ..data_id import DataId
from ..dataset import Dataset, DatasetRows, Layout, butler_id
from ..dataset_type import DatasetType
from ..kinship import ties_beside
from ..timespan import Timespan
from .frame import FRAMES, MERGE, WHOLE, Frame, Picks, framed, some
from .leaves import Column
from .nouns import Datasets, Edges, calibration_key
from .pieces import alike
from .reads import edge_reads, plain, reads

if TYPE_CHECKING:
    from .plan import Step
    from .run import Run


_STRINGS = {str, type(None)}
_NUMBERS = {int, type(None)}


class Sheet:
    """Rows, by column too: they are turned once for all fields that stand over them."""

    __slots__ = ("_turned", "rows")

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self._turned: list[tuple[Any, ...]] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, place: int | None) -> Column:
        """The values at a place; None: there is none, and every value is None."""
        return [None] * len(self.rows) if place is None else list(self.at(place))

    def at(self, place: int) -> Sequence[Any]:
        """The same, only to be read."""
        if isinstance(self.rows, Turned):
            return self.rows.column(place)
        if self._turned is None:
            self._turned = list(zip(*self.rows, strict=True))
        return self._turned[place]

    def only(self, present: Sequence[Any]) -> Sheet:
        """The rows where ``present`` has something."""
        return self if all(present) else self.taken([place for place, one in enumerate(present) if one])

    def taken(self, places: Sequence[int]) -> Sheet:
        """The rows at these places."""
        return Sheet(taken(self.rows, places))


def _ids(layout: Layout, sheet: Sheet) -> Column:
    if PUBLISHED in layout.places:
        return [butler_id(layout, row) for row in sheet.rows]
    return sheet.column(layout.id)


def _exact(different: Iterable[Any], values: Iterable[Any]) -> bool:
    """Whether values of a column that are equal are the same, and not 1 and True: of strings they are. ``different``: one of each that are equal."""
    kinds = set(map(type, different))
    return kinds <= _STRINGS or (kinds <= _NUMBERS and set(map(type, values)) <= _NUMBERS)


class RowIds(Frame):
    """The data IDs of datasets."""

    __slots__ = ("layout", "sheet")

    def __init__(self, layout: Layout, sheet: Sheet) -> None:
        self.layout = layout
        self.sheet = sheet

    def __len__(self) -> int:
        return len(self.sheet)

    def objects(self) -> Sequence[DataId]:
        return [Dataset(self.layout, row).identity() for row in self.sheet.rows]


def _dimension(name: str) -> Callable[[RowIds, Step, Run], Column]:
    return lambda ids, step, run: ids.sheet.column(ids.layout.places.get(name))


RowIds.columns = {field: _dimension(name) for field, name in DIMENSIONS.items()}


class Spans(Frame):
    """Timespans: the places of their begin and end, where there are any."""

    __slots__ = ("begin", "end", "sheet")

    def __init__(self, sheet: Sheet, begin: int | None, end: int | None) -> None:
        self.sheet = sheet
        self.begin = begin
        self.end = end

    def __len__(self) -> int:
        return len(self.sheet)

    def objects(self) -> Sequence[Timespan]:
        ends = self.sheet.column(self.begin), self.sheet.column(self.end)
        return [Timespan(begin, end) for begin, end in zip(*ends, strict=True)]


Spans.columns = {
    "begin": lambda spans, step, run: spans.sheet.column(spans.begin),
    "end": lambda spans, step, run: spans.sheet.column(spans.end),
}


class RowDatasets(Datasets):
    """Datasets."""

    __slots__ = ("_made", "layout", "sheet")

    def __init__(self, layout: Layout, sheet: Sheet, made: Sequence[Dataset] | None = None) -> None:
        self.layout = layout
        self.sheet = sheet
        self._made = made

    def __len__(self) -> int:
        return len(self.sheet)

    def objects(self) -> Sequence[Dataset]:
        if self._made is None:
            self._made = [Dataset(self.layout, row) for row in self.sheet.rows]
        return self._made

    def near(self, step: Step, run: Run) -> bool:
        match step.name:
            case "timespan":
                return "timespan" in self.layout.beside and plain(step, ("begin", "end"))
            case "calibration":
                return calibration_key(step, run) in self.layout.beside and edge_reads(step) is not None
        return reads(step) is not None

    def part(self, start: int, stop: int) -> Frame:
        return RowDatasets(self.layout, Sheet(self.sheet.rows[start:stop]))

    def data_id(self, step: Step, run: Run) -> Frame:
        return RowIds(self.layout, self.sheet)

    def type(self, step: Step, run: Run) -> Any:
        names = self.sheet.at(self.layout.type)
        everywhere = alike(names)
        different = names[:1] if everywhere else list(dict.fromkeys(names))
        types = [DatasetType(self.layout.scope, self.layout.types[name]) for name in different]
        return Picks(framed(types), names, different, everywhere=everywhere)

    def timespan(self, step: Step, run: Run) -> Any:
        joined = self.layout.beside.get("timespan")
        if joined is None:
            return super().timespan(step, run)
        known, begin, end = joined.places
        present = self.sheet.at(known)
        return some(Spans(self.sheet.only(present), begin, end), present)

    def calibration(self, step: Step, run: Run) -> Any:
        key = calibration_key(step, run)
        joined = self.layout.beside.get(key)
        if joined is None:
            return super().calibration(step, run)
        (place,) = joined.places
        ties = self._ties(key, joined)
        names = edge_reads(step)
        if names is not None and len(self) > 1:
            repeated = self._repeated(ties, place, names)
            if repeated is not None:
                return repeated
        present = [one is not None for one in self.sheet.at(place)]
        return some(RowEdges(ties, self.sheet.only(present), self.layout.id), present)

    def _repeated(self, ties: Ties, place: int, names: Iterable[str]) -> Picks | None:
        """Few calibrations are valid for many datasets: those of which the answer says the same are one. None where what is equal may not
        be the same."""
        needed = {place, *(ties.places[name] for name in names if name in ties.places)}
        columns = [column for column in map(self.sheet.at, needed) if not alike(column)]
        keys = zip(*columns, strict=True) if columns else repeat((), len(self))
        known: dict[tuple[Any, ...], int] = {}
        marks: list[int | None] = list(map(known.setdefault, keys, range(len(self))))
        if not all(map(_exact, zip(*known, strict=True), columns)):
            return None
        present = self.sheet.at(place)
        there = {mark for mark in known.values() if present[mark] is not None}
        if len(there) < len(known):
            marks = [mark if mark in there else None for mark in marks]
        of = [mark for mark in known.values() if mark in there]
        return Picks(RowEdges(ties, self.sheet.taken(of), self.layout.id), marks, of)

    def _ties(self, key: Hashable, joined: Joined) -> Ties:
        (first, *_) = self.layout.types.values()
        return ties_beside(self.layout, first, key, joined)


RowDatasets.columns = Datasets.columns | {
    "uuid": lambda datasets, step, run: _ids(datasets.layout, datasets.sheet),
    "run": lambda datasets, step, run: datasets.sheet.column(datasets.layout.run),
    "ingestDate": lambda datasets, step, run: datasets.sheet.column(datasets.layout.date),
    "type": RowDatasets.type,
    "dataId": RowDatasets.data_id,
    "timespan": RowDatasets.timespan,
    "calibration": RowDatasets.calibration,
}


class _RowEdges(Edges):
    """Associations of one answer: datasets, and in the same rows why they belong to others."""

    __slots__ = ("sheet", "ties")

    def __init__(self, ties: Ties, sheet: Sheet) -> None:
        self.ties = ties
        self.sheet = sheet

    def __len__(self) -> int:
        return len(self.sheet)

    def said(self, name: str) -> Column:
        return self.sheet.column(self.ties.places.get(name))

    def node(self, step: Step, run: Run) -> Any:
        return RowDatasets(self.ties, self.sheet)

    def validity(self, step: Step, run: Run) -> Any:
        if all(kind == Kinship.CALIBRATION for kind in dict.fromkeys(self.said("kind"))):
            places = self.ties.places
            return Spans(self.sheet, places.get("valid_begin"), places.get("valid_end"))
        return super().validity(step, run)


_RowEdges.columns = Edges.columns | {"node": _RowEdges.node, "validity": _RowEdges.validity}


class RowEdges(_RowEdges):
    """Those that came along with datasets. ``parent``: the place of the id of the dataset that each begins at."""

    __slots__ = ("parent",)

    def __init__(self, ties: Ties, sheet: Sheet, parent: int) -> None:
        super().__init__(ties, sheet)
        self.parent = parent

    def objects(self) -> Sequence[AssociationEdge]:
        return [AssociationEdge(Association(self.ties, row, row[self.parent])) for row in self.sheet.rows]


class ListedEdges(_RowEdges):
    """Those of lists."""

    __slots__ = ("_lists", "_made")

    def __init__(self, lists: Sequence[AssociationEdges]) -> None:
        super().__init__(lists[0].ties.ties, Sheet([row for one in lists for row in one.ties.rows]))
        self._lists = lists
        self._made: Sequence[AssociationEdge] | None = None

    def objects(self) -> Sequence[AssociationEdge]:
        if self._made is None:
            self._made = list(chain.from_iterable(self._lists))
        return self._made

    def cursor(self, step: Step, run: Run) -> Column:
        return [one.cursor(place) for one in self._lists for place in range(len(one))]


ListedEdges.columns = _RowEdges.columns | {"cursor": ListedEdges.cursor}


def of_datasets(datasets: Sequence[Dataset]) -> Frame:
    """Datasets that have been made; those of one answer are its rows."""
    layout = datasets[0].layout()
    if all(one.layout() is layout for one in datasets):
        return RowDatasets(layout, Sheet([one.row() for one in datasets]), datasets)
    return Datasets(datasets)


def joined(parts: Sequence[DatasetRows]) -> Frame | None:
    """The datasets of several lists, where they come from one answer."""
    first = parts[0].layout
    if not all(part.layout.same(first) for part in parts):
        return None
    return RowDatasets(first, Sheet([row for part in parts for row in part.rows]))


def joined_edges(parts: Sequence[AssociationEdges]) -> Frame | None:
    """The associations of several lists, where they come from one answer."""
    first = parts[0].ties.ties
    return ListedEdges(parts) if all(part.ties.ties.same(first) for part in parts) else None


FRAMES[Dataset] = of_datasets
WHOLE[DatasetRows] = lambda datasets: RowDatasets(datasets.layout, Sheet(datasets.rows))
MERGE[DatasetRows] = joined
WHOLE[AssociationEdges] = lambda edges: ListedEdges([edges])
MERGE[AssociationEdges] = joined_edges
