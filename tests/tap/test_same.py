"""Every kind of question to the TAP service equals what the direct adapter answers over the repository that its table was made from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapters import instant, region
from adapters.question import (
    Among,
    Constraint,
    DataIds,
    Datasets,
    DatasetsById,
    Kinship,
    Op,
    Regions,
    Related,
    Sky,
    Span,
    Timespans,
)
from adapters.rows import Rows

from .asking import Opened
from .obscore import IVOID, dashed

MICROSECOND = 1_000
EVERY = Datasets(("*",), ("*",), find_first=False)


def only(*constraints: Constraint, types: tuple[str, ...] = ("*",), **more: Any) -> Datasets:
    return replace(EVERY, types=types, constraints=constraints, **more)


def eq(name: str, value: Any) -> Constraint:
    return Constraint(name, Op.EQ, value)


QUESTIONS = {
    "everything": EVERY,
    "one type": only(types=("raw",)),
    "globs of types": only(types=("c*", "?aw", "[s-z]*")),
    "one collection": replace(EVERY, collections=("HSC/runs/w01",)),
    "globs of collections": replace(EVERY, collections=("HSC/runs/w*", "HSC/calib/gen/e[!0]")),
    "a value": only(eq("instrument", "HSC"), types=("raw",)),
    "numbers": only(
        Constraint("detector", Op.GE, 1), Constraint("detector", Op.LT, 3), types=("raw", "calexp")
    ),
    "not a value": only(Constraint("band", Op.NE, "r"), types=("raw", "flat")),
    "some values": only(Constraint("band", Op.IN, ("r", "i", "none")), types=("calexp", "deepCoadd")),
    "no values": only(Constraint("band", Op.IN, ()), types=("calexp",)),
    "a glob": only(Constraint("physical_filter", Op.GLOB, "HSC-*"), types=("raw", "flat")),
    "a glob with a class": only(Constraint("physical_filter", Op.GLOB, "[!n]*-[RG]"), types=("raw", "flat")),
    "a type without the dimension": only(eq("tract", 0), types=("deepCoadd",)),
    "a circle": only(types=("calexp", "deepCoadd"), sky=Sky("CIRCLE 0 0 0.2")),
    "a point": only(types=("calexp", "visitSummary"), sky=Sky("CIRCLE 359.99 -0.01 0")),
    "a polygon": only(types=("calexp", "src", "deepCoadd"), sky=Sky("POLYGON 359.8 -0.2 0.1 -0.2 0.1 0.1")),
    "a range": only(types=("calexp", "deepCoadd"), sky=Sky("RANGE 0 0.3 -0.3 0")),
    "a wide range": only(types=("calexp", "deepCoadd"), sky=Sky("RANGE -inf +inf -0.1 90")),
    "elsewhere": only(types=("calexp",), sky=Sky("CIRCLE 180 -45 3")),
    "among one name": only(types=("raw",), among=Among(("detector",), ((0,), (2,)))),
    "among two names": only(
        types=("calexp",), among=Among(("instrument", "detector"), (("HSC", 0), ("HSC", 1), ("Cam", 2)))
    ),
    "among nothing": only(types=("calexp",), among=Among((), ())),
}


def ivoids(opened: Opened, rows: Rows) -> set[str]:
    template = IVOID.replace("{repository}", opened.repository.name)
    found = [template.replace("{id}", dashed(row[rows.index("id")])) for row in rows.rows]
    assert len(found) == len(set(found)), "a dataset twice"
    return set(found)


@pytest.mark.parametrize("name", QUESTIONS)
def test_datasets_are_those_of_the_repository(name: str, tap: Opened, butler: Opened) -> None:
    question = QUESTIONS[name].paged(10_000)
    ours, theirs = tap.ask(question), butler.ask(question)
    assert not ours.more
    assert ivoids(tap, ours) == ivoids(butler, theirs)
    assert tap.count(question) == len(theirs.rows)


def test_rows_say_what_the_repository_says(tap: Opened, butler: Opened) -> None:
    ours, theirs = (
        one.ask(only(types=("calexp", "flat", "deepCoadd")).paged(10_000)) for one in (tap, butler)
    )
    shared = [c.name for c in theirs.columns if c.name in ours.places and c.name != "ingest_date"]
    assert {"id", "type", "run", "instrument", "visit", "detector", "patch", "band"} <= set(shared)

    def values(rows: Rows) -> set[Any]:
        return {tuple(row[rows.index(name)] for name in shared) for row in rows.rows}

    assert values(ours) == values(theirs)


def moments(butler: Opened) -> list[Span]:
    """Ranges around, inside and between the times of exposures."""
    rows = butler.ask(only(types=("raw",)).paged(10_000))
    info = rows.types["raw"]
    keys = tuple({tuple(row[rows.index(name)] for name in info.required) for row in rows.rows})
    ends = sorted({(row[2], row[3]) for row in butler.ask(Timespans(info.required, keys)).rows})
    (first, _), (begin, end) = ends[0], ends[len(ends) // 2]
    middle = (begin + end) // 2
    return [
        Span(begin, end),
        Span(middle, middle + 1),
        Span(None, end),
        Span(end, None),
        Span(None, first),
        Span(first, middle),
        Span(end + instant.SECOND, end + 2 * instant.SECOND),
        Span(None, None),
    ]


def test_time_is_that_of_the_repository(tap: Opened, butler: Opened) -> None:
    found = 0
    for span in moments(butler):
        question = only(types=("raw", "calexp", "visitSummary"), time=span).paged(10_000)
        theirs = ivoids(butler, butler.ask(question))
        assert ivoids(tap, tap.ask(question)) == theirs, span
        found += len(theirs)
    assert found


def keyed(opened: Opened, rows: Rows) -> dict[str, tuple[Any, ...]]:
    """Data IDs of datasets, by id."""
    found = {}
    for row in rows.rows:
        info = rows.types[row[rows.index("type")]]
        found[row[rows.index("id")]] = tuple(row[rows.index(name)] for name in info.required)
    return found


@pytest.mark.parametrize("type", ["raw", "calexp", "deepCoadd", "flat"])
def test_regions_and_times_are_those_of_the_repository(type: str, tap: Opened, butler: Opened) -> None:
    answers = []
    for opened in (tap, butler):
        rows = opened.ask(only(types=(type,)).paged(10_000))
        (info,) = rows.types.values()
        data_ids = keyed(opened, rows)
        ids, keys = list(data_ids), tuple(data_ids.values())
        areas = {
            ids[row[0]]: region.describe(row[2]) for row in opened.ask(Regions(info.required, keys)).rows
        }
        spans = {ids[row[0]]: row[2:] for row in opened.ask(Timespans(info.required, keys)).rows}
        answers.append((areas, spans))
    (areas, spans), (theirs, whens) = answers
    if type == "flat":
        assert not areas and not spans
        return
    # Data IDs that several datasets share were asked for once each.
    assert theirs.keys() <= areas.keys()
    for id, info in theirs.items():
        assert areas[id].area == pytest.approx(info.area, rel=1e-6)
        assert (areas[id].ra, areas[id].dec) == pytest.approx((info.ra, info.dec), abs=1e-8)
    assert whens.keys() <= spans.keys()
    for id, (begin, end) in whens.items():
        assert abs(spans[id][0] - begin) <= MICROSECOND and abs(spans[id][1] - end) <= MICROSECOND


def related(opened: Opened, by: Kinship, source: str, type: str) -> dict[tuple[str, str], float | None]:
    """All pairs, of all datasets of a type, with how much overlaps."""
    rows = opened.ask(only(types=(source,)).paged(10_000))
    (info,) = rows.types.values()
    data_ids = keyed(opened, rows)
    ids = sorted(data_ids)
    keys = tuple(data_ids[id] for id in ids)
    question = Related(info.required, keys, (type,), source, tuple(ids), by, ("*",), find_first=False)
    answer = opened.ask(question.paged(10_000))
    parent, id, share, kind = (answer.index(name) for name in ("parent", "id", "overlap", "kind"))
    assert {row[kind] for row in answer.rows} <= {by.value}
    assert opened.count(question) == len(answer.rows)
    return {(ids[row[parent]], row[id]): row[share] for row in answer.rows}


OVERLAPS = [
    ("calexp", "calexp"),
    ("calexp", "deepCoadd"),
    ("deepCoadd", "calexp"),
    ("deepCoadd", "deepCoadd"),
]


@pytest.mark.parametrize(("source", "type"), OVERLAPS)
def test_what_overlaps_is_that_of_the_repository(
    source: str, type: str, tap: Opened, butler: Opened, table: list[dict[str, Any]]
) -> None:
    ours, theirs = (related(one, Kinship.SPATIAL, source, type) for one in (tap, butler))
    if source != type:
        # Butler ties an observation to a sky map by the band too.
        band = {row["obs_publisher_did"][-36:].replace("-", ""): row["lsst_band"] for row in table}
        ours = {pair: share for pair, share in ours.items() if band[pair[0]] == band[pair[1]]}
    assert theirs
    # Regions that only touch are decided by rounding, in one library or the other.
    differ = {
        pair for pair in ours.keys() ^ theirs.keys() if (ours.get(pair) or theirs.get(pair) or 0) > 1e-9
    }
    assert not differ
    for pair in ours.keys() & theirs.keys():
        assert ours[pair] == pytest.approx(theirs[pair], abs=1e-6)


@pytest.mark.parametrize(
    ("source", "type"), [("raw", "calexp"), ("calexp", "calexp"), ("visitSummary", "raw")]
)
def test_what_was_observed_together_is_that_of_the_repository(
    source: str, type: str, tap: Opened, butler: Opened
) -> None:
    ours, theirs = (related(one, Kinship.TEMPORAL, source, type) for one in (tap, butler))
    assert theirs and ours == theirs


def test_datasets_by_id_are_those_of_the_repository(tap: Opened, butler: Opened) -> None:
    ids = [row[0] for row in butler.ask(EVERY.paged(150)).rows]
    rows = tap.ask(DatasetsById((*ids, "0" * 32)))
    assert {row[0] for row in rows.rows} == set(ids)
    assert not tap.ask(DatasetsById(("f" * 32,))).rows


@pytest.mark.parametrize("by", [("type",), ("run",), ("band",), ("instrument", "type"), ("detector",)])
def test_facets_are_those_of_the_repository(by: tuple[str, ...], tap: Opened, butler: Opened) -> None:
    question = only(types=("raw", "calexp", "flat"))
    ours, theirs = tap.facets(question, by), butler.facets(question, by)
    assert ours.complete and sorted(map(repr, ours.rows)) == sorted(map(repr, theirs.rows))


def test_data_ids_are_those_of_datasets(tap: Opened, butler: Opened) -> None:
    rows = butler.ask(only(types=("calexp",)).paged(10_000))
    known = {(row[rows.index("instrument")], row[rows.index("visit")]) for row in rows.rows}
    question = DataIds(("instrument", "visit"), (eq("instrument", "HSC"),)).paged(7)
    found: list[Any] = []
    after = None
    while True:
        page = tap.ask(question.paged(7, after))
        found += [row[:2] for row in page.rows]
        if not page.more:
            break
        assert page.key is not None
        after = page.key(page.rows[-1])
    assert len(found) == len(set(found))
    assert {one for one in known if one[0] == "HSC"} <= set(found)
