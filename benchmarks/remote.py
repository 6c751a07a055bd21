"""Associations of 1,000 raws with their flats through a Butler server: the adapter against RemoteButler's own best batched query.

``python -m benchmarks.remote [--times N]``. Both ask the same server, on PostgreSQL and behind the tests' ingress, in turns. RemoteButler is asked as one
would by hand: one general query with the raws' data IDs uploaded and the search for flats joined, find-first off, with the fields that an association has;
"rows" reads what it sends, "tuples" has it make the DatasetRefs that ``iter_tuples`` is for. The adapter answers the question Related, from keys to ordered
rows, in a thread and with its deadline; names are known from before, as they are for ten seconds. Ingest dates are
asked for apart: they cost the server more than the rest, and the gateway asks for them only where a query selects them.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from lsst.daf.butler import Butler, LabeledButlerFactory

from adapters.caller import Call, Caller
from adapters.protocol import Settings
from adapters.question import Beside, Page, Related
from adapters.remote import open_repository
from adapters.token import Token
from benchmarks.engine.known import FLATS, RAWS
from benchmarks.engine.registry import build
from gateway.garbage import settle
from tests.postgres import Postgres
from tests.remote.server import ButlerServer

PARENTS = 1_000
_RAW = ("instrument", "detector", "exposure")
_ALLOWED = 1.3
_TOKEN = "gt-alice"
_FIELDS: Any = {"flat": {"dataset_id", "run", "collection", "timespan"}}
_DATED: Any = {"flat": {*_FIELDS["flat"], "ingest_date"}}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.remote", description=__doc__)
    parser.add_argument("--times", type=int, default=15, help="how often each is asked")
    times = parser.parse_args().times
    os.environ["NO_PROXY"] = ",".join(filter(None, [os.environ.get("NO_PROXY"), "127.0.0.1"]))
    postgres = Postgres().start()
    with tempfile.TemporaryDirectory() as folder:
        try:
            root = Path(folder) / "repository"
            build(root, postgres.database())
            server = ButlerServer({"lab": str(root)}, Path(folder) / "log")
            try:
                _compare(server, str(root), times)
            finally:
                server.stop()
        finally:
            postgres.stop()


def _compare(server: ButlerServer, root: str, times: int) -> None:
    with Butler.from_config(root) as direct:
        refs = direct.query_datasets("raw", RAWS, limit=None, explain=False)
    refs = Random(1).sample(sorted(refs, key=lambda ref: str(ref.id)), PARENTS)
    butler = LabeledButlerFactory({"lab": server.uri("lab")}).create_butler("lab", access_token=_TOKEN)
    repository = open_repository("lab", Settings(server.uri("lab"), options={"remember": 3600}))
    keys = tuple(tuple(ref.dataId[name] for name in _RAW) for ref in refs)
    ids = tuple(ref.id.hex for ref in refs)
    question = Related(_RAW, keys, ("flat",), "raw", ids, collections=(FLATS,), page=Page(10))
    undated = replace(question, beside=Beside(ingest_date=False))
    call = Call(Caller("alice", token=Token(_TOKEN)))

    def rows(read: Callable[[Any], Any] = list, fields: Any = _FIELDS) -> list[Any]:
        with butler.query() as query:
            query = query.join_data_coordinates([ref.dataId for ref in refs])
            query = query.join_dataset_search("flat", [FLATS])
            found = query.general(list(_RAW), dataset_fields=fields, find_first=False)
            return list(read(found))

    def tuples() -> list[Any]:
        flat = butler.get_dataset_type("flat")
        return rows(lambda found: [(t.data_id, t.refs[0]) for t in found.iter_tuples(flat)])

    def rows_dated() -> list[Any]:
        return rows(fields=_DATED)

    with asyncio.Runner() as runner:

        def adapter() -> list[Any]:
            return runner.run(repository.ask(undated, call)).rows

        def dated() -> list[Any]:
            return runner.run(repository.ask(question, call)).rows

        names = [(row["flat.dataset_id"].hex, *(row[name] for name in _RAW)) for row in rows()]
        assert sorted(names) == sorted((row[1], *keys[row[0]]) for row in adapter()), "not the same flats"
        assert len(names) == len(tuples()) == PARENTS
        settle()  # as a process that serves
        plain = {"RemoteButler, rows": rows, "RemoteButler, tuples": tuples, "adapter": adapter}
        took = _timed(plain, times)
        took |= _timed({"RemoteButler, rows with dates": rows_dated, "adapter, with dates": dated}, times)
        runner.run(repository.close())
    best = took["RemoteButler, rows"]
    print(
        f"{PARENTS} raws to their flats, median of {times}\n| asked by | ms | times the rows |\n|---|---|---|"
    )
    for name, seconds in took.items():
        print(f"| {name} | {seconds * 1e3:.0f} | {seconds / best:.2f} |")
    verdict = "within" if took["adapter"] <= _ALLOWED * best else "ABOVE"
    print(f"The adapter is {verdict} {_ALLOWED} times what RemoteButler takes for its rows.")


def _timed(asking: dict[str, Callable[[], list[Any]]], times: int) -> dict[str, float]:
    """Medians, each in its turn: what else the machine does strikes all alike."""
    seen: dict[str, list[float]] = {name: [] for name in asking}
    for _ in range(times):
        for name, ask in asking.items():
            began = time.perf_counter()
            ask()
            seen[name].append(time.perf_counter() - began)
    return {name: statistics.median(found) for name, found in seen.items()}


if __name__ == "__main__":
    main()
