"""Random questions about associations: parents that are there and parents that are not, ties named and left out."""

from __future__ import annotations

from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from adapters.question import Kinship, Related, RelatedDataIds

from .questions import Vocabulary, constraints, maybe, orders, searched

SOURCES = (
    "raw",
    "raw",
    "calexp",
    "visitSummary",
    "flat",
    "flat",
    "bias",
    "camera",
    "deepCoadd",
    "gaia_dr3",
    "Warp",
    "skyMap",
)
TARGETS = (
    "raw",
    "calexp",
    "src",
    "visitSummary",
    "flat",
    "bias",
    "camera",
    "deepCoadd",
    "gaia_dr3",
    "Warp",
    "skyMap",
    "mystery",
    "neverStored",
)
LIKELY = {
    "raw": ("flat", "bias", "camera", "calexp", "deepCoadd", "visitSummary", "raw"),
    "calexp": ("flat", "deepCoadd", "src", "raw", "calexp", "gaia_dr3"),
    "visitSummary": ("calexp", "flat", "deepCoadd", "raw"),
    "flat": ("raw", "calexp", "visitSummary", "mystery", "bias"),
    "bias": ("raw", "calexp"),
    "camera": ("raw", "visitSummary"),
    "deepCoadd": ("calexp", "raw", "visitSummary", "deepCoadd", "skyMap", "gaia_dr3"),
}
PATHS = (
    ("u/search",),
    ("outer",),
    ("u/split", "HSC/defaults"),
    ("HSC/calib", "u/split"),
    ("HSC/defaults", "HSC/calib/alt"),
)
BARE = (
    ("instrument", "exposure"),
    ("instrument", "visit"),
    ("instrument", "detector", "visit"),
    ("instrument", "detector", "exposure"),
    ("skymap", "tract", "patch"),
    ("skymap", "tract"),
    ("instrument", "detector", "skymap", "tract", "patch"),
    ("instrument", "exposure", "skymap", "tract", "patch"),
    ("instrument", "detector", "skymap", "tract"),
    ("instrument", "exposure", "detector", "skymap", "tract"),
    ("instrument", "physical_filter", "detector", "skymap", "tract", "patch"),
    ("instrument", "visit_system", "skymap", "tract"),
)


@st.composite
def related(
    draw: st.DrawFn, words: Vocabulary, rows: dict[str, list[dict[str, Any]]], most: int = 12
) -> Related:
    """``rows``: every dataset by type."""
    universe = words.judge.butler.dimensions
    bare = draw(st.integers(0, 5)) == 5
    source = None if bare else draw(st.sampled_from([name for name in SOURCES if name in rows]))
    ids: tuple[str, ...] = ()
    if source is None:
        named = set(draw(st.sampled_from(BARE)))
        group = universe.conform(named)
        data_ids = words.judge.butler.query_data_ids(group, explain=False, limit=None)
        known = sorted((tuple(one.required_values) for one in data_ids), key=str)
        keys = tuple(draw(st.lists(st.sampled_from(known), min_size=1, max_size=most, unique=True)))
    else:
        group = words.judge.types[source].dimensions
        chosen = draw(
            st.lists(st.sampled_from(rows[source]), min_size=1, max_size=most, unique_by=lambda r: r["id"])
        )
        ids = tuple(row["id"] for row in chosen)
        keys = tuple(tuple(row[d] for d in group.required) for row in chosen)
    likely = LIKELY.get(source or "", TARGETS)
    names = st.sampled_from(likely) if draw(st.integers(0, 3)) else st.sampled_from(TARGETS)
    types = tuple(draw(st.lists(names, min_size=1, max_size=2, unique=True)))
    if draw(st.integers(0, 7)) == 7:
        types = (draw(st.sampled_from(["[!gW]*", "c*", "*a*", "[a-f]*", "?ias"])),)
    found = words.judge.named(types, words.judge.types)
    groups = [words.judge.types[name].dimensions for name in found]
    shared = universe.conform(set.intersection(*(set(g.names) for g in groups)) if groups else ())
    given = draw(st.lists(constraints(words, shared, True), max_size=1)) if shared.names else []
    by = maybe(draw, st.sampled_from([k for k in Kinship if k is not Kinship.PROVENANCE]), 2)
    both = {source, *found}
    # Which of a warp's two regions is meant Butler refuses to guess, and so does the judge.
    assume("Warp" not in both or not ("gaia_dr3" in both or by is Kinship.SPATIAL))
    return Related(
        tuple(group.required),
        keys,
        types,
        source,
        ids,
        by,
        draw(st.sampled_from(PATHS) | searched(2)),
        tuple(given),
        draw(st.sampled_from([None, None, True, False])),
        None,
        draw(orders(words, shared, True)),
    )


