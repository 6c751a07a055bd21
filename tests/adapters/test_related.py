"""Associations equal Butler's general queries, and a brute force where Butler has no such join (see ``judge_related``).

Random repositories on SQLite and PostgreSQL, in three dimension universes, with calibrations that are certified twice, in several collections, with
gaps, open ends, and a boundary in the middle of an exposure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from lsst.daf.butler import Butler, CollectionType, Timespan

from adapters.errors import BadUserInput, NotFound
from adapters.overlap import fraction
from adapters.question import DataIds, Kinship, Related, RelatedDataIds

from . import questions_related as questions
from .asker import AdapterAsker, everything, named
from .judge_related import RelatedJudge
from .observatory import INSTRUMENTS, span
from .repositories import Repository
from .test_answers import PLACES, SIZES, Setting, effort

Row = dict[str, Any]
HSC = INSTRUMENTS[0]


def certify_more(repository: Repository) -> None:
    """``u/split``: epochs that change in the middle of the second exposure, the first one's certified again after it ended, and a flat valid for ever."""
    with Butler.from_config(repository.uri, writeable=True) as butler:
        butler.collections.register("u/split", CollectionType.CALIBRATION)
        middle = span(1).begin + (span(1).end - span(1).begin) / 2
        ends = (Timespan(None, middle), Timespan(middle, span(4).end), None)
        for name in ("flat", "bias"):
            for number, epoch in enumerate(ends):
                run = f"HSC/calib/gen/e{number}"
                refs = butler.query_datasets(name, run, explain=False, limit=None)
                refs = sorted(refs, key=lambda ref: [str(value) for value in ref.dataId.required_values])
                if epoch is not None:
                    butler.registry.certify("u/split", refs[number::2], epoch)
                    butler.registry.certify(
                        "u/split",
                        refs[: len(refs) // 2][number::2],
                        Timespan(span(6 + number).begin, span(7 + number).begin),
                    )
        butler.collections.register("u/search", CollectionType.CHAINED)
        butler.collections.redefine_chain(
            "u/search",
            [
                "HSC/raw/all",
                "HSC/runs/all",
                "u/split",
                "HSC/calib/alt",
                "HSC/calib",
                "HSC/tagged/best",
                "refcats",
            ],
        )


class Associated(Setting):
    def __init__(self, repository: Repository, asker: AdapterAsker) -> None:
        super().__init__(repository, asker)
        self.related = RelatedJudge(self.judge)
        self.by_type: dict[str, list[Row]] = {}
        for row in self.everything:
            self.by_type.setdefault(row["type"], []).append(row)


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: "-u".join(map(str, place[:2])))
def setting(request: pytest.FixtureRequest, butler_repo: Callable[..., Repository]) -> Iterator[Associated]:
    kind, universe, seed = request.param
    repository = butler_repo(
        kind, universe, seed, exposures=8
    )  # a number that no other test asks for: it is changed
    if "u/split" not in repository.butler().collections.query("*"):
        certify_more(repository)
    asker = AdapterAsker(repository)
    yield Associated(repository, asker)
    asker.close()


def bare(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "overlap"}


def compare(found: list[Row], expected: list[Row]) -> None:
    found, expected = [bare(row) for row in found], [bare(row) for row in expected]
    if found != expected:
        missing = [row for row in expected if row not in found]
        extra = [row for row in found if row not in expected]
        pytest.fail(
            f"{len(found)} rows for {len(expected)}; missing {missing[:2]}, too many {extra[:2]}"
            if missing or extra or len(found) != len(expected)
            else f"another order: {found[:4]} for {expected[:4]}"
        )


def expected_of(setting: Associated, question: Related) -> list[Row] | None:
    """None where it must be, and is, refused."""
    try:
        expected = setting.related.related(question)
    except BadUserInput:
        event("refused")
        with pytest.raises(BadUserInput):
            setting.asker.ask(question)
        return None
    kinds = sorted({row["kind"] for row in expected})
    event(" ".join(kinds) or "empty")
    return expected


@effort(120)
@given(data=st.data())
def test_of_many_parents(setting: Associated, data: st.DataObject) -> None:
    """One question for N parents: of each the first rows, and one more that says that more follow."""
    question = data.draw(questions.related(setting.words, setting.by_type))
    expected = expected_of(setting, question)
    if expected is None:
        return
    first = data.draw(st.sampled_from([0, 1, 2, 5, 1000]))
    rows = setting.asker.ask(question.paged(first))
    wanted = [
        row
        for p in range(len(question.keys))
        for row in [r for r in expected if r["parent"] == p][: first + 1]
    ]
    found = [named(rows, row) for row in rows.rows]
    compare(found, wanted)
    shares(setting, question, found)


