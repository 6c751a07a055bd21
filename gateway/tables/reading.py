"""A list as a table: what its columns are is found out first, then its pages become batches, each read while the one before it is written."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

import pyarrow as pa

from adapters.caller import Call, Caller
from adapters.errors import SILENT, BadUserInput, NotFound, unknown
from adapters.protocol import Repository
from adapters.question import (
    DataIds,
    Datasets,
    DatasetTypes,
    DatasetTypesByName,
    Lineage,
    QuantumDatasets,
    Question,
    Records,
    Related,
    RelatedDataIds,
    Versions,
)
from adapters.rows import Kind
from gateway.limits import Limits
from gateway.tables.arrays import read as column_of
from gateway.tables.columns import (
    Columns,
    DataIdColumns,
    Datalink,
    DatasetColumns,
    RecordColumns,
    batch,
)
from gateway.tables.edges import EdgeColumns, source_of
from gateway.tables.pages import Page, Pages
from gateway.tables.table import End, Table
from resolvers.asked import Asked

if TYPE_CHECKING:
    from gateway.tables.observed import ObservedColumns

_TYPES = 10_000  # dataset types that are looked at for their dimensions


async def read(
    asked: Asked,
    opened: Mapping[str, Repository],
    caller: Caller,
    limits: Limits,
    *,
    datalink: Datalink,
    observed: Callable[[Sequence[Repository]], ObservedColumns] | None = None,
    most: int | None = None,
) -> Table:
    """The table of a list, its first page read and no other: what is wrong with the question is raised here.

    ``observed``: the columns that datasets have instead of Butler's. ``most``: rows at most; what is missing then is said at the end.
    """
    if observed is not None and isinstance(asked.questions[0], DataIds | RelatedDataIds | Records):
        raise BadUserInput("OBSCORE is for lists of datasets; this one has none.")
    pages = Pages(asked, opened, caller, limits, most=None if most is None else most + 1)
    datasets = None if observed is None else observed(pages.repositories)
    if datasets is not None:
        pages.beside = datasets.beside
    if isinstance(asked.questions[0], Related | RelatedDataIds):
        await _require_data_id(pages.repositories[0], asked.questions[0], pages.call())
    read = pages.read()
    try:
        first = await anext(read)
        columns = await _columns(pages, first, datalink, datasets)
    except BaseException:
        await read.aclose()
        raise
    schema = pa.schema(columns.fields)
    end = End(pages.missing.said() if most is None else None, tuple(sorted(pages.missing.unavailable)))

    async def batches() -> AsyncIterator[pa.RecordBatch]:
        count = 0
        page: Page | None = first
        following: asyncio.Task[Page | None] | None = None
        async with aclosing(read):
            try:
                while page is not None:
                    following = asyncio.ensure_future(anext(read, None))
                    found = await batch(columns, schema, page, pages.call)
                    page = None
                    if most is not None and count + found.num_rows > most:
                        found = found.slice(0, most - count)
                        end.overflow = f"There are more rows than the {most} that were asked for."
                    count += found.num_rows
                    if found.num_rows:
                        yield found
                    page = await following
            finally:
                if following is not None:
                    # Its error, too, has to be looked at: this page may have failed before the next one was waited for.
                    following.cancel()
                    await asyncio.gather(following, return_exceptions=True)
        end.overflow = " ".join(filter(None, (end.overflow, pages.missing.said()))) or None
        end.unavailable = tuple(sorted(pages.missing.unavailable))

    return Table(_name(asked), _description(asked), schema, batches(), end)


async def _require_data_id(repository: Repository, question: Related | RelatedDataIds, call: Call) -> None:
    """Raises BadUserInput where the list begins at what is no data ID in this repository, or none of a dataset of that type: only an address that somebody
    made up does."""
    universe = await repository.universe(call)
    kinds, names = universe.dimension_kinds, set(question.dimensions)
    for name, value in zip(question.dimensions, question.keys[0], strict=True):
        if name not in kinds:
            message, details = unknown("dimension", name, kinds)
            raise BadUserInput(message, **details)
        if lacking := [one for one in universe.elements[name].required if one not in names]:
            raise BadUserInput(f"A data ID that has '{name}' has {', '.join(lacking)}, too.")
        if isinstance(value, str) != (kinds[name] is Kind.STRING):
            raise BadUserInput(f"'{name}' is of the kind {kinds[name].value}, and {value!r} is not.")
    if isinstance(question, Related) and question.source is not None:
        rows = await repository.ask(DatasetTypesByName((question.source,)), call)
        for required in column_of(rows, "required"):
            if names != set(required):
                raise BadUserInput(f"A data ID of '{question.source}' has {', '.join(required)}.")


async def _columns(pages: Pages, first: Page, datalink: Datalink, observed: Columns | None) -> Columns:
    question = pages.asked.questions[0]
    repository = pages.repositories[0]
    if isinstance(question, DataIds | RelatedDataIds):
        dimensions = {one.name: one.kind for one in first[0].rows.columns if one.dimension}
        return DataIdColumns(dimensions, overlap=isinstance(question, RelatedDataIds))
    if isinstance(question, Records):
        universe = await repository.universe(pages.call())
        return RecordColumns(first[0].rows, universe.elements[question.element])
    datasets = observed or DatasetColumns(await _dimensions(pages), datalink)
    if isinstance(question, Related | Lineage):
        source = await source_of(repository, question, pages.call())
        return EdgeColumns(datasets, isinstance(question, Lineage), source, datalink)
    return datasets


async def _dimensions(pages: Pages) -> dict[str, Kind]:
    """The dimensions of all types that the rows may have, in the universe's order; of several repositories in the first one's, then the next one's."""
    found: dict[str, Kind] = {}
    for repository in pages.repositories:
        try:
            universe = await repository.universe(pages.call())
            named = {
                name
                for ask in types_of(pages.asked.questions[0])
                for rows in [await repository.ask(ask, pages.call())]
                for names in column_of(rows, "dimensions")
                for name in names
            }
        except (NotFound, *SILENT):
            continue  # one that does not answer, or does not know a name, has no rows either
        kinds = universe.dimension_kinds
        found |= {name: kind for name, kind in kinds.items() if name in named and name not in found}
    return found


