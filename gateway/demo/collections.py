"""What a user searches: the TAGGED collection and the chains.

Derived. `HSC/defaults` is the search order of someone who asks for HSC data and names no collection: our
runs, newest first, then raws, calibrations, and the imported run with the real calexps. `HSC/tagged/best`
is a choice by hand across runs, so that one data ID has another version there than the chains find first.
"""

from __future__ import annotations

from typing import Any

from lsst.daf.butler import CollectionType  # type: ignore[attr-defined]  # its package forgets to list it

from gateway.demo import calibrations, observations
from gateway.demo.execution import CAMPAIGNS
from gateway.demo.records import INSTRUMENT, REAL_RUN

BEST = "HSC/tagged/best"
ALL_RUNS = "HSC/runs/all"
DEFAULTS = "HSC/defaults"
LSSTCAM_DEFAULTS = "LSSTCam/defaults"


def tag(butler: Any) -> None:
    """Tag the raws of the i band and, for the r band, the real calexps; of our frames a mix of both runs."""
    first, second = (campaign.run for campaign in CAMPAIGNS)
    butler.collections.register(BEST, CollectionType.TAGGED)
    for name, run, band in (
        ("raw", observations.RUNS[INSTRUMENT], "i"),
        ("demo_calexp", first, "i"),
        ("demo_calexp", second, "r"),
        ("calexp", REAL_RUN, "r"),
    ):
        refs = butler.query_datasets(
            name,
            [run],
            where="instrument = hsc AND band = b",
            bind={"hsc": INSTRUMENT, "b": band},
            limit=None,
        )
        butler.registry.associate(BEST, refs)


def chain(butler: Any) -> None:
    """Define the chains."""
    raw = observations.RUNS
    for name, children in (
        (ALL_RUNS, [campaign.run for campaign in reversed(CAMPAIGNS)]),
        (DEFAULTS, [ALL_RUNS, raw[INSTRUMENT], calibrations.COLLECTION, REAL_RUN, "skymaps"]),
        (LSSTCAM_DEFAULTS, [raw["LSSTCam"]]),
    ):
        butler.collections.register(name, CollectionType.CHAINED)
        butler.collections.redefine_chain(name, children)
