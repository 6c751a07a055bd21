"""Random real Butler repositories, built through Butler's public API from a seed.

SQLite or PostgreSQL, any dimension universe that the installed Butler carries. The same seed makes the same
records, data IDs and collections (dataset ids and ingest dates are Butler's).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

from lsst.daf.butler import (
    Butler,
    CollectionType,
    Config,
    DatasetRef,
    DatasetType,
    DimensionConfig,
    LabeledButlerFactory,
    StorageClass,
    Timespan,
)

from .observatory import INSTRUMENTS, SKYMAPS, Observatory, span

TYPES: dict[str, tuple[tuple[str, ...], str, bool]] = {
    "raw": (("instrument", "exposure", "detector"), "Exposure", False),
    "calexp": (("instrument", "visit", "detector"), "ExposureF", False),
    "src": (("instrument", "visit", "detector"), "ArrowAstropy", False),
    "visitSummary": (("instrument", "visit"), "StructuredDataDict", False),
    "flat": (("instrument", "physical_filter", "detector"), "ExposureF", True),
    "bias": (("instrument", "detector"), "ExposureF", True),
    "camera": (("instrument",), "Camera", True),
    "deepCoadd": (("skymap", "tract", "patch", "band"), "ExposureF", False),
    "Warp": (("instrument", "skymap", "tract", "patch", "visit"), "ExposureF", False),
    "gaia_dr3": (("htm7",), "SimpleCatalog", False),
    "skyMap": (("skymap",), "SkyMap", False),
    "packages": ((), "Packages", False),
    "mystery": (("instrument", "visit"), "_mock_Unheard", False),
    "neverStored": (("instrument", "band"), "StructuredDataDict", False),
}
"""Dimensions, storage class, whether it is a calibration. No process knows the class of ``mystery``."""

ODD_RUN = "u/o'neil/%odd_[1]é"

CHAINS: dict[str, tuple[str, ...]] = {
    "HSC/runs/all": ("HSC/runs/w02", "HSC/runs/w01"),
    "HSC/defaults": ("HSC/runs/all", "HSC/tagged/best", "HSC/raw/all", "HSC/calib", "skymaps"),
    "outer": ("HSC/calib/alt", ODD_RUN, "HSC/defaults", "refcats"),
    "nothing": (),
}

FILED = "HSC/runs/w02"
"""The run in which visitSummary datasets have files."""


@dataclass(frozen=True)
class Repository:
    """A built repository. ``butler()`` gives a fresh read-only Butler, one per use and thread."""

    name: str
    root: Path
    universe: int
    kind: str
    factory: LabeledButlerFactory
    moments: tuple[int, ...]
    """Ingest dates between which something was ingested (TAI nanoseconds)."""

    @property
    def uri(self) -> str:
        return str(self.root)

    def butler(self) -> Butler:
        return self.factory.create_butler(self.name)

    def close(self) -> None:
        self.factory.close()


def build(
    root: Path,
    *,
    seed: int = 0,
    universe: int = 8,
    url: str | None = None,
    exposures: int = 7,
    share: float = 0.8,
) -> Repository:
    """Make a repository in ``root``, its registry in SQLite there or in the database at ``url``.

    ``share`` of the possible datasets exist. About 400 datasets with the default of exposures.
    """
    config = Config()
    if url is not None:
        config["registry", "db"] = url
    Butler.makeRepo(root, config=config, dimensionConfig=dimensions(universe))
    with Butler.from_config(str(root), writeable=True) as butler:
        random = Random(seed)
        Observatory(butler.dimensions, random, exposures).fill(butler)
        _Holdings(butler, random, share).fill()
        moments = sorted(set(_ingest_dates(butler)))
    kind = "sqlite" if url is None else "postgres"
    name = f"{kind}-u{universe}-s{seed}"
    return Repository(name, root, universe, kind, LabeledButlerFactory({name: str(root)}), tuple(moments))


def dimensions(universe: int) -> DimensionConfig:
    """The configuration of an older (or the current) dimension universe that the package carries."""
    configs = files("lsst.daf.butler") / "configs" / "old_dimensions"
    return DimensionConfig(str(configs / f"daf_butler_universe{universe}.yaml"))


def _ingest_dates(butler: Butler) -> list[int]:
    from lsst.daf.butler.time_utils import TimeConverter

    convert: Callable[[Any], int] = TimeConverter().astropy_to_nsec
    with butler.query() as query:
        found = query.join_dataset_search("raw", butler.collections.query("*/raw/*")).general(
            butler.get_dataset_type("raw").dimensions.required,
            dataset_fields={"raw": {"ingest_date"}},
            find_first=False,
        )
        return [convert(row["raw.ingest_date"]) for row in found]


class _Holdings:
    """Dataset types, datasets and collections on top of an observatory's records."""

    def __init__(self, butler: Butler, random: Random, share: float) -> None:
        self.butler = butler
        self.random = random
        self.share = share

    def fill(self) -> None:
        butler = self.butler
        for name, (names, storage, calibration) in TYPES.items():
            unheard = StorageClass(storage, pytype=dict) if storage.startswith("_") else storage
            butler.registry.registerDatasetType(
                DatasetType(
                    name, butler.dimensions.conform(names), storageClass=unheard, isCalibration=calibration
                )
            )
        self._runs()
        self._tags()
        self._calibrations()
        for chain, children in CHAINS.items():
            butler.collections.register(chain, CollectionType.CHAINED, doc=f"search path '{chain}'")
            butler.collections.redefine_chain(chain, children)
        self._stray()

    def _insert(self, dataset_type: str, run: str, data_ids: list[dict[str, Any]]) -> list[DatasetRef]:
        self.butler.collections.register(run, CollectionType.RUN)
        chosen = [data_id for data_id in data_ids if self.random.random() < self.share]
        if not chosen:
            return []
        return self.butler.registry.insertDatasets(dataset_type, chosen, run=run)

    def _ids(self, *names: str, **where: Any) -> list[dict[str, Any]]:
        """Data IDs of these dimensions, in an order that the database does not decide."""
        with self.butler.query() as query:
            if where:
                query = query.where(where)
            found = [dict(data_id.required) for data_id in query.data_ids(names)]
        return sorted(found, key=lambda data_id: [str(value) for value in data_id.values()])

    def _runs(self) -> None:
        for instrument in INSTRUMENTS:
            raws = self._ids("exposure", "detector", instrument=instrument)
            self._insert("raw", f"{instrument[:3]}/raw/all", raws)
            visits = self._ids("visit", instrument=instrument)
            both = self._ids("visit", "detector", instrument=instrument)
            for run in ("w01", "w02"):
                self._insert("calexp", f"{instrument[:3]}/runs/{run}", both)
                self._insert("src", f"{instrument[:3]}/runs/{run}", both)
            self._insert("visitSummary", "HSC/runs/w01", visits)
            self._insert("mystery", "HSC/runs/w01", visits)
            self._insert("calexp", ODD_RUN, both)
            time.sleep(0.002)
        for data_id in self._ids("visit", instrument=INSTRUMENTS[0])[:3]:
            self.butler.put({"visit": data_id["visit"]}, "visitSummary", data_id, run=FILED)
        for skymap in SKYMAPS:
            patches = self._ids("skymap", "tract", "patch", "band", skymap=skymap)
            self._insert("deepCoadd", "HSC/runs/w01", patches)
            self._insert("deepCoadd", "HSC/runs/w02", patches[::2])
            self._insert("skyMap", "skymaps", [{"skymap": skymap}])
        overlaps = self._ids(
            "visit", "skymap", "tract", "patch", instrument=INSTRUMENTS[0], skymap=SKYMAPS[0]
        )
        self._insert("Warp", "HSC/runs/w02", overlaps)
        # Around RA 0 and RA 10, Dec 0, and one on the other side of the sky.
        pixelization = self.butler.dimensions.skypix_dimensions["htm7"].pixelization
        from .observatory import polygon

        pixels = {131072}
        for ra in (-0.4, 9.8):
            for begin, end in pixelization.envelope(polygon(ra, -0.3, 0.6, 0.6)):
                pixels.update(range(begin, end))
        self._insert("gaia_dr3", "refcats", [{"htm7": pixel} for pixel in sorted(pixels)])
        for run in ("HSC/runs/w01", "HSC/runs/w02", ODD_RUN):
            self._insert("packages", run, [{}])

    def _tags(self) -> None:
        butler = self.butler
        butler.collections.register("HSC/tagged/best", CollectionType.TAGGED, doc="hand-picked")
        butler.collections.register("u/empty", CollectionType.TAGGED)
        butler.collections.register("u/emptyRun", CollectionType.RUN)
        for name, run in (("calexp", "HSC/runs/w01"), ("raw", "HSC/raw/all"), ("packages", "HSC/runs/w01")):
            refs = butler.query_datasets(name, run, limit=None, explain=False)
            refs = [ref for ref in sorted(refs, key=_by_data_id) if self.random.random() < 0.5]
            butler.registry.associate("HSC/tagged/best", refs)

    def _calibrations(self) -> None:
        """Epochs with a gap between the second and the third, open at both ends; some of the first epoch's
        are certified a second time, far in the future and in another collection."""
        butler = self.butler
        for collection in ("HSC/calib", "HSC/calib/alt"):
            butler.collections.register(collection, CollectionType.CALIBRATION, doc=collection)
        first, gap, after, late = span(2).begin, span(3).begin, span(4).begin, span(1000).begin
        epochs = [Timespan(None, first), Timespan(first, gap), Timespan(after, None)]
        for name, names in (
            ("flat", ("physical_filter", "detector")),
            ("bias", ("detector",)),
            ("camera", ("instrument",)),
        ):
            data_ids = [one for i in INSTRUMENTS for one in self._ids(*names, instrument=i)]
            for number, epoch in enumerate(epochs):
                refs = self._insert(name, f"HSC/calib/gen/e{number}", data_ids)
                if number == 2 and refs:
                    epoch = Timespan(after, late) if name == "camera" else epoch
                if refs:
                    butler.registry.certify("HSC/calib", refs, epoch)
                if refs and number == 0:
                    butler.registry.certify("HSC/calib", refs[::2], Timespan(gap, after))
                    butler.registry.certify("HSC/calib/alt", refs[::3], Timespan(None, None))

    def _stray(self) -> None:
        """Exposures that share their numbers but not their times are in the seed's records; here: data IDs
        that exist without any dataset, and runs that are in no chain."""
        self.butler.collections.register("zz/last", CollectionType.RUN)
        self.butler.collections.register("Zz/First", CollectionType.RUN, doc="capital letters sort first")


def _by_data_id(ref: DatasetRef) -> list[str]:
    return [str(value) for value in ref.dataId.required_values]


def every(repository: Repository) -> dict[str, int]:
    """How many datasets of each type there are: a summary for failures and for reports."""
    butler = repository.butler()
    runs = butler.collections.query("*", collection_types=CollectionType.RUN)
    found = {}
    for name in TYPES:
        with butler.query() as query:
            found[name] = query.datasets(name, runs, find_first=False).count()
    return found
