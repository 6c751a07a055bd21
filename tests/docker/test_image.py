"""The Dockerfile, held to what can be known without an engine: a linter's word, and that what it copies is there."""

from __future__ import annotations

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.demonstration import ROOT

DOCKERFILE = ROOT / "docker" / "Dockerfile"
BIN = Path(sys.executable).parent


def instructions() -> list[tuple[str, str]]:
    """(word, rest) of every instruction, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def copied_from_the_context() -> list[str]:
    sources = []
    for word, rest in instructions():
        if word == "COPY" and "--from=" not in rest:
            sources += [part for part in rest.split() if not part.startswith("--")][:-1]
    return sources


def ignored(path: str) -> bool:
    """Whether .dockerignore leaves a path out: the last line that matches it, or a folder above it, decides."""
    verdict = False
    parents = [str(parent) for parent in Path(path).parents if str(parent) != "."]
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!").rstrip("/")
        names = [path, *parents]
        if pattern.startswith("**/"):
            hit = any(fnmatch(Path(name).name, pattern[3:]) for name in names)
        else:
            hit = any(name == pattern or ("/" not in name and fnmatch(name, pattern)) for name in names)
        if hit:
            verdict = not line.startswith("!")
    return verdict


def test_linter_finds_nothing() -> None:
    done = subprocess.run([BIN / "hadolint", DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    "script", sorted([*(ROOT / "docker").glob("*.sh"), *(ROOT / ".ci").iterdir()]), ids=lambda path: path.name
)
def test_scripts_are_executable_and_their_linter_finds_nothing(script: Path) -> None:
    done = subprocess.run([BIN / "shellcheck", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    assert script.stat().st_mode & 0o111


def test_everything_copied_is_there_and_not_ignored() -> None:
    sources = copied_from_the_context()
    assert "docker/entrypoint.sh" in sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not ignored(source.rstrip("/")), source


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".venv/bin/python",
        "tests/conftest.py",
        ".demo/repository/butler.yaml",
        "docker/config.yaml",
        "gateway/explorer/page/node_modules/react/index.js",
        "gateway/__pycache__/app.pyc",
        "gateway/explorer/dist/x",
    ],
)
def test_the_context_holds_no_more_than_is_copied(path: str) -> None:
    assert ignored(path)


def test_packages_of_the_distribution_are_all_copied() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks", "client"}
    assert packages <= {source.rstrip("/") for source in copied_from_the_context()}


def test_images_are_pinned_to_a_version() -> None:
    images = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    assert len(images) == 3
    for image in images:
        assert re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-[a-z-]+", image), image


def test_it_runs_as_nobody_special() -> None:
    last = [rest for word, rest in instructions() if word == "USER"][-1]
    user, group = last.split(":")
    assert user.isdigit() and int(user) > 0 and int(group) > 0


def test_the_gateway_becomes_process_1() -> None:
    entry = [rest for word, rest in instructions() if word == "ENTRYPOINT"]
    assert entry == ['["/usr/local/bin/butler-gateway-entrypoint"]']
    assert "exec butler-gateway serve" in (ROOT / "docker" / "entrypoint.sh").read_text()


def test_it_serves_and_is_probed_on_the_port_that_it_exposes() -> None:
    said = dict(instructions())
    assert said["EXPOSE"] == "8080"
    assert "BUTLER_GATEWAY_SERVER__PORT=8080" in said["ENV"]
    assert "http://127.0.0.1:8080/healthz" in said["HEALTHCHECK"]
