"""The dimension records: real exports of real observations, and what is derived around them.

Real, imported unchanged from the registry exports that lsst-daf-butler ships: HSC with 11 visits, 16
detectors, 33 detector regions, 33 calexps (unfiled: their files are not part of the export) and its tract;
LSSTCam with two exposures and visits, whose ids pass 2**31.

Derived for HSC, because the exports lack them: visit_system, group, exposure (time and metadata of its
visit), visit_definition, visit_system_membership, and the 16 x 16 patches of the real tract. What an
exposure has and a visit has not (tracking_ra, tracking_dec, sky_angle) is left NULL and not invented.
"""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import Any

from lsst.sphgeom import ConvexPolygon, UnitVector3d, Vector3d

EXPORTS = ("ci_hsc-subset.yaml", "ci_hsc-subset-skymap.yaml", "lsstcam-subset.yaml")
REAL_RUN = "HSC/runs/ci_hsc/20240806T180642Z"  # of the imported calexps
INSTRUMENT = "HSC"
SKYMAP = "discrete/ci_hsc"
TRACT = 0
PATCHES_PER_SIDE = 16
VISIT_SYSTEM = 0


def import_exports(butler: Any) -> None:
    """Import the real records, and the real datasets without their files."""
    exports = files("lsst.daf.butler.tests") / "registry_data"
    for name in EXPORTS:
        with as_file(exports / name) as export:
            # without_datastore: the rows become datasets of the registry that no datastore knows.
            butler.import_(filename=str(export), without_datastore=True)


def derive_exposures(butler: Any) -> None:
    """One exposure for every HSC visit, in the order in which the records refer to each other."""
    visits = butler.query_dimension_records("visit", instrument=INSTRUMENT)
    registry = butler.registry
    registry.insertDimensionData(
        "visit_system", {"instrument": INSTRUMENT, "id": VISIT_SYSTEM, "name": "one-to-one"}
    )
    # HSC names the group of a lone exposure after the exposure itself.
    registry.insertDimensionData("group", *({"instrument": INSTRUMENT, "name": str(v.id)} for v in visits))
    registry.insertDimensionData("exposure", *(_exposure(visit) for visit in visits))
    registry.insertDimensionData(
        "visit_definition", *({"instrument": INSTRUMENT, "exposure": v.id, "visit": v.id} for v in visits)
    )
    registry.insertDimensionData(
        "visit_system_membership",
        *({"instrument": INSTRUMENT, "visit_system": VISIT_SYSTEM, "visit": v.id} for v in visits),
    )


def _exposure(visit: Any) -> dict[str, Any]:
    return {
        "instrument": INSTRUMENT,
        "id": visit.id,
        "day_obs": visit.day_obs,
        "group": str(visit.id),
        "physical_filter": visit.physical_filter,
        "obs_id": visit.name,
        "exposure_time": visit.exposure_time,
        "dark_time": visit.exposure_time,
        "observation_type": "science",
        "observation_reason": visit.observation_reason,
        "seq_num": visit.seq_num,
        "seq_start": visit.seq_num,
        "seq_end": visit.seq_num,
        "target_name": visit.target_name,
        "science_program": visit.science_program,
        "azimuth": visit.azimuth,
        "zenith_angle": visit.zenith_angle,
        "has_simulated": True,  # the raws of this repository are
        "can_see_sky": True,
        "timespan": visit.timespan,
    }


def derive_patches(butler: Any) -> None:
    """Lay 16 x 16 patches over the real tract; ids run along x first, x towards smaller right ascension."""
    (tract,) = butler.query_dimension_records("tract", skymap=SKYMAP, tract=TRACT)
    south_west, south_east, north_east, north_west = tract.region.getVertices()
    side = PATCHES_PER_SIDE

    def corner(x: int, y: int) -> Any:
        """The grid point x steps west and y steps north, by bilinear interpolation between the vertices."""
        west, north = x / side, y / side
        weights = (
            (south_east, (1 - west) * (1 - north)),
            (south_west, west * (1 - north)),
            (north_east, (1 - west) * north),
            (north_west, west * north),
        )
        total = Vector3d()
        for vertex, weight in weights:
            total = total + Vector3d(vertex) * weight
        return UnitVector3d(total)

    butler.registry.insertDimensionData(
        "patch", *(_patch(x, y, corner) for y in range(side) for x in range(side))
    )


def _patch(x: int, y: int, corner: Any) -> dict[str, Any]:
    corners = [corner(x, y), corner(x, y + 1), corner(x + 1, y + 1), corner(x + 1, y)]
    return {
        "skymap": SKYMAP,
        "tract": TRACT,
        "id": y * PATCHES_PER_SIDE + x,
        "cell_x": x,
        "cell_y": y,
        "region": ConvexPolygon.convexHull(corners),
    }
