"""Nouns whose fields are found for many objects at once: datasets, their data IDs, and lists of what belongs to them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from strawberry import UNSET

from adapters.question import Kinship
from adapters.rows import Joined

from ..association import Association, AssociationEdge, AssociationEdges, AssociationRows
from ..association_connection import AssociationConnection
from ..association_kind import AssociationKind
from ..beside import DIMENSIONS, beside_each
from ..certification import CertificationConnection
from ..collection import CollectionConnection, memberships
from ..context import Scope
from ..data_id_connection import DataIdConnection
from ..dataset import Dataset, butler_id
from ..dataset_connection import DatasetConnection
from ..dataset_type import DatasetType, DatasetTypeConnection
from ..file import artefacts
from ..given import names
from ..kinship import Tie, calibration_beside, calibrations, related
from ..listing import Leaf, read
from ..loader import Loader
from ..quantum import QuantumConnection
from ..record import DimensionRecordConnection
from ..region import regions
from ..selection import selects
from ..timespan import Timespan, timespans
from .frame import FRAMES, Frame, Objects
from .leaves import Column
from .waiting import together

if TYPE_CHECKING:
    from .plan import Step
    from .run import Run


def _each(value: Callable[[Any], Any]) -> Callable[[Any, Step, Run], Column]:
    """A column of what can be said of each object without further ado."""

    def column(frame: Frame, step: Step, run: Run) -> Column:
        return [value(one) for one in frame.objects()]

    return column


class DataIds(Frame):
    """The data IDs of datasets, which are in the datasets' own rows."""

    __slots__ = ("_datasets",)

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self._datasets = datasets

    def __len__(self) -> int:
        return len(self._datasets)

    def objects(self) -> Sequence[Any]:
        return [dataset.identity() for dataset in self._datasets]

    def dimension(self, name: str) -> Column:
        return [dataset.value(name) for dataset in self._datasets]


def _dimension(name: str) -> Callable[[Any, Step, Run], Column]:
    def column(frame: DataIds, step: Step, run: Run) -> Column:
        return frame.dimension(name)

    return column


DataIds.columns = {field: _dimension(name) for field, name in DIMENSIONS.items()}


def calibration_key(step: Step, run: Run) -> tuple[str, tuple[str, ...] | None]:
    """What a field ``calibration`` asks for, as questions carry it."""
    arguments = step.arguments(run.variables)
    return arguments["type"], names(arguments.get("collections", UNSET))


class Asked(NamedTuple):
    """What a field ``related`` asks for."""

    first: int
    after: str | None
    arguments: dict[str, Any]

    @classmethod
    def of(cls, step: Step, run: Run) -> Asked | None:
        """None for what was recorded, which no tie finds."""
        arguments = dict(step.arguments(run.variables))
        by = arguments.pop("by", None)
        if by is AssociationKind.PROVENANCE:
            return None
        first, after = arguments.pop("first", 100), arguments.pop("after", UNSET)
        info = run.info(step)
        arguments |= {
            "by": Kinship[by.name] if by else None,
            "overlap": selects(info, "edges", "overlap"),
            "beside": beside_each(info),
        }
        return cls(first, after, arguments)

    def tie(self, dataset: Dataset) -> Tie:
        return dataset.tie(**self.arguments)


