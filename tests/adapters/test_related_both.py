"""Parents that stand on the sky map and among the observations (a detector and a patch, a warp's visit and patch) are tied as Butler joins
them: by the sky, and by whatever else both sides share.

Every parent there is, on SQLite and PostgreSQL, judged by ``query_data_ids`` over the dimensions of both sides; the demonstration repository
by the numbers that Butler has for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from lsst.daf.butler import Butler

from adapters.butler import open_repository
from adapters.butler.repository import ButlerRepository
from adapters.caller import Call
from adapters.protocol import Settings
from adapters.question import Page, Question, Related, RelatedDataIds
from adapters.rows import Rows

from .asker import DEFAULTS, AdapterAsker, ApiAsker, Asker
from .heard import statements
from .recorded import Demo
from .repositories import Repository

PLACES = [("sqlite", 5, 2), ("postgres", 8, 3)]
OBSERVED = [("visit", "detector"), ("visit",)]
PLACED = [
    ("detector", "patch"),
    ("detector", "tract"),
    ("exposure", "patch"),
    ("exposure", "tract"),
    ("exposure", "detector", "patch"),
    ("band", "detector", "patch"),
    ("physical_filter", "exposure", "tract"),
    ("day_obs", "detector", "tract"),
    ("visit_system", "tract"),
]
FINER = [
    (("visit", "patch"), ("visit", "detector")),
    (("visit", "patch"), ("detector",)),
    (("visit", "patch"), ("exposure", "detector")),
    (("visit", "patch"), ("exposure",)),
    (("visit", "patch"), ("band",)),
    (("visit", "tract"), ("patch",)),
    (("visit", "tract"), ("detector",)),
    (("visit", "detector", "tract"), ("patch",)),
]
PAGE = Page(100_000)


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: "-u".join(map(str, place[:2])))
def repository(request: pytest.FixtureRequest, butler_repo: Callable[..., Repository]) -> Repository:
    kind, universe, seed = request.param
    return butler_repo(kind, universe, seed)


@pytest.fixture(scope="module", params=["api", "adapter"])
def asker(request: pytest.FixtureRequest, repository: Repository) -> Iterator[Asker]:
    found: Asker = ApiAsker(repository) if request.param == "api" else AdapterAsker(repository)
    yield found
    found.close()


def named(names: Any) -> str:
    return "-".join(names) if isinstance(names, tuple) else str(names)


@cache
def joined(repository: Repository, here: tuple[str, ...], there: tuple[str, ...]) -> list[tuple[Any, Any]]:
    """Butler's pairs of a parent's data ID and one of the other side's, each once."""
    butler = repository.butler()
    one, other = (butler.dimensions.conform(names) for names in (here, there))
    with butler.query() as query:
        rows = list(query.data_ids(one | other))
    pairs = {(tuple(row[d] for d in one.required), tuple(row[d] for d in other.required)) for row in rows}
    return sorted(pairs, key=str)