@effort(50)
@given(data=st.data())
def test_pages_of_one_parent(setting: Associated, data: st.DataObject) -> None:
    """Pages one behind the other are the whole answer, nothing twice and nothing left out; counted without them."""
    question = data.draw(questions.related(setting.words, setting.by_type, most=1))
    expected = expected_of(setting, question)
    if expected is not None:
        compare(everything(setting.asker, question, data.draw(SIZES)), expected)
        assert setting.asker.count(question) == len(expected)


def shares(setting: Associated, question: Related, rows: list[Row]) -> None:
    """Overlaps are those of the pair of regions; where several visits see an exposure, of one of the pairs."""
    judge = setting.related
    group = judge.butler.dimensions.conform(question.dimensions)
    for row in rows:
        if row["kind"] != "SPATIAL":
            assert row["overlap"] is None
            continue
        target = judge.judge.types[row["type"]].dimensions
        data_id = judge.expanded(group, question.keys[row["parent"]])
        pairs = judge.pairs(group, data_id, target, row)
        possible = [fraction(_text(a), _text(b)) for a, b in pairs]
        assert any(
            share == pytest.approx(row["overlap"], abs=1e-9) for share in possible if share is not None
        )


def _text(region: Any) -> str:
    from base64 import b64encode

    return b64encode(region.encode()).decode()


@effort(60)
@given(data=st.data())
def test_data_ids(setting: Associated, data: st.DataObject) -> None:
    """Data IDs tied to N others are those of ``query_data_ids`` over both sets of dimensions, the parent's given."""
    question = data.draw(questions.related_data_ids(setting.words))
    expected = joined_data_ids(setting, question)
    first = data.draw(st.sampled_from([0, 1, 3, 1000]))
    rows = setting.asker.ask(question.paged(first))
    wanted = [
        row
        for p in range(len(question.keys))
        for row in [r for r in expected if r["parent"] == p][: first + 1]
    ]
    compare([named(rows, row) for row in rows.rows], wanted)
    single = replace(question, keys=question.keys[:1])
    wanted = [row for row in expected if row["parent"] == 0]
    compare(everything(setting.asker, single, data.draw(SIZES)), wanted)
    assert setting.asker.count(single) == len(wanted)


def joined_data_ids(setting: Associated, question: RelatedDataIds) -> list[Row]:
    judge = setting.judge
    universe = judge.butler.dimensions
    target = universe.conform(question.wanted)
    both = universe.conform([*question.dimensions, *target.names])
    where, bind = judge.limits(DataIds(question.wanted, question.constraints), target).clause()
    with judge.butler.query() as query:
        found = [dict(one.mapping) for one in query.where(where, bind=bind).data_ids(both)]
    out = []
    for parent, key in enumerate(question.keys):
        mine = [one for one in found if tuple(one[d] for d in question.dimensions) == key]
        rows = {
            tuple(one[d] for d in target.required): {"parent": parent, **{d: one[d] for d in target.names}}
            for one in mine
        }
        out += [rows[key] for key in sorted(rows)]
    return out


# -------------------- refusals


def ask(setting: Associated, source: str, types: tuple[str, ...], **more: Any) -> None:
    rows = setting.by_type[source][:2]
    required = tuple(setting.judge.types[source].dimensions.required)
    keys = tuple(tuple(row[d] for d in required) for row in rows)
    setting.asker.ask(Related(required, keys, types, source, tuple(r["id"] for r in rows), **more))


def test_types_that_share_nothing_are_refused(setting: Associated) -> None:
    for source, target in (("flat", "deepCoadd"), ("packages", "raw"), ("flat", "skyMap")):
        with pytest.raises(BadUserInput, match=r"share no required dimension.*possible is by: .*PROVENANCE"):
            ask(setting, source, (target,), collections=("outer",))


def test_the_sky_has_no_flats(setting: Associated) -> None:
    with pytest.raises(BadUserInput, match=r"'flat' and dataset type 'bias' have no dimension with a region"):
        ask(setting, "flat", ("bias",), by=Kinship.SPATIAL)
    with pytest.raises(BadUserInput, match=r"'flat' has no dimension with a region"):
        ask(setting, "raw", ("flat",), by=Kinship.SPATIAL)


