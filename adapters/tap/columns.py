"""The columns of an ObsCore table, by the names that questions use.

A data ID of ObsCore is its obs_publisher_did, which identifies a dataset by itself (ObsCore 1.1, section 3.3); the other dimensions are implied
by it: Butler's, where the table has them under a known name (``options.BUTLERS_NAMES``), and a few of ObsCore's own. What else the table has are
fields of the dimension obs_publisher_did, and can be constrained and ordered by as they are (``s_ra``) or in full (``obs_publisher_did.s_ra``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..errors import BackendUnavailable, BadUserInput, Unsupported, unknown
from ..rows import PUBLISHED, ElementInfo, FieldInfo, Kind, UniverseInfo
from . import adql
from .identity import Identity
from .options import BUTLERS_NAMES, Options
from .votable import Answer, Field

DID = PUBLISHED
REQUIRED = (DID,)
_BEYOND = {"ingest_date": "INGEST_DATE"}
_TIMES = {"timespan.begin": "t_min", "timespan.end": "t_max"}
_TYPES = {Kind.LONG: "int", Kind.FLOAT: "float", Kind.STRING: "string"}


@dataclass(frozen=True, slots=True)
class Named:
    """A column: ``name`` for questions, ``column`` for queries."""

    name: str
    column: str
    kind: Kind
    unit: str | None = None
    ucd: str | None = None
    description: str | None = None

    def under(self, alias: str) -> Named:
        return replace(self, column=f"{alias}.{self.column}")


@dataclass(frozen=True, slots=True)
class Columns:
    """``dimensions`` come in the order that their columns have in rows, obs_publisher_did first."""

    table: str
    dimensions: tuple[Named, ...]
    others: Mapping[str, Named]
    kind_of: tuple[
        str, ...
    ]  # columns that say what a dataset is: the first that says something names its type
    collection: str
    identity: Identity
    universe: UniverseInfo
    alias: str | None = None

    @property
    def source(self) -> str:
        """What stands behind FROM."""
        return self.table if self.alias is None else f"{self.table} AS {self.alias}"

    def aliased(self, alias: str) -> Columns:
        """The same columns of a table that has another name in a query."""
        return replace(
            self,
            alias=alias,
            dimensions=tuple(one.under(alias) for one in self.dimensions),
            others={name: one.under(alias) for name, one in self.others.items()},
            kind_of=tuple(f"{alias}.{column}" for column in self.kind_of),
        )

    @property
    def did(self) -> str:
        return self.dimensions[0].column

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.dimensions)

    def has(self, column: str) -> bool:
        return column in self.others

    def named(self, name: str) -> Named:
        """The column that a constraint, an order or a count by facets means.

        Raises
        ------
        BadUserInput
            There is none; the message has the nearest names.
        Unsupported
            It is something that ObsCore does not say.
        """
        if name in _BEYOND:
            raise Unsupported(f"ObsCore does not say {name}.", capability=_BEYOND[name])
        for dimension in self.dimensions:
            if dimension.name == name:
                return dimension
        if name == "run":
            return self.others[self.collection]
        bare = _TIMES.get(name) or name.removeprefix(f"{DID}.")
        found = self.others.get(bare)
        if found is None or (bare == "s_region"):
            known = [*self.names, *(one for one in self.others if one != "s_region"), "run"]
            message, details = unknown("column of the ObsCore table", name, known)
            raise BadUserInput(message, **details)
        return found

    def dimension(self, name: str) -> Named:
        """Raises BadUserInput for what is no dimension."""
        for dimension in self.dimensions:
            if dimension.name == name:
                return dimension
        message, details = unknown("dimension", name, self.names)
        raise BadUserInput(message, **details)

    def require(self, *columns: str, what: str) -> None:
        """Raises Unsupported where the table lacks a column that something needs."""
        lacking = [column for column in columns if column not in self.others]
        if lacking:
            raise Unsupported(
                f"The service's table has no {' and no '.join(lacking)}, so that {what} is not known."
            )


def described(answer: Answer, options: Options, template: str, repository: str) -> Columns:
    """The columns of a table from an answer that has all of them. Raises BackendUnavailable where it is no ObsCore table."""
    found = {one.name.lower(): one for one in answer.fields if adql.is_identifier(one.name)}
    by_column = {name: _named(name, one) for name, one in found.items()}
    lacking = [name for name in (DID, options.collection) if name.lower() not in found]
    if lacking:
        raise BackendUnavailable(
            f"The table {options.table} of repository '{repository}' is no ObsCore table: it has no {', '.join(lacking)}.",
            repository=repository,
            retry=False,
        )
    mapped = {**BUTLERS_NAMES, **options.names}
    dimensions = [by_column[DID]]
    for name, column in mapped.items():
        if column.lower() in by_column:
            dimensions.append(_named(name, found[column.lower()]))
    taken = {one.column.lower() for one in dimensions}
    dimensions += [
        by_column[own] for one in options.dimensions if (own := one.lower()) in by_column and own not in taken
    ]
    unfit = [one for one in dimensions if one.kind is Kind.FLOAT]
    if unfit:
        raise BackendUnavailable(
            f"Repository '{repository}': {unfit[0].column} is no integer and no text, and cannot be a dimension.",
            repository=repository,
            retry=False,
        )
    rubins = "lsst_dataset_type" if "lsst_dataset_type" in by_column else "dataproduct_subtype"
    kinds = (options.type or rubins, "dataproduct_type")
    kind_of = tuple(by_column[name.lower()].column for name in kinds if name.lower() in by_column)
    identity = Identity.of(options.did or template, _sample(answer), certain=options.did is not None)
    universe = _universe(tuple(dimensions), by_column)
    return Columns(
        options.table, tuple(dimensions), by_column, kind_of, options.collection.lower(), identity, universe
    )


def _named(name: str, one: Field) -> Named:
    kind = Kind.LONG if one.whole else Kind.FLOAT if one.real else Kind.STRING
    return Named(name, one.name, kind, one.unit, one.ucd, one.description)


def _sample(answer: Answer) -> str | None:
    place = next(n for n, one in enumerate(answer.fields) if one.name.lower() == DID)
    value: str | None = answer.rows[0][place] if answer.rows else None
    return value


def _universe(dimensions: tuple[Named, ...], columns: Mapping[str, Named]) -> UniverseInfo:
    first, *rest = dimensions
    fields = tuple(
        FieldInfo(one.name, _TYPES[one.kind], one.unit, one.description) for one in columns.values()
    )
    elements = {
        first.name: _element(
            first, tuple(one.name for one in rest), fields, "s_region" in columns, "t_min" in columns
        )
    }
    elements |= {one.name: _element(one, (), (), False, False) for one in rest}
    return UniverseInfo("obscore", 1, elements, {one.name: one.kind for one in dimensions})


def _element(
    one: Named, implied: tuple[str, ...], fields: tuple[FieldInfo, ...], spatial: bool, temporal: bool
) -> ElementInfo:
    return ElementInfo(
        name=one.name,
        governor=False,
        skypix=False,
        dimension=True,
        required=(one.name,),
        implied=implied,
        alternate_keys=(),
        fields=fields,
        spatial=spatial,
        temporal=temporal,
        documentation=one.description,
    )
