"""The raw frames: one for every detector region that the real records have.

Derived: HSC gets 33 raws, for the visit and detector pairs of the 33 real calexps. LSSTCam gets four, in a
RUN of its own, so that datasets with exposure ids above 2**31 can be asked for. The dataset types of raw,
bias and flat are those of Rubin, with storage classes that packages from PyPI can read.
"""

from __future__ import annotations

from typing import Any

from lsst.daf.butler import DatasetType

from gateway.demo import frames
from gateway.demo.footprint import Footprint

RUNS = {"HSC": "HSC/raw/all", "LSSTCam": "LSSTCam/raw/all"}


def register_dataset_types(butler: Any) -> None:
    """Register raw, bias and flat."""
    for name, dimensions in (
        ("raw", ("instrument", "exposure", "detector")),
        ("bias", ("instrument", "detector")),
        ("flat", ("instrument", "detector", "physical_filter")),
    ):
        butler.registry.registerDatasetType(
            DatasetType(
                name, dimensions, "ArrowAstropy", universe=butler.dimensions, isCalibration=name != "raw"
            )
        )


def put_raws(butler: Any) -> None:
    """Simulate and store a raw for every detector region; each visit has one exposure of the same id."""
    for instrument, run in RUNS.items():
        butler.collections.register(run)
        filters = butler.query_dimension_records("physical_filter", instrument=instrument)
        visits = butler.query_dimension_records("visit", instrument=instrument)
        bands = {record.name: record.band for record in filters}
        band_of = {visit.id: bands[visit.physical_filter] for visit in visits}
        for region in butler.query_dimension_records("visit_detector_region", instrument=instrument):
            band, detector = band_of[region.visit], region.detector
            frame = frames.raw(
                region.visit, detector, band, Footprint.of(region.region), frames.response(detector, band)
            )
            data_id = {"instrument": instrument, "exposure": region.visit, "detector": detector}
            butler.put(frame, "raw", data_id, run=run)
