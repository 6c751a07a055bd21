"""Builds registries of a given number of datasets, through Butler's public API, for the benchmarks. No files: metadata is what is measured.

One instrument with 10 detectors and 5 filters, N/10 visits, one dataset type ``calexp`` (instrument, detector, visit) in one RUN, in a CHAINED collection with
an older RUN that holds every hundredth visit a second time.

Usage: python -m benchmarks.synthetic DESTINATION COUNT [postgresql://...]
"""

from __future__ import annotations

import sys
from pathlib import Path

from lsst.daf.butler import Butler, CollectionType, Config, DatasetType, Timespan

DETECTORS = 10
FILTERS = ("HSC-G", "HSC-R", "HSC-I", "HSC-Z", "HSC-Y")
_CHUNK = 50_000
_START = 1_500_000_000_000_000_000


def build(root: Path, count: int, database: str | None = None) -> None:
    """A repository with ``count`` datasets in run ``bench/new``. ``database``: a PostgreSQL address with btree_gist, or None for SQLite."""
    config = Config()
    if database is not None:
        config["registry", "db"] = database
    Butler.makeRepo(str(root), config=config)
    butler = Butler.from_config(str(root), writeable=True)
    registry = butler.registry
    visits = count // DETECTORS
    registry.insertDimensionData(
        "instrument", {"name": "Bench", "class_name": "none", "detector_max": DETECTORS}
    )
    registry.insertDimensionData(
        "detector", *({"instrument": "Bench", "id": d, "full_name": f"D{d:02d}"} for d in range(DETECTORS))
    )
    registry.insertDimensionData(
        "physical_filter",
        *({"instrument": "Bench", "name": f, "band": f[-1].lower()} for f in FILTERS),
    )
    days = sorted({20_200_101 + visit // 1000 for visit in range(visits)})
    registry.insertDimensionData("day_obs", *({"instrument": "Bench", "id": day} for day in days))
    for begin in range(0, visits, _CHUNK):
        registry.insertDimensionData("visit", *(_visit(v) for v in range(begin, min(begin + _CHUNK, visits))))
    calexp = DatasetType(
        "calexp", ("instrument", "detector", "visit"), "StructuredDataDict", universe=butler.dimensions
    )
    registry.registerDatasetType(calexp)
    for run, step in (("bench/new", 1), ("bench/old", 100)):
        butler.collections.register(run)
        data_ids = [
            {"instrument": "Bench", "detector": d, "visit": v}
            for d in range(DETECTORS)
            for v in range(0, visits, step)
        ]
        for begin in range(0, len(data_ids), _CHUNK):
            registry.insertDatasets(calexp, data_ids[begin : begin + _CHUNK], run=run, expand=False)
    butler.collections.register("bench/all", CollectionType.CHAINED)
    butler.collections.redefine_chain("bench/all", ["bench/new", "bench/old"])


def _visit(number: int) -> dict[str, object]:
    begin = _START + number * 40_000_000_000
    return {
        "instrument": "Bench",
        "id": number,
        "physical_filter": FILTERS[number // 200 % len(FILTERS)],
        "day_obs": 20_200_101 + number // 1000,
        "name": f"v{number}",
        "seq_num": number % 1000,
        "exposure_time": 30.0,
        "timespan": Timespan(None, None, _nsec=(begin, begin + 30_000_000_000)),
    }


if __name__ == "__main__":
    build(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
