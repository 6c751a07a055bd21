"""Files of stores that can sign come as signed links; those of plain file stores are refused by name. No token goes to a store.

The bucket is moto's, which refuses what is not signed rightly (``tests.s3``).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from adapters.capability import Capability
from adapters.errors import NotFound, Unsupported
from adapters.question import Datasets, Files, Page
from tests.adapters.repositories import FILED, Repository
from tests.auth.stand_in import Gafaelfawr
from tests.demonstration import COMMAND, running
from tests.s3 import BUCKET, Store, s3

from .asker import call, opened
from .server import ButlerServer

SUMMARIES = Datasets(("visitSummary",), (FILED, "HSC/runs/w01"), find_first=False, page=Page(100))
TOKEN = "gt-alice"
AUTHORIZED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def store(lab: Repository) -> Iterator[Store]:
    with s3() as place:
        place.put_folder(lab.root / "HSC", "files/HSC/")
        yield place
    assert place.heard and TOKEN not in "".join(place.heard)


@pytest.fixture(scope="module")
def elsewhere(lab: Repository, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A configuration over the same registry, whose datastore is a bucket."""
    folder = tmp_path_factory.mktemp("bucket")
    config = yaml.safe_load((lab.root / "butler.yaml").read_text())
    config["datastore"]["root"] = f"s3://{BUCKET}/files"
    config["datastore"]["name"] = "FileDatastore@<butlerRoot>"  # under which the registry knows it
    (folder / "butler.yaml").write_text(yaml.safe_dump(config))
    return folder


@pytest.fixture(scope="module")
def signing(
    elsewhere: Path, store: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ButlerServer]:
    """A Butler server over it."""
    log = tmp_path_factory.mktemp("signing") / "log"
    server = ButlerServer({"lab": str(elsewhere)}, log, **store.environment)
    yield server
    server.stop()


@pytest.fixture(scope="module")
def stored(lab: Repository) -> dict[str, bytes]:
    """What the files hold, by the ids of their datasets."""
    with lab.butler() as butler:
        refs = butler.query_datasets("visitSummary", [FILED, "HSC/runs/w01"], find_first=False)
        return {ref.id.hex: butler.getURI(ref).read() for ref in refs if butler.stored(ref)}


@pytest.fixture(scope="module")
def gateway(
    elsewhere: Path, store: Store, signing: ButlerServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx2.Client]:
    """A gateway over the bucket both ways: ``direct`` reads the registry, ``remote`` asks the Butler server. It needs alice's token."""
    folder = tmp_path_factory.mktemp("gateway")
    gafaelfawr = Gafaelfawr()
    gafaelfawr.users = {TOKEN: ("alice", ["g_lab"])}
    with gafaelfawr.served() as url:
        collections = [FILED]
        content = {
            "repositories": {
                "direct": {"uri": str(elsewhere), "collections": collections, "read": ["g_lab"]},
                "remote": {
                    "adapter": "remote-butler",
                    "uri": signing.uri("lab"),
                    "collections": collections,
                    "read": ["g_lab"],
                },
            },
            "auth": {"mode": "gafaelfawr", "url": url},
            "state": str(folder / "state"),
            "log": {"level": "DEBUG", "format": "json"},
        }
        file = folder / "gateway.yaml"
        file.write_text(yaml.safe_dump(content))
        command = [COMMAND, "serve", "--config", file, "--port", 0]
        with (
            running(command, variables=store.environment) as started,
            httpx2.Client(base_url=started.address, timeout=60) as client,
        ):
            yield client
        assert TOKEN not in "".join(started.lines)


def test_files_of_a_bucket_are_signed_links(
    signing: ButlerServer, store: Store, stored: dict[str, bytes]
) -> None:
    async def run() -> None:
        repository = opened(signing.uri("lab"))
        ids = tuple(row[0] for row in (await repository.ask(SUMMARIES, call())).rows)
        rows = await repository.ask(Files(ids), call())
        assert {row[0] for row in rows.rows} == stored.keys() and len(stored) < len(ids)
        for row in rows.rows:
            link = row[rows.index("uri")]
            assert link.startswith(f"{store.origin}/{BUCKET}/files/")
            assert httpx2.get(link, trust_env=False).content == stored[row[0]]
            assert httpx2.get(link.partition("?")[0], trust_env=False).status_code == 403
            assert httpx2.get(link.replace("/files/", "/other/"), trust_env=False).status_code == 403
        identifier = next(iter(stored))
        content = await repository.content(identifier, None, call())
        assert content.path is None and content.url is not None
        assert httpx2.get(content.url, trust_env=False).content == stored[identifier]
        for unknown in (next(i for i in ids if i not in stored), "0" * 32):
            with pytest.raises(NotFound):
                await repository.content(unknown, None, call())
        assert Capability.FILES in repository.capabilities
        await repository.close()

    asyncio.run(run())


DOCUMENT = """query Q($label: String!) { repository(name: $label) { datasets(query: {type: ["visitSummary"]}, first: 9) {
  nodes { uuid ivoid files { uri url } } } } }"""


def nodes(gateway: httpx2.Client, label: str) -> list[dict[str, Any]]:
    asked = {"query": DOCUMENT, "variables": {"label": label}}
    answer = gateway.post("/graphql", json=asked, headers=AUTHORIZED).json()
    found: list[dict[str, Any]] = answer["data"]["repository"]["datasets"]["nodes"]
    assert found and all(one["files"] for one in found), answer
    return found


@pytest.mark.parametrize("label", ["direct", "remote"])
def test_the_url_of_a_file_leads_to_a_link_that_works_without_a_token(
    gateway: httpx2.Client, store: Store, stored: dict[str, bytes], label: str
) -> None:
    for node in nodes(gateway, label):
        (file,) = node["files"]
        assert TOKEN not in file["url"]
        link = file["url"]
        if link.startswith(str(gateway.base_url)):
            assert gateway.get(link).status_code == 401
            answer = gateway.get(link, headers=AUTHORIZED)
            assert answer.status_code == 307 and answer.headers["cache-control"] == "no-store"
            link = answer.headers["location"]
        assert link.startswith(f"{store.origin}/{BUCKET}/") and TOKEN not in link
        content = httpx2.get(link, trust_env=False)
        assert content.content == stored[node["uuid"].replace("-", "")]


@pytest.mark.parametrize("label", ["direct", "remote"])
def test_this_of_datalink_leads_to_the_store_without_a_token(
    gateway: httpx2.Client, store: Store, stored: dict[str, bytes], label: str
) -> None:
    for node in nodes(gateway, label)[:2]:
        document = gateway.get("/datalink/links", params={"ID": node["ivoid"]}, headers=AUTHORIZED)
        assert document.status_code == 200 and TOKEN not in document.text
        links = [unescape(one) for one in re.findall(r"<TD>(http[^<]*)</TD>", document.text)]
        (this,) = [one for one in links if "/datalink/file/" in one or one.startswith(store.origin)]
        answer = httpx2.get(this, trust_env=False, follow_redirects=False)
        if label == "direct":
            assert answer.status_code == 307 and answer.headers["cache-control"] == "no-store"
            assert answer.headers["location"].startswith(f"{store.origin}/{BUCKET}/")
            answer = httpx2.get(answer.headers["location"], trust_env=False)
        assert answer.content == stored[node["uuid"].replace("-", "")]
        forged = re.sub(r"(?i)signature=[^&]+", "signature=AAAA", this)
        assert httpx2.get(forged, trust_env=False).status_code == 403


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
