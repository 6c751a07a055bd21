"""One gateway over a repository with tables: as it is, hidden from most, and with its files in a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.auth.stand_in import Gafaelfawr
from tests.content.asking import Contents
from tests.content.bucket import BUCKET, Bucket, bucket
from tests.content.holdings import RUN, build
from tests.demonstration import COMMAND, configuration_file, running

TOKEN = "gt-canaryBobBobBobBobBob0.canaryBobBobBobBobBob1"
"""Bob's, who may read what is hidden."""

PLACES = 3
"""Contents that the gateway writes at a time."""


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("contents")


@pytest.fixture(scope="session")
def sprung(home: Path) -> Path:
    """What a trap would make."""
    return home / "sprung"


@pytest.fixture(scope="session")
def ids(home: Path, sprung: Path) -> dict[str, str]:
    """The repository's datasets by their types, each type with one."""
    (home / "files").mkdir()
    return build(home / "repository", home / "files", sprung)


@pytest.fixture(scope="session")
def root(home: Path, ids: dict[str, str]) -> Path:
    assert ids
    return home / "repository"


@pytest.fixture(scope="session")
def store(root: Path) -> Iterator[Bucket]:
    with bucket(root) as place:
        yield place


@pytest.fixture(scope="session")
def stored_elsewhere(home: Path, root: Path) -> Path:
    """A configuration over the same registry, whose datastore is a bucket."""
    folder = home / "bucket"
    folder.mkdir()
    config = yaml.safe_load((root / "butler.yaml").read_text())
    config["datastore"]["root"] = f"s3://{BUCKET}/"
    config["datastore"]["name"] = "FileDatastore@<butlerRoot>"  # under which the registry knows it
    config["registry"]["db"] = f"sqlite:///{root}/gen3.sqlite3"
    (folder / "butler.yaml").write_text(yaml.safe_dump(config))
    return folder


@pytest.fixture(scope="session")
def contents(
    home: Path, root: Path, ids: dict[str, str], store: Bucket, stored_elsewhere: Path, sprung: Path
) -> Iterator[Contents]:
    """A gateway that lets everybody in."""
    authority = Gafaelfawr()
    authority.users = {TOKEN: ("bob", ["g_his"])}
    folder = home / "gateway"
    folder.mkdir()
    with authority.served():
        config = configuration_file(
            folder,
            repositories={
                "tables": {"uri": str(root), "collections": [RUN]},
                "hidden": {"uri": str(root), "collections": [RUN], "read": ["g_his"]},
                "bucket": {"uri": str(stored_elsewhere), "collections": [RUN]},
            },
            tables={"max_running": PLACES},
            auth={"mode": "gafaelfawr", "url": authority.address, "anonymous": True},
        )
        environment = {
            "S3_ENDPOINT_URL": store.origin,
            "AWS_ACCESS_KEY_ID": "who",
            "AWS_SECRET_ACCESS_KEY": "signs",
        }
        with running([COMMAND, "serve", "--config", config, "--port", 0], variables=environment) as gateway:
            asker = Contents(gateway, ids)
            yield asker
            asker.http.close()
    log = "".join(gateway.lines)
    assert "Traceback" not in log
    assert not sprung.exists()
