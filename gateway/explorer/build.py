"""
Builds the page: `python -m gateway.explorer.build [--force]`.

Takes the npm project in page/, with its lock file, to static files in dist/, which are served by site.py and shipped
in the wheel. Needs Python and the package registries of npm and PyPI, nothing else: see node.py. Does nothing where
dist/ was built from the sources as they are. dist/ is replaced whole at the end, so that a failed build changes nothing.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import shutil
import subprocess
import sys
import time
from pathlib import Path

from gateway.explorer.node import BuildError, Node, find_node
from gateway.explorer.site import DIST

PAGE = Path(__file__).parent / "page"
# Beside the checkout's other caches, outside git.
STATE = Path(__file__).parents[2] / ".gateway"
STAMP = "sources.sha256"


def sources_hash(page: Path = PAGE) -> str:
    """What the page is built from: the name and content of every file of page/, without what npm installs there."""
    digest = hashlib.sha256()
    for path in sorted(page.rglob("*")):
        name = path.relative_to(page)
        if "node_modules" in name.parts or not path.is_file():
            continue
        content = path.read_bytes()
        digest.update(f"{name.as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def is_built(page: Path = PAGE, dist: Path = DIST) -> bool:
    """Whether dist/ was built from the sources as they are."""
    stamp = dist / STAMP
    return stamp.is_file() and stamp.read_text().strip() == sources_hash(page)


def build_page(page: Path = PAGE, dist: Path = DIST, state: Path = STATE) -> Node:
    """Build the page into dist/ with the Node found; BuildError where that fails, with dist/ as it was."""
    if not (page / "package-lock.json").is_file():
        raise BuildError("the sources of the page are not here: build it in a checkout of the gateway")
    stamp = sources_hash(page)
    node = find_node(state / "node")
    log = state / "page-build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    fresh = dist.with_name(dist.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        _npm(node, page, log, "ci", "--no-audit", "--no-fund")
        _npm(node, page, log, "run", "build", "--", "--outDir", str(fresh), "--logLevel", "warn")
        _compress(fresh / "assets")
        (fresh / STAMP).write_text(stamp + "\n")
        shutil.rmtree(dist, ignore_errors=True)
        fresh.rename(dist)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return node


def _npm(node: Node, page: Path, log: Path, *words: str) -> None:
    """Run npm in page/, what it says going to the log; BuildError with its first complaint where it fails."""
    with log.open("a+", encoding="utf-8") as said:
        begin = said.tell()
        done = subprocess.run(  # noqa: S603
            [*node.npm, *words],
            cwd=page,
            env=node.environment(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            check=False,
        )
        if done.returncode == 0:
            return
        said.seek(begin)
        complaints = [line.strip() for line in said if "error" in line.lower()]
    first = next((line for line in complaints if " code " not in line), "no reason given")
    raise BuildError(f"npm {words[0]} failed: {first} (all of it: {log})")


def _compress(assets: Path) -> None:
    """Leave a gzipped copy beside each script and style sheet: 7 MB travel as 2, packed here once."""
    for path in sorted(assets.iterdir()):
        if path.suffix in {".js", ".css", ".svg"}:
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


def main() -> int:
    """The command; its exit code, and one line on what was done or why it was not."""
    parser = argparse.ArgumentParser(
        prog="python -m gateway.explorer.build", description="Build the GraphiQL page."
    )
    parser.add_argument(
        "--force", action="store_true", help="build although the built page is newer than its sources"
    )
    if not parser.parse_args().force and is_built():
        print("The page is built already.")
        return 0
    begin = time.monotonic()
    print("Building the page (npm; about half a minute) ...", flush=True)
    try:
        node = build_page()
    except BuildError as error:
        print(f"The page was not built: {error}", file=sys.stderr)
        return 1
    print(f"The page is built, with {node.origin}, in {time.monotonic() - begin:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
