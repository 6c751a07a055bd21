"""The registry's own tables as SQLAlchemy Core objects, derived from its dimension universe.

The layout is Butler's private one but versioned (``butler_attributes``); ``TESTED`` names the versions that it was tried on. Nothing here is created or
altered, and column types are bare: no conversion happens between the database and a row.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa
from lsst.daf.butler import DimensionElement, DimensionUniverse

from ..rows import Kind
from .dialect import Dialect

_REGISTRY = "lsst.daf.butler.registry"
TESTED: Mapping[str, tuple[str, str]] = {
    "collections": (f"{_REGISTRY}.collections.synthIntKey.SynthIntKeyCollectionManager", "2.0.0"),
    "datasets": (
        f"{_REGISTRY}.datasets.byDimensions._manager.ByDimensionsDatasetRecordStorageManagerUUID",
        "2.0.0",
    ),
    "dimensions": (f"{_REGISTRY}.dimensions.static.StaticDimensionRecordStorageManager", "6.0.2"),
}
"""Managers and schema versions on which the statements of this package are tested."""


def untested(attributes: Mapping[str, str]) -> list[str]:
    """What of a registry's ``butler_attributes`` is not what the statements were tested on; empty: SQL may run."""
    found = []
    for role, (manager, version) in TESTED.items():
        actual = attributes.get(f"config:registry.managers.{role}")
        actual_version = attributes.get(f"version:{actual}")
        if actual != manager or actual_version != version:
            found.append(f"{role} manager {str(actual).rsplit('.', 1)[-1]} {actual_version}")
    return found


_BARE: Mapping[str, type[sa.types.TypeEngine[Any]]] = {
    "bool": sa.Boolean,
    "int": sa.BigInteger,
    "float": sa.Float,
}


class Tables:
    """Every table by its role. ``schema`` is the registry's namespace in PostgreSQL, None for the default one."""

    def __init__(self, universe: DimensionUniverse, dialect: Dialect, schema: str | None) -> None:
        self.universe = universe
        self.dialect = dialect
        self._schema = schema
        long, text, small = sa.BigInteger(), sa.Text(), sa.SmallInteger()
        identifier = dialect.id_type()
        self.attributes = self._table("butler_attributes", name=text, value=text)
        self.collection = self._table("collection", collection_id=long, name=text, type=small, doc=text)
        self.chain = self._table("collection_chain", parent=long, position=small, child=long)
        self.summary = self._table(
            "collection_summary_dataset_type", collection_id=long, dataset_type_id=long
        )
        self.dataset_type = self._table(
            "dataset_type",
            id=long,
            name=text,
            storage_class=text,
            dimensions_key=long,
            tag_association_table=text,
            calibration_association_table=text,
        )
        self.graph_key = self._table(
            "dimension_graph_definition", dimension_graph_id=long, dimension_name=text
        )
        self.dataset = self._table(
            "dataset", id=identifier, dataset_type_id=long, ingest_date=long, run_id=long
        )
        self.location = self._table("dataset_location", datastore_name=text, dataset_id=identifier)
        self._made: dict[str, sa.TableClause] = {}
        self._lock = threading.Lock()

    def _once(
        self, name: str, columns: Callable[[], Mapping[str, sa.types.TypeEngine[Any]]]
    ) -> sa.TableClause:
        """A table made when it is first needed, once though threads ask at once: what is kept is known by it."""
        found = self._made.get(name)
        if found is None:
            with self._lock:
                if name not in self._made:
                    self._made[name] = self._table(name, **columns())
                found = self._made[name]
        return found

    def _table(self, table: str, /, **columns: sa.types.TypeEngine[Any]) -> sa.TableClause:
        # Not sa.Table: every alias and subquery of a statement would have copies of columns made for writing DDL, ten times as large.
        return sa.table(table, *(sa.column(key, kind) for key, kind in columns.items()), schema=self._schema)

    def kind(self, dimension: str) -> Kind:
        """STRING or LONG: what the values of a dimension are."""
        return Kind.STRING if self.universe.dimensions[dimension].primary_key.type == "string" else Kind.LONG

    def sql_type(self, dimension: str) -> sa.types.TypeEngine[Any]:
        return sa.Text() if self.kind(dimension) is Kind.STRING else sa.BigInteger()

    def key_columns(self, element: DimensionElement) -> dict[str, str]:
        """Dimension name to column name, for the required and implied dimensions of an element's table."""
        columns = {name: name for name in (*element.required.names, *element.implied.names)}
        if element.name in columns:
            columns[element.name] = self.universe.dimensions[element.name].primary_key.name
        return columns

    def element(self, name: str) -> sa.TableClause:
        """The table of a dimension element that has one of its own."""
        return self._once(name, lambda: self._element_columns(self.universe[name]))

    def _element_columns(self, element: DimensionElement) -> dict[str, sa.types.TypeEngine[Any]]:
        columns = {column: self.sql_type(name) for name, column in self.key_columns(element).items()}
        specs = (*element.alternate_keys, *element.metadata_columns)
        columns |= {spec.name: _BARE.get(spec.type, sa.Text)() for spec in specs}
        if element.temporal is not None:
            columns |= {column: sa.BigInteger() for column in self.dialect.timespan_columns}
        if element.spatial is not None:
            columns["region"] = sa.Text()
        return columns

    def skypix_overlap(self, element: str) -> sa.TableClause:
        """Pixels of the universe's common pixelisation that each record of a spatial element overlaps."""

        def columns() -> dict[str, sa.types.TypeEngine[Any]]:
            return {
                "skypix_system": sa.Text(),
                "skypix_level": sa.SmallInteger(),
                "skypix_index": sa.BigInteger(),
                **{key: self.sql_type(key) for key in self.universe[element].required.names},
            }

        return self._once(f"{element}_skypix_overlap", columns)

    def governor_summary(self, dimension: str) -> sa.TableClause:
        """The values of a governor dimension that a collection's datasets have."""
        return self._once(
            f"collection_summary_{dimension}",
            lambda: {"collection_id": sa.BigInteger(), dimension: self.sql_type(dimension)},
        )

    def association(self, name: str, required: tuple[str, ...], calibration: bool) -> sa.TableClause:
        """A ``dataset_tags_*`` or ``dataset_calibs_*`` table, as named by ``dataset_type``."""

        def columns() -> dict[str, sa.types.TypeEngine[Any]]:
            spans = self.dialect.timespan_columns if calibration else ()
            return {
                "dataset_type_id": sa.BigInteger(),
                "dataset_id": self.dialect.id_type(),
                "collection_id": sa.BigInteger(),
                **{dimension: self.sql_type(dimension) for dimension in required},
                **{column: sa.BigInteger() for column in spans},
            }

        return self._once(name, columns)

    def records(self, name: str) -> sa.TableClause:
        """A datastore's table of files."""
        text = sa.Text()
        return self._once(
            name,
            lambda: {
                "dataset_id": self.dialect.id_type(),
                "path": text,
                "formatter": text,
                "storage_class": text,
                "component": text,
                "checksum": text,
                "file_size": sa.BigInteger(),
            },
        )