def types_of(question: Question) -> list[Question]:
    """Which dataset types the answers to a question about datasets may have."""
    collections = None
    if isinstance(question, Versions):
        names = tuple(str(key[0]) for key in question.keys)
    else:
        assert isinstance(question, Datasets | Related | Lineage | QuantumDatasets)
        names = question.types or ("*",)
        if isinstance(question, Datasets | Related):
            collections = question.collections
    globs = tuple(name for name in names if is_glob(name))
    plain = tuple(name for name in names if not is_glob(name))
    asked: list[Question] = [DatasetTypesByName(plain)] if plain else []
    return [*asked, DatasetTypes(globs, collections).paged(_TYPES)] if globs else asked


def is_glob(name: str) -> bool:
    return bool(set("*?[") & set(name))


def _name(asked: Asked) -> str:
    """A word for the file and the TABLE."""
    question = asked.questions[0]
    if isinstance(question, DataIds | RelatedDataIds):
        words: Iterable[str] = question.dimensions if isinstance(question, DataIds) else question.wanted
    elif isinstance(question, Records):
        words = (question.element,)
    elif isinstance(question, Versions):
        words = (str(question.keys[0][0]),)
    else:
        words = getattr(question, "types", ()) or ("datasets",)
    return re.sub(r"[^A-Za-z0-9]+", "_", "_".join([*asked.repositories, *words])).strip("_")[:80] or "table"


def _description(asked: Asked) -> str:
    """One sentence for people."""
    where = " and ".join(asked.repositories)
    question = asked.questions[0]
    match question:
        case DataIds() | RelatedDataIds():
            return f"Data IDs in {where}"
        case Records():
            return f"Records of the dimension element {question.element} in {where}"
        case Related():
            return f"Datasets in {where} that belong to another one, and why"
        case Lineage():
            return f"Datasets in {where} that another one was made from, or that were made from it"
    return f"Datasets in {where}"
