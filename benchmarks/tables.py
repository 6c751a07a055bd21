"""Tables of 38 columns in every format: the encoders, and what Arrow and astropy take for the same rows without them.

``python -m benchmarks.tables [--large N]``. Seconds are of this process' CPU, threads of Arrow included, so that what else the machine
does counts little; the best of three for 100,000 rows, one run for the large table. Memory is how much the highest resident size grows
over what stood before, each in a process of its own.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import platform
import time
from collections.abc import AsyncIterator, Callable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from gateway.tables.formats import FORMATS
from gateway.tables.table import Table, column

_SMALL = 100_000
_BATCH = 5_000
_FEW = 10_000  # rows for astropy's writer, whose time is scaled


async def _nothing() -> AsyncIterator[pa.RecordBatch]:
    for batch in ():
        yield batch


_COLUMNS = [
    column("dataproduct_type", pa.string(), ucd="meta.id", utype="obscore:ObsDataset.dataProductType"),
    column("calib_level", pa.int32(), ucd="meta.code;obs.calib"),
    column("obs_collection", pa.string(), ucd="meta.id"),
    column("obs_id", pa.string(), ucd="meta.id"),
    column("obs_publisher_did", pa.string(), ucd="meta.ref.uri;meta.curation"),
    column("access_url", pa.string(), ucd="meta.ref.url"),
    column("access_format", pa.string(), ucd="meta.code.mime"),
    column("access_estsize", pa.int64(), unit="kbyte", ucd="phys.size;meta.file"),
    column("target_name", pa.string(), ucd="meta.id;src"),
    column("s_ra", pa.float64(), unit="deg", ucd="pos.eq.ra"),
    column("s_dec", pa.float64(), unit="deg", ucd="pos.eq.dec"),
    column("s_fov", pa.float64(), unit="deg", ucd="phys.angSize;instr.fov"),
    column("s_region", pa.string(), ucd="pos.outline;obs.field", xtype="adql:REGION"),
    column("s_resolution", pa.float64(), unit="arcsec", ucd="pos.angResolution"),
    column("s_xel1", pa.int64(), ucd="meta.number"),
    column("s_xel2", pa.int64(), ucd="meta.number"),
    column("t_min", pa.float64(), unit="d", ucd="time.start;obs.exposure"),
    column("t_max", pa.float64(), unit="d", ucd="time.end;obs.exposure"),
    column("t_exptime", pa.float64(), unit="s", ucd="time.duration;obs.exposure"),
    column("t_resolution", pa.float64(), unit="s", ucd="time.resolution"),
    column("t_xel", pa.int64(), ucd="meta.number"),
    column("em_min", pa.float64(), unit="m", ucd="em.wl;stat.min"),
    column("em_max", pa.float64(), unit="m", ucd="em.wl;stat.max"),
    column("em_res_power", pa.float64(), ucd="spect.resolution"),
    column("em_xel", pa.int64(), ucd="meta.number"),
    column("o_ucd", pa.string(), ucd="meta.ucd"),
    column("pol_states", pa.string(), ucd="meta.code;phys.polarization"),
    column("pol_xel", pa.int64(), ucd="meta.number"),
    column("facility_name", pa.string(), ucd="meta.id;instr.tel"),
    column("obs_title", pa.string(), ucd="meta.title;obs"),
    column("instrument_name", pa.string(), ucd="meta.id;instr"),
    column("lsst_visit", pa.int64()),
    column("lsst_detector", pa.int64()),
    column("lsst_tract", pa.int64()),
    column("lsst_patch", pa.int64()),
    column("lsst_band", pa.string(), ucd="meta.id;instr.bandpass"),
    column("lsst_filter", pa.string()),
    column("lsst_run", pa.string()),
]
SCHEMA = pa.schema(_COLUMNS)


def batches(rows: int) -> Iterator[pa.RecordBatch]:
    """Rows like those of a survey's visit images: every float of its own, nulls where ObsCore has them."""
    for start in range(0, rows, _BATCH):
        yield _batch(start, min(_BATCH, rows - start))


def _batch(start: int, rows: int) -> pa.RecordBatch:
    random = np.random.default_rng(start)
    number = np.arange(start, start + rows)
    ra, dec = random.random(rows) * 360, random.random(rows) * 180 - 90
    mjd = 60_000 + number / 1000 + random.random(rows) / 1e4
    ids = [f"{n:08x}-0b1c-7000-8000-{n * 977 % 2**48:012x}" for n in number]
    dids = [f"ivo://org.rubinobs/usdac/lsst-dp1?repo=dp1&id={id}" for id in ids]
    corners = random.random((rows, 4, 2))
    known: dict[str, object] = {
        "dataproduct_type": ["image"] * rows,
        "calib_level": np.full(rows, 2, np.int32),
        "obs_collection": ["LSST.DP1"] * rows,
        "obs_id": [f"{n // 9}-{n % 9}" for n in number],
        "obs_publisher_did": dids,
        "access_url": [
            f"https://data.example.org/datalink/links?ID=ivo%3A%2F%2Forg.rubinobs%2Fusdac%2Flsst-dp1%3Frepo%3Ddp1%26id%3D{id}"
            for id in ids
        ],
        "access_format": ["application/x-votable+xml;content=datalink"] * rows,
        "target_name": [f"Field & {n % 77}" for n in number],
        "s_ra": ra,
        "s_dec": dec,
        "s_fov": np.full(rows, 0.3218),
        "s_region": [
            "POLYGON ICRS " + " ".join(f"{a + x:.6f} {d + y:.6f}" for x, y in four)
            for a, d, four in zip(ra, dec, corners, strict=True)
        ],
        "s_resolution": random.random(rows) + 0.5,
        "s_xel1": np.full(rows, 4072),
        "s_xel2": np.full(rows, 4000),
        "t_min": mjd,
        "t_max": mjd + 30 / 86400,
        "t_exptime": np.full(rows, 30.0),
        "em_min": np.full(rows, 552e-9),
        "em_max": np.full(rows, 691e-9),
        "em_res_power": np.full(rows, 4.5),
        "o_ucd": ["phot.flux.density"] * rows,
        "facility_name": ["Rubin:Simonyi"] * rows,
        "obs_title": [f"visit_image - r - {n // 9} - {n % 9}" for n in number],
        "instrument_name": ["LSSTComCam"] * rows,
        "lsst_visit": number // 9 + 2_024_110_800_000,
        "lsst_detector": number % 9,
        "lsst_band": ["r"] * rows,
        "lsst_filter": ["r_03"] * rows,
        "lsst_run": ["LSSTComCam/runs/DRP/DP1/v29_0_0/DM-50260"] * rows,
    }
    columns = [pa.array(known[f.name], f.type) if f.name in known else pa.nulls(rows, f.type) for f in SCHEMA]
    return pa.record_batch(columns, schema=SCHEMA)


