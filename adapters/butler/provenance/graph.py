"""Quantum graph files of lsst-pipe-base (``.qg``) into facts, block by block: the graph is never in memory as
a whole.

Only public names of lsst-pipe-base are used, and no task is imported. Its own graph objects need several
kilobytes a node; going through the file's blocks needs one node at a time. (Its readers of chosen quanta end
in EOFError in the releases at hand; going through all does not.)
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

from ...errors import Unsupported
from .facts import DatasetFact, Fact, Graph, QuantumFact, Role, Status, place


def available() -> bool:
    """Whether this process can read quantum graphs: lsst-pipe-base is an optional dependency."""
    try:
        return find_spec("lsst.pipe.base") is not None
    except ModuleNotFoundError:
        return False


def require() -> None:
    """Raises Unsupported where lsst-pipe-base is missing."""
    if not available():
        raise Unsupported(
            "Recorded execution cannot be read: the server lacks the package lsst-pipe-base.",
            capability="PROVENANCE",
        )


@contextmanager
def opened(uri: Any) -> Iterator[Graph]:
    """A provenance or a predicted graph by its address. What it raises for a file that is neither is
    lsst-pipe-base's, of any kind."""
    from lsst.pipe.base.pipeline_graph import TaskImportMode
    from lsst.pipe.base.quantum_graph import PredictedQuantumGraphReader, ProvenanceQuantumGraphReader

    mode = TaskImportMode.DO_NOT_IMPORT
    try:
        reading = ProvenanceQuantumGraphReader.open(uri, import_mode=mode)
        reader = reading.__enter__()
    except TypeError:  # the header says that it is a graph of another type
        with PredictedQuantumGraphReader.open(uri, import_mode=mode) as predicted:
            yield Graph(predicted.header.output_run, True, _predicted(predicted))
        return
    try:
        yield Graph(reader.header.output_run, False, _recorded(reader))
    finally:
        reading.__exit__(None, None, None)


def _blocks(reader: Any, name: str, model: Any) -> Iterator[Any]:
    from lsst.pipe.base.quantum_graph import MultiblockReader

    size = reader.header.int_size
    yield from MultiblockReader.read_all_models_in_zip(
        reader.zf, name, model, reader.decompressor, int_size=size, page_size=reader.page_size
    )


def _dataset(reader: Any, model: Any, produced: bool) -> DatasetFact:
    kind = reader.pipeline_graph.dataset_types[model.dataset_type_name]
    required = model.data_coordinate[: len(kind.dimensions.required)]
    return DatasetFact(model.dataset_id.hex, model.dataset_type_name, place(required), produced)


def _data_id(task: Any, values: Sequence[Any]) -> str:
    return json.dumps(
        dict(zip(task.dimensions.data_coordinate_keys, values, strict=True)), ensure_ascii=False
    )


# what was executed


def _recorded(reader: Any) -> Iterator[Fact]:
    from lsst.pipe.base.quantum_graph import ProvenanceDatasetModel, ProvenanceQuantumModel

    for dataset in _blocks(reader, "datasets", ProvenanceDatasetModel):
        yield _dataset(reader, dataset, dataset.produced)
    yield from _initial(reader)
    for quantum in _blocks(reader, "quanta", ProvenanceQuantumModel):
        yield from _executed(reader, quantum)


def _initial(reader: Any) -> Iterator[Fact]:
    """The step of each task before its quanta, which writes its configuration and schemas.

    The package keeps no status of it, but holds what it wrote for produced; without it no quantum runs. So it
    was SUCCESSFUL.
    """
    reader.read_init_quanta()
    graph = reader.graph.bipartite_xgraph
    for node, known in graph.nodes(data=True):
        if "dataset_type_name" in known:
            yield DatasetFact(node.hex, known["dataset_type_name"], "", known["produced"])
    for label, node in reader.graph.init_quanta.items():
        edges = [(dataset.hex, Role.READ) for dataset in graph.predecessors(node)]
        edges += [(dataset.hex, Role.WROTE) for dataset in graph.successors(node)]
        task = reader.pipeline_graph.tasks[label]
        yield QuantumFact(node.hex, label, task.task_class_name, Status.SUCCESSFUL, _BEFORE, "{}", edges)


_BEFORE = "Before the task's quanta: wrote its configuration and schemas."


