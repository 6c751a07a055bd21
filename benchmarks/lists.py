"""A list of a real registry as a table, from the question to the last byte: next to the question alone, and the bare encoding.

``python -m benchmarks.lists REPOSITORY [--rows N ...] [--plain]``, with a repository of ``benchmarks.synthetic``. Wall seconds; the best of three up to 100,000
rows. For each format: the question alone (every page read, with the sizes of files
for ObsCore, nothing made of it), pyarrow's own writing of the same rows (VOTable: the encoder fed with ready
batches), the whole, whether it is allowed to take as long (the question and twice the writing), when the first bytes were there, and how much the highest
resident size grew in a process of its own, after a first table of 1,000 rows. That process is set as a worker of the server is (``gateway.garbage``). ``--plain``: Butler's columns instead of those of ObsCore.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import math
import multiprocessing
import os
import platform
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from adapters.butler import open_repository
from adapters.caller import Caller
from adapters.protocol import Repository, Settings
from adapters.question import Datasets, Sizes
from gateway.garbage import settle
from gateway.limits import Limits
from gateway.tables.formats import FORMATS
from gateway.tables.obscore.obscore import ObsCore
from gateway.tables.observed import ObservedColumns
from gateway.tables.pages import Pages
from gateway.tables.reading import read
from gateway.tables.table import Table
from resolvers.asked import Asked

ASKED = Asked(("bench",), (Datasets(("calexp",), ("bench/new",)),))
_IVOID = "ivo://org.example/bench?repo={repository}&id={id}"


def _columns(repositories: Any) -> ObservedColumns:
    core = ObsCore("bench", _IVOID, lambda ivoid: f"https://example.org/datalink/links?ID={ivoid}")
    return ObservedColumns({one.name: core for one in repositories})


async def _table(repository: Repository, rows: int, plain: bool) -> Table:
    return await read(
        ASKED,
        {"bench": repository},
        Caller(),
        Limits(),
        datalink=lambda _: "https://example.org/datalink",
        observed=None if plain else _columns,
        most=rows,
    )


async def _question(repository: Repository, rows: int, plain: bool) -> float:
    began = time.perf_counter()
    pages = Pages(ASKED, {"bench": repository}, Caller(), Limits(), most=rows)
    if not plain:
        pages.beside = _columns([repository]).beside
    async for page in pages.read():
        if not plain:
            for part in page:
                place = part.rows.places["id"]
                await repository.ask(Sizes(tuple(row[place] for row in part.rows.rows)), pages.call())
    return time.perf_counter() - began


async def _whole(repository: Repository, name: str, rows: int, plain: bool) -> tuple[float, float]:
    """Seconds until the first bytes, and until the last."""
    began = time.perf_counter()
    table = await _table(repository, rows, plain)
    encoder = FORMATS[name].encoder(table)
    first = await anext(table.batches)
    await asyncio.to_thread(lambda: encoder.begin() + encoder.rows(first))
    soon = time.perf_counter() - began
    async for batch in table.batches:
        await asyncio.to_thread(encoder.rows, batch)
    await asyncio.to_thread(encoder.end, table.end.overflow)
    return soon, time.perf_counter() - began


def _bare(name: str, table: Table, batches: list[pa.RecordBatch]) -> float:
    began = time.perf_counter()
    match name:
        case "PARQUET":
            with pq.ParquetWriter(io.BytesIO(), table.schema, compression="zstd") as parquet:
                for batch in batches:
                    parquet.write_batch(batch)
        case "ARROW":
            with pa.ipc.new_stream(io.BytesIO(), table.schema) as stream:
                for batch in batches:
                    stream.write_batch(batch)
        case _:
            encoder = FORMATS[name].encoder(table)
            encoder.begin()
            for batch in batches:
                encoder.rows(batch)
    return time.perf_counter() - began


async def _times(root: str, name: str, rows: int, plain: bool) -> dict[str, float]:
    repository = open_repository("bench", Settings(root, ivoid=_IVOID))
    settle()
    try:
        await _whole(repository, name, 1_000, plain)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        runs = range(3 if rows <= 100_000 else 1)
        whole = [await _whole(repository, name, rows, plain) for _ in runs]
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - grown
        question = min([await _question(repository, rows, plain) for _ in runs])
        found = {
            "question": question,
            "first": min(one[0] for one in whole),
            "whole": min(one[1] for one in whole),
        }
        if rows <= 100_000:
            table = await _table(repository, rows, plain)
            batches = [batch async for batch in table.batches]
            found["bare"] = min(_bare(name, table, batches) for _ in runs)
        return found | {"grown": grown / 1_000}
    finally:
        await repository.close()


def _alone(root: str, name: str, rows: int, plain: bool) -> dict[str, float]:
    return asyncio.run(_times(root, name, rows, plain))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("repository")
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--plain", action="store_true")
    arguments = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, pyarrow {pa.__version__}"
    )
    print(
        "| rows | format | question s | bare s | whole s | allowed s | reached | first bytes s | grows by MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for rows in arguments.rows:
        for name in ("VOTABLE", "PARQUET", "ARROW"):
            with ProcessPoolExecutor(1, spawn) as process:
                one = process.submit(_alone, arguments.repository, name, rows, arguments.plain).result()
            bare = one.get("bare")
            allowed = math.inf if bare is None else one["question"] + 2 * bare
            verdict = "|" if bare is None else f"{allowed:.2f} | {'yes' if one['whole'] <= allowed else 'no'}"
            print(
                f"| {rows:,} | {name} | {one['question']:.2f} | {'' if bare is None else f'{bare:.2f}'} | {one['whole']:.2f} | {verdict} | "
                f"{one['first']:.3f} | {one['grown']:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
