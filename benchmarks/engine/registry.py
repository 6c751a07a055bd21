"""The registry that every server answers from: raws, and flats certified for the nights on which they are valid.

It is built through Butler's public API on a PostgreSQL server of its own, like ``benchmarks.survey``, with two things that
the survey lacks: 20 and more raws for each flat, so that a page of 20 of them is full, and exposure ids of the Rubin kind,
which pass 2^31 and show a server that rounds them. 600 exposures of 50 detectors through 5 filters in 5 nights: 30,000 raws
and 1,250 flats, each certified for its night in one CALIBRATION collection.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
from lsst.daf.butler import Butler, CollectionType, Config, DatasetType, Timespan  # type: ignore[attr-defined]

from benchmarks.engine.known import FLATS, RAWS, Registry

INSTRUMENT = "LSSTCam"
EXPOSURES, DETECTORS, NIGHTS = 600, 50, 5
FILTERS = ("g_6", "r_57", "i_39", "z_20", "y_10")
_START, _NIGHT = 1_743_465_637_000_000_000, 86_400_000_000_000  # nanoseconds TAI: 2025-04-01T00:00:00Z


def build(root: Path, database: str) -> Registry:
    """Make the repository; ``database`` is SQLAlchemy's URL of an empty database with btree_gist."""
    config = Config()
    config["registry", "db"] = database
    Butler.makeRepo(str(root), config=config)
    with Butler.from_config(str(root), writeable=True) as butler:
        _records(butler)
        _raws(butler)
        _flats(butler)
    dsn = database.replace("+psycopg", "")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")  # what autovacuum does on a server that lives longer
        return _named(str(root), dsn, connection)


def _named(root: str, dsn: str, connection: psycopg.Connection[Any]) -> Registry:
    columns = "id, tag_association_table, calibration_association_table"
    types = connection.execute(f"SELECT name, {columns} FROM dataset_type")
    found = {name: rest for name, *rest in types}
    collections = dict(connection.execute("SELECT name, collection_id FROM collection").fetchall())
    (raw, tags, _), (flat, flat_tags, calibs) = found["raw"], found["flat"]
    return Registry(root, dsn, tags, calibs, flat_tags, raw, flat, collections[RAWS], collections[FLATS])


def _begin(exposure: int) -> int:
    """When an exposure began: within its night, apart from one another, to the nanosecond."""
    night, within = divmod(exposure, EXPOSURES // NIGHTS)
    return _START + night * _NIGHT + within * 300_000_000_000 + 123_456_789


def _exposure(number: int) -> int:
    night, within = divmod(number, EXPOSURES // NIGHTS)
    return (20_250_401 + night) * 100_000 + within


def _records(butler: Butler) -> None:
    given = {"instrument": INSTRUMENT}
    days = [20_250_401 + night for night in range(NIGHTS)]
    records: dict[str, list[dict[str, Any]]] = {
        "instrument": [{"name": INSTRUMENT, "class_name": "none", "detector_max": DETECTORS}],
        "detector": [{**given, "id": d, "full_name": f"R{d:02d}_S00"} for d in range(DETECTORS)],
        "physical_filter": [{**given, "name": f, "band": f[0]} for f in FILTERS],
        "day_obs": [{**given, "id": day} for day in days],
        "group": [{**given, "name": str(_exposure(number))} for number in range(EXPOSURES)],
        "exposure": [
            {
                **given,
                "id": _exposure(number),
                "physical_filter": FILTERS[number % len(FILTERS)],
                "day_obs": days[number * NIGHTS // EXPOSURES],
                "group": str(_exposure(number)),
                "obs_id": f"MC_O_{_exposure(number)}",
                "seq_num": number,
                "timespan": Timespan(None, None, _nsec=(_begin(number), _begin(number) + 30_000_000_000)),
            }
            for number in range(EXPOSURES)
        ],
    }
    for element, found in records.items():
        butler.registry.insertDimensionData(element, *found)


def _raws(butler: Butler) -> None:
    _register(butler, "raw", ("exposure", "detector"), False)
    butler.collections.register(RAWS)
    data_ids = [
        {"instrument": INSTRUMENT, "exposure": _exposure(number), "detector": detector}
        for number in range(EXPOSURES)
        for detector in range(DETECTORS)
    ]
    butler.registry.insertDatasets("raw", data_ids, run=RAWS, expand=False)


def _flats(butler: Butler) -> None:
    _register(butler, "flat", ("physical_filter", "detector"), True)
    butler.collections.register(FLATS, CollectionType.CALIBRATION)
    data_ids = [
        {"instrument": INSTRUMENT, "physical_filter": name, "detector": detector}
        for name in FILTERS
        for detector in range(DETECTORS)
    ]
    for night in range(NIGHTS):
        run = f"{FLATS}/gen/{20_250_401 + night}"
        butler.collections.register(run)
        refs = butler.registry.insertDatasets("flat", data_ids, run=run, expand=False)
        begin = _START + night * _NIGHT
        butler.registry.certify(FLATS, refs, Timespan(None, None, _nsec=(begin, begin + _NIGHT)))


def _register(butler: Butler, name: str, dimensions: tuple[str, ...], calibration: bool) -> None:
    butler.registry.registerDatasetType(
        DatasetType(name, dimensions, "ExposureF", universe=butler.dimensions, isCalibration=calibration)
    )
