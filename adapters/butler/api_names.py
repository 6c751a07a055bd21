"""Collections and dataset types through Butler's public API: search paths, globs, chains, summaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from glob import escape

from lsst.daf.butler import Butler, CollectionInfo, DatasetType, MissingCollectionError

from ..answers import COLLECTION, DATASET_TYPE, LINK, PARENT
from ..errors import BadUserInput, NotFound, unknown
from ..question import (
    CollectionDatasetTypes,
    CollectionLinks,
    Collections,
    CollectionsByName,
    DatasetTypes,
    DatasetTypesByName,
)
from ..rows import Kind, Row, Rows, TypeInfo
from . import glob
from .api_place import Place

_BY_NAME = Place((Kind.STRING,))
"""Where rows stand that are in the order of their names."""


@dataclass(frozen=True, slots=True)
class Step:
    """One collection of a search path that holds datasets itself. ``types``: those that it may hold."""

    name: str
    type: str
    types: frozenset[str]


@dataclass(slots=True)
class Known:
    """Names that were looked up, None those that were not. ``reached``: by names, the collections that these lead to."""

    collections: Mapping[str, CollectionInfo] | None = None
    types: Mapping[str, DatasetType] | None = None
    reached: dict[tuple[str, ...], Mapping[str, CollectionInfo]] = field(default_factory=dict)


def info_of(dataset_type: DatasetType) -> TypeInfo:
    """By the storage class's name only: this process need not know the class."""
    group = dataset_type.dimensions
    return TypeInfo(
        dataset_type.name,
        tuple(group.required),
        tuple(group.names),
        dataset_type.storageClass_name,
        dataset_type.isCalibration(),
    )


