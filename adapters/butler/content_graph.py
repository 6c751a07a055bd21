"""What a task said of itself and what it logged, where the graph of an execution keeps it: one file for many datasets, told apart by their ids
(``lsst.pipe.base.quantum_graph.formatter.ProvenanceFormatter``).

lsst-pipe-base reads it, block by block, and no task is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from lsst.resources import ResourcePath

from ..content import Structure
from ..errors import NotFound, Unsupported
from .content_logs import records
from .content_structure import plainly
from .provenance import graph


def of_graph(place: ResourcePath, name: str, dataset: str) -> Structure:
    """The metadata or the log of a quantum's last attempt: which of them the dataset is, its id says and not what the store recorded.

    Raises
    ------
    NotFound
        The attempt left none.
    Unsupported
        The dataset is neither, or lsst-pipe-base is missing.
    """
    graph.require()
    from lsst.pipe.base.pipeline_graph import TaskImportMode
    from lsst.pipe.base.quantum_graph import ProvenanceQuantumGraphReader

    identifier = UUID(dataset)
    with ProvenanceQuantumGraphReader.open(place, import_mode=TaskImportMode.DO_NOT_IMPORT) as reader:
        said = _last(reader.fetch_metadata, identifier)
        if said is not None:
            return Structure(name, plainly(said.model_dump()))
        logged = _last(reader.fetch_logs, identifier)
    if logged is not None:
        return records(logged, name)
    raise Unsupported("Of the graph of an execution, metadata and logs are read here.", forms=["NATIVE"])


def _last(fetch: Callable[[list[UUID]], Mapping[UUID, Sequence[Any]]], identifier: UUID) -> Any:
    """What the last attempt left; None where the dataset is nothing of this kind."""
    try:
        attempts = fetch([identifier]).get(identifier)
    except LookupError:
        return None
    if attempts and attempts[-1] is None:
        raise NotFound("The last attempt of the execution that should have written this dataset left none.")
    return attempts[-1] if attempts else None
