"""The public GraphQL over HTTP audit suite (npm graphql-http), against any address.

From a shell: ``npm ci`` here once, then ``node audit.mjs http://127.0.0.1:8080/graphql``.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from gateway.explorer.build import STATE
from gateway.explorer.node import find_node

HERE = Path(__file__).parent


def audit(url: str) -> dict[str, Any]:
    """Run every audit: counts by outcome (``audits``, ``ok``, ``notice``, ``warn``, ``error``), and the ``failed``.

    The suite is installed on first use, from its lock file.
    """
    node = find_node(STATE / "node")
    environment = node.environment()
    if not (HERE / "node_modules" / "graphql-http" / "package.json").is_file():
        command = [*node.npm, "ci", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=HERE, env=environment, check=True, capture_output=True, timeout=300)
    # Requests go to this machine: a proxy of the environment has no part in them.
    environment = {k: v for k, v in environment.items() if not k.lower().endswith("_proxy")}
    program = node.path / ("node.exe" if os.name == "nt" else "node")
    done = subprocess.run(
        [str(program), str(HERE / "audit.mjs"), url, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr
    return json.loads(done.stdout)
