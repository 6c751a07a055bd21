"""Where the bytes are: a dataset's collections and artefacts, from the registry's bookkeeping tables.

Read with SQL because Butler's own bulk call (``stored_many``) errs where several datasets share one file, and because building a DatasetRef fails for storage
classes that this process does not know. A file's address is its datastore's root and the recorded path; a path that is itself an address (ingested in place) stands
alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import Butler, ButlerConfig
from lsst.resources import ResourcePath

from ..answers import FILE, MEMBERSHIP, SIZE
from ..caller import Call
from ..errors import NotFound, Unsupported
from ..media_types import OCTETS, media_type_of
from ..question import Files, Memberships, Sizes
from ..rows import FileContent, Row, Rows
from .names import TYPES, Names
from .store import Store
from .tables import Tables

_NO_COMPONENT = "__NULL_STRING__"
"""What the records hold for a whole dataset (lsst.daf.butler.datastores.file_datastore...: NULL is not allowed in a key)."""

_LINK_SECONDS = 600


@dataclass(frozen=True, slots=True)
class FileStore:
    """One datastore that keeps files."""

    name: str
    root: ResourcePath
    records: str


def datastores(config: ButlerConfig, butler: Butler) -> list[FileStore]:
    """The file datastores behind a configuration, with the names under which the registry knows them."""
    roots = butler.get_datastore_roots()
    tables = list(_record_tables(config["datastore"]))
    names = list(butler.get_datastore_names())
    found = []
    for place, name in enumerate(names):
        root = roots.get(name)
        if root is not None:
            table = tables[place] if len(tables) == len(names) else next((t for t in tables if t), None)
            found.append(FileStore(name, root, table or "file_datastore_records"))
    return found


def _record_tables(config: Mapping[str, Any]) -> Iterator[str | None]:
    if "datastores" in config:
        for child in config["datastores"]:
            yield from _record_tables(child.get("datastore", child) if hasattr(child, "get") else child)
    elif "records" in config and "table" in config["records"]:
        yield str(config["records"]["table"])
    else:
        yield None


@dataclass(slots=True)
class FileQueries:
    """Files, Sizes and Memberships."""

    store: Store
    tables: Tables
    names: Names
    stores: Sequence[FileStore]

    def files(self, question: Files, call: Call) -> Rows:
        """One statement a datastore."""
        found: list[Row] = []
        for datastore in self.stores:
            root = datastore.root
            for identifier, path, component, storage_class, formatter, size, checksum in self._records(
                datastore, question.ids, call
            ):
                part = None if component == _NO_COMPONENT else component
                uri = str(_located(root, path))
                found.append((identifier, uri, part, storage_class, formatter, size, checksum))
        found.sort(key=lambda row: (row[0], row[2] or "", row[1]))
        return Rows(FILE, found)

    def _records(self, datastore: FileStore, ids: Sequence[str], call: Call) -> list[Row]:
        dialect = self.tables.dialect
        records, held = self._held(datastore)
        size = records.c.file_size
        statement = (
            sa.select(
                dialect.hex(records.c.dataset_id),
                records.c.path,
                records.c.component,
                records.c.storage_class,
                records.c.formatter,
                sa.case((size < 0, None), else_=size),
                records.c.checksum,
            )
            .select_from(held)
            .where(dialect.ids_within(records.c.dataset_id, list(ids)))
        )
        return self.store.rows(statement, call)

    def sizes(self, question: Sizes, call: Call) -> Rows:
        """One statement a datastore. No address is made, which takes most of the time of ``files``; a dataset that several datastores have counts in the
        first one."""
        found: dict[str, int | None] = {}
        for datastore in self.stores:
            records, held = self._held(datastore)
            dataset, size = records.c.dataset_id, records.c.file_size
            statement = (
                sa.select(
                    self.tables.dialect.hex(dataset),
                    sa.case((sa.func.min(size) < 0, None), else_=sa.cast(sa.func.sum(size), sa.BigInteger())),
                )
                .select_from(held)
                .where(self.tables.dialect.ids_within(dataset, list(question.ids)))
                .group_by(dataset)
            )
            for identifier, total in self.store.rows(statement, call):
                found.setdefault(identifier, total)
        return Rows(SIZE, sorted(found.items()))

    def _held(self, datastore: FileStore) -> tuple[sa.TableClause, sa.FromClause]:
        """The records of a datastore, and those of them that it still has."""
        records, location = self.tables.records(datastore.records), self.tables.location
        held = sa.and_(
            location.c.dataset_id == records.c.dataset_id, location.c.datastore_name == datastore.name
        )
        return records, records.join(location, held)

    def memberships(self, question: Memberships, call: Call) -> Rows:
        """A statement for the types, and one for each table that may say more."""
        tables, dialect = self.tables, self.tables.dialect
        dataset, kind = tables.dataset, tables.dataset_type
        statement = (
            sa.select(
                dialect.hex(dataset.c.id), kind.c.tag_association_table, kind.c.calibration_association_table
            )
            .join(kind, kind.c.id == dataset.c.dataset_type_id)
            .where(dialect.ids_within(dataset.c.id, list(question.ids)))
        )
        by_table: dict[str, list[str]] = {}
        for identifier, tags, calibs in self.store.rows(statement, call):
            by_table.setdefault(tags, []).append(identifier)
            if calibs is not None:
                by_table.setdefault(calibs, []).append(identifier)
        found: list[Row] = []
        for name, ids in by_table.items():
            table = _bare(tables, name)
            collection = tables.collection
            held = (
                sa.select(dialect.hex(table.c.dataset_id), collection.c.name, collection.c.type)
                .select_from(table.join(collection, collection.c.collection_id == table.c.collection_id))
                .where(dialect.ids_within(table.c.dataset_id, ids), collection.c.type != 1)
                .distinct()
            )
            found += [(r[0], r[1], TYPES[r[2]]) for r in self.store.rows(held, call)]
        found.sort(key=lambda row: (row[0], row[1]))
        return Rows(MEMBERSHIP, found)


def content(files: Rows, component: str | None) -> FileContent:
    """The bytes of a dataset, or of one of its components, from the rows that Files gave. Raises NotFound, and Unsupported where there is a file of
    each component and none of the whole."""
    uri, part = files.index("uri"), files.index("component")
    for row in files.rows:
        if row[part] == component:
            location = ResourcePath(row[uri], forceDirectory=False)
            name = location.basename()
            if location.scheme == "file":
                # A fragment names one member of a file that several datasets share.
                return FileContent(
                    location.ospath.partition("#")[0], None, name, media_type_of(name) or OCTETS
                )
            signed = location.generate_presigned_get_url(expiration_time_seconds=_LINK_SECONDS)
            return FileContent(None, signed, name, media_type_of(name) or OCTETS)
    if component is None and files.rows:
        raise in_parts(row[part] for row in files.rows)
    what = (
        f"has no file of component '{component}' of its own"
        if component and files.rows
        else "has no file here"
    )
    raise NotFound(f"This dataset {what}.")


def in_parts(components: Iterable[str]) -> Unsupported:
    """What is said to whoever asks for the whole of a dataset that is stored by its components."""
    parts = sorted(components)
    return Unsupported(
        f"This dataset is stored in parts; name one of them as component: {', '.join(parts)}.",
        components=parts,
    )


def _bare(tables: Tables, name: str) -> sa.TableClause:
    """An association table by the columns that all of them have."""
    return sa.table(
        name,
        sa.column("dataset_id", tables.dialect.id_type()),
        sa.column("collection_id", sa.BigInteger()),
        schema=tables.dataset.schema,
    )


def _located(root: ResourcePath, path: str) -> ResourcePath:
    if "://" in path:
        return ResourcePath(path, forceDirectory=False)
    # Zip members and graph files carry a fragment behind the path.
    name, _, fragment = path.partition("#")
    located = root.join(name, forceDirectory=False)
    return located.replace(fragment=fragment) if fragment else located
