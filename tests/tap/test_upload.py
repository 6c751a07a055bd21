"""Our tables as a TAP service takes them: DaCHS ingests the VOTable, and a join on its identifiers gives every row back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import pyvo

from adapters.butler import open_repository
from adapters.caller import Caller
from adapters.protocol import Settings
from adapters.question import Datasets
from gateway.limits import Limits
from gateway.tables.formats import FORMATS
from gateway.tables.obscore.obscore import ObsCore
from gateway.tables.observed import ObservedColumns
from gateway.tables.reading import read
from resolvers.asked import Asked
from tests.adapters.repositories import Repository

from .dachs import Dachs
from .obscore import IVOID


def written(repository: Repository, obscore: bool) -> tuple[bytes, int]:
    """Every dataset of the repository as a VOTable, and how many there are."""

    async def made() -> tuple[bytes, int]:
        name = repository.name
        opened = open_repository(name, Settings(repository.uri, ivoid=IVOID))
        core = ObsCore(name, IVOID, lambda ivoid: f"https://example.org/datalink/links?ID={ivoid}")
        try:
            table = await read(
                Asked((name,), (Datasets(("*",), ("*",), find_first=False),)),
                {name: opened},
                Caller(),
                Limits(),
                datalink=lambda _: "https://example.org/datalink",
                observed=(lambda _: ObservedColumns({name: core})) if obscore else None,
            )
            encoder = FORMATS["VOTABLE"].encoder(table)
            batches = [batch async for batch in table.batches]
            document = b"".join([encoder.begin(), *map(encoder.rows, batches), encoder.end(None)])
            return document, sum(batch.num_rows for batch in batches)
        finally:
            await opened.close()

    return asyncio.run(made())


@pytest.mark.parametrize("obscore", [False, True], ids=["plain", "obscore"])
def test_an_uploaded_table_joined_on_its_identifiers_gives_every_row_back(
    service: Dachs, repository: Repository, tmp_path: Path, obscore: bool
) -> None:
    document, count = written(repository, obscore)
    file = tmp_path / "ours.vot"
    file.write_bytes(document)
    tap = pyvo.dal.TAPService(service.uri)
    answer = tap.run_sync(
        "SELECT ours.*, theirs.obs_publisher_did AS theirs FROM TAP_UPLOAD.ours AS ours "
        "JOIN lsst.obscore AS theirs ON ours.obs_publisher_did = theirs.obs_publisher_did",
        uploads={"ours": str(file)},
        maxrec=100_000,
    ).to_table()
    assert len(answer) == count > 50
    assert list(answer["obs_publisher_did"]) == list(answer["theirs"])
    assert len(set(answer["theirs"])) == count