def parents(butler: Butler, names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Every data ID of these dimensions."""
    group = butler.dimensions.conform(names)
    with butler.query() as query:
        return tuple(group.required), tuple(sorted(tuple(d.required_values) for d in query.data_ids(group)))


def told(rows: Rows, keys: tuple[Any, ...], names: tuple[str, ...]) -> list[tuple[Any, Any]]:
    """The answer as the same pairs."""
    places = [rows.places[name] for name in names]
    return sorted(((keys[row[0]], tuple(row[p] for p in places)) for row in rows.rows), key=str)


@pytest.mark.parametrize("there", OBSERVED, ids=named)
@pytest.mark.parametrize("here", PLACED, ids=named)
def test_observations_are_those_of_the_parents_detector_and_exposure(
    repository: Repository, asker: Asker, here: tuple[str, ...], there: tuple[str, ...]
) -> None:
    the_same_data_ids(repository, asker, here, there)


@pytest.mark.parametrize(("here", "there"), FINER, ids=named)
def test_what_is_finer_than_a_visit_and_a_patch_overlaps_too(
    repository: Repository, asker: Asker, here: tuple[str, ...], there: tuple[str, ...]
) -> None:
    the_same_data_ids(repository, asker, here, there)


def the_same_data_ids(
    repository: Repository, asker: Asker, here: tuple[str, ...], there: tuple[str, ...]
) -> None:
    butler = repository.butler()
    if not {*here, *there} <= set(butler.dimensions.dimensions.names):
        pytest.skip("an older universe")
    required, keys = parents(butler, here)
    rows = asker.ask(RelatedDataIds(required, keys, there, page=PAGE))
    # A detector may overlap a patch that its visit's own region does not: such a pair of visit and patch is no data ID.
    expected = [pair for pair in joined(repository, here, there) if pair[0] in keys]
    assert expected and told(rows, keys, tuple(butler.dimensions.conform(there).required)) == expected
    mine = [pair for pair in expected if pair[0] == expected[0][0]]
    assert asker.count(RelatedDataIds(required, (expected[0][0],), there)) == len(mine)


@pytest.mark.parametrize("name", ["calexp", "visitSummary"])
@pytest.mark.parametrize("here", PLACED, ids=named)
def test_datasets_are_those_of_the_parents_detector_and_exposure(
    repository: Repository, asker: Asker, here: tuple[str, ...], name: str
) -> None:
    butler = repository.butler()
    if not set(here) <= set(butler.dimensions.dimensions.names):
        pytest.skip("an older universe")
    required, keys = parents(butler, here)
    rows = asker.ask(Related(required, keys, (name,), collections=DEFAULTS, page=PAGE))
    held = {
        tuple(ref.dataId.required_values): ref.id.hex
        for ref in butler.query_datasets(name, DEFAULTS, find_first=True, explain=False, limit=None)
    }
    pairs = joined(repository, here, tuple(butler.get_dataset_type(name).dimensions.required))
    expected = sorted(((key, (held[found],)) for key, found in pairs if found in held), key=str)
    assert expected and told(rows, keys, ("id",)) == expected
    mine = [pair for pair in expected if pair[0] == expected[0][0]]
    single = Related(required, (expected[0][0],), (name,), collections=DEFAULTS)
    assert asker.count(single) == len(mine)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_many_parents_cost_what_one_costs(kind: str, butler_repo: Callable[..., Repository]) -> None:
    found = butler_repo(kind)
    repository = open_repository("small", Settings(uri=found.uri, collections=DEFAULTS))
    assert isinstance(repository, ButlerRepository)

    async def cost(question: Question) -> int:
        await repository.ask(question, Call())
        assert repository._opened is not None
        with statements(repository._opened.store) as seen:
            assert (await repository.ask(question, Call())).rows
        return len(seen)

    async def costs(*questions: Question) -> list[int]:
        try:
            return [await cost(question) for question in questions]
        finally:
            await repository.close()

    required, keys = parents(found.butler(), ("detector", "exposure", "patch"))
    pairs = joined(found, required, ("visit", "detector"))
    few = (pairs[0][0],)
    one, many, one_dataset, many_datasets = asyncio.run(
        costs(
            RelatedDataIds(required, few, ("visit", "detector"), page=PAGE),
            RelatedDataIds(required, keys, ("visit", "detector"), page=PAGE),
            Related(required, few, ("calexp",), collections=("*",), page=PAGE),
            Related(required, keys, ("calexp",), collections=("*",), page=PAGE),
        )
    )
    assert (many, many_datasets) == (one, one_dataset)


PATCH = {"instrument": "HSC", "skymap": "discrete/ci_hsc", "tract": 0, "patch": 69}


def of_patch(demo: Demo, **more: Any) -> dict[str, Any]:
    group = demo.butler().dimensions.conform(("instrument", "patch", *more))
    values = {**PATCH, **more}
    return {"dimensions": tuple(group.required), "keys": (tuple(values[d] for d in group.required),)}


@pytest.mark.parametrize("more", [{"detector": 22}, {"exposure": 903334, "detector": 22}], ids=str)
def test_a_detector_over_a_patch_of_the_demonstration(demo: Demo, more: dict[str, Any]) -> None:
    visits = [903334] if "exposure" in more else [903334, 903986]
    parent = of_patch(demo, **more)
    found = demo.registry.ask(RelatedDataIds(**parent, wanted=("visit", "detector"), overlap=True), Call())
    shown = [[row[found.places[name]] for name in ("visit", "detector")] for row in found.rows]
    assert shown == [[visit, 22] for visit in visits]
    assert [row[found.places["overlap"]] for row in found.rows] == [
        pytest.approx(0.241, abs=1e-3) for _ in visits
    ]
    for types in ("calexp", "raw"):
        asked = Related(**parent, types=(types,), collections=("HSC/defaults",), overlap=True)
        datasets = demo.registry.ask(asked, Call())
        observed = "visit" if types == "calexp" else "exposure"
        assert [row[datasets.places[observed]] for row in datasets.rows] == visits
        assert {row[datasets.places["detector"]] for row in datasets.rows} == {22}
        assert demo.registry.count(asked, Call()) == len(visits)


def test_an_exposure_over_a_patch_of_the_demonstration(demo: Demo) -> None:
    parent = of_patch(demo, exposure=903334)
    for types in ("demo_calexp", "raw"):
        asked = Related(**parent, types=(types,), collections=("HSC/runs/demo/2", "HSC/raw/all"))
        rows = demo.registry.ask(asked, Call())
        assert sorted(row[rows.places["detector"]] for row in rows.rows) == [16, 22, 23, 100]


def test_a_warp_of_the_demonstration(demo: Demo) -> None:
    """Its detectors are the four that overlap its patch, and a visit in a tract has the patches that it overlaps."""
    warp = of_patch(demo, visit=903334)
    for wanted in (("visit", "detector"), ("detector",)):
        rows = demo.registry.ask(RelatedDataIds(**warp, wanted=wanted, page=PAGE), Call())
        assert [row[rows.places["detector"]] for row in rows.rows] == [16, 22, 23, 100]
    tract = {
        "dimensions": ("instrument", "skymap", "tract", "visit"),
        "keys": (("HSC", PATCH["skymap"], 0, 903334),),
    }
    for wanted in (("patch",), ("patch", "visit")):
        rows = demo.registry.ask(RelatedDataIds(**tract, wanted=wanted, page=PAGE), Call())
        assert len(rows.rows) == 83
