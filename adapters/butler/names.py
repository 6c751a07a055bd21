"""Names into registry rows: search paths, chains, globs, dataset types and what collections may hold.

Only what a question names is looked up, so that its cost does not grow with the number of collections; and what was looked up is known as long as
nobody commits to the registry, so that the answer is as new as the registry.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionGroup, StorageClassFactory

from ..caller import Call
from ..errors import BadUserInput, NotFound, unknown
from ..notes import By, Work
from ..rows import TypeInfo
from . import glob
from .memory import Memory
from .overheard import Overheard
from .store import Store
from .tables import Tables

TYPES = {1: "RUN", 2: "TAGGED", 3: "CHAINED", 4: "CALIBRATION"}
CODES = {name: code for code, name in TYPES.items()}
_MOST_REMEMBERED = 5_000  # dataset types, or collections of a path, that are kept
_MOST_LEARNT = 200_000  # collections of search paths, their contents, dataset types: some 50 MB
_MOST_READY = 100  # types of questions that are kept ready, each as large as a statement
_NEAREST_AMONG = 20_000  # names looked through for the nearest ones


@dataclass(frozen=True, slots=True)
class CollectionRecord:
    id: int
    name: str
    type: str
    doc: str | None


@dataclass(frozen=True, slots=True)
class TypeRecord:
    """A dataset type as the registry holds it; ``exact``: it was named, not matched by a glob."""

    id: int
    info: TypeInfo
    group: DimensionGroup
    tags: str
    calibs: str | None
    exact: bool = True

    @property
    def name(self) -> str:
        return self.info.name


class Names:
    """The registry's vocabulary. What can never change is kept: dimension groups, and which dataset type a number stands for."""

    def __init__(self, store: Store, tables: Tables, defaults: tuple[str, ...]) -> None:
        self._store = store
        self._tables = tables
        self._defaults = defaults
        self._groups: dict[int, DimensionGroup] = {}
        self._by_id: dict[int, TypeRecord] = {}
        self._learnt: tuple[Hashable, Memory] = (None, Memory(0))

    def memory(self, call: Call) -> Memory:
        """What was learnt in the registry's present state; within one request that of its beginning."""
        memory = self._memory(call)
        if call.notes is None:
            return memory
        heard: Memory = call.memory.setdefault((self, call.notes), Overheard(memory, call.notes))
        return heard

    def _memory(self, call: Call) -> Memory:
        memory: Memory | None = call.memory.get(self)
        if memory is None:
            with self._store.session(call):
                state = self._store.state()
            learnt = self._learnt
            if learnt[0] != state:
                learnt = self._learnt = (state, Memory(_MOST_LEARNT))
            memory = call.memory[self] = learnt[1]
        return memory

    def ready(self, question: Hashable, call: Call) -> Any:
        """What was made of a question with the names in it, and with nothing else, where it was kept. Whoever listens hears of the names."""
        found = self._ready(call).get(question)
        if found is not None and call.notes is not None:
            for known in ("dataset types", "search path", "what collections may hold"):
                call.notes(Work(By.MEMORY, known))
        return found

    def ready_before(self, question: Hashable, call: Call) -> tuple[Any, Hashable, Memory] | None:
        """The same without a look at the registry: what was made, the state in which it held, and what was learnt in that state."""
        state, memory = self._learnt
        own = call.memory.get(self)
        kept = memory.get("ready") if own is None or own is memory else None
        found = None if kept is None else kept.get(question)
        return None if found is None else (found, state, memory)

    def still(self, memory: Memory, call: Call) -> None:
        """The registry was found in the state in which this was learnt: it holds for all of the request."""
        call.memory.setdefault(self, memory)

    def keep_ready(self, question: Hashable, made: object, weight: int, call: Call) -> None:
        """Keep that for as long as the names hold, of a question that is asked again (``Memory.again``). ``weight``: how many types it is about."""
        ready = self._ready(call)
        if ready.met(question):
            ready.keep(question, made, weight)

    def _ready(self, call: Call) -> Memory:
        return self._memory(call).once("ready", lambda: Memory(_MOST_READY))

    # collections

    def collections(self, patterns: Sequence[str], call: Call) -> list[CollectionRecord]:
        """Records of the collections that match any of the names or globs, by name; unknown ones have none."""
        table = self._tables.collection
        dialect = self._tables.dialect
        # A name may look like a glob: the collection that has it is meant then.
        clauses = [dialect.within(table.c.name, list(patterns))] if patterns else []
        clauses += [dialect.glob(table.c.name, p) for p in patterns if glob.is_glob(p)]
        if not clauses:
            return []
        statement = sa.select(table.c.collection_id, table.c.name, table.c.type, table.c.doc)
        rows = self._store.rows(statement.where(sa.or_(*clauses)), call)
        found = [CollectionRecord(r[0], r[1], TYPES[r[2]], r[3] or None) for r in rows]
        return sorted(found, key=lambda record: record.name)

    def named(self, names: Sequence[str], call: Call) -> dict[str, CollectionRecord]:
        """Records of collections by exact name, whatever they look like; unknown ones have none."""
        wanted = set(names)
        return {r.name: r for r in self.collections(names, call) if r.name in wanted}

    def chains(
        self, roots: Iterable[CollectionRecord], call: Call
    ) -> tuple[dict[int, CollectionRecord], dict[int, list[int]]]:
        """Everything that chains among ``roots`` lead to, and the children of each chain in search order. One statement, or none."""
        records = {record.id: record for record in roots}
        chained = [record.id for record in records.values() if record.type == "CHAINED"]
        children: dict[int, list[int]] = {}
        if not chained:
            return records, children
        link, collection = self._tables.chain, self._tables.collection
        start = self._tables.dialect.within(link.c.parent, chained)
        walk = (
            sa.select(link.c.parent, link.c.position, link.c.child).where(start).cte("walk", recursive=True)
        )
        deeper = sa.select(link.c.parent, link.c.position, link.c.child).join(
            walk, link.c.parent == walk.c.child
        )
        walk = walk.union(deeper)
        statement = (
            sa.select(
                walk.c.parent,
                walk.c.child,
                collection.c.name,
                collection.c.type,
                collection.c.doc,
            )
            .join(collection, collection.c.collection_id == walk.c.child)
            .order_by(walk.c.parent, walk.c.position)
        )
        for parent, child, name, kind, doc in self._store.rows(statement, call):
            children.setdefault(parent, []).append(child)
            records[child] = CollectionRecord(child, name, TYPES[kind], doc or None)
        return records, children

    def path(self, collections: tuple[str, ...] | None, call: Call) -> list[CollectionRecord]:
        """The search path behind names and globs: no chain in it, each collection once, at its first place.

        Raises
        ------
        NotFound
            A named collection does not exist.
        BadUserInput
            None was named and the repository has no default ones.
        """
        memory = self.memory(call)
        known = memory.get(("path", collections))
        if known is not None:
            return list(known)
        wanted = self._defaults if collections is None else collections
        if collections is None and not wanted:
            raise BadUserInput(
                f"Name the collections to search: repository '{self._store.name}' has no default ones."
            )
        found = self.collections(wanted, call)
        by_name = {record.name: record for record in found}
        roots: dict[int, CollectionRecord] = {}
        for pattern in wanted:
            if pattern in by_name:
                roots.setdefault(by_name[pattern].id, by_name[pattern])
            elif glob.is_glob(pattern):
                roots |= {r.id: r for r in found if glob.matches(r.name, pattern) and r.id not in roots}
            else:
                raise self.missing_collection(pattern, call)
        found_path = self.flatten(list(roots.values()), call)
        memory.keep(("wild", collections), any(glob.is_glob(p) and p not in by_name for p in wanted))
        if len(found_path) <= _MOST_REMEMBERED:
            memory.keep(("path", collections), tuple(found_path))
        return found_path

    def wild(self, collections: tuple[str, ...] | None, call: Call) -> bool:
        """Whether one of these is a glob. A collection may have a name that looks like one."""
        if not any(map(glob.is_glob, collections or ())):
            return False
        memory = self.memory(call)
        if memory.get(("wild", collections)) is None:
            self.path(collections, call)
        return bool(memory.get(("wild", collections)))

    def flatten(self, roots: Sequence[CollectionRecord], call: Call) -> list[CollectionRecord]:
        """Chains replaced by what they lead to, in search order, each collection once."""
        records, children = self.chains(roots, call)
        out: dict[int, CollectionRecord] = {}
        seen: set[int] = set()

        def visit(identifier: int) -> None:
            record = records[identifier]
            if record.type == "CHAINED":
                if identifier not in seen:
                    seen.add(identifier)
                    for child in children.get(identifier, ()):
                        visit(child)
            else:
                out.setdefault(identifier, record)

        for root in roots:
            visit(root.id)
        return list(out.values())

    def missing_collection(self, name: str, call: Call) -> NotFound:
        table = self._tables.collection
        names = [r[0] for r in self._store.rows(sa.select(table.c.name).limit(_NEAREST_AMONG), call)]
        message, details = unknown("collection", name, names, repository=self._store.name)
        return NotFound(message, **details)

    # dataset types

    def types(
        self, patterns: Sequence[str], call: Call, *, lenient: bool = False, each: bool = False
    ) -> list[TypeRecord]:
        """Dataset types that match any of the names or globs, by name.

        Raises
        ------
        NotFound
            A named one does not exist (unless ``lenient``), or a glob matches none where ``each`` has to.
        """
        table, dialect = self._tables.dataset_type, self._tables.dialect
        exact = [p for p in patterns if not glob.is_glob(p)]
        memory = self.memory(call)
        whole = memory.get("types")
        if whole is not None:
            globs = [p for p in patterns if glob.is_glob(p)]
            found = [
                replace(record, exact=name in exact)
                for name, record in whole.items()
                if name in exact or any(glob.matches(name, p) for p in globs)
            ]
        else:
            clauses = [dialect.within(table.c.name, exact)] if exact else []
            clauses += [dialect.glob(table.c.name, p) for p in patterns if glob.is_glob(p)]
            if not clauses:
                return []
            known_types: list[TypeRecord] | None = memory.get(("types", tuple(patterns)))
            found = known_types or self.type_rows(sa.or_(*clauses), call, frozenset(exact))
            if len(found) <= _MOST_REMEMBERED:
                memory.keep(("types", tuple(patterns)), found)
        if not lenient:
            known = {record.name for record in found}
            for name in exact:
                if name not in known:
                    raise self.missing_type(name, call)
        for pattern in patterns if each else ():
            if glob.is_glob(pattern) and not any(glob.matches(record.name, pattern) for record in found):
                raise self.missing_type(pattern, call)
        return list(found)

    def remember_types(self, call: Call) -> None:
        """Learn every dataset type at once, unless there are very many: nested questions ask for one after the other. Two statements,
        and none where they are known."""
        memory = self.memory(call)
        if memory.get("types") is not None:
            return
        table = self._tables.dataset_type
        ((count,),) = self._store.rows(sa.select(sa.func.count()).select_from(table), call)
        if count <= _MOST_REMEMBERED:
            memory.keep("types", {r.name: r for r in self.type_rows(sa.true(), call)})

    def type(self, name: str, call: Call) -> TypeRecord:
        """One dataset type by its exact name. Raises NotFound, and BadUserInput for a glob, which may be several."""
        whole: dict[str, TypeRecord] | None = self.memory(call).get("types")
        if whole is not None and name in whole:
            return replace(whole[name], exact=True)
        found = self.type_rows(self._tables.dataset_type.c.name == name, call, frozenset((name,)))
        if found:
            return found[0]
        if glob.is_glob(name):
            raise BadUserInput(f"'{name}' is a glob, and one dataset type is meant here; name it.")
        raise self.missing_type(name, call)

    def types_by_id(self, ids: tuple[int, ...], call: Call) -> list[TypeRecord]:
        """Dataset types by the registry's numbers, by name. What a number stands for never changes; SQLite may give one a second time."""
        if any(number not in self._by_id for number in ids):
            clause = self._tables.dialect.within(self._tables.dataset_type.c.id, list(ids))
            found = self.memory(call).once(("types", ids), lambda: self.type_rows(clause, call))
            if self._store.sqlite:
                return found
            self._by_id |= {record.id: record for record in found}
        return sorted((self._by_id[n] for n in ids if n in self._by_id), key=lambda record: record.name)

    def type_rows(
        self, clause: sa.ColumnElement[bool], call: Call, exact: frozenset[str] = frozenset()
    ) -> list[TypeRecord]:
        table = self._tables.dataset_type
        columns = (
            table.c.id,
            table.c.name,
            table.c.storage_class,
            table.c.dimensions_key,
            table.c.tag_association_table,
            table.c.calibration_association_table,
        )
        rows = self._store.rows(sa.select(*columns).where(clause), call)
        self.learn_groups({row[3] for row in rows}, call)
        found = [self.type_record(row, exact) for row in rows]
        return sorted(found, key=lambda record: record.name)

    def type_record(self, row: Sequence[object], exact: frozenset[str] = frozenset()) -> TypeRecord:
        identifier, name, storage_class, key, tags, calibs = row
        group = self._groups[key]  # type: ignore[index]
        info = TypeInfo(
            str(name), tuple(group.required), tuple(group.names), str(storage_class), calibs is not None
        )
        return TypeRecord(
            identifier,  # type: ignore[arg-type]
            info,
            group,
            str(tags),
            None if calibs is None else str(calibs),
            name in exact,
        )

    def learn_groups(self, keys: set[int], call: Call) -> None:
        missing = sorted(keys - self._groups.keys())
        if not missing:
            return
        table = self._tables.graph_key
        names: dict[int, list[str]] = {key: [] for key in missing}
        statement = sa.select(table.c.dimension_graph_id, table.c.dimension_name)
        clause = self._tables.dialect.within(table.c.dimension_graph_id, missing)
        for key, name in self._store.rows(statement.where(clause), call):
            names[key].append(name)
        self._groups |= {key: self._tables.universe.conform(found) for key, found in names.items()}

    @staticmethod
    def component(parent: TypeInfo, component: str) -> TypeInfo | None:
        """A component as a dataset type of its own (calexp.wcs); None where its parent has none of that name, or this process
        does not know the storage class."""
        try:
            found = StorageClassFactory().getStorageClass(parent.storage_class).allComponents().get(component)
        except KeyError:
            return None
        if found is None:
            return None
        return replace(parent, name=f"{parent.name}.{component}", storage_class=found.name)

    def missing_type(self, name: str, call: Call) -> NotFound:
        table = self._tables.dataset_type
        names = [r[0] for r in self._store.rows(sa.select(table.c.name).limit(_NEAREST_AMONG), call)]
        parent, _, component = name.partition(".")
        if component and parent in names:
            return NotFound(
                f"'{name}' is a component; ask for datasets of type '{parent}', which have the same ids.",
                unknown=name,
                nearest=[parent],
            )
        message, details = unknown("dataset type", name, names, repository=self._store.name)
        return NotFound(message, **details)

    # what collections may hold

    def holdings(
        self, types: Sequence[TypeRecord], path: Sequence[CollectionRecord], call: Call
    ) -> set[tuple[int, int]]:
        """Pairs of (dataset type id, collection id) that may have datasets: Butler's own summaries. One statement."""
        if not types or not path:
            return set()
        memory = self.memory(call)
        ids = tuple(record.id for record in path)
        if memory.get("types") is not None and len(path) <= _MOST_REMEMBERED:
            # Other types of this path will be asked for.
            whole: set[tuple[int, int]] = memory.once(("contents", ids), lambda: self._held(ids, None, call))
            return {(t.id, c.id) for t in types for c in path if (t.id, c.id) in whole}
        kinds = tuple(record.id for record in types)
        return memory.once(("contents", ids, kinds), lambda: self._held(ids, kinds, call))

    def _held(
        self, collections: Sequence[int], types: Sequence[int] | None, call: Call
    ) -> set[tuple[int, int]]:
        table, within = self._tables.summary, self._tables.dialect.within
        statement = sa.select(table.c.dataset_type_id, table.c.collection_id).where(
            within(table.c.collection_id, list(collections))
        )
        if types is not None:
            statement = statement.where(within(table.c.dataset_type_id, list(types)))
        return {(row[0], row[1]) for row in self._store.rows(statement, call)}

    def governors(self, dimension: str, path: Sequence[CollectionRecord], call: Call) -> dict[int, list[str]]:
        """The values of a governor dimension in each collection's datasets. One statement."""
        ids = tuple(record.id for record in path)
        return self.memory(call).once((dimension, ids), lambda: self._governors(dimension, ids, call))

    def _governors(self, dimension: str, path: Sequence[int], call: Call) -> dict[int, list[str]]:
        table = self._tables.governor_summary(dimension)
        clause = self._tables.dialect.within(table.c.collection_id, list(path))
        found: dict[int, list[str]] = {}
        for collection, value in self._store.rows(
            sa.select(table.c.collection_id, table.c[dimension]).where(clause), call
        ):
            found.setdefault(collection, []).append(value)
        return found
