"""Servers as processes of their own: started on a free port of loopback, waited for, watched, and stopped.

A server that is written here in Python ends its file with ``serve_here``; it and the Node servers learn from the environment
where they listen (PORT) and what the registry calls its tables (ENGINE_REGISTRY).
"""

from __future__ import annotations

import ctypes
import dataclasses
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.engine.known import Registry

HOST = "127.0.0.1"
_PR_SET_PDEATHSIG = 1


class Server:
    """A running server: its port, its process, and how much memory it holds."""

    def __init__(
        self, name: str, command: Sequence[str], port: int, log: Path, environment: Mapping[str, str]
    ) -> None:
        self.name, self.port, self._log = name, port, log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **environment},
                preexec_fn=_die_with_parent,
            )

    def ready(self, patience: float = 60.0) -> None:
        """Wait until it accepts connections; RuntimeError with the end of its log if it does not."""
        until = time.monotonic() + patience
        while time.monotonic() < until and self._process.poll() is None:
            with socket.socket() as trial:
                if trial.connect_ex((HOST, self.port)) == 0:
                    return
            time.sleep(0.1)
        said = self._log.read_text(errors="replace")[-3000:]
        raise RuntimeError(f"{self.name} did not start:\n{said}")

    def resident(self) -> float:
        """MB of memory that the process holds."""
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)


def free_port() -> int:
    with socket.socket() as free:
        free.bind((HOST, 0))
        port: int = free.getsockname()[1]
        return port


def environment(known: Registry, port: int) -> dict[str, str]:
    """What a server written here is told; libpq's variables say where PostgreSQL is."""
    parts = urlsplit(known.dsn)
    return {
        "PORT": str(port),
        "ENGINE_REGISTRY": json.dumps(dataclasses.asdict(known)),
        "PGHOST": parse_qs(parts.query)["host"][0],
        "PGDATABASE": parts.path.lstrip("/"),
        "PGUSER": parts.username or "postgres",
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
    }


def serve_here(make: Callable[[Registry], Any]) -> None:
    """Serve an ASGI application in this process, under the fastest that uvicorn has.

    Garbage is collected seldom, and without what was there at the beginning: the dicts of a long answer would otherwise be
    visited over and over while it is built, which doubled the time of 10,000 rows.
    """
    import uvicorn

    application = make(Registry(**json.loads(os.environ["ENGINE_REGISTRY"])))
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    uvicorn.run(
        application,
        host=HOST,
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


def python_module(module: str) -> list[str]:
    return [sys.executable, "-m", module]


def _die_with_parent() -> None:
    if hasattr(ctypes.CDLL(None), "prctl"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
