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
import logging
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

RECIPE = 1  # raise it whenever a build would give other contents
MARKER = "demo.json"
REGISTRY = "gen3.sqlite3"
DEFAULT_COLLECTIONS = ("HSC/defaults", "LSSTCam/defaults")
# A task logs under its label, with the first word of its module before it.
CAPTURED_LOGGERS = ("lsst", "gateway.isr", "gateway.calibrate", "gateway.warp", "gateway.coadd")


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
        scratch_prefix = f".{root.name}.building-"
        for abandoned in root.parent.glob(f"{scratch_prefix}*"):
            shutil.rmtree(abandoned)
        with TemporaryDirectory(prefix=scratch_prefix, dir=root.parent) as scratch:
            # The name without a dot matters: makeRepo takes anything after a dot for a file format.
            built = Path(scratch) / "repository"
            build(built, progress)
            (built / MARKER).write_text(json.dumps({"recipe": RECIPE}) + "\n")
            if root.exists():
                # A rename cannot replace a filled directory, so the old recipe steps aside first. It is deleted
                # with the scratch directory.
                root.rename(Path(scratch) / "old")
            built.rename(root)
    return root


def build(root: Path, progress: Callable[[str], None] = quiet) -> None:
    """Build the repository in the directory `root`, which must be empty or missing.

    Callers want `ensure`: this function does not protect against interruption.
    """
    # Only a build needs these, and importing them takes a second.
    from lsst.daf.butler import Butler

    from gateway.demo import calibrations, collections, execution, observations, records

    progress("creating an empty repository")
    Butler.makeRepo(str(root))
    with _lsst_logs_captured(), Butler.from_config(str(root), writeable=True) as butler:
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


@contextmanager
def _lsst_logs_captured() -> Iterator[None]:
    """Let the tasks' logs be recorded in the repository, as production does, without showing them to the user.

    The executor captures what passes the loggers' levels; what already listens hears only errors from lsst.
    """

    def audible(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR or not record.name.startswith(CAPTURED_LOGGERS)

    everything = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in CAPTURED_LOGGERS}
    # Without any handler logging would fall back to printing warnings.
    fallback = logging.NullHandler()
    everything.addHandler(fallback)
    listeners = list(everything.handlers)
    for listener in listeners:
        listener.addFilter(audible)
    for name in levels:
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        for listener in listeners:
            listener.removeFilter(audible)
        everything.removeHandler(fallback)


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
