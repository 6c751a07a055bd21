"""compose.yaml: by the specification, with every mounted file there and every service probed."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from gateway.config import load
from tests.demonstration import ROOT, environment
from tests.docker.test_entrypoint import BIN
from tests.postgres import Postgres

FILE = ROOT / "docker" / "compose.yaml"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text())


def test_it_follows_the_specification() -> None:
    composed = PyCompose.from_yaml(FILE.read_text())
    composed.validate()
    assert sorted(composed.service_names()) == ["gateway", "registry", "repository"]


def test_mounted_files_and_volumes_exist(compose: dict[str, Any]) -> None:
    mounted = set()
    for service in compose["services"].values():
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            mounted.add(source)
            if source.startswith("."):
                assert (FILE.parent / source).is_file(), source
            else:
                assert source in compose["volumes"], source
    assert set(compose["volumes"]) <= mounted


def test_what_is_built_is_there(compose: dict[str, Any]) -> None:
    build = compose["services"]["gateway"]["build"]
    assert (FILE.parent / build["context"] / build["dockerfile"]).is_file()


def test_every_service_that_stays_is_probed(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert ("test" in service["healthcheck"]) == (service["restart"] != "no"), name


def test_the_gateway_waits_for_the_registry_and_the_repository(compose: dict[str, Any]) -> None:
    awaited = {name: how["condition"] for name, how in compose["services"]["gateway"]["depends_on"].items()}
    assert awaited == {"registry": "service_healthy", "repository": "service_completed_successfully"}


def test_no_password_is_written_and_no_image_is_latest(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if "PASSWORD" in name:
                assert value.startswith("${BUTLER_DB_PASSWORD:?"), name
    assert re.fullmatch(r"postgres:\d+\.\d+-\w+", compose["services"]["registry"]["image"])


def test_the_gateway_may_do_little(compose: dict[str, Any]) -> None:
    gateway = compose["services"]["gateway"]
    assert gateway["read_only"] is True
    assert gateway["cap_drop"] == ["ALL"]
    assert [port.split(":")[0] for port in gateway["ports"]] == ["127.0.0.1"]


def test_the_configuration_is_valid_where_it_is_mounted(compose: dict[str, Any], tmp_path: Path) -> None:
    content = yaml.safe_load((FILE.parent / "config.yaml").read_text())
    uri = content["repositories"]["main"]["uri"]
    mounts = dict(volume.split(":")[:2] for volume in compose["services"]["gateway"]["volumes"])
    assert uri.startswith(mounts["repositories"])
    assert compose["services"]["repository"]["command"][-1] == uri
    (tmp_path / "butler.yaml").touch()
    content["repositories"]["main"]["uri"] = "."
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    assert list(load(tmp_path / "config.yaml").repositories) == ["main"]


def test_the_repository_is_created_once_in_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    """The one-shot service as a process, with the registry of the tests in place of the service's."""
    from lsst.daf.butler import Butler

    seed = yaml.safe_load((FILE.parent / "repository.yaml").read_text())
    assert re.fullmatch(r"postgresql\+psycopg://butler@registry:5432/butler", seed["registry"]["db"])
    seed["registry"]["db"] = postgres.database()
    (tmp_path / "repository.yaml").write_text(yaml.safe_dump(seed))
    script = tmp_path / "create.sh"
    script.write_bytes((FILE.parent / "create.sh").read_bytes())
    root = tmp_path / "main"

    def create() -> subprocess.CompletedProcess[str]:
        path = f"{BIN}:{environment()['PATH']}"
        return subprocess.run(
            ["sh", script, root], capture_output=True, text=True, check=False, env=environment(PATH=path)
        )

    first, second = create(), create()
    assert first.returncode == 0, first.stderr
    assert second.returncode == 0 and "There is a repository" in second.stdout
    with Butler.from_config(str(root)) as butler:
        assert butler.dimensions.version >= 7
        assert list(butler.collections.query("*")) == []
