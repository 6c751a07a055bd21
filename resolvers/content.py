"""Content: what a dataset holds, in the form that a caller chooses."""

from __future__ import annotations

import csv
from collections.abc import Collection
from enum import Enum
from io import StringIO
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import strawberry

from adapters.content import Shape
from adapters.errors import BadUserInput, NotFound, Unsupported, unknown
from adapters.media_types import ARROW, ECSV, FITS, JSON, OCTETS, PARQUET, TABLES, VOTABLE
from adapters.rows import TypeInfo

from .context import Scope
from .file import artefacts
from .noun import noun
from .scalars import URL, uuid_out

if TYPE_CHECKING:
    from .dataset import Dataset


@strawberry.enum(description="A form in which the content of a dataset can be had over HTTP.")
class ContentForm(Enum):
    NATIVE = strawberry.enum_value("NATIVE", description="The stored file, as it is.")
    VOTABLE = strawberry.enum_value("VOTABLE", description="IVOA VOTable.")
    PARQUET = strawberry.enum_value("PARQUET", description="Apache Parquet.")
    ARROW = strawberry.enum_value("ARROW", description="A stream of Apache Arrow (IPC).")
    CSV = strawberry.enum_value("CSV", description="Comma-separated values (RFC 4180), with a line of names.")
    ECSV = strawberry.enum_value("ECSV", description="Astropy's enhanced CSV: with units and types.")
    FITS = strawberry.enum_value("FITS", description="A FITS file with a binary table.")
    JSON = strawberry.enum_value(
        "JSON", description="A table as a list of objects, one a row; a structure as it is."
    )


MEDIA_TYPES = {
    ContentForm.VOTABLE: VOTABLE,
    ContentForm.PARQUET: PARQUET,
    ContentForm.ARROW: ARROW,
    ContentForm.CSV: TABLES["CSV"],
    ContentForm.ECSV: ECSV,
    ContentForm.FITS: FITS,
    ContentForm.JSON: JSON,
}
"""What each form is, the stored one apart."""

FORMS = {
    Shape.FILE: (ContentForm.NATIVE,),
    Shape.TABLE: tuple(ContentForm),
    Shape.STRUCTURE: (ContentForm.NATIVE, ContentForm.JSON),
}
"""In which forms that can be had which can be read as this."""


@noun
class ContentLink:
    """Where content is. The link opens with the caller's token, and stays as it is."""

    __slots__ = ("_component", "_dataset", "_form", "_query", "_scope")

    def __init__(
        self, scope: Scope, dataset: str, form: ContentForm, component: str | None, columns: str | None
    ) -> None:
        self._scope = scope
        self._dataset = dataset
        self._form = form
        self._component = component
        given = {"form": form.name, "component": component, "columns": columns}
        self._query = urlencode({name: value for name, value in given.items() if value is not None})

    @strawberry.field
    def url(self) -> URL:
        """Address, for GET."""
        base, label = self._scope.context.base_url, self._scope.label
        return URL(f"{base}/content/{label}/{uuid_out(self._dataset)}?{self._query}")

    @strawberry.field
    async def media_type(self) -> str:
        """Media type of what it leads to."""
        if self._form is not ContentForm.NATIVE:
            return MEDIA_TYPES[self._form]
        files = await artefacts(self._scope).load(self._dataset)
        found = [file.media_type_of_name() for file in files if file.facts()[1] == self._component]
        return next((one for one in found if one is not None), OCTETS)


async def content(
    dataset: Dataset, form: ContentForm, component: str | None, columns: list[str] | None
) -> ContentLink:
    """The link to a dataset's content. Raises Unsupported with the forms that it can be had in, BadUserInput, NotFound where it is known to have no
    file."""
    scope, info = dataset.scope(), dataset.info()
    written = None
    if columns is not None:
        if form is ContentForm.NATIVE:
            raise BadUserInput("The stored file is given as it is: ask for columns in another form.")
        if not columns or not all(columns):
            raise BadUserInput("columns names no column; leave it out for all of them.")
        written = listed(columns)
    if component is None:
        possible = FORMS[await shape(scope, info)]
        if form not in possible:
            raise unfit(form, possible, f"Datasets of type '{info.name}' ({info.storage_class})")
    else:
        await _known(scope, info, component)
    try:
        files = await artefacts(scope).load(dataset.hex())
    except Unsupported:  # nobody says here where files are
        files = None
    if files == []:
        raise NotFound(
            f"This dataset of type '{info.name}' is known here, and has no file: there is no content of it."
        )
    return ContentLink(scope, dataset.hex(), form, component, written)


async def shape(scope: Scope, info: TypeInfo) -> Shape:
    """What datasets of a type can be read as."""

    async def fetch(infos: list[TypeInfo]) -> dict[TypeInfo, Shape]:
        found = await scope.repository.shapes(infos, scope.context.call)
        return {one: found[one.name] for one in infos}

    return await scope.loader("shapes", fetch, Shape.FILE).load(info)


async def forms(scope: Scope, info: TypeInfo) -> list[ContentForm]:
    """In which forms datasets of a type can be had."""
    return list(FORMS[await shape(scope, info)])


async def _known(scope: Scope, info: TypeInfo, component: str) -> None:
    """Raises BadUserInput for a component that the storage class does not have; one that is not known here may have any."""

    async def fetch(infos: list[TypeInfo]) -> dict[TypeInfo, list[str]]:
        return {one: await scope.repository.components(one, scope.context.call) for one in infos}

    try:
        known = await scope.loader(("components", info), fetch, list[str]()).load(info)
    except NotFound:
        return
    if component not in known:
        message, details = unknown("component", component, known)
        has = f"has {', '.join(sorted(known))}" if known else "has none"
        raise BadUserInput(f"{message} Dataset type '{info.name}' {has}.", **details)


def unfit(form: ContentForm, possible: Collection[ContentForm], what: str) -> Unsupported:
    """The error for a form that something cannot be had in; it names those that can."""
    names = [one.name for one in possible]
    return Unsupported(f"{what} cannot be had as {form.name}, but as {', '.join(names)}.", forms=names)


def listed(names: list[str]) -> str:
    """Names as one line of CSV (RFC 4180): a name may have a comma, pandas' own for several levels do."""
    line = StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return line.getvalue()


def unlisted(line: str) -> list[str]:
    """The names in such a line. Raises BadUserInput."""
    try:
        rows = list(csv.reader([line], strict=True, skipinitialspace=True))
    except csv.Error:
        rows = []
    if len(rows) != 1 or not rows[0] or not all(rows[0]):
        raise BadUserInput(
            "columns is a list of names with commas between; one with a comma in it stands in double quotes."
        )
    return rows[0]
