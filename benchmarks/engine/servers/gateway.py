"""Ours: the gateway as an operator serves it, one worker, with the defaults of its configuration and no line of log for a request
that goes well.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.engine.known import FLATS, RAWS, Registry
from benchmarks.engine.process import HOST


def command(known: Registry, folder: Path, port: int) -> list[str]:
    config = folder / "gateway.yaml"
    settings = {
        "repositories": {"survey": {"adapter": "butler", "uri": known.root, "collections": [RAWS, FLATS]}},
        "state": str(folder / "state"),
        "log": {"level": "WARNING"},
    }
    config.write_text(json.dumps(settings))  # JSON is YAML
    serve = [sys.executable, "-m", "gateway.cli", "serve", "--config", str(config)]
    return [*serve, "--host", HOST, "--port", str(port), "--workers", "1"]
