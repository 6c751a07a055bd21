"""Four PipelineTasks of our own, from raw frames to coadds: isr, calibrate, warp, coadd.

Real: these are ordinary PipelineTasks, run by lsst-pipe-base, and they compute what their names say on the
tables of `gateway.demo.frames`. Their dataset types carry the prefix ``demo_`` because the repository also
holds real ``calexp`` records of type ExposureF, which only a full Rubin stack could read.

    raw, bias, flat -> isr -> demo_postIsr -> calibrate -> demo_calexp, demo_src, demo_calexpSummary
    demo_calexp -> warp -> demo_warp -> coadd -> demo_coadd

Bias and flat are prerequisites found by validity. Two promises make provenance differ from geometry and
validity: isr leaves out a raw for which no flat is valid, and coadd leaves out the warp its configuration
names.
"""

# mypy: disable-error-code="no-untyped-call"
# lsst.pex.config has no annotations.

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from astropy.table import Table, vstack
from lsst.pex.config import DictField, Field
from lsst.pipe.base import (
    NoWorkFound,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    Struct,
)
from lsst.pipe.base.connectionTypes import Input, Output, PrerequisiteInput
from lsst.pipe.base.pipeline_graph import PipelineGraph

from gateway.demo.footprint import Footprint
from gateway.demo.frames import COLUMNS, NJY_PER_ADU, ROWS

CELLS = 48  # cells along one side of a patch in warps and coadds, about 14 arcseconds each
TABLE = "ArrowAstropy"


class IsrConnections(PipelineTaskConnections, dimensions=("instrument", "exposure", "detector")):
    """One raw with the bias and the flat that are valid at its time."""

    raw = Input(
        doc="Frame as read out.",
        name="raw",
        storageClass=TABLE,
        dimensions=("instrument", "exposure", "detector"),
    )
    bias = PrerequisiteInput(
        doc="Bias valid at the time of the exposure.",
        name="bias",
        storageClass=TABLE,
        dimensions=("instrument", "detector"),
        isCalibration=True,
    )
    flat = PrerequisiteInput(
        doc="Flat valid at the time of the exposure.",
        name="flat",
        storageClass=TABLE,
        dimensions=("instrument", "detector", "physical_filter"),
        isCalibration=True,
        # With the default of 1 a single gap in the validity would refuse the whole graph.
        minimum=0,
    )
    postIsr = Output(
        doc="Frame without instrument signature.",
        name="demo_postIsr",
        storageClass=TABLE,
        dimensions=("instrument", "exposure", "detector"),
    )

    def adjustQuantum(self, inputs: Any, outputs: Any, label: str, data_id: Any) -> Any:
        """Leave out a raw for which no flat is valid."""
        connection, flats = inputs["flat"]
        if not flats:
            raise NoWorkFound(label, "flat", connection)
        return super().adjustQuantum(inputs, outputs, label, data_id)


class IsrConfig(PipelineTaskConfig, pipelineConnections=IsrConnections):
    """Configuration of isr: only its connections."""


class IsrTask(PipelineTask):
    """Subtract the bias and divide by the flat."""

    ConfigClass = IsrConfig
    _DefaultName = "isr"

    def run(self, raw: Table, bias: Table, flat: Table) -> Struct:
        signal = (np.asarray(raw["adu"]) - np.asarray(bias["adu"])) / np.asarray(flat["response"])
        post = Table([raw["x"], raw["y"], signal.astype(np.float32)], names=["x", "y", "adu"])
        return Struct(postIsr=post)


class CalibrateConnections(PipelineTaskConnections, dimensions=("instrument", "visit", "detector")):
    """The frames of a visit's exposures in, one calibrated frame with its sources out."""

    postIsr = Input(
        doc="Frames without instrument signature, one per exposure of the visit.",
        name="demo_postIsr",
        storageClass=TABLE,
        dimensions=("instrument", "exposure", "detector"),
        multiple=True,
    )
    calexp = Output(
        doc="Calibrated frame: position on the sky and flux in nJy, background subtracted.",
        name="demo_calexp",
        storageClass=TABLE,
        dimensions=("instrument", "visit", "detector"),
    )
    src = Output(
        doc="Sources detected on the calibrated frame.",
        name="demo_src",
        storageClass=TABLE,
        dimensions=("instrument", "visit", "detector"),
    )
    summary = Output(
        doc="Background, noise and number of sources of the calibrated frame.",
        name="demo_calexpSummary",
        storageClass="StructuredDataDict",
        dimensions=("instrument", "visit", "detector"),
    )


