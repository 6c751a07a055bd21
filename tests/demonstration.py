"""The demonstration repository for the tests, and the gateway as a process of its own over it."""

from __future__ import annotations

import atexit
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import yaml

COMMAND = str(Path(sys.executable).with_name("butler-gateway"))
ROOT = Path(__file__).parents[1]
PLANS = os.environ.get("GATEWAY_PLANS", "on") != "off"
"""Whether documents are answered by plan in these tests: ``make test-without-plans`` runs them without."""


@cache
def demonstration() -> Path:
    """The repository, built once for all tests of this process and removed at its end. Read-only by agreement."""
    from gateway.demo.repository import ensure

    home = Path(tempfile.mkdtemp(prefix="gateway-demo-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return ensure(home / "repository")


def configuration_file(folder: Path, **more: Any) -> Path:
    """A file that configures the demonstration repository as ``hsc``, and more keys at its top. ``saveResult`` waits until a result is complete on a slow
    machine too, unless it is told to wait less."""
    from gateway.demo.repository import configuration

    file = folder / "gateway.yaml"
    content = configuration(demonstration(), str(folder / "state"))
    results = {"results": {"wait": 20, **more.pop("results", {})}}
    file.write_text(yaml.safe_dump({**content, **results, **more}, sort_keys=False))
    return file


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without the gateway's own variables and without proxies, and then some."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("BUTLER_GATEWAY_") and not name.lower().endswith("_proxy")
    }
    if not PLANS:
        kept["BUTLER_GATEWAY_SERVER__PLANS"] = "false"
    return {**kept, "PYTHONUNBUFFERED": "1", **variables}


def run(*words: object, timeout: float = 120, **variables: str) -> subprocess.CompletedProcess[str]:
    """``butler-gateway`` with these words, until it ends."""
    return subprocess.run(
        [COMMAND, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(**variables),
        check=False,
    )


class Gateway:
    """A running gateway; ``address`` ends without a slash, ``lines`` is what it has said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.address = ""
        self.lines: list[str] = []
        self._new: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            self._new.put(line)
        self._new.put(None)

    def await_line(self, pattern: str, patience: float = 120) -> re.Match[str]:
        """The first line from now on that the pattern is found in."""
        while True:
            line = self._new.get(timeout=patience)
            assert line is not None, f"the gateway ended:\n{''.join(self.lines)}"
            if found := re.search(pattern, line):
                return found


@contextmanager
def running(
    command: Sequence[object], cwd: Path | None = None, variables: Mapping[str, str] = {}
) -> Iterator[Gateway]:
    """A gateway started by a command, ready to answer; killed at the end if it still runs."""
    process = subprocess.Popen(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env=environment(**variables),
    )
    gateway = Gateway(process)
    try:
        gateway.address = gateway.await_line(r"""address["=: ]+(http://[^"\s]+)""")[1]
        yield gateway
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(30)
        assert process.stdout is not None
        process.stdout.close()