def test_what_has_no_time_has_no_calibration(setting: Associated) -> None:
    with pytest.raises(BadUserInput, match="'deepCoadd' has no dimension with a time"):
        ask(setting, "deepCoadd", ("flat",), by=Kinship.CALIBRATION, collections=("outer",))
    with pytest.raises(BadUserInput, match="'deepCoadd' has no dimension with a time"):
        ask(setting, "deepCoadd", ("raw",), by=Kinship.TEMPORAL)
    with pytest.raises(BadUserInput, match="neither is a calibration type"):
        ask(setting, "raw", ("calexp",), by=Kinship.CALIBRATION)


def test_unknown_names_bring_the_nearest(setting: Associated) -> None:
    with pytest.raises(NotFound, match="calexp") as caught:
        ask(setting, "raw", ("calxep",))
    assert "calexp" in caught.value.details["nearest"]
    with pytest.raises(NotFound, match="HSC/calib"):
        ask(setting, "raw", ("flat",), collections=("HSC/clib",))


def test_parents_with_one_data_id_are_tied_alike(setting: Associated) -> None:
    """A calexp of two runs, say: however the tie is found."""
    required = tuple(setting.judge.types["calexp"].dimensions.required)
    ids: dict[tuple[Any, ...], list[str]] = {}
    for row in setting.by_type["calexp"]:
        if row["instrument"] == HSC:
            ids.setdefault(tuple(row[name] for name in required), []).append(row["id"])
    several = [(key, own[:2]) for key, own in ids.items() if len(own) > 1]
    keys = tuple(key for key, _ in several for _ in range(2))
    parents = tuple(id for _, own in several for id in own)
    assert keys
    for target, by in (
        ("Warp", None),
        ("deepCoadd", Kinship.SPATIAL),
        ("raw", None),
        ("src", None),
        ("flat", None),
    ):
        question = Related(required, keys, (target,), "calexp", parents, by=by, collections=("u/search",))
        found: dict[int, list[Any]] = {}
        rows = setting.asker.ask(question)
        for row in rows.rows:
            found.setdefault(row[0], []).append(row[1])
        assert found, target
        for place in range(0, len(keys), 2):
            assert found.get(place) == found.get(place + 1), (target, keys[place])


@pytest.mark.parametrize("by", [Kinship.DATA_ID, Kinship.SPATIAL])
def test_the_first_of_a_data_id_is_not_replaced_by_the_next(setting: Associated, by: Kinship) -> None:
    """Whoever stands first of a data ID is what find-first finds there, for itself too: nothing. Who stands behind it finds it."""
    required = tuple(setting.judge.types["deepCoadd"].dimensions.required)
    runs = ("HSC/runs/w01", "HSC/runs/w02")
    known = {
        run: {
            tuple(row[d] for d in required): row["id"]
            for row in setting.by_type["deepCoadd"]
            if row["run"] == run
        }
        for run in runs
    }
    key = next(key for key in known[runs[0]] if key in known[runs[1]])
    first, second = (known[run][key] for run in runs)
    question = Related(
        required, (key, key), ("deepCoadd",), "deepCoadd", (first, second), by=by, collections=runs
    )

    def tied(find_first: bool) -> list[tuple[int, str]]:
        rows = setting.asker.ask(replace(question, find_first=find_first).paged(1000))
        return [(row[0], row[1]) for row in rows.rows if row[1] in (first, second)]

    assert tied(True) == [(1, first)]
    assert tied(False) == [(0, second), (1, first)]


def test_a_flat_is_valid_for_the_warps_that_its_detector_is_in(setting: Associated) -> None:
    """Of all warps of a visit: what Butler joins by time and by the sky, from either side."""
    required = tuple(setting.judge.types["flat"].dimensions.required)
    flats = [row for row in setting.by_type["flat"] if row["instrument"] == HSC]
    keys = tuple(tuple(row[d] for d in required) for row in flats)
    ids = tuple(row["id"] for row in flats)
    question = Related(required, keys, ("Warp",), "flat", ids, collections=("u/search",))
    rows = setting.asker.ask(question.paged(10_000))
    compare([named(rows, row) for row in rows.rows], setting.related.related(question))
    forward = {(ids[row[0]], row[1]) for row in rows.rows}

    warps = [row for row in setting.by_type["Warp"] if row["instrument"] == HSC]
    required = tuple(setting.judge.types["Warp"].dimensions.required)
    keys = tuple(tuple(row[d] for d in required) for row in warps)
    ids = tuple(row["id"] for row in warps)
    question = Related(required, keys, ("flat",), "Warp", ids, collections=("u/search",))
    rows = setting.asker.ask(question.paged(10_000))
    compare([named(rows, row) for row in rows.rows], setting.related.related(question))
    backward = {(row[1], ids[row[0]]) for row in rows.rows}
    assert forward
    assert {pair for pair in forward if pair not in backward} == set()
