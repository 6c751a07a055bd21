"""10,000 dataset rows with data ID and run: the adapter, the bare SQL on an open connection, and Butler's query_datasets, in turn."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import Callable

import sqlalchemy as sa
from lsst.daf.butler import Butler, ButlerConfig

from adapters.butler import open_repository
from adapters.butler.store import Store
from adapters.caller import Call
from adapters.protocol import Repository, Settings
from adapters.question import Datasets, Page

_ROWS = 10_000
_RUNS = 9

_BARE = """
SELECT {id}, c.name, d.ingest_date, f.band, t.instrument, v.day_obs, t.detector, v.physical_filter, t.visit
FROM {table} t
JOIN dataset d ON d.id = t.dataset_id
JOIN collection c ON c.collection_id = d.run_id
JOIN visit v ON v.instrument = t.instrument AND v.id = t.visit
JOIN physical_filter f ON f.instrument = t.instrument AND f.name = v.physical_filter
WHERE t.dataset_type_id = {type} AND t.collection_id = {run} AND t.instrument = 'Bench'
ORDER BY t.detector, t.visit LIMIT {limit}
"""


def report(root: str) -> list[str]:
    """Lines of a table: medians and the adapter's ratios to the others."""
    repository = open_repository("bench", Settings(uri=root, collections=("bench/new",)))
    store = Store("bench", ButlerConfig(root))
    store.connect(Call())
    table, kind = store.rows(sa.text("SELECT tag_association_table, id FROM dataset_type"), Call())[0]
    run = store.rows(sa.text("SELECT collection_id FROM collection WHERE name = 'bench/new'"), Call())[0][0]
    identifier = "t.dataset_id" if store.sqlite else "replace(t.dataset_id::text, '-', '')"
    statement = _BARE.format(id=identifier, table=table, type=kind, run=run, limit=_ROWS + 1)
    butler = Butler.from_config(root)
    question = Datasets(("calexp",), page=Page(_ROWS))
    with store.engine.connect() as connection:
        others: dict[str, Callable[[], object]] = {
            "bare SQL": lambda: connection.exec_driver_sql(statement).cursor.fetchall(),
            "query_datasets": lambda: butler.query_datasets(
                "calexp",
                "bench/new",
                limit=_ROWS,
                order_by=["instrument", "detector", "visit"],
                explain=False,
            ),
        }
        times = asyncio.run(_in_turn(repository, question, others))
    store.close()
    own = times["adapter"]
    ratios = {name: own / other for name, other in times.items()}
    return [f"| {name} | {value * 1e3:.1f} ms | {ratios[name]:.2f} |" for name, value in times.items()]


async def _in_turn(
    repository: Repository, question: Datasets, others: dict[str, Callable[[], object]]
) -> dict[str, float]:
    """Medians of runs that alternate, so that a change of the machine's speed meets all of them."""
    times: dict[str, list[float]] = {"adapter": [], **{name: [] for name in others}}
    await repository.ask(question, Call())
    for _ in range(_RUNS):
        gc.collect()  # of what the one before left behind
        begin = time.perf_counter()
        await repository.ask(question, Call())
        times["adapter"].append(time.perf_counter() - begin)
        for name, work in others.items():
            gc.collect()
            begin = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - begin)
    await repository.close()
    return {name: statistics.median(values) for name, values in times.items()}