class CalibrateConfig(PipelineTaskConfig, pipelineConnections=CalibrateConnections):
    """Configuration of calibrate."""

    threshold = Field[float](doc="Detection threshold in standard deviations of the background.", default=5.0)


class CalibrateTask(PipelineTask):
    """Subtract the background, set positions and fluxes, detect sources."""

    config: CalibrateConfig
    ConfigClass = CalibrateConfig
    _DefaultName = "calibrate"

    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        inputs = butlerQC.get(inputRefs)
        # The footprint comes with the data ID: the real region of this visit and detector.
        footprint = Footprint.of(butlerQC.quantum.dataId.region)
        butlerQC.put(self.run(**inputs, footprint=footprint), outputRefs)

    def run(self, postIsr: Sequence[Table], footprint: Footprint) -> Struct:
        signal = np.mean([np.asarray(frame["adu"], dtype=float) for frame in postIsr], axis=0)
        background = float(np.median(signal))
        flux = (signal - background) * NJY_PER_ADU
        # The median absolute deviation: stars do not raise it as they would the standard deviation.
        noise = 1.4826 * float(np.median(np.abs(flux)))
        x, y = np.asarray(postIsr[0]["x"]), np.asarray(postIsr[0]["y"])
        ra, dec = footprint.sky((x + 0.5) / COLUMNS, (y + 0.5) / ROWS)
        calexp = Table(
            [x, y, ra, dec, flux.astype(np.float32)],
            names=["x", "y", "ra", "dec", "flux"],
            units=[None, None, "deg", "deg", "nJy"],
        )
        src = self.detect(flux.reshape(ROWS, COLUMNS), noise, footprint)
        summary = {
            "background": round(background, 3),  # adu
            "noise": round(noise, 3),  # nJy per pixel
            "sources": len(src),
            "threshold": self.config.threshold,
        }
        self.log.info("%d sources above %.1f sigma", len(src), self.config.threshold)
        return Struct(calexp=calexp, src=src, summary=summary)

    def detect(self, image: Any, noise: float, footprint: Footprint) -> Table:
        """Every pixel above the threshold that no neighbour outshines, measured in 3 x 3 pixels."""
        inner = image[1:-1, 1:-1]
        shifts = [(dy, dx) for dy in (0, 1, 2) for dx in (0, 1, 2)]
        around = np.stack([image[dy : dy + ROWS - 2, dx : dx + COLUMNS - 2] for dy, dx in shifts])
        peaks = (inner >= around.max(axis=0)) & (inner > self.config.threshold * noise)
        rows, columns = np.nonzero(peaks)
        box = np.clip(around[:, rows, columns], 0.0, None)
        total = box.sum(axis=0)
        x = columns + 1 + (box * np.array([[dx - 1] for _, dx in shifts])).sum(axis=0) / total
        y = rows + 1 + (box * np.array([[dy - 1] for dy, _ in shifts])).sum(axis=0) / total
        ra, dec = footprint.sky((x + 0.5) / COLUMNS, (y + 0.5) / ROWS)
        flux = around[:, rows, columns].sum(axis=0)
        error = np.full(flux.shape, 3 * noise)  # nine pixels of independent noise
        return Table(
            [np.arange(len(x)), x, y, ra, dec, flux, error, 31.4 - 2.5 * np.log10(flux)],
            names=["id", "x", "y", "ra", "dec", "flux", "fluxErr", "mag"],
            units=[None, None, None, "deg", "deg", "nJy", "nJy", "mag"],
        )


class WarpConnections(
    PipelineTaskConnections, dimensions=("instrument", "visit", "skymap", "tract", "patch")
):
    """The calibrated frames of one visit that overlap one patch."""

    calexps = Input(
        doc="Calibrated frames of the visit that overlap the patch.",
        name="demo_calexp",
        storageClass=TABLE,
        dimensions=("instrument", "visit", "detector"),
        multiple=True,
    )
    warp = Output(
        doc="The visit on the cells of the patch: summed flux and number of pixels.",
        name="demo_warp",
        storageClass=TABLE,
        dimensions=("instrument", "visit", "skymap", "tract", "patch"),
    )


class WarpConfig(PipelineTaskConfig, pipelineConnections=WarpConnections):
    """Configuration of warp: only its connections."""


