"""Running the demonstration pipeline in the repository, twice, and ingesting what happened as provenance.

Real: the graph is built by lsst-pipe-base's own builder and run by its own executor. The two runs differ as
two processing campaigns do: the second detects fainter sources and leaves out of one coadd the warp of one
visit.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lsst.daf.butler import Butler, QuantumBackedButler
from lsst.daf.butler.datastore.record_data import DatastoreRecordData
from lsst.pipe.base import TaskFactory
from lsst.pipe.base.all_dimensions_quantum_graph_builder import AllDimensionsQuantumGraphBuilder
from lsst.pipe.base.mp_graph_executor import MPGraphExecutor
from lsst.pipe.base.quantum_graph.ingest_graph import ingest_graph
from lsst.pipe.base.single_quantum_executor import SingleQuantumExecutor

from gateway.demo.pipeline import pipeline_graph
from gateway.demo.records import INSTRUMENT, SKYMAP

INPUTS = ("HSC/raw/all", "HSC/calib", "skymaps")
PROVENANCE = "run_provenance"


@dataclass(frozen=True)
class Campaign:
    """One execution: its RUN, the detection threshold, and the visit rejected by patch."""

    run: str
    threshold: float
    rejected: dict[int, int] = field(default_factory=dict)


CAMPAIGNS = (
    Campaign("HSC/runs/demo/1", threshold=6.0),
    # In the r band this visit meets this patch with one detector only, number 12.
    Campaign("HSC/runs/demo/2", threshold=5.0, rejected={85: 903346}),
)


class _ExecutionButler(QuantumBackedButler):
    """A butler for all quanta of a run, whose records live in memory until `release`."""

    def close(self) -> None:
        """Stay open: the executor closes its butler after every quantum."""

    def release(self) -> None:
        """Really close."""
        super().close()


def execute(butler: Any, root: Path, campaign: Campaign) -> None:
    """Build the quantum graph of a campaign, execute it in this process and ingest its provenance graph."""
    builder = AllDimensionsQuantumGraphBuilder(
        pipeline_graph(campaign.threshold, campaign.rejected),
        butler,
        input_collections=list(INPUTS),
        output_run=campaign.run,
        where="instrument = instrument_name AND skymap = skymap_name",
        bind={"instrument_name": INSTRUMENT, "skymap_name": SKYMAP},
    )
    predicted = builder.finish(attach_datastore_records=True).assemble()
    predicted.pipeline_graph.register_dataset_types(butler)
    butler.collections.register(campaign.run)
    predicted.write_init_outputs(butler)
    predicted.build_execution_quanta()
    quanta = [info["quantum"] for info in predicted.quantum_only_xgraph.nodes.values()]
    limited = _execution_butler(root, predicted, quanta)
    with ExitStack() as stack:
        stack.callback(limited.release)
        scratch = stack.enter_context(TemporaryDirectory())
        single = SingleQuantumExecutor(
            butler=None,
            limited_butler_factory=lambda _quantum: limited,
            task_factory=TaskFactory(),
            assume_no_existing_outputs=True,
        )
        graph_file = Path(scratch) / "provenance.qg"
        # num_proc must be 1: only then does this executor write a provenance graph.
        MPGraphExecutor(num_proc=1, timeout=600, quantum_executor=single).execute(
            predicted, provenance_graph_file=str(graph_file)
        )
        # Metadata and logs stay behind: ingesting the graph registers them.
        produced = (refs for quantum in quanta for refs in quantum.outputs.values())
        outputs = [ref for refs in produced for ref in refs if ref.datasetType.name.startswith("demo_")]
        butler.transfer_from(limited, outputs, transfer="auto")
        _ingest(root, graph_file, campaign.run)


def _execution_butler(root: Path, predicted: Any, quanta: list[Any]) -> Any:
    """A butler that knows the datasets of these quanta only, and keeps its records in memory.

    This is how production runs pipelines: nothing is written to the registry until all is done, and then at once.
    With the full butler every small output would cost several transactions, and the runs four times as long.
    """
    inputs = {ref.id for quantum in quanta for refs in quantum.inputs.values() for ref in refs}
    outputs = {ref.id for quantum in quanta for refs in quantum.outputs.values() for ref in refs}
    nodes = predicted.pipeline_graph.dataset_types.values()
    return _ExecutionButler.from_predicted(
        str(root),
        predicted_inputs=inputs - outputs,
        predicted_outputs=outputs,
        dimensions=predicted.pipeline_graph.universe,
        datastore_records=DatastoreRecordData.merge_mappings(*(q.datastore_records for q in quanta)),
        dataset_types={node.name: node.dataset_type for node in nodes},
    )


def _ingest(root: Path, graph_file: Path, run: str) -> None:
    """Ingest the provenance graph, and accept the one known failure after a completed ingest."""
    try:
        ingest_graph(str(root), str(graph_file), transfer="copy")
    except UnboundLocalError:
        # This release tidies up directories last and stumbles over those that never came to be. By then the
        # graph is ingested; if it is not, the error was another one.
        with Butler.from_config(str(root)) as reader:
            if reader.find_dataset(PROVENANCE, collections=[run]) is None:
                raise
    # The tidying that it did not reach: the directories of metadata and logs, which are in the graph now.
    for directory, _, _ in os.walk(root / run, topdown=False):
        if not os.listdir(directory):
            os.rmdir(directory)
