"""``demo``: builds the repository on first use, reuses it, and prints what to open and what to paste."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
from pathlib import Path
from urllib.request import urlopen

from tests.demonstration import COMMAND, demonstration, run, running


def test_first_run_builds_and_serves_what_it_prints(tmp_path: Path) -> None:
    root = tmp_path / "demo"
    with running([COMMAND, "demo", "--root", root, "--port", 0]) as gateway:
        said = "".join(gateway.lines)
        assert "Building the demonstration repository" in said
        page = re.search(r"The page +(http://\S+)", said)
        endpoint = re.search(r"GraphQL +(http://\S+/graphql)", said)
        pasted = re.search(r"One query +(curl .*)", said)
        assert page and endpoint and pasted
        with urlopen(page[1], timeout=60) as answer:
            assert answer.headers["Content-Type"].startswith("text/html")
        with urlopen(f"{endpoint[1]}?query=%7B__typename%7D", timeout=60) as answer:
            assert json.load(answer) == {"data": {"__typename": "Query"}}
        done = subprocess.run(shlex.split(pasted[1]), capture_output=True, text=True, check=True)
        answered = json.loads(done.stdout)
        assert "errors" not in answered, answered
        found = answered["data"]["repository"]["datasets"]
        assert found["totalCount"] > len(found["nodes"]) == 5
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(30) == 0
    marker = (root / "repository" / "demo.json").stat().st_mtime_ns
    with running([COMMAND, "demo", "--root", root, "--port", 0]) as again:
        assert "Building" not in "".join(again.lines)
        with urlopen(f"{again.address}/healthz", timeout=60) as answer:
            assert answer.status == 200
    assert (root / "repository" / "demo.json").stat().st_mtime_ns == marker


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "thesis.tex").write_text("years of work")
    done = run("demo", "--root", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("butler-gateway: ") and done.stderr.count("\n") == 1
    assert (tmp_path / "repository" / "thesis.tex").read_text() == "years of work"


def test_the_repository_of_the_tests_is_the_one_of_the_command() -> None:
    assert (demonstration() / "demo.json").is_file()