def _executed(reader: Any, quantum: Any) -> Iterator[Fact]:
    """A quantum, behind its log and metadata, which the file's list of datasets lacks."""
    from lsst.pipe.base import QuantumAttemptStatus
    from lsst.pipe.base.automatic_connection_constants import (
        LOG_OUTPUT_CONNECTION_NAME,
        METADATA_OUTPUT_CONNECTION_NAME,
    )

    task = reader.pipeline_graph.tasks[quantum.task_label]
    attempt = quantum.attempts[-1] if quantum.attempts else None
    found = attempt.status if attempt is not None else QuantumAttemptStatus.BLOCKED
    where = place(quantum.data_coordinate[: len(task.dimensions.required)])
    for connection, produced in (
        (METADATA_OUTPUT_CONNECTION_NAME, found.has_metadata),
        (LOG_OUTPUT_CONNECTION_NAME, found.has_log),
    ):
        for dataset in quantum.outputs.get(connection, ()):
            kind = task.get_output_edge(connection).dataset_type_name
            yield DatasetFact(dataset.hex, kind, where, produced)
    status = _STATUS.get(found.name, Status.UNKNOWN)
    # Who was blocked read nothing; of whom nothing is known it cannot be said that he did.
    read = Role.READ_NOT if status in (Status.BLOCKED, Status.UNKNOWN) else Role.READ
    edges = [(dataset.hex, read) for datasets in quantum.inputs.values() for dataset in datasets]
    edges += [(dataset.hex, Role.WROTE) for datasets in quantum.outputs.values() for dataset in datasets]
    message = _message(found.name, attempt, len(quantum.attempts))
    data_id = _data_id(task, quantum.data_coordinate)
    yield QuantumFact(
        quantum.quantum_id.hex, quantum.task_label, task.task_class_name, status, message, data_id, edges
    )


_STATUS: Mapping[str, Status] = {
    "SUCCESSFUL": Status.SUCCESSFUL,
    "ABORTED_SUCCESS": Status.SUCCESSFUL,  # it had succeeded before it was cut off, and blocks no one downstream
    "FAILED": Status.FAILED,
    "BLOCKED": Status.BLOCKED,
    "ABORTED": Status.ABORTED,
}

_CAVEATS: Mapping[str, str] = {
    "ALL_OUTPUTS_MISSING": "none of its outputs was produced",
    "ANY_OUTPUTS_MISSING": "some of its outputs were not produced",
    "ADJUST_QUANTUM_RAISED": "too few of its inputs existed for it to run",
    "UPSTREAM_FAILURE_NO_WORK": "its inputs were incomplete because of a failure upstream",
    "UNPROCESSABLE_DATA": "the task found the data unprocessable",
    "PARTIAL_OUTPUTS_ERROR": "the task failed after writing some of its outputs, which counts as a success",
    "NO_WORK": "the task found no work to do",
}
"""By the names of lsst-pipe-base's flags, what says most first."""

_SAID_BY: Mapping[str, tuple[str, ...]] = {
    "ANY_OUTPUTS_MISSING": ("ALL_OUTPUTS_MISSING",),
    "NO_WORK": ("ADJUST_QUANTUM_RAISED", "UPSTREAM_FAILURE_NO_WORK", "UNPROCESSABLE_DATA"),
}
"""Flags that go without saying beside others."""


def _message(status: str, attempt: Any, attempts: int) -> str | None:
    """Caveats and the exception of the last attempt in words; None where there is nothing to say."""
    parts = []
    if status == "ABORTED_SUCCESS":
        parts.append("cut off after it had succeeded, before its log was written")
    if attempt is not None and attempt.caveats is not None:
        names = {flag.name for flag in type(attempt.caveats) if flag in attempt.caveats and flag.value}
        parts += [
            words
            for name, words in _CAVEATS.items()
            if name in names and not names.intersection(_SAID_BY.get(name, ()))
        ]
    if attempt is not None and attempt.exception is not None:
        parts.append(f"{attempt.exception.type_name}: {attempt.exception.message}")
    if attempts > 1:
        parts.append(f"{attempts} attempts")
    return "; ".join(parts) or None


# what would be executed


def _predicted(reader: Any) -> Iterator[Fact]:
    from lsst.pipe.base.quantum_graph import PredictedQuantumDatasetsModel

    reader.read_init_quanta()
    for quantum in reader.components.init_quanta.root:
        if quantum.task_label:  # the one without a task writes the versions of packages
            yield from _to_execute(reader, quantum, "{}")
    for quantum in _blocks(reader, "quantum_datasets", PredictedQuantumDatasetsModel):
        task = reader.pipeline_graph.tasks[quantum.task_label]
        yield from _to_execute(reader, quantum, _data_id(task, quantum.data_coordinate))


def _to_execute(reader: Any, quantum: Any, data_id: str) -> Iterator[Fact]:
    edges = []
    for connections, role in ((quantum.inputs, Role.TO_READ), (quantum.outputs, Role.TO_WRITE)):
        for datasets in connections.values():
            for dataset in datasets:
                yield _dataset(reader, dataset, True)
                edges.append((dataset.dataset_id.hex, role))
    task = reader.pipeline_graph.tasks[quantum.task_label]
    yield QuantumFact(
        quantum.quantum_id.hex,
        quantum.task_label,
        task.task_class_name,
        Status.PREDICTED,
        None,
        data_id,
        edges,
    )
