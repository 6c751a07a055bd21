"""Bias and flat frames with their validity: several epochs, an open end, a gap, and a late replacement.

Derived. Every epoch is one RUN and is certified into the CALIBRATION collection `HSC/calib`. All times are
TAI, half-open, and chosen around the real exposures (2013-06-17T13:29 to 13:38, 2013-11-02T05:19 to 06:05):

- `BIAS_EPOCHS`: two that follow on each other; the second has no end.
- `FLAT_EPOCHS`: four; the second begins between two exposures of the first night, the last has no end.
  Between the third and the fourth lies `FLAT_GAP`, over exposures 904010 and 904014: no flat is valid for
  them.
- `REPLACED`: after the pipeline has run, the flat of one detector, filter and epoch is decertified and
  another one certified in its place, so that what is valid and what was used differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from astropy.time import Time
from lsst.daf.butler import CollectionType, Timespan  # type: ignore[attr-defined]  # it forgets to list one

from gateway.demo import frames
from gateway.demo.records import INSTRUMENT

COLLECTION = "HSC/calib"


@dataclass(frozen=True)
class Epoch:
    """The RUN with the frames of an epoch and the TAI range of their validity; without an end it is open."""

    run: str
    begin: str
    end: str | None

    def timespan(self) -> Any:
        end = None if self.end is None else Time(self.end, scale="tai")
        return Timespan(Time(self.begin, scale="tai"), end)


BIAS_EPOCHS = (
    Epoch("HSC/calib/bias/2013-06", "2013-06-01T00:00:00", "2013-09-01T00:00:00"),
    Epoch("HSC/calib/bias/2013-09", "2013-09-01T00:00:00", None),
)
FLAT_EPOCHS = (
    Epoch("HSC/calib/flat/2013-06-01", "2013-06-01T00:00:00", "2013-06-17T13:34:00"),
    Epoch("HSC/calib/flat/2013-06-17", "2013-06-17T13:34:00", "2013-08-01T00:00:00"),
    Epoch("HSC/calib/flat/2013-08-01", "2013-08-01T00:00:00", "2013-11-02T06:00:00"),
    Epoch("HSC/calib/flat/2013-11-02", "2013-11-02T06:30:00", None),
)
FLAT_GAP = Epoch("", "2013-11-02T06:00:00", "2013-11-02T06:30:00")


@dataclass(frozen=True)
class Replacement:
    """Which flat is replaced after the pipeline has run, and the RUN of the new one."""

    detector: int
    physical_filter: str
    band: str
    epoch: Epoch
    run: str


# Exactly one raw was taken with this detector in this filter and epoch: exposure 903986.
REPLACED = Replacement(22, "HSC-I", "i", FLAT_EPOCHS[2], "HSC/calib/flat/2013-08-01-redone")


def certify_calibrations(butler: Any) -> None:
    """Write and certify a bias per detector and epoch, and a flat per detector, filter and epoch."""
    detectors = [record.id for record in butler.query_dimension_records("detector", instrument=INSTRUMENT)]
    filters = [
        (record.name, record.band)
        for record in butler.query_dimension_records("physical_filter", instrument=INSTRUMENT)
    ]
    butler.collections.register(COLLECTION, CollectionType.CALIBRATION)
    for number, epoch in enumerate(BIAS_EPOCHS):
        butler.collections.register(epoch.run)
        refs = [
            butler.put(frames.bias(detector, number), "bias", _data_id(detector), run=epoch.run)
            for detector in detectors
        ]
        butler.registry.certify(COLLECTION, refs, epoch.timespan())
    for number, epoch in enumerate(FLAT_EPOCHS):
        butler.collections.register(epoch.run)
        refs = [
            butler.put(frames.flat(detector, band, number), "flat", _data_id(detector, name), run=epoch.run)
            for detector in detectors
            for name, band in filters
        ]
        butler.registry.certify(COLLECTION, refs, epoch.timespan())


def replace_flat(butler: Any) -> None:
    """Decertify the flat that the pipeline used and certify a new one for the same range."""
    butler.collections.register(REPLACED.run)
    data_id = _data_id(REPLACED.detector, REPLACED.physical_filter)
    redone = frames.flat(REPLACED.detector, REPLACED.band, len(FLAT_EPOCHS))
    ref = butler.put(redone, "flat", data_id, run=REPLACED.run)
    timespan = REPLACED.epoch.timespan()
    butler.registry.decertify(COLLECTION, "flat", timespan, dataIds=[butler.registry.expandDataId(data_id)])
    butler.registry.certify(COLLECTION, [ref], timespan)


def _data_id(detector: int, physical_filter: str | None = None) -> dict[str, Any]:
    data_id: dict[str, Any] = {"instrument": INSTRUMENT, "detector": detector}
    return data_id if physical_filter is None else {**data_id, "physical_filter": physical_filter}
