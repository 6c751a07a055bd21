"""The content of a dataset from the file that holds it, by the formatter that wrote it.

Butler's own formatters are not run, and no class of a dataset is imported: five of them write files whose form is public, and those are read
here as data, by readers that cannot be made to execute what a file says; so are tasks' metadata and logs in the graph of an execution. Pickle is never
read; whatever has another formatter can be had as it is stored only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lsst.daf.butler import ButlerConfig
from lsst.daf.butler.datastore import DatastoreConfig
from lsst.resources import ResourcePath

from ..content import Content, Shape
from ..errors import BadUserInput, NotFound, TooComplex, Unsupported, unknown
from ..rows import Rows, TypeInfo
from .content_graph import of_graph
from .content_logs import logs
from .files import in_parts

PARQUET = "lsst.daf.butler.formatters.parquet.ParquetFormatter"
ECSV = "lsst.daf.butler.formatters.astropyTable.AstropyTableFormatter"
YAML = "lsst.daf.butler.formatters.yaml.YamlFormatter"
JSON = "lsst.daf.butler.formatters.json.JsonFormatter"
LOGS = "lsst.daf.butler.formatters.logs.ButlerLogRecordsFormatter"
GRAPH = "lsst.pipe.base.quantum_graph.formatter.ProvenanceFormatter"

_SHAPES = {
    PARQUET: Shape.TABLE,
    ECSV: Shape.TABLE,
    YAML: Shape.STRUCTURE,
    JSON: Shape.STRUCTURE,
    LOGS: Shape.STRUCTURE,
}
_ENDINGS = {
    PARQUET: (".parq", ".parquet"),
    ECSV: (".ecsv",),
    YAML: (".yaml", ".yml"),
    JSON: (".json",),
    LOGS: (".json",),
}
"""How the names of such files end: one that ends otherwise is taken for something else, whatever was recorded."""

_PARTS = ("columns", "rowcount", "schema")
"""Components that Butler derives from any table in Parquet (``ArrowTableDelegate``)."""

READERS = 4
"""Threads of a repository that open contents: Parquet by its footer, other files whole."""

LARGEST = {ECSV: 50_000_000, JSON: 50_000_000, LOGS: 50_000_000, YAML: 5_000_000}
"""Bytes of files that have to be read whole, which takes some hundred megabytes of memory, and of YAML ten seconds."""


class Shapes:
    """What datasets of a repository can be read as, by the formatters that its configuration names."""

    def __init__(self, formatters: Mapping[str, Any]) -> None:
        self._formatters = formatters

    @classmethod
    def configured(cls, config: ButlerConfig) -> Shapes:
        """Of the first datastore that keeps files; of several, the others are configured alike as a rule."""
        return cls(next(_formatters(config["datastore"]), {}))

    @classmethod
    def standard(cls) -> Shapes:
        """As Butler comes: for a server's repositories, which do not say how they are configured."""
        config = {"cls": "lsst.daf.butler.datastores.fileDatastore.FileDatastore", "root": "<butlerRoot>"}
        return cls(next(_formatters(DatastoreConfig(config)), {}))

    def shape(self, dataset_type: TypeInfo) -> Shape:
        """FILE where nothing here reads what its formatter writes, or none is configured for it."""
        formatter = self.formatter(dataset_type)
        return _SHAPES.get(formatter, Shape.FILE) if formatter else Shape.FILE

    def formatter(self, dataset_type: TypeInfo) -> str | None:
        """The full name of the class that writes it: by its own name, else by its storage class. None where Butler's default would."""
        configured = self._formatters.get(dataset_type.name, self._formatters.get(dataset_type.storage_class))
        if configured is None or isinstance(configured, str):
            return configured
        parameters = configured.get("parameters") or {}
        if parameters.get("unsafe_dump"):
            return None  # YAML with classes in it, which only their own constructors can read
        formatter = configured.get("formatter")
        return None if formatter is None else str(formatter)


def _formatters(config: Any) -> Iterator[Mapping[str, Any]]:
    if "datastores" in config:
        for child in config["datastores"]:
            yield from _formatters(child.get("datastore", child))
    elif "formatters" in config:
        found = config["formatters"]
        # Keys of a Config are paths; those of the mapping in it are names.
        yield found.toDict() if hasattr(found, "toDict") else found


@dataclass(frozen=True, slots=True)
class Artefact:
    """A file of a dataset (by its id), or of one of its components. ``formatter``: None where it is not known (a server does not say)."""

    dataset: str
    uri: str
    component: str | None
    storage_class: str | None
    formatter: str | None
    size: int | None


def artefacts(files: Rows) -> list[Artefact]:
    """What Files answered about one dataset."""
    names = ("id", "uri", "component", "storage_class", "formatter", "size")
    places = [files.index(name) for name in names]
    return [Artefact(*(row[place] for place in places)) for row in files.rows]


