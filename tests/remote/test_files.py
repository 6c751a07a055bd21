"""Files of stores that can sign come as signed links; those of plain file stores are refused by name.

The server signs for an S3 store at an address on loopback, where a stand-in answers: that the signature is right is boto3's promise; here is seen
that the link leads to the store with its signature whole, and that nobody's token goes there. No object store was asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
import yaml

from adapters.capability import Capability
from adapters.errors import NotFound, Unsupported
from adapters.question import Datasets, Files, Page
from tests.adapters.repositories import FILED, Repository

from .asker import call, opened
from .elsewhere import Elsewhere, elsewhere
from .server import ButlerServer

SUMMARIES = Datasets(("visitSummary",), (FILED, "HSC/runs/w01"), find_first=False, page=Page(100))


@pytest.fixture(scope="module")
def store() -> Iterator[Elsewhere]:
    with elsewhere() as place:
        yield place


@pytest.fixture(scope="module")
def signing(
    lab: Repository, store: Elsewhere, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ButlerServer]:
    """A server over the same registry, whose datastore is said to be a bucket."""
    folder = tmp_path_factory.mktemp("bucket")
    config = yaml.safe_load(Path(lab.root, "butler.yaml").read_text())
    config["datastore"]["root"] = "s3://lab-bucket/files"
    (folder / "butler.yaml").write_text(yaml.safe_dump(config))
    server = ButlerServer(
        {"lab": str(folder)},
        folder / "log",
        S3_ENDPOINT_URL=store.origin,
        AWS_ACCESS_KEY_ID="who",
        AWS_SECRET_ACCESS_KEY="signs",
    )
    yield server
    server.stop()


def test_files_of_a_bucket_are_signed_links(signing: ButlerServer, store: Elsewhere, lab: Repository) -> None:
    async def run() -> None:
        repository = opened(signing.uri("lab"))
        ids = tuple(row[0] for row in (await repository.ask(SUMMARIES, call())).rows)
        rows = await repository.ask(Files(ids), call())
        with lab.butler() as butler:
            refs = butler.query_datasets("visitSummary", [FILED, "HSC/runs/w01"], find_first=False)
            filed = {ref.id.hex: butler.getURI(ref) for ref in refs if butler.stored(ref)}
        assert {row[0] for row in rows.rows} == filed.keys() and len(filed) < len(ids)
        for row in rows.rows:
            link = urlsplit(row[rows.index("uri")])
            assert f"{link.scheme}://{link.netloc}" == store.origin
            assert link.path.startswith("/lab-bucket/files/") and link.path.endswith(filed[row[0]].basename())
            assert {"Signature", "X-Amz-Signature"} & parse_qs(link.query).keys()
        identifier = next(iter(filed))
        content = await repository.content(identifier, None, call())
        assert content.path is None and content.url is not None
        assert content.name == filed[identifier].basename()
        store.body = "exposure: 7"
        assert httpx2.get(content.url, trust_env=False).text == "exposure: 7"
        with pytest.raises(NotFound):
            await repository.content(next(i for i in ids if i not in filed), None, call())
        with pytest.raises(NotFound):
            await repository.content("0" * 32, None, call())
        assert Capability.FILES in repository.capabilities
        await repository.close()

    asyncio.run(run())
    assert store.heard and "gt-alice" not in "".join(store.heard)


def test_files_of_a_plain_store_are_refused_by_name(
    fresh: ButlerServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a while the repository is without the capability; then the server is asked again."""

    async def run() -> None:
        repository = opened(fresh.uri("lab"))
        rows = await repository.ask(SUMMARIES, call())
        filed = [row[0] for row in rows.rows if row[rows.index("run")] == FILED]
        assert Capability.FILES in repository.capabilities
        for asked in (repository.ask(Files((filed[0],)), call()), repository.content(filed[0], None, call())):
            with pytest.raises(Unsupported) as caught:
                await asked
            assert caught.value.details["capability"] == "FILES"
        assert Capability.FILES not in repository.capabilities
        monkeypatch.setattr("adapters.remote.repository._UNSIGNED_SECONDS", 0.0)
        with pytest.raises(Unsupported):
            await repository.content(filed[0], None, call())
        await repository.ask(SUMMARIES, call())
        assert Capability.FILES in repository.capabilities
        await repository.close()

    asyncio.run(run())
