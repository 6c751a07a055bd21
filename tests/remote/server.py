"""Starts a Butler server for tests, and speaks to its ingress."""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .install import packages

_PR_SET_PDEATHSIG = 1
_ROOT = Path(__file__).parents[2]
GROUPS = ("g_lab",)


class ButlerServer:
    """A running server with one repository a label, readable by the group ``g_lab``."""

    def __init__(self, repositories: Mapping[str, str], log: Path, **environment: str) -> None:
        told = {
            label: {"config_uri": root, "authorized_groups": GROUPS} for label, root in repositories.items()
        }
        paths = [str(packages()), str(_ROOT)]
        self._log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.remote.serve", json.dumps(told)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=out,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
                preexec_fn=_die_with_parent,
            )
        self.port = self._await(60.0)
        self.origin = f"http://127.0.0.1:{self.port}"

    def uri(self, label: str) -> str:
        return f"{self.origin}/api/butler/repo/{label}/butler.yaml"

    def records(self) -> list[dict[str, Any]]:
        """What arrived since they were last read, without the client configurations."""
        found: list[dict[str, Any]] = self._ask("/test/records")
        return [record for record in found if "/butler." not in record["path"]]

    @contextmanager
    def ordered(self, **orders: Any) -> Iterator[None]:
        """``hold``: seconds that every streaming query takes; ``fail``: what to answer to which path."""
        self._ask("/test/orders", orders)
        try:
            yield
        finally:
            self._ask("/test/orders", {})

    def stop(self) -> None:
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(10)

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def _ask(self, path: str, told: Any = None) -> Any:
        data = None if told is None else json.dumps(told).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(self.origin + path, data), timeout=10) as answer:
            return json.load(answer)

    def _await(self, patience: float) -> int:
        out = self._process.stdout
        assert out is not None
        ready, _, _ = select.select([out], [], [], patience)
        line = out.readline() if ready else b""
        if not line.strip().isdigit():
            self.stop()
            raise RuntimeError(f"the Butler server did not start:\n{self.said()[-3000:]}")
        return int(line)


def _die_with_parent() -> None:
    """Runs in the child: SIGTERM when the parent ends."""
    if hasattr(ctypes.CDLL(None), "prctl"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
