"""Builds the registry that associations are measured on, through Butler's public API: a small survey with regions, times and certified flats.

One instrument with 104 detectors and 5 filters, 160 exposures with a visit each, a region for each detector of each visit; two tracts of 81 patches. Datasets: a raw
and a calexp for each detector (a second calexp in a newer run for half of them), 5 epochs of flats in one CALIBRATION collection, coadds of all patches.

Usage: python -m benchmarks.survey DESTINATION [postgresql://...]
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import Any

from lsst.daf.butler import Butler, CollectionType, Config, DatasetType, Timespan
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

VISITS = 160
DETECTORS = 104
FILTERS = ("HSC-G", "HSC-R", "HSC-I", "HSC-Z", "HSC-Y")
PATCHES = 81
_EPOCHS = 5
_START = 1_500_000_000_000_000_000
_NIGHT = 86_400_000_000_000
_RA, _DEC, _TRACT = 150.0, 1.4, 1.8  # degrees
_ACROSS, _UP = 13, 8  # detectors in the field of view
_FIELD = 1.5


def build(root: Path, database: str | None = None) -> None:
    config = Config()
    if database is not None:
        config["registry", "db"] = database
    Butler.makeRepo(str(root), config=config)
    with Butler.from_config(str(root), writeable=True) as butler:
        _records(butler)
        _datasets(butler)


def _records(butler: Butler) -> None:
    random, given = Random(0), {"instrument": "HSC"}
    days = [20_240_101 + day for day in range(_EPOCHS)]
    records: dict[str, list[dict[str, Any]]] = {
        "instrument": [{"name": "HSC", "class_name": "none", "detector_max": DETECTORS}],
        "detector": [{**given, "id": d, "full_name": f"D{d:03d}"} for d in range(DETECTORS)],
        "physical_filter": [{**given, "name": f, "band": f[-1].lower()} for f in FILTERS],
        "day_obs": [{**given, "id": day} for day in days],
        "skymap": [
            {"name": "rings", "hash": b"0" * 40, "tract_max": 2, "patch_nx_max": 9, "patch_ny_max": 9}
        ],
        "group": [],
        "exposure": [],
        "visit": [],
        "visit_definition": [],
        "visit_detector_region": [],
        "tract": [],
        "patch": [],
    }
    for visit in range(VISITS):
        begin = _START + _NIGHT * visit // (VISITS // _EPOCHS)
        seen = {**given, "id": visit, "physical_filter": FILTERS[visit % len(FILTERS)]}
        seen |= {"day_obs": days[visit * _EPOCHS // VISITS], "seq_num": visit}
        seen |= {"timespan": Timespan(None, None, _nsec=(begin, begin + 30_000_000_000))}
        ra = _RA + random.uniform(0, 2 * _TRACT - _FIELD)
        dec = _DEC + random.uniform(0, _TRACT - _FIELD)
        records["group"].append({**given, "name": str(visit)})
        records["exposure"].append({**seen, "group": str(visit), "obs_id": str(visit)})
        records["visit"].append({**seen, "name": str(visit), "region": _box(ra, dec, _FIELD, _FIELD)})
        records["visit_definition"].append({**given, "exposure": visit, "visit": visit})
        width, height = _FIELD / _ACROSS, _FIELD / _UP
        for d in range(DETECTORS):
            region = _box(ra + d % _ACROSS * width, dec + d // _ACROSS * height, width, height)
            records["visit_detector_region"].append(
                {**given, "visit": visit, "detector": d, "region": region}
            )
    for tract in range(2):
        ra, size = _RA + tract * _TRACT, _TRACT / 9
        records["tract"].append({"skymap": "rings", "id": tract, "region": _box(ra, _DEC, _TRACT, _TRACT)})
        for patch in range(PATCHES):
            x, y = patch % 9, patch // 9
            region = _box(ra + x * size, _DEC + y * size, size, size)
            place = {"skymap": "rings", "tract": tract, "id": patch, "cell_x": x, "cell_y": y}
            records["patch"].append({**place, "region": region})
    for element, found in records.items():
        butler.registry.insertDimensionData(element, *found)


def _box(ra: float, dec: float, width: float, height: float) -> ConvexPolygon:
    corners = ((0, 0), (1, 0), (1, 1), (0, 1))
    return ConvexPolygon(
        [UnitVector3d(LonLat.fromDegrees(ra + x * width, dec + y * height)) for x, y in corners]
    )


def _datasets(butler: Butler) -> None:
    registry = butler.registry
    visits = range(VISITS)
    for name, dimensions, calibration in (
        ("raw", ("exposure", "detector"), False),
        ("calexp", ("visit", "detector"), False),
        ("flat", ("physical_filter", "detector"), True),
        ("deepCoadd", ("patch", "band"), False),
    ):
        registry.registerDatasetType(
            DatasetType(name, dimensions, "ExposureF", universe=butler.dimensions, isCalibration=calibration)
        )

    def insert(name: str, run: str, data_ids: list[dict[str, Any]]) -> Any:
        butler.collections.register(run)
        return registry.insertDatasets(name, data_ids, run=run, expand=False)

    for name, run, key, step in (
        ("raw", "HSC/raw/all", "exposure", 1),
        ("calexp", "HSC/runs/w01", "visit", 1),
        ("calexp", "HSC/runs/w02", "visit", 2),
    ):
        both = [
            {"instrument": "HSC", key: v, "detector": d} for v in visits[::step] for d in range(DETECTORS)
        ]
        insert(name, run, both)
    butler.collections.register("HSC/runs/all", CollectionType.CHAINED)
    butler.collections.redefine_chain("HSC/runs/all", ["HSC/runs/w02", "HSC/runs/w01"])
    butler.collections.register("HSC/calib", CollectionType.CALIBRATION)
    for epoch in range(_EPOCHS):
        data_ids = [
            {"instrument": "HSC", "physical_filter": f, "detector": d}
            for f in FILTERS
            for d in range(DETECTORS)
        ]
        begin = _START + epoch * _NIGHT
        span = Timespan(None, None, _nsec=(begin, begin + _NIGHT))
        registry.certify("HSC/calib", insert("flat", f"HSC/calib/gen/{epoch}", data_ids), span)
    coadds = [
        {"skymap": "rings", "tract": tract, "patch": patch, "band": f[-1].lower()}
        for tract in range(2)
        for patch in range(PATCHES)
        for f in FILTERS
    ]
    insert("deepCoadd", "HSC/coadds", coadds)


if __name__ == "__main__":
    build(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
