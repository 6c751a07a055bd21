"""What the servers need beyond the gateway's own environment, installed by the command itself under benchmarks/data/engine.

Node: the machine's own from version 22 on, which PostGraphile 5 asks for, else that of PyPI's wheel. Its packages are pinned by
peers/package-lock.json. RemoteButler's server has an environment of its own, since on Python 3.11 its extra pins an older
starlette; its lsst-daf-butler is the version that the gateway has.
"""

from __future__ import annotations

import filecmp
import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from gateway.explorer.node import Node, _installed_wheel, _node_of_wheel, _node_on_path

DATA = Path(__file__).parents[1] / "data" / "engine"
_PEERS = Path(__file__).parent / "peers"
_LOCK = "package-lock.json"
_SHOWN = ("postgraphile", "grafast", "mercurius", "graphql-jit", "@apollo/server", "fastify", "graphql", "pg")


def node() -> Node:
    found = _node_on_path()
    if found is not None and int(found.origin.split()[1].partition(".")[0]) >= 22:
        return found
    folder = DATA / "node"
    return _node_of_wheel(folder) or _installed_wheel(folder)


def peers(with_node: Node) -> Path:
    """The folder with the Node servers and their packages, brought up to date."""
    folder = DATA / "peers"
    folder.mkdir(parents=True, exist_ok=True)
    installed = folder / "installed.json"
    for source in filter(Path.is_file, _PEERS.iterdir()):
        shutil.copy(source, folder)
    if not installed.is_file() or not filecmp.cmp(folder / _LOCK, installed, shallow=False):
        said = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
        _run([*with_node.npm, "ci", *said], folder, with_node.environment())
        shutil.copy(folder / _LOCK, installed)
    return folder


def remote_butler() -> Path:
    """The Python of RemoteButler's server."""
    wanted = f"lsst-daf-butler[server]=={version('lsst-daf-butler')}"
    folder, stamp = DATA / "remote-butler", DATA / "remote-butler.txt"
    python = folder / "bin" / "python"
    if not stamp.is_file() or stamp.read_text() != wanted or not python.exists():
        _run([sys.executable, "-m", "venv", "--clear", str(folder)], DATA)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _run([*pip, wanted, "uvicorn[standard]", "psycopg[binary]"], DATA)
        stamp.write_text(wanted)
    return python


def versions() -> str:
    """Versions of what is compared, in one line."""
    packages = json.loads((_PEERS / _LOCK).read_text())["packages"]
    found = {name: packages[f"node_modules/{name}"]["version"] for name in _SHOWN}
    names = (
        "strawberry-graphql",
        "graphql-core",
        "sqlalchemy",
        "asyncpg",
        "uvicorn",
        "uvloop",
        "lsst-daf-butler",
    )
    found |= {name: version(name) for name in names}
    return ", ".join(f"{name} {number}" for name, number in found.items())


def _run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stderr[-3000:]}")