class Names:
    """One repository's names, looked up when they are needed and not ``known``."""

    def __init__(self, butler: Butler, defaults: Sequence[str] = (), known: Known | None = None) -> None:
        self.butler = butler
        self.defaults = tuple(defaults)
        self._known = Known() if known is None else known

    def collections(self) -> Mapping[str, CollectionInfo]:
        """Every collection with its children and its types: of a large registry, hundreds of thousands."""
        if self._known.collections is None:
            self._known.collections = self._described("*")
        return self._known.collections

    def reached(self, names: Iterable[str]) -> Mapping[str, CollectionInfo]:
        """Collections by their exact names, and all that they lead to. Raises NotFound."""
        wanted = tuple(names)
        known = self._known.collections if wanted else {}
        if known is None and wanted not in self._known.reached:
            try:
                # Butler would take a name that looks like a glob for one.
                named = [escape(name) for name in wanted]
                self._known.reached[wanted] = self._described(named, flatten_chains=True)
            except MissingCollectionError:
                known = self.collections()  # which has the nearest names
        if known is None:
            known = self._known.reached[wanted]
        for name in wanted:
            if name not in known:
                message, details = unknown("collection", name, self.collections())
                raise NotFound(message, **details)
        return known

    def _described(
        self, wanted: str | Sequence[str], *, flatten_chains: bool = False
    ) -> dict[str, CollectionInfo]:
        found = self.butler.collections.query_info(
            wanted, flatten_chains=flatten_chains, include_chains=True, include_summary=True, include_doc=True
        )
        return {one.name: one for one in found}

    def path(self, wanted: tuple[str, ...] | None) -> list[Step]:
        """The search path behind names and globs: chains replaced by what they lead to, each collection once.

        Raises
        ------
        NotFound
            A named collection does not exist.
        BadUserInput
            None was named and the repository has no default ones.
        """
        patterns = self.defaults if wanted is None else wanted
        if wanted is None and not patterns:
            raise BadUserInput("Name the collections to search: the repository has no default ones.")
        roots: list[str] = []
        for pattern in patterns:
            # A name may look like a glob: the collection that has it is meant then.
            if not glob.is_glob(pattern) or pattern in self.collections():
                roots.append(pattern)
            else:
                roots += sorted(name for name in self.collections() if glob.matches(name, pattern))
        known = self.reached(roots)
        steps = (known[name] for name in _flattened(roots, known))
        return [Step(one.name, one.type.name, one.dataset_types or frozenset()) for one in steps]

    def wild(self, wanted: tuple[str, ...] | None) -> bool:
        """Whether one of these is a glob. A collection may have a name that looks like one."""
        return any(glob.is_glob(name) and name not in self.collections() for name in wanted or ())

    def collection(self, name: str) -> CollectionInfo:
        """One collection. Raises NotFound."""
        return self.reached([name])[name]

    def type(self, name: str) -> DatasetType:
        """One dataset type by its exact name. Raises NotFound, and BadUserInput for a glob, which may be several."""
        if glob.is_glob(name):
            raise BadUserInput(f"'{name}' is a glob, and one dataset type is meant here; name it.")
        (found,) = self.types([name])
        return found

    def types(self, patterns: Sequence[str], *, each: bool = False) -> list[DatasetType]:
        """Dataset types that match any of the names or globs, by name.

        Raises
        ------
        NotFound
            A named one does not exist, or a glob matches none where ``each`` has to.
        """
        known = self.all_types()
        for name in patterns:
            if name not in known and (
                not glob.is_glob(name) or (each and not any(glob.matches(one, name) for one in known))
            ):
                parent = name.partition(".")[0]
                if parent != name and parent in known:
                    raise NotFound(
                        f"'{name}' is a component; ask for datasets of type '{parent}', which have the same ids.",
                        unknown=name,
                        nearest=[parent],
                    )
                message, details = unknown("dataset type", name, known)
                raise NotFound(message, **details)
        return [t for n, t in sorted(known.items()) if any(_matches(n, pattern) for pattern in patterns)]

    def all_types(self) -> Mapping[str, DatasetType]:
        if self._known.types is None:
            self._known.types = {one.name: one for one in self.butler.registry.queryDatasetTypes("*")}
        return self._known.types

    # -------------------- questions

    def ask_collections(self, question: Collections) -> Rows:
        known = self.collections()
        names = [n for n in known if not question.match or any(_matches(n, p) for p in question.match)]
        if question.flatten:
            names = _flattened(sorted(names), known)
        rows = [
            _collection(known[n]) for n in names if not question.types or known[n].type.name in question.types
        ]
        return _BY_NAME.page(COLLECTION, [((row[0],), row) for row in rows], question.page)

    def ask_collections_by_name(self, question: CollectionsByName) -> Rows:
        known = self.collections()
        return Rows(COLLECTION, [_collection(known[n]) for n in sorted({*question.names} & known.keys())])

    def ask_links(self, question: CollectionLinks) -> Rows:
        known = self.collections()
        _require_one(question.page.after is not None, question.names)
        place, page = Place((Kind.LONG, Kind.STRING)), replace(question.page, first=question.page.first + 1)
        found: list[Row] = []
        for parent, name in enumerate(question.names):
            if name not in known:
                continue
            if question.direction == "children":
                linked = list(enumerate(known[name].children))
            else:  # parents have no order but their names
                linked = [(0, chain) for chain, one in known.items() if name in one.children]
            keyed = [((n, other), (parent, n, *_collection(known[other]))) for n, other in linked]
            found += [row for _, row in place.cut(keyed, page)]
        return Rows(LINK, found, key=lambda row: (row[1], row[2]))

    def ask_types(self, question: DatasetTypes) -> Rows:
        held: frozenset[str] | None = None
        if question.collections is not None:
            held = frozenset().union(*(step.types for step in self.path(question.collections)))
        rows = [
            _type(found)
            for name, found in self.all_types().items()
            if (not question.match or any(_matches(name, p) for p in question.match))
            and (held is None or name in held)
            and question.is_calibration in (None, found.isCalibration())
        ]
        return _BY_NAME.page(DATASET_TYPE, [((row[0],), row) for row in rows], question.page)

    def ask_types_by_name(self, question: DatasetTypesByName) -> Rows:
        known = self.all_types()
        return Rows(DATASET_TYPE, [_type(known[n]) for n in sorted({*question.names} & known.keys())])

    def ask_types_of(self, question: CollectionDatasetTypes) -> Rows:
        _require_one(question.page.after is not None, question.names)
        known, types = self.collections(), self.all_types()
        page = replace(question.page, first=question.page.first + 1)
        found: list[Row] = []
        for parent, name in enumerate(question.names):
            if name in known:
                leaves = [known[one].dataset_types or frozenset() for one in _flattened([name], known)]
                names = frozenset().union(*leaves) & types.keys()
                keyed = [((n,), (parent, *_type(types[n]))) for n in names]
                found += [row for _, row in _BY_NAME.cut(keyed, page)]
        return Rows((PARENT, *DATASET_TYPE), found, key=lambda row: (row[1],))


def _flattened(roots: Iterable[str], known: Mapping[str, CollectionInfo]) -> list[str]:
    """Names without chains, in search order, each once."""
    out, seen = list[str](), set[str]()
    stack = list(roots)[::-1]
    while stack:
        name = stack.pop()
        if name in seen:
            continue
        seen.add(name)
        if known[name].type.name == "CHAINED":
            stack.extend(reversed(known[name].children))
        else:
            out.append(name)
    return out


def _matches(name: str, pattern: str) -> bool:
    return name == pattern or glob.matches(name, pattern)


def _collection(one: CollectionInfo) -> Row:
    return (one.name, one.type.name, one.doc or None)


def _type(found: DatasetType) -> Row:
    info = info_of(found)
    return (info.name, info.required, info.dimensions, info.storage_class, info.is_calibration)


def _require_one(paged: bool, names: Sequence[str]) -> None:
    if paged and len(names) != 1:
        raise BadUserInput("after belongs to one parent; ask for the others one by one.")