def _ours(name: str, parts: Iterator[pa.RecordBatch]) -> int:
    encoder = FORMATS[name].encoder(Table("obscore", "Synthetic rows.", SCHEMA, _nothing()))
    size = len(encoder.begin())
    for part in parts:
        size += len(encoder.rows(part))
    return size + len(encoder.end(None))


def _bare_parquet(parts: Iterator[pa.RecordBatch]) -> int:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_batches(parts), sink, compression="zstd", row_group_size=2**16)
    return sink.tell()


def _bare_arrow(parts: Iterator[pa.RecordBatch]) -> int:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, SCHEMA) as writer:
        for part in parts:
            writer.write_batch(part)
    return sink.tell()  # type: ignore[no-any-return]


def _bare_csv(parts: Iterator[pa.RecordBatch]) -> int:
    sink = pa.BufferOutputStream()
    with pyarrow.csv.CSVWriter(sink, SCHEMA) as writer:
        for part in parts:
            writer.write_batch(part)
    return sink.tell()  # type: ignore[no-any-return]


def _bare_json(parts: Iterator[pa.RecordBatch]) -> int:
    import orjson

    return sum(len(orjson.dumps(row)) + 1 for part in parts for row in part.to_pylist())


def _astropy(form: str) -> Callable[[Iterator[pa.RecordBatch]], int]:
    def write(parts: Iterator[pa.RecordBatch]) -> int:
        from astropy.table import Table as AstropyTable

        frame = pa.Table.from_batches(parts).to_pandas()
        filled = frame.fillna({c: "" for c in frame.columns if frame[c].dtype.kind not in "if"})
        sink = io.BytesIO() if form == "votable" else io.StringIO()
        AstropyTable.from_pandas(filled).write(sink, format=form)
        return sink.tell()

    return write


_BARE: dict[str, tuple[str, int, Callable[[Iterator[pa.RecordBatch]], int]]] = {
    "VOTABLE": ("astropy", _FEW, _astropy("votable")),
    "PARQUET": ("pyarrow", _SMALL, _bare_parquet),
    "ARROW": ("pyarrow", _SMALL, _bare_arrow),
    "CSV": ("pyarrow", _SMALL, _bare_csv),
    "ECSV": ("astropy", _FEW, _astropy("ascii.ecsv")),
    "JSONL": ("orjson", _SMALL, _bare_json),
}


def _seconds(
    write: Callable[[Iterator[pa.RecordBatch]], int], parts: list[pa.RecordBatch], runs: int
) -> tuple[float, int]:
    best, size = float("inf"), 0
    for _ in range(runs):
        start = time.process_time()
        size = write(iter(parts))
        best = min(best, time.process_time() - start)
    return best, size


def _streamed(name: str, rows: int) -> tuple[float, float]:
    """Seconds and megabytes of a table of which one batch is in memory at a time; making the rows does not count as time."""
    _ours(name, batches(_BATCH))
    before = _highest()
    spent = 0.0

    def counted() -> Iterator[pa.RecordBatch]:
        nonlocal spent
        for part in batches(rows):
            start = time.process_time()
            yield part
            spent += time.process_time() - start

    _ours(name, counted())
    return spent, (_highest() - before) / 1024


def _highest() -> int:
    """The highest resident size so far, kB, of this program alone (getrusage counts what the parent had before it started this one)."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.add_argument("--large", type=int, default=1_000_000, help="rows of the large table")
    large = parser.parse_args().large
    print(
        f"Python {platform.python_version()}, pyarrow {pa.__version__}, {os.cpu_count()} cores, {platform.machine()}\n"
    )
    print(f"| format | {_SMALL:,} rows: s | MB | bare: s | {large:,} rows: s | memory grows by MB |")
    print("|---|---|---|---|---|---|")
    parts = list(batches(_SMALL))
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for name, (who, rows, bare) in _BARE.items():
            own, size = _seconds(lambda given, name=name: _ours(name, given), parts, 3)  # type: ignore[misc]
            other, _ = _seconds(bare, parts[: rows // _BATCH], 3 if rows == _SMALL else 1)
            spent, grown = pool.apply(_streamed, (name, large))
            scaled = (
                f"{other * _SMALL / rows:.2f} ({who}{'' if rows == _SMALL else f', {rows:,} rows scaled'})"
            )
            print(
                f"| {name} | {own:.2f} | {size / 1e6:.0f} | {scaled} | {spent:.2f} | {grown:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
