"""A process that serves does not look for garbage among what it holds for good."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.config import CONFIG_VARIABLE
from tests.demonstration import configuration_file, environment

SAY = "import gc; print(gc.get_freeze_count(), gc.get_threshold()[0])"
WORKER = f"from gateway.app import from_environment; from_environment(); {SAY}"
ALONE = f"""
import os, uvicorn
from pathlib import Path
from gateway.app import create_app
from gateway.config import load
from gateway.running import run
uvicorn.Server.run = lambda self, sockets: setattr(self, "started", True)
config = load(Path(os.environ["{CONFIG_VARIABLE}"]))
run(create_app(config), config.server.model_copy(update={{"port": 0}}))
{SAY}
"""


@pytest.mark.parametrize("process", [WORKER, ALONE], ids=["worker", "alone"])
def test_what_is_there_when_serving_begins_is_left_alone(process: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", process],
        capture_output=True,
        text=True,
        check=True,
        env=environment(**{CONFIG_VARIABLE: str(configuration_file(tmp_path))}),
    )
    frozen, threshold = map(int, done.stdout.splitlines()[-1].split())
    assert frozen > 100_000
    assert threshold > 700