TIED = (
    (("instrument", "visit"), ("exposure",)),
    (("instrument", "exposure"), ("visit",)),
    (("instrument", "visit"), ("exposure", "detector")),
    (("instrument", "exposure", "detector"), ("visit", "detector")),
    (("instrument", "visit", "detector"), ("patch",)),
    (("instrument", "visit", "detector"), ("tract",)),
    (("instrument", "visit"), ("patch",)),
    (("instrument", "visit"), ("patch", "band")),
    (("instrument", "visit"), ("detector", "patch")),
    (("instrument", "visit"), ("tract", "physical_filter")),
    (("instrument", "visit"), ("exposure", "patch")),
    (("instrument", "visit", "detector"), ("exposure", "tract", "detector")),
    (("instrument", "visit"), ("visit", "patch")),
    (("instrument", "visit", "detector"), ("visit", "patch")),
    (("instrument", "visit"), ("visit", "detector", "patch")),
    (("instrument", "visit"), ("visit", "detector")),
    (("instrument", "visit"), ("visit_system",)),
    (("instrument", "exposure"), ("group",)),
    (("instrument", "exposure"), ("exposure", "visit")),
    (("instrument", "exposure"), ("visit", "patch")),
    (("skymap", "tract", "patch"), ("visit",)),
    (("skymap", "tract", "patch"), ("visit", "detector")),
    (("skymap", "tract", "patch"), ("visit", "tract")),
    (("skymap", "tract", "patch"), ("visit", "band")),
    (("skymap", "tract"), ("patch",)),
    (("skymap", "tract"), ("visit", "patch")),
    (("skymap",), ("tract",)),
    (("instrument",), ("visit",)),
    (("instrument", "physical_filter"), ("visit",)),
    (("instrument", "physical_filter"), ("exposure", "detector")),
    (("instrument", "detector", "skymap", "tract", "patch"), ("visit", "detector")),
    (("instrument", "detector", "skymap", "tract", "patch"), ("visit",)),
    (("instrument", "detector", "skymap", "tract"), ("visit", "detector")),
    (("instrument", "exposure", "skymap", "tract", "patch"), ("visit", "detector")),
    (("instrument", "exposure", "skymap", "tract", "patch"), ("visit", "exposure")),
    (("instrument", "exposure", "skymap", "tract"), ("visit",)),
    (("instrument", "exposure", "detector", "skymap", "tract", "patch"), ("visit", "detector")),
    (("instrument", "physical_filter", "detector", "skymap", "tract"), ("visit", "detector")),
    (("instrument", "visit_system", "skymap", "tract"), ("visit", "detector")),
    (("instrument", "visit", "skymap", "tract", "patch"), ("visit", "detector")),
    (("instrument", "visit", "skymap", "tract", "patch"), ("detector",)),
    (("instrument", "visit", "skymap", "tract", "patch"), ("exposure", "detector")),
    (("instrument", "visit", "skymap", "tract", "patch"), ("exposure",)),
    (("instrument", "visit", "skymap", "tract"), ("patch",)),
    (("instrument", "visit", "skymap", "tract"), ("detector",)),
    (("instrument", "visit", "detector", "skymap", "tract"), ("patch",)),
    (("instrument", "visit", "detector", "skymap", "tract"), ("visit",)),
)
"""Pairs of dimensions that Butler's ``query_data_ids`` joins."""


@st.composite
def related_data_ids(draw: st.DrawFn, words: Vocabulary, most: int = 8) -> RelatedDataIds:
    universe = words.judge.butler.dimensions
    known_names = universe.dimensions.names
    pairs = [pair for pair in TIED if set(pair[1]) <= set(known_names)]
    dimensions, wanted = draw(st.sampled_from(pairs))
    group, target = universe.conform(dimensions), universe.conform(wanted)
    data_ids = words.judge.butler.query_data_ids(group, explain=False, limit=None)
    known = sorted((tuple(one.required_values) for one in data_ids), key=str)
    keys = tuple(draw(st.lists(st.sampled_from(known), min_size=1, max_size=most, unique=True)))
    given = tuple(draw(st.lists(constraints(words, target), max_size=1)))
    return RelatedDataIds(tuple(group.required), keys, wanted, given)
