"""``check``: what each repository is and can do; non-zero where one cannot be read."""

from __future__ import annotations

import shutil
from pathlib import Path

import yaml

from adapters.capability import Capability
from tests.demonstration import configuration_file, demonstration, run


def test_a_repository_that_can_be_read(tmp_path: Path) -> None:
    done = run("check", "--config", configuration_file(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "hsc: can be read"
    said = dict(line.strip().split("  ", 1) for line in lines[1 : lines.index("callers")])
    assert said["adapter"].strip() == "butler"
    assert said["path"].strip() == "SQL on the registry's tables"
    assert Capability.WILDCARD in said["capabilities"]
    assert (said["read by"].strip(), said["written by"].strip()) == ("everybody", "nobody")


def test_one_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    """A repository whose registry is gone: its configuration is in order, so only opening it tells."""
    broken = tmp_path / "broken"
    shutil.copytree(demonstration(), broken, ignore=shutil.ignore_patterns("gen3.sqlite3", "HSC", "LSSTCam"))
    file = configuration_file(tmp_path)
    content = yaml.safe_load(file.read_text())
    content["repositories"] = {"broken": {"uri": str(broken)}, **content["repositories"]}
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    done = run("check", "--config", file)
    assert done.returncode == 1
    assert done.stderr == "butler-gateway: cannot be read: broken\n"
    lines = done.stdout.splitlines()
    assert lines[0].startswith("broken: cannot be read: ")
    assert "unable to open database file" in lines[0]  # the reason, which clients are not told
    assert "hsc: can be read" in lines
    assert not (broken / "gen3.sqlite3").exists()


def test_quantum_graph_files_that_cannot_be_read_are_problems(tmp_path: Path) -> None:
    """Relative paths begin at the folder of the configuration file."""
    (graph, *_) = demonstration().rglob("run_provenance_*.qg")
    shutil.copy(graph, tmp_path / "there.qg")
    file = configuration_file(tmp_path)
    content = yaml.safe_load(file.read_text())
    content["repositories"]["hsc"]["options"] = {"quantum_graphs": ["there.qg"]}
    file.write_text(yaml.safe_dump(content))
    assert run("check", "--config", file).returncode == 0
    content["repositories"]["hsc"]["options"] = {"quantum_graphs": ["there.qg", "missing.qg"]}
    file.write_text(yaml.safe_dump(content))
    done = run("check", "--config", file)
    assert done.returncode == 1
    assert done.stderr == "butler-gateway: cannot be read: hsc (in part)\n"
    assert done.stdout.startswith("hsc: can be read in part\n")
    (problem,) = (line for line in done.stdout.splitlines() if "problem: " in line)
    assert problem == (
        f"  problem: quantum_graphs: '{tmp_path / 'missing.qg'}' cannot be read: no such file or directory"
    )


def test_passwords_are_not_printed(tmp_path: Path) -> None:
    file = tmp_path / "gateway.yaml"
    file.write_text(
        "repositories: {a: {uri: 'https://someone:secret@127.0.0.1:9/butler'}}\nlimits: {timeout: 2}\n"
    )
    done = run("check", "--config", file)
    assert done.returncode == 1
    assert "secret" not in done.stdout + done.stderr


def test_a_default_collection_that_does_not_exist_is_told(tmp_path: Path) -> None:
    file = configuration_file(tmp_path)
    content = yaml.safe_load(file.read_text())
    content["repositories"]["hsc"]["collections"] = ["HSC/default", "HSC/runs/*"]
    file.write_text(yaml.safe_dump(content))
    done = run("check", "--config", file)
    assert done.returncode == 0
    (warning,) = (line for line in done.stdout.splitlines() if "warning: " in line and "collection" in line)
    assert "'HSC/default' does not exist" in warning
