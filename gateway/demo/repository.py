"""The demonstration repository: built on first use, reused afterwards, never half finished.

Promised: `ensure(root)` leaves a complete Butler repository of the current recipe at `root`. It is built
beside it and moved into place by one rename, so that an interrupted build is never taken for a repository;
a repository of an older recipe is rebuilt; a directory that this module did not build is refused and never
touched. Two processes that ask at once build it once.

What is real and what is derived in it stand in `records`, `frames`, `calibrations` and `execution`. In
short: the records of visits, detectors, regions, calexps and the tract are real; the light on the frames is
simulated; the pipeline is really executed.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

RECIPE = 1  # raise it whenever a build would give other contents
MARKER = "demo.json"
REGISTRY = "gen3.sqlite3"
DEFAULT_COLLECTIONS = ("HSC/defaults", "LSSTCam/defaults")


def quiet(_message: str) -> None:
    """The progress callback of those who want none."""


def configuration(root: Path, state: str = ".gateway") -> dict[str, Any]:
    """The gateway's configuration that serves this repository."""
    return {
        "repositories": {
            "hsc": {
                "adapter": "butler",
                "uri": str(root),
                "description": "HSC: real records of 11 visits with simulated frames; LSSTCam: two exposures",
                "collections": list(DEFAULT_COLLECTIONS),
                "ivoid": "ivo://org.example/hsc?repo={repository}&id={id}",
            }
        },
        "state": state,
    }


def ensure(root: Path, progress: Callable[[str], None] = quiet) -> Path:
    """Return `root` with the repository in it, building it when it is missing or of an older recipe.

    Raises FileExistsError when something else lies at `root`.
    """
    root = root.absolute()
    if _recipe(root) == RECIPE:
        return root
    root.parent.mkdir(parents=True, exist_ok=True)
    with _alone(root):
        recipe = _recipe(root)
        if recipe == RECIPE:  # another process built it while this one waited
            return root
        if recipe is None and root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise FileExistsError(f"{root} exists and is no demonstration repository; it is left as it is")
        for abandoned in root.parent.glob(f".{root.name}.building-*"):
            shutil.rmtree(abandoned)
        building = Path(mkdtemp(prefix=f".{root.name}.building-", dir=root.parent))
        try:
            build(building, progress)
            (building / MARKER).write_text(json.dumps({"recipe": RECIPE}) + "\n")
            building.chmod(0o755)  # mkdtemp's is 0700; the service need not run as the builder
            if root.exists():
                # A rename cannot replace a filled directory: the old recipe goes first, under a name that the
                # next build would clear away.
                root.rename(building.with_name(building.name + "-old"))
            building.rename(root)
        finally:
            for leftover in root.parent.glob(f".{root.name}.building-*"):
                shutil.rmtree(leftover, ignore_errors=True)
    return root


def build(root: Path, progress: Callable[[str], None] = quiet) -> None:
    """Build the repository in the directory `root`, which must be empty or missing.

    Callers want `ensure`: this function does not protect against interruption.
    """
    from lsst.daf.butler import Butler

    from gateway.demo import calibrations, collections, execution, observations, records

    progress("creating an empty repository")
    Butler.makeRepo(str(root))
    with Butler.from_config(str(root), writeable=True) as butler:
        progress("importing the real records")
        records.import_exports(butler)
        progress("deriving exposures and patches")
        records.derive_exposures(butler)
        records.derive_patches(butler)
        progress("writing raw frames")
        observations.register_dataset_types(butler)
        observations.put_raws(butler)
        progress("certifying bias and flat frames")
        calibrations.certify_calibrations(butler)
        for campaign in execution.CAMPAIGNS:
            progress(f"executing the pipeline into {campaign.run}")
            execution.execute(butler, root, campaign)
        progress("replacing a flat, tagging, chaining")
        calibrations.replace_flat(butler)
        collections.tag(butler)
        collections.chain(butler)
    _analyze(root)


def _analyze(root: Path) -> None:
    """Give SQLite statistics about the registry.

    Butler never does, and without them the planner turns joins against uploaded data IDs around: finding
    the flats of 1000 raws then takes a second instead of some milliseconds.
    """
    with closing(sqlite3.connect(root / REGISTRY)) as registry:
        registry.execute("ANALYZE")
        registry.commit()


def _recipe(root: Path) -> int | None:
    """The recipe of the repository at `root`; None when there is none of ours."""
    try:
        recipe = json.loads((root / MARKER).read_text())["recipe"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return recipe if isinstance(recipe, int) else None


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the lock beside `root`; the operating system frees it when the holder dies."""
    descriptor = os.open(root.parent / f".{root.name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
