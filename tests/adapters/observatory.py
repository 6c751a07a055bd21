"""Dimension records of two small observatories and two sky maps, drawn from a seed.

They hold what trips readers of a registry up: ids beyond 2^31 and the same ids in two instruments, a visit of
two exposures, an exposure in two visits of two visit systems, exposures in no visit, NULL fields, times and
regions, regions across RA 0, and names with quotes, percent signs, underscores, brackets and accents.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from astropy.time import Time, TimeDelta
from lsst.daf.butler import Butler, DimensionUniverse, Timespan
from lsst.sphgeom import ConvexPolygon, LonLat, UnitVector3d

Record = dict[str, Any]

NIGHT = Time("2024-02-29T22:00:00.123456789", format="isot", scale="tai")
"""When the first exposure begins, to the nanosecond. Exposures follow every 100 seconds."""

INSTRUMENTS = ("HSC", "Cam'%_[x]é")
SKYMAPS = ("rings_v1", "Discrete%[2]")
DAYS = (20240229, 20240301)
_FILTERS = (("HSC-R", "r"), ("HSC-I2", "i"), ('näïve"%r', "r"))
_NAMES = ("0_A'", "1%B", "a_b[2]", "Zürich", "zz", "Ab c")


def polygon(ra: float, dec: float, width: float, height: float) -> ConvexPolygon:
    """A box on the sky with great circles for sides; ``ra`` may be negative (across RA 0)."""
    corners = [(0, 0), (1, 0), (1, 1), (0, 1)]
    return ConvexPolygon(
        [UnitVector3d(LonLat.fromDegrees((ra + x * width) % 360.0, dec + y * height)) for x, y in corners]
    )


def span(index: int, seconds: float = 60.0, count: int = 1) -> Timespan:
    """The time of the exposure with this index, or of ``count`` of them."""
    begin = NIGHT + TimeDelta(100.0 * index, format="sec", scale="tai")
    length = TimeDelta(100.0 * (count - 1) + seconds, format="sec", scale="tai")
    return Timespan(begin, begin + length)


class Observatory:
    """Draws the records and inserts them in the order in which they depend on one another."""

    def __init__(self, universe: DimensionUniverse, random: Random, exposures: int = 7) -> None:
        self.universe = universe
        self.random = random
        self.exposures = exposures
        self.records: dict[str, list[Record]] = {}

    def fill(self, butler: Butler) -> None:
        for instrument, name in enumerate(INSTRUMENTS):
            self._instrument(name)
            self._observations(name, 0 if instrument else 2**31 + 10**6)
        self._sky()
        for element, records in self.records.items():
            butler.registry.insertDimensionData(element, *records)

    def _add(self, element: str, **record: Any) -> None:
        """Keep a record without the fields that this universe lacks; some nullable ones become NULL."""
        known = self.universe.elements.names
        if element not in known:
            return
        schema = self.universe[element].schema
        keep = {name: value for name, value in record.items() if name in schema.names}
        self.records.setdefault(element, []).append(keep)

    def _maybe(self, value: Any, null: float = 0.3) -> Any:
        return None if self.random.random() < null else value

    def _instrument(self, name: str) -> None:
        self._add(
            "instrument", name=name, visit_max=2**40, exposure_max=2**40, detector_max=10, visit_system=1
        )
        for day in DAYS:
            at = 0 if day == DAYS[0] else 4
            self._add("day_obs", instrument=name, id=day, timespan=self._maybe(span(at, count=4), 0.1))
        for physical_filter, band in _FILTERS:
            self._add("physical_filter", instrument=name, name=physical_filter, band=band)
        for detector in range(3):
            self._add(
                "detector",
                instrument=name,
                id=detector,
                full_name=_NAMES[detector],
                raft=self._maybe(self.random.choice(_NAMES)),
                purpose=self.random.choice(["SCIENCE", "GUIDE"]),
            )
        for system, label in enumerate(("one-to-one", "by-group")):
            self._add("visit_system", instrument=name, id=system, name=label)

    def _observations(self, name: str, base: int) -> None:
        random = self.random
        for index in range(self.exposures):
            exposure = base + index
            chosen = random.choice(_FILTERS)[0] if index > 1 else _FILTERS[0][0]
            day = DAYS[index >= 4]
            dark = index >= self.exposures - 2
            group = f"{name[:3]}-{index // 2}%"
            self._add("group", instrument=name, name=group) if index % 2 == 0 else None
            self._add(
                "exposure",
                instrument=name,
                id=exposure,
                obs_id=f"{name[:4]}{index}{random.choice(_NAMES)}",
                physical_filter=chosen,
                group=group,
                group_name=group,
                group_id=index // 2,
                day_obs=day,
                seq_num=index % 4,
                seq_start=self._maybe(index % 4),
                exposure_time=random.choice([30.0, 30.0, 15.5]),
                dark_time=self._maybe(31.25),
                observation_type="dark" if dark else "science",
                observation_reason=self._maybe(random.choice(["sciençe", "x_y", "X%y"])),
                target_name=self._maybe(random.choice(_NAMES)),
                science_program=random.choice(["p1", "P2"]),
                tracking_ra=None if dark else self._maybe(random.choice([359.9, 0.1, 10.0])),
                tracking_dec=None if dark else -0.5,
                zenith_angle=self._maybe(random.choice([10.0, 45.0, 20.25])),
                has_simulated=self._maybe(random.random() < 0.5),
                can_see_sky=not dark,
                timespan=None if index == self.exposures - 1 else span(index),
            )
            if not dark:
                self._visit(name, exposure, [index], base, chosen, day, systems=[0] if index < 2 else [0, 1])
        # Snaps: a visit of two exposures, each of which has a visit of its own in the other system.
        self._visit(name, base + 100, [0, 1], base, _FILTERS[0][0], DAYS[0], systems=[1])

    def _visit(
        self, name: str, visit: int, indices: list[int], base: int, chosen: str, day: int, systems: list[int]
    ) -> None:
        random = self.random
        ra, dec = random.choice([(-0.3, -0.2), (-0.1, -0.1), (0.2, -0.3), (9.9, -0.1)])
        self._add(
            "visit",
            instrument=name,
            id=visit,
            name=f"{visit}{random.choice(_NAMES)}",
            physical_filter=chosen,
            day_obs=day,
            seq_num=self._maybe(indices[0]),
            exposure_time=30.0 * len(indices),
            target_name=self._maybe(random.choice(_NAMES)),
            observation_reason=self._maybe("sciençe"),
            science_program=random.choice(["p1", "P2"]),
            azimuth=self._maybe(random.choice([10.0, 200.5])),
            zenith_angle=self._maybe(random.choice([10.0, 45.0])),
            timespan=span(indices[0], count=len(indices)),
            region=self._maybe(polygon(ra, dec, 0.45, 0.2), 0.1),
        )
        for index in indices:
            self._add("visit_definition", instrument=name, exposure=base + index, visit=visit)
        for system in systems:
            self._add("visit_system_membership", instrument=name, visit=visit, visit_system=system)
        for detector in range(3):
            if random.random() < 0.85:
                region = polygon(ra + 0.15 * detector, dec, 0.14, 0.2)
                self._add(
                    "visit_detector_region", instrument=name, visit=visit, detector=detector, region=region
                )

    def _sky(self) -> None:
        for number, skymap in enumerate(SKYMAPS):
            digest = bytes([number + 1]) * 40
            self._add("skymap", name=skymap, hash=digest, tract_max=10, patch_nx_max=2, patch_ny_max=2)
            for tract, (ra, dec) in enumerate([(-0.4, -0.4), (9.7, -0.3)]):
                size = 0.8 - 0.2 * number
                region = polygon(ra, dec, size, size)
                self._add("tract", skymap=skymap, id=tract, region=region)
                for patch, (x, y) in enumerate(_grid(2)):
                    half = size / 2
                    self._add(
                        "patch",
                        skymap=skymap,
                        tract=tract,
                        id=patch,
                        cell_x=x,
                        cell_y=y,
                        region=polygon(ra + x * half, dec + y * half, half, half),
                    )


def _grid(side: int) -> Iterator[tuple[int, int]]:
    return ((x, y) for y in range(side) for x in range(side))