class Datasets(Objects):
    """Datasets, whatever list they are in."""

    __slots__ = ()

    def data_id(self, step: Step, run: Run) -> Frame:
        return DataIds(self.objects())

    def type(self, step: Step, run: Run) -> Column:
        known: dict[Hashable, DatasetType] = {}
        found: Column = []
        for dataset in self.objects():
            info = dataset.info()
            key = (dataset.scope(), info.name)
            if key not in known:
                known[key] = DatasetType(dataset.scope(), info)
            found.append(known[key])
        return found

    def calibration(self, step: Step, run: Run) -> Column | Awaitable[Column]:
        arguments = step.arguments(run.variables)
        collections = arguments.get("collections", UNSET)
        key = calibration_key(step, run)
        came = self._came(key, lambda dataset, joined: calibration_beside(dataset, key, joined))
        if came is not None:
            return came

        async def of(datasets: Sequence[Dataset]) -> Column:
            tie = datasets[0].calibrated(arguments["type"], collections)
            return await calibrations(tie, [(one.key(), one.hex()) for one in datasets])

        return self._by_type(of)

    def related(self, step: Step, run: Run) -> Column | Frame | Awaitable[Column]:
        asked = Asked.of(step, run)
        if asked is None:
            return run.asked(step, self)

        async def of(datasets: Sequence[Dataset]) -> Column:
            tie = asked.tie(datasets[0])
            return [related(tie, (one.key(), one.hex()), asked.first, asked.after) for one in datasets]

        return self._by_type(of)

    def region(self, step: Step, run: Run) -> Column | Awaitable[Column]:
        came = self._came("region", Dataset.region_beside)
        return self._by_key(regions) if came is None else came

    def timespan(self, step: Step, run: Run) -> Column | Awaitable[Column]:
        came = self._came("timespan", Dataset.timespan_beside)
        return self._by_key(timespans) if came is None else came

    def _came(self, key: Hashable, value: Callable[[Dataset, Joined], Any]) -> Column | None:
        """What came along with each dataset; None where not all have it."""
        found: Column = []
        for dataset in self.objects():
            joined = dataset.beside(key)
            if joined is None:
                return None
            found.append(value(dataset, joined))
        return found

    async def collections(self, step: Step, run: Run) -> Column:
        return await self._by_id(memberships)

    async def files(self, step: Step, run: Run) -> Column:
        return await self._by_id(artefacts)

    async def _by_type(
        self,
        of: Callable[[Sequence[Dataset]], Awaitable[Column]],
        alike: Callable[[Dataset], Hashable] = lambda one: (one.scope(), one.info()),
    ) -> Column:
        """What is found for the datasets of each type together; ``alike``: or of all that have this in common."""
        parts: dict[Hashable, list[int]] = {}
        datasets = self.objects()
        for place, dataset in enumerate(datasets):
            parts.setdefault(alike(dataset), []).append(place)
        found: Column = [None] * len(datasets)
        answers = await together([of([datasets[place] for place in own]) for own in parts.values()])
        for own, answer in zip(parts.values(), answers, strict=True):
            for place, one in zip(own, answer, strict=True):
                found[place] = one
        return found

    async def _by_key(self, loader: Callable[[Scope, tuple[str, ...]], Loader[Any, Any]]) -> Column:
        async def of(datasets: Sequence[Dataset]) -> Column:
            info = datasets[0].info()
            if not info.required:
                return [None] * len(datasets)
            return await loader(datasets[0].scope(), info.required).load_many(
                [dataset.key() for dataset in datasets]
            )

        return await self._by_type(of, lambda one: (one.scope(), one.info().required))

    async def _by_id(self, loader: Callable[[Scope], Loader[str, Any]]) -> Column:
        async def of(datasets: Sequence[Dataset]) -> Column:
            return await loader(datasets[0].scope()).load_many([dataset.hex() for dataset in datasets])

        return await self._by_type(of, Dataset.scope)


Datasets.columns = {
    "uuid": _each(lambda one: butler_id(one.layout(), one.row())),
    "type": Datasets.type,
    "dataId": Datasets.data_id,
    "calibration": Datasets.calibration,
    "related": Datasets.related,
    "region": Datasets.region,
    "timespan": Datasets.timespan,
    "collections": Datasets.collections,
    "files": Datasets.files,
}


class Edges(Objects):
    """Datasets at the ends of associations, each with the reason."""

    __slots__ = ()

    def node(self, step: Step, run: Run) -> Column:
        return [edge.tie.node for edge in self.objects()]

    def said(self, name: str) -> Column:
        """A column of the answer that they come from."""
        return [edge.tie.value(name) for edge in self.objects()]

    def validity(self, step: Step, run: Run) -> Column:
        kinds, begins, ends = self.said("kind"), self.said("valid_begin"), self.said("valid_end")
        return [
            Timespan(begin, end) if kind == Kinship.CALIBRATION else None
            for kind, begin, end in zip(kinds, begins, ends, strict=True)
        ]


Edges.columns = {
    "node": Edges.node,
    "collection": lambda edges, step, run: edges.said("collection"),
    "rank": lambda edges, step, run: edges.said("rank"),
    "overlap": lambda edges, step, run: edges.said("overlap"),
    "validity": Edges.validity,
}


class Lists(Objects):
    """Lists that have not been read yet: a field that needs their pages reads those of all together."""

    __slots__ = ()

    async def paged(self, step: Step, run: Run) -> Column:
        await read([one.listing for one in self.objects()])
        return [await value for value in run.values(step, self.objects())]


Lists.columns = dict.fromkeys(("nodes", "edges", "pageInfo", "completeness"), Lists.paged)


class AssociationLists(Lists):
    """Lists of associations, which stay rows."""

    __slots__ = ()

    async def ties(self, step: Step, run: Run) -> Column:
        await read([one.listing for one in self.objects()])
        leaves: list[Leaf[Association]] = [await one.listing.page() for one in self.objects()]
        if not all(isinstance(leaf.nodes, AssociationRows) for leaf in leaves if leaf.nodes):
            return [await value for value in run.values(step, self.objects())]
        write = _tied_nodes if step.name == "nodes" else _tied_edges
        return [write(leaf) if leaf.nodes else [] for leaf in leaves]


def _tied_nodes(leaf: Leaf[Association]) -> Sequence[Dataset]:
    assert isinstance(leaf.nodes, AssociationRows)
    return leaf.nodes.nodes()


def _tied_edges(leaf: Leaf[Association]) -> Sequence[AssociationEdge]:
    assert isinstance(leaf.nodes, AssociationRows)
    return AssociationEdges(leaf.nodes, leaf.cursor)


AssociationLists.columns = Lists.columns | dict.fromkeys(("nodes", "edges"), AssociationLists.ties)

FRAMES[AssociationConnection] = AssociationLists
FRAMES[AssociationEdge] = Edges
FRAMES |= dict.fromkeys(
    (
        CertificationConnection,
        CollectionConnection,
        DataIdConnection,
        DatasetConnection,
        DatasetTypeConnection,
        DimensionRecordConnection,
        QuantumConnection,
    ),
    Lists,
)