def read(found: list[Artefact], component: str | None, columns: tuple[str, ...] | None) -> Content:
    """Open the content of a dataset, or of a component of it; ``columns``: names, or patterns with ``*`` and ``?``, of a table.

    Raises
    ------
    NotFound
        There is no file.
    BadUserInput
        Unknown component or column, with the nearest; columns of something that has none.
    Unsupported
        Nothing here reads such a file.
    TooComplex
        It would have to be read whole, and is too large for that.
    """
    if not found:
        raise NotFound("This dataset has no file here.")
    whole = next((one for one in found if one.component is None), None)
    if component is None:
        if whole is None:
            raise in_parts(one.component or "" for one in found)
        return _opened(whole, columns)
    stored = next((one for one in found if one.component == component), None)
    if stored is not None:
        return _opened(stored, columns)
    derived = _PARTS if whole is not None and _formatter(whole) == PARQUET else ()
    if whole is None or component not in derived:
        message, details = unknown(
            "component", component, [*derived, *(one.component or "" for one in found)]
        )
        raise BadUserInput(f"{message} {_known_parts(derived, found)}".strip(), **details)
    return _derived(whole, component, columns)


def _known_parts(derived: tuple[str, ...], found: list[Artefact]) -> str:
    known = [*derived, *(one.component for one in found if one.component)]
    return (
        f"What can be read by itself: {', '.join(known)}."
        if known
        else "This dataset has none that can be read."
    )


def _opened(one: Artefact, columns: tuple[str, ...] | None) -> Content:
    formatter = _formatter(one)
    place = ResourcePath(one.uri, forceDirectory=False)
    stem = _stem(place)
    if formatter == PARQUET:
        from .content_parquet import ParquetTable

        with _mistakes("Parquet"):
            return ParquetTable.opened(place, stem, columns)
    if one.formatter == GRAPH:
        if columns is not None:
            raise _no_columns()
        with _mistakes("the graph of an execution"):
            return of_graph(place, stem, one.dataset)
    if formatter is None:
        raise Unsupported(
            "Nothing here reads files of this kind: it can be had as it is stored.", forms=["NATIVE"]
        )
    _small_enough(place, one.size, LARGEST[formatter])
    if formatter == ECSV:
        from .content_ecsv import ecsv_table

        with _mistakes("ECSV"):
            return ecsv_table(place, stem, columns)
    if columns is not None:
        raise _no_columns()
    if formatter == LOGS:
        with _mistakes("a log"):
            return logs(place, stem)
    from .content_structure import structure

    with _mistakes("YAML" if formatter == YAML else "JSON"):
        return structure(place, stem, json=formatter == JSON)


def _no_columns() -> BadUserInput:
    return BadUserInput("This dataset is a structure, and has no columns to choose from.")


def _derived(one: Artefact, component: str, columns: tuple[str, ...] | None) -> Content:
    from .content_parquet import ParquetTable

    place = ResourcePath(one.uri, forceDirectory=False)
    stem = _stem(place)
    with _mistakes("Parquet"):
        table = ParquetTable.opened(place, stem, None)
        try:
            return table.component(component, columns)
        finally:
            table.close()


def _stem(place: ResourcePath) -> str:
    """The name of a file without its ending."""
    return place.basename().rpartition(".")[0] or "dataset"


def _formatter(one: Artefact) -> str | None:
    """The formatter, of those whose files are read here. The name of the file has to agree."""
    path = ResourcePath(one.uri, forceDirectory=False)
    if path.fragment:
        return None  # a member of a file that several datasets share
    formatter = one.formatter
    return (
        formatter
        if formatter and path.basename().lower().endswith(_ENDINGS.get(formatter, ("\0",)))
        else None
    )


def _small_enough(place: ResourcePath, recorded: int | None, largest: int) -> None:
    size = recorded if recorded is not None and recorded >= 0 else None
    if size is None:
        with _mistakes("that size"):
            size = place.size()
    if size > largest:
        raise TooComplex(
            f"Its file has {size} bytes and would have to be read whole, which is done up to {largest}: it can be had as it is stored.",
            what="content",
            limit=largest,
            actual=size,
            forms=["NATIVE"],
        )


@contextmanager
def _mistakes(form: str) -> Iterator[None]:
    """What a file does to its reader says nothing about the repository: it is gone, or it is no such file. Nothing of a path gets out."""
    try:
        yield
    except FileNotFoundError:
        raise NotFound("This dataset has no file here.") from None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        # pyarrow's errors are ValueErrors and OSErrors, YAML's ValueErrors here.
        raise Unsupported(
            f"Its file cannot be read as {form}: it can be had as it is stored.", forms=["NATIVE"]
        ) from error
