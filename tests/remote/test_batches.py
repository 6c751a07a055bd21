"""N parents are asked about in as many calls as one is."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from adapters.question import (
    Constraint,
    DataIds,
    Datasets,
    DatasetsById,
    Files,
    Kinship,
    Memberships,
    Op,
    Page,
    RecordsByKey,
    Regions,
    Related,
    RelatedDataIds,
    Timespans,
    Versions,
)

from .asker import call, opened
from .server import ButlerServer

TIES = [
    ("raw", "flat", Kinship.CALIBRATION, 1),
    ("flat", "raw", Kinship.CALIBRATION, 1),
    ("raw", "calexp", Kinship.DATA_ID, 1),
    ("raw", "bias", Kinship.DATA_ID, 2),
    ("calexp", "deepCoadd", Kinship.SPATIAL, 1),
    ("calexp", "calexp", Kinship.SPATIAL, 2),
    ("raw", "deepCoadd", Kinship.SPATIAL, 2),
    ("raw", "visitSummary", Kinship.TEMPORAL, 2),
]


@pytest.mark.parametrize(("source", "target", "by", "most"), TIES)
def test_associations_of_many(source: str, target: str, by: Kinship, most: int, fresh: ButlerServer) -> None:
    async def run() -> None:
        repository = opened(fresh.uri("lab"), options={"remember": 600})
        hsc = (Constraint("instrument", Op.EQ, "HSC"),)
        parents = await repository.ask(
            Datasets((source,), ("outer",), hsc, find_first=False, page=Page(20)), call()
        )
        required = parents.types[source].required
        places = [parents.index(name) for name in required]
        keys = [tuple(row[place] for place in places) for row in parents.rows]
        ids = [row[0] for row in parents.rows]
        for number in (1, len(keys)):
            question = Related(
                required, tuple(keys[:number]), (target,), source, tuple(ids[:number]), by, ("outer",)
            )
            await repository.ask(question, call())
            fresh.records()
            answer = await repository.ask(question, call())
            paths = Counter(record["path"].rpartition("/")[2] for record in fresh.records())
            assert answer.rows or number == 1
            assert paths.pop("execute") == most
            assert paths.total() - paths.pop("any", 0) - paths.pop("count", 0) == 0
        await repository.close()

    asyncio.run(run())


def test_lookups_of_many(fresh: ButlerServer) -> None:
    async def run() -> None:
        repository = opened(fresh.uri("lab"), options={"remember": 600})
        found = await repository.ask(Datasets(("calexp",), page=Page(20)), call())
        required = found.types["calexp"].required
        keys = [tuple(row[found.index(n)] for n in required) for row in found.rows]
        ids = [row[0] for row in found.rows]

        def questions(number: int) -> list[Any]:
            own, mine = tuple(keys[:number]), tuple(ids[:number])
            return [
                DatasetsById(mine),
                Memberships(mine),
                Versions(tuple(("calexp", *key) for key in own)),
                Regions(required, own),
                Timespans(required, own),
                RecordsByKey("visit_detector_region", own),
                RelatedDataIds(required, own, ("patch",)),
                DataIds(("visit", "detector"), (Constraint("visit", Op.IN, tuple({k[-1] for k in own})),)),
            ]

        for one, many in zip(questions(1), questions(20), strict=True):
            await repository.ask(one, call())
            sent = []
            for question in (one, many):
                fresh.records()
                await repository.ask(question, call())
                sent.append(
                    sum(r["path"].rpartition("/")[2] not in ("any", "count") for r in fresh.records())
                )
            assert sent[0] == sent[1] <= 2, type(one).__name__
        await repository.ask(Files(()), call())
        await repository.close()

    asyncio.run(run())
