"""The README's queries, executed as they stand, on the demonstration repository behind a real server."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from gateway.config import load
from gateway.explorer.build import STATE
from gateway.explorer.node import find_node
from tests.demonstration import COMMAND, ROOT, Gateway, configuration_file, environment, running

ADDRESS = "http://127.0.0.1:8080"
README = (ROOT / "README.md").read_text()


def block(language: str, holding: str = "") -> str:
    """The one fenced block of a language that holds a text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
    (found,) = [text for text in blocks if holding in text]
    return str(found)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    config = configuration_file(tmp_path_factory.mktemp("readme"))
    with running([COMMAND, "serve", "--config", config, "--port", 0]) as started:
        yield started


def executed(command: list[Any], text: str, gateway: Gateway) -> str:
    done = subprocess.run(
        command,
        input=text.replace(ADDRESS, gateway.address),
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_query_is_pasted_into_a_shell(gateway: Gateway) -> None:
    answer = json.loads(executed(["sh"], block("sh", "curl"), gateway))
    assert "errors" not in answer, answer
    found = answer["data"]["repository"]["datasets"]
    assert found["totalCount"] == 18
    assert [node["dataId"]["map"]["skymap"] for node in found["nodes"]] == ["discrete/ci_hsc"] * 5


def test_a_portal_fetches_what_covers_a_position(gateway: Gateway) -> None:
    node = find_node(STATE / "node").path / "node"
    lines = executed([node, "--input-type=module", "-"], block("js"), gateway).splitlines()
    assert len(lines) >= 4
    for line in lines:
        visit, _, band, shape, *_ = line.split(" ")
        assert (int(visit) > 900000, band in "ri", shape) == (True, True, "POLYGON")
    # The link that the portal shows leads to the bytes.
    with urlopen(lines[0].rsplit(" ", 1)[1], timeout=60) as answer:
        assert answer.status == 200
        assert len(answer.read()) == int(answer.headers["Content-Length"])


def test_a_scientist_pastes_a_query_into_the_page(gateway: Gateway) -> None:
    body = json.dumps({"query": block("graphql")}).encode()
    request = Request(f"{gateway.address}/graphql", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answered:
        answer = json.load(answered)
    assert "errors" not in answer, answer
    nodes = answer["data"]["repository"]["datasets"]["nodes"]
    assert [node["dataId"]["band"] for node in nodes] == ["i", "r"]
    for node in nodes:
        assert node["run"] == "HSC/runs/demo/2"
        versions = [version["run"] for version in node["versions"]["nodes"]]
        assert versions == ["HSC/runs/demo/2", "HSC/runs/demo/1"]


def test_a_notebook_ends_in_an_astropy_table(gateway: Gateway) -> None:
    code = (
        block("python")
        + "\nimport json\nprint(json.dumps([len(table), table.colnames, type(table).__module__]))\n"
    )
    length, names, module = json.loads(executed([sys.executable, "-"], code, gateway).splitlines()[-1])
    assert length == 33
    assert names == ["uuid", "exposure", "detector", "physicalFilter", "mjd", "ra", "dec"]
    assert module == "astropy.table.table"


@pytest.mark.parametrize("file", ["README.md", "docs/configuration.md"])
def test_configurations_can_be_loaded_as_they_stand(tmp_path: Path, file: str) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```", (ROOT / file).read_text(), re.DOTALL | re.MULTILINE)
    repository = tmp_path / yaml.safe_load(text)["repositories"]["hsc"]["uri"]
    repository.mkdir(parents=True)
    (repository / "butler.yaml").touch()
    (tmp_path / "gateway.yaml").write_text(text)
    assert "hsc" in load(tmp_path / "gateway.yaml").repositories
