"""An ObsCore table of a Butler repository, made from what the direct adapter answers."""

from __future__ import annotations

import asyncio
from typing import Any

from adapters import instant, region
from adapters.butler import open_repository
from adapters.caller import Call
from adapters.protocol import Repository, Settings
from adapters.question import Datasets, Regions, Timespans

IVOID = "ivo://org.example/data?repo={repository}&id={id}"
CALL = Call()
COLUMNS = {
    "instrument": "instrument_name",
    "day_obs": "lsst_day_obs",
    "exposure": "lsst_exposure",
    "visit": "lsst_visit",
    "detector": "lsst_detector",
    "skymap": "lsst_skymap",
    "tract": "lsst_tract",
    "patch": "lsst_patch",
    "band": "lsst_band",
    "physical_filter": "lsst_filter",
}
TARGETS = (
    "M 31",
    "O'Neil's star",
    "50% off",
    "under_score",
    "underXscore",
    'say "x"',
    "naïve é",
    "*",
    "a;--b",
    None,
)
"""Names of targets that mean something to a query language, or do not."""


def dashed(id: str) -> str:
    return "-".join((id[:8], id[8:12], id[12:16], id[16:20], id[20:]))


def table(label: str, uri: str) -> list[dict[str, Any]]:
    """Rows by column: every dataset of the repository, once."""

    async def made() -> list[dict[str, Any]]:
        opened = open_repository(label, Settings(uri))
        try:
            return await _table(opened)
        finally:
            await opened.close()

    return asyncio.run(made())


async def _table(opened: Repository) -> list[dict[str, Any]]:
    every = Datasets(("*",), ("*",), find_first=False)
    rows = await opened.ask(every.paged(100_000), CALL)
    assert not rows.more
    found = []
    for number, row in enumerate(sorted(rows.rows, key=lambda row: row[0])):
        info = rows.types[row[rows.index("type")]]
        made: dict[str, Any] = {
            "dataproduct_type": "image" if info.storage_class.startswith("Exposure") else None,
            "dataproduct_subtype": info.name,
            "calib_level": 1 + number % 3,
            "obs_collection": row[rows.index("run")],
            "obs_publisher_did": IVOID.replace("{repository}", opened.name).replace("{id}", dashed(row[0])),
            "obs_id": "-".join(str(row[rows.index(name)]) for name in info.required) or None,
            "target_name": TARGETS[number % len(TARGETS)],
            "access_url": f"https://archive.example/data/{row[0]}.fits" if number % 4 else None,
            "access_format": "application/fits",
            "access_estsize": number,
            "t_exptime": number / 10,
        }
        for name, column in COLUMNS.items():
            if name in rows.places:
                made[column] = row[rows.index(name)]
        found.append((info, row, made))
    await _places(opened, rows.places, found)
    return [made for _, _, made in found]


async def _places(opened: Repository, places: Any, found: list[Any]) -> None:
    """s_region, t_min and t_max, of all data IDs that have the same dimensions together."""
    alike: dict[tuple[str, ...], list[Any]] = {}
    for info, row, made in found:
        alike.setdefault(info.required, []).append((tuple(row[places[name]] for name in info.required), made))
    for required, own in alike.items():
        keys = tuple(key for key, _ in own)
        for parent, _, text in (await opened.ask(Regions(required, keys), CALL)).rows:
            described = region.describe(text)
            made = own[parent][1]
            made["s_region"] = described.vertices
            made["s_ra"], made["s_dec"] = described.ra, described.dec
        for parent, _, begin, end in (await opened.ask(Timespans(required, keys), CALL)).rows:
            made = own[parent][1]
            if begin is not None and end is not None:
                made["t_min"], made["t_max"] = instant.to_mjd(begin, "UTC"), instant.to_mjd(end, "UTC")