class WarpTask(PipelineTask):
    """Sort the pixels of a visit into the cells of a patch."""

    ConfigClass = WarpConfig
    _DefaultName = "warp"

    def runQuantum(self, butlerQC: Any, inputRefs: Any, outputRefs: Any) -> None:
        inputs = butlerQC.get(inputRefs)
        patch = butlerQC.quantum.dataId.patch.region
        butlerQC.put(self.run(**inputs, patch=Footprint.of(patch)), outputRefs)

    def run(self, calexps: Sequence[Table], patch: Footprint) -> Struct:
        pixels = vstack([calexp["ra", "dec", "flux"] for calexp in calexps], metadata_conflicts="silent")
        u, v = patch.place(np.asarray(pixels["ra"]), np.asarray(pixels["dec"]))
        inside = (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
        cell = (v[inside] * CELLS).astype(int) * CELLS + (u[inside] * CELLS).astype(int)
        number = np.bincount(cell, minlength=CELLS * CELLS)
        flux = np.bincount(cell, weights=np.asarray(pixels["flux"])[inside], minlength=CELLS * CELLS)
        (hit,) = np.nonzero(number)  # a frame that only touches the patch gives a warp without rows
        warp = Table(
            [hit.astype(np.int32), flux[hit].astype(np.float32), number[hit].astype(np.int32)],
            names=["cell", "flux", "pixels"],
            units=[None, "nJy", None],
        )
        return Struct(warp=warp)


class CoaddConnections(PipelineTaskConnections, dimensions=("skymap", "tract", "patch", "band")):
    """The warps of one patch in one band, without the rejected one."""

    warps = Input(
        doc="Warps of all visits in the band.",
        name="demo_warp",
        storageClass=TABLE,
        dimensions=("instrument", "visit", "skymap", "tract", "patch"),
        multiple=True,
    )
    coadd = Output(
        doc="Mean flux per cell of the patch over all warps.",
        name="demo_coadd",
        storageClass=TABLE,
        dimensions=("skymap", "tract", "patch", "band"),
    )

    config: CoaddConfig

    def adjustQuantum(self, inputs: Any, outputs: Any, label: str, data_id: Any) -> Any:
        """Drop the warp of the rejected visit: it overlaps the patch and is not used."""
        connection, refs = inputs["warps"]
        rejected = self.config.rejected.get(data_id["patch"])
        kept = [ref for ref in refs if ref.dataId["visit"] != rejected]
        inputs["warps"] = (connection, kept)
        super().adjustQuantum(inputs, outputs, label, data_id)
        return {"warps": (connection, kept)}, {}


class CoaddConfig(PipelineTaskConfig, pipelineConnections=CoaddConnections):
    """Configuration of coadd."""

    rejected = DictField[int, int](doc="The visit to leave out of a patch, by patch.", default={})


class CoaddTask(PipelineTask):
    """Average the warps cell by cell."""

    ConfigClass = CoaddConfig
    _DefaultName = "coadd"

    def run(self, warps: Sequence[Table]) -> Struct:
        flux, number = np.zeros(CELLS * CELLS), np.zeros(CELLS * CELLS, dtype=np.int32)
        visits = np.zeros(CELLS * CELLS, dtype=np.int32)
        for warp in warps:
            cell = np.asarray(warp["cell"])
            flux[cell] += warp["flux"]
            number[cell] += warp["pixels"]
            visits[cell] += 1
        (hit,) = np.nonzero(number)
        coadd = Table(
            [hit.astype(np.int32), (flux[hit] / number[hit]).astype(np.float32), number[hit], visits[hit]],
            names=["cell", "flux", "pixels", "visits"],
            units=[None, "nJy", None, None],
        )
        return Struct(coadd=coadd)


def pipeline_graph(threshold: float, rejected: dict[int, int]) -> Any:
    """The four tasks wired together; the arguments configure calibrate and coadd."""
    calibrate, coadd = CalibrateConfig(), CoaddConfig()
    calibrate.threshold = threshold
    coadd.rejected = rejected
    graph = PipelineGraph()
    graph.add_task("isr", IsrTask, IsrConfig())
    graph.add_task("calibrate", CalibrateTask, calibrate)
    graph.add_task("warp", WarpTask, WarpConfig())
    graph.add_task("coadd", CoaddTask, coadd)
    return graph
