"""Lookups by id, key and name equal Butler's own, for every dataset, collection and record of a repository at once."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsst.daf.butler import CollectionType, DataCoordinate, DatasetType
from lsst.sphgeom import Region

from adapters.errors import BadCursor, BadUserInput, NotFound, Unsupported
from adapters.question import (
    CollectionDatasetTypes,
    CollectionLinks,
    Collections,
    CollectionsByName,
    Datasets,
    DatasetsById,
    DatasetTypes,
    DatasetTypesByName,
    Files,
    FindDataset,
    Memberships,
    Page,
    RecordsByKey,
    Regions,
    Sizes,
    Span,
    Timespans,
    Versions,
)

from .asker import AdapterAsker, ApiAsker, Asker, everything, named
from .judge import Judge, is_glob
from .questions import spans
from .repositories import FILED, ODD_RUN, TYPES, Repository
from .terms import ends, timespan
from .test_answers import PLACES, Setting, effort


@pytest.fixture(scope="module", params=PLACES, ids=lambda place: "-u".join(map(str, place[:2])))
def repository(request: pytest.FixtureRequest, butler_repo: Callable[..., Repository]) -> Repository:
    kind, universe, seed = request.param
    return butler_repo(kind, universe, seed)


@pytest.fixture(scope="module", params=["api", "adapter"])
def setting(request: pytest.FixtureRequest, repository: Repository) -> Iterator[Setting]:
    asker: Asker = ApiAsker(repository) if request.param == "api" else AdapterAsker(repository)
    yield Setting(repository, asker)
    asker.close()


def all_ids(setting: Setting) -> list[dict[str, Any]]:
    return setting.everything


def test_by_id(setting: Setting) -> None:
    expected = {row["id"]: row for row in all_ids(setting)}
    strangers = [uuid4().hex]
    found = setting.asker.ask(DatasetsById((*expected, *strangers)))
    assert {row["id"]: row for row in (named(found, row) for row in found.rows)} == expected
    assert len(found.rows) == len(expected)
    refs = setting.judge.butler.get_many_datasets([UUID(one) for one in expected])
    assert {ref.id.hex for ref in refs} == expected.keys()
    assert setting.asker.ask(DatasetsById(())).rows == []


def test_memberships(setting: Setting) -> None:
    expected = set()
    for name, one in setting.judge.info.items():
        if one.type in (CollectionType.TAGGED, CollectionType.CALIBRATION):
            for row in setting.judge.datasets(Datasets(("*",), (name,), find_first=False)):
                expected.add((row["id"], name, one.type.name))
    ids = tuple(row["id"] for row in all_ids(setting))
    found = setting.asker.ask(Memberships(ids)).rows
    assert len(found) == len(expected)
    assert set(found) == expected
    of_each: dict[str, list[str]] = {}
    for row in found:
        of_each.setdefault(row[0], []).append(row[1])
    assert all(names == sorted(names) for names in of_each.values())


def test_files(setting: Setting) -> None:
    butler = setting.judge.butler
    refs = butler.query_datasets("visitSummary", [FILED, "HSC/runs/w01"], find_first=False, explain=False)
    filed = {ref.id.hex: butler.getURI(ref).geturl() for ref in refs if butler.stored(ref)}
    assert filed and len(filed) < len(refs)
    found = setting.asker.ask(Files(tuple(ref.id.hex for ref in refs)))
    rows = [named(found, row) for row in found.rows]
    assert {row["id"]: row["uri"] for row in rows} == filed
    assert all(row["size"] > 0 and row["storage_class"] == "StructuredDataDict" for row in rows)
    assert all(row["component"] is None and "Yaml" in row["formatter"] for row in rows)


def test_sizes_are_those_of_the_files_or_are_refused(setting: Setting) -> None:
    butler = setting.judge.butler
    refs = butler.query_datasets("visitSummary", [FILED, "HSC/runs/w01"], find_first=False, explain=False)
    question = Sizes(tuple(ref.id.hex for ref in refs))
    if isinstance(setting.asker, ApiAsker):
        with pytest.raises(Unsupported):  # it would have to look at one dataset after the other
            setting.asker.ask(question)
        return
    found = setting.asker.ask(question)
    assert [column.name for column in found.columns] == ["id", "size"]
    assert dict(found.rows) == {ref.id.hex: butler.getURI(ref).size() for ref in refs if butler.stored(ref)}
    assert setting.asker.ask(Sizes(())).rows == []


def test_versions(setting: Setting) -> None:
    by_key: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in all_ids(setting):
        required = setting.judge.types[row["type"]].dimensions.required
        by_key.setdefault((row["type"], *(row[name] for name in required)), []).append(row)
    expected = {key: sorted(rows, key=lambda r: (-r["ingest_date"], r["id"])) for key, rows in by_key.items()}
    keys = tuple(expected)
    for first in (1, 100):
        found = setting.asker.ask(Versions(keys).paged(first))
        answered: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in (named(found, row) for row in found.rows):
            answered.setdefault(keys[row.pop("parent")], []).append(row)
        assert answered == {key: rows[: first + 1] for key, rows in expected.items()}
    longest = max(expected, key=lambda key: len(expected[key]))
    walked: list[str] = []
    after = None
    while True:
        found = setting.asker.ask(Versions((longest,)).paged(1, after))
        assert found.key is not None
        walked.append(named(found, found.rows[0])["id"])
        if len(found.rows) < 2:
            break
        after = found.key(found.rows[0])
    assert walked == [row["id"] for row in expected[longest]]


PATHS = (
    ("HSC/defaults",),
    ("outer",),
    ("HSC/runs/w01", "HSC/runs/w02"),
    ("HSC/calib", "HSC/calib/alt"),
    ("HSC/calib/alt",),
)


@effort(40)
@given(data=st.data())
def test_find_dataset(setting: Setting, data: st.DataObject) -> None:
    judge = setting.judge
    row = data.draw(st.sampled_from(all_ids(setting)))
    path = data.draw(st.sampled_from(PATHS))
    validity = data.draw(st.none() | spans())
    found = judge.types[row["type"]]
    data_id = {name: row[name] for name in found.dimensions.required}
    question = FindDataset(row["type"], tuple(data_id.items()), path, validity)
    own = [c for c in judge.path(path) if row["type"] in judge.info[c].dataset_types]
    certified = found.isCalibration() and any(judge.info[c].type is CollectionType.CALIBRATION for c in own)
    if certified and validity is None:
        with pytest.raises(BadUserInput):
            setting.asker.ask(question)
        return
    expected = None
    for collection in own:
        try:
            expected = _found(judge, found, data_id, collection, validity)
        except LookupError:
            with pytest.raises(BadUserInput) as refused:
                setting.asker.ask(question)
            message = refused.value.message
            held = {UUID(one["id"]) for one in all_ids(setting) if one["type"] == row["type"]}
            assert sum(str(identifier) in message for identifier in held) > 1
            if isinstance(setting.asker, AdapterAsker):
                place = judge.path(path).index(collection) + 1
                assert f"'{collection}' (place {place} of the search order)" in message
            return
        if expected is not None:
            break
    answer = setting.asker.ask(question)
    assert [r["id"] for r in (named(answer, r) for r in answer.rows)] == (
        [] if expected is None else [expected.id.hex]
    )


def _found(
    judge: Judge, found: DatasetType, data_id: dict[str, Any], collection: str, validity: Span | None
) -> Any:
    """Butler's find_dataset, which finds nothing in a collection whose name looks like a glob; there: its query. It also takes one dataset whose ranges
    of validity have a gap for two that clash."""
    if is_glob(collection):
        where = " AND ".join(f"{name} = :the_{name}" for name in data_id)
        refs = judge.search(
            found, [collection], True, where, {f"the_{name}": v for name, v in data_id.items()}
        )
        return refs[0] if refs else None
    span = None if validity is None else timespan(validity)
    try:
        return judge.butler.find_dataset(found, data_id, collections=[collection], timespan=span)
    except LookupError:
        assert span is not None
        certified = judge.butler.registry.queryDatasetAssociations(found, [collection])
        one, *others = {
            association.ref
            for association in certified
            if association.timespan is not None
            and association.timespan.overlaps(span)
            and data_id.items() <= dict(association.ref.dataId.required).items()
        }
        if others:
            raise
        return one


def test_alternate_keys(setting: Setting) -> None:
    judge = setting.judge
    rows = judge.datasets(Datasets(("raw",), ("*/raw/all",), find_first=False))
    row = rows[len(rows) // 2]
    exposure, detector = judge.record("exposure", row), judge.record("detector", row)
    for given_keys in (
        {"instrument": row["instrument"], "exposure.obs_id": exposure.obs_id, "detector": row["detector"]},
        {
            "instrument": row["instrument"],
            "exposure": row["exposure"],
            "detector.full_name": detector.full_name,
        },
    ):
        found = setting.asker.ask(FindDataset("raw", tuple(given_keys.items()), ("*/raw/all",)))
        assert [named(found, r)["id"] for r in found.rows] == [row["id"]]
        ref = judge.butler.find_dataset("raw", given_keys, collections=judge.path(("*/raw/all",)))
        assert ref is not None and ref.id.hex == row["id"]
    with pytest.raises(BadUserInput):
        setting.asker.ask(FindDataset("raw", (("instrument", row["instrument"]),), ("HSC/raw/all",)))


@pytest.mark.parametrize(
    "element", ["exposure", "visit", "detector", "patch", "visit_detector_region", "physical_filter"]
)
def test_records_by_key(setting: Setting, element: str) -> None:
    judge = setting.judge
    records = judge.butler.query_dimension_records(element, explain=False, limit=None)
    keys = tuple(record.dataId.required_values for record in records)
    stranger = tuple("nowhere" if isinstance(value, str) else 987654321 for value in keys[0])
    asked = (*keys, stranger, keys[0])
    found = setting.asker.ask(RecordsByKey(element, asked))
    answered = {}
    for row in (named(found, row) for row in found.rows):
        if isinstance(row.get("region"), str):
            row["region"] = Region.decode(b64decode(row["region"]))
        answered[row.pop("parent")] = row
    expected = {
        place: judge.fields(r) for place, r in enumerate((*records, None, records[0])) if r is not None
    }
    assert answered.keys() == expected.keys()
    for place, row in expected.items():
        assert {name: answered[place][name] for name in row} == row


SPANNED = (
    ("instrument", "visit"),
    ("instrument", "detector", "visit"),
    ("instrument", "exposure"),
    ("skymap", "tract", "patch"),
    ("instrument", "detector"),
)


@pytest.mark.parametrize("dimensions", SPANNED)
def test_regions_and_timespans(setting: Setting, dimensions: tuple[str, ...]) -> None:
    """Those of Butler's expanded data IDs; of an exposure, the region of its lowest visit that has one."""
    judge = setting.judge
    group = judge.butler.dimensions.conform(dimensions)
    ids = judge.butler.query_data_ids(dimensions, explain=False, limit=None)
    keys = tuple(tuple(one[name] for name in dimensions) for one in ids)
    regions: dict[int, Any] = {}
    times: dict[int, Any] = {}
    for place, one in enumerate(ids):
        expanded = judge.butler.registry.expandDataId(one)
        if group.spatial:
            regions[place] = _region(judge, expanded)
        elif "exposure" in group.names:
            regions[place] = next(
                (r for v in _visits(judge, one) if (r := judge.record("visit", v).region)), None
            )
        times[place] = expanded.timespan if group.temporal else None
    asked = setting.asker.ask(Regions(dimensions, keys))
    found = {row[0]: Region.decode(b64decode(row[2])) for row in asked.rows}
    assert found == {place: region for place, region in regions.items() if region is not None}
    asked = setting.asker.ask(Timespans(dimensions, keys))
    assert {row[0]: (row[2], row[3]) for row in asked.rows} == {
        place: ends(span) for place, span in times.items() if span is not None
    }


def _region(judge: Any, data_id: DataCoordinate) -> Any:
    (family,) = data_id.dimensions.spatial
    element = family.choose(data_id.dimensions).name
    try:
        return judge.record(element, data_id).region
    except KeyError:
        return None


def _visits(judge: Any, data_id: DataCoordinate) -> list[dict[str, Any]]:
    records = judge.butler.query_dimension_records("visit_definition", explain=False, limit=None)
    own = [
        dict(r.dataId.required)
        for r in records
        if r.exposure == data_id["exposure"] and r.instrument == data_id["instrument"]
    ]
    return sorted(own, key=lambda one: int(one["visit"]))


@pytest.mark.parametrize("match", [(), ("HSC/*",), ("*[rR]un*", "u/empty"), ("outer",), ("no such",)])
@pytest.mark.parametrize("kinds", [(), ("RUN",), ("CHAINED", "TAGGED")])
@pytest.mark.parametrize("flatten", [False, True])
def test_collections(setting: Setting, match: tuple[str, ...], kinds: tuple[str, ...], flatten: bool) -> None:
    judge = setting.judge
    names = judge.named(match, judge.info) if match else sorted(judge.info)
    if flatten:
        names = sorted(judge.flat(names))
    expected = [
        {"name": n, "type": judge.info[n].type.name, "documentation": judge.info[n].doc or None}
        for n in names
        if not kinds or judge.info[n].type.name in kinds
    ]
    assert everything(setting.asker, Collections(match, kinds, flatten), [3, 1, 7]) == expected


def test_collections_by_name_and_links(setting: Setting) -> None:
    judge = setting.judge
    names = (*judge.info, "no such")
    found = setting.asker.ask(CollectionsByName(names))
    assert {row[0]: row[1] for row in found.rows} == {n: one.type.name for n, one in judge.info.items()}
    infos = judge.butler.collections.query_info("*", include_chains=True, include_parents=True)
    by_name = {one.name: one for one in infos}
    for direction in ("children", "parents"):
        found = setting.asker.ask(CollectionLinks(names, direction).paged(100))
        linked: dict[str, list[str]] = {}
        for row in (named(found, row) for row in found.rows):
            linked.setdefault(names[row["parent"]], []).append(row["name"])
        expected = {
            n: list(one.children) if direction == "children" else sorted(one.parents or ())
            for n, one in by_name.items()
        }
        assert linked == {n: links for n, links in expected.items() if links}


@pytest.mark.parametrize("match", [(), ("c*",), ("*[ae]*",), ("mystery",)])
@pytest.mark.parametrize("collections", [None, ("HSC/defaults",), ("*calib*",), ("u/empty",)])
@pytest.mark.parametrize("calibration", [None, True])
def test_dataset_types(
    setting: Setting, match: tuple[str, ...], collections: tuple[str, ...] | None, calibration: bool | None
) -> None:
    judge = setting.judge
    held = (
        {t for c in judge.path(collections) for t in judge.info[c].dataset_types}
        if collections
        else set(TYPES)
    )
    expected = [
        (
            t.name,
            tuple(t.dimensions.required),
            tuple(t.dimensions.names),
            t.storageClass_name,
            t.isCalibration(),
        )
        for name, t in sorted(judge.types.items())
        if name in held
        and calibration in (None, t.isCalibration())
        and (not match or judge.named(match, [name]))
    ]
    found = everything(setting.asker, DatasetTypes(match, collections, calibration), [2, 1, 5])
    assert [tuple(row.values()) for row in found] == expected
    assert not match or all(any(fnmatchcase(row["name"], m) for m in match) for row in found)


def test_dataset_types_by_name_and_of_collections(setting: Setting) -> None:
    judge = setting.judge
    found = setting.asker.ask(DatasetTypesByName(("raw", "mystery", "no such")))
    assert sorted(row[0] for row in found.rows) == ["mystery", "raw"]
    names = tuple(judge.info)
    found = setting.asker.ask(CollectionDatasetTypes(names).paged(100))
    held: dict[str, list[str]] = {}
    for row in (named(found, row) for row in found.rows):
        held.setdefault(names[row["parent"]], []).append(row["name"])
    expected = {}
    for name in names:
        expected[name] = sorted({t for leaf in judge.flat([name]) for t in judge.info[leaf].dataset_types})
    assert held == {name: types for name, types in expected.items() if types}


def test_unknown_names_are_not_found(setting: Setting) -> None:
    for question in (
        Datasets(("rawr",)),
        Datasets(("raw",), ("HSC/run/all",)),
        DatasetTypes(collections=("HSC/run/all",)),
        FindDataset("rawr", ()),
    ):
        with pytest.raises(NotFound) as caught:
            setting.asker.ask(question)
        assert caught.value.details["nearest"]


def test_an_instant_is_found(setting: Setting) -> None:
    """One nanosecond on either side of where a range of validity ends."""
    from .observatory import span

    edge = span(2).nsec[0]
    judge = setting.judge
    for instant in (edge - 1, edge):
        question = Datasets(("flat", "bias"), ("HSC/calib",), validity=Span(instant, instant + 1))
        assert everything(setting.asker, question, [50]) == judge.datasets(question)


@pytest.mark.parametrize(
    "question",
    [
        Collections(page=Page(1, (None,))),
        Collections(page=Page(1, (7,))),
        Collections(flatten=True, page=Page(1, (None,))),
        CollectionLinks(("HSC/defaults",), "children", Page(1, (0, None))),
        CollectionDatasetTypes(("HSC/raw/all",), Page(1, (3,))),
        DatasetTypes(page=Page(1, (None,))),
    ],
)
def test_keys_that_no_list_gave_are_bad_cursors(repository: Repository, question: Any) -> None:
    asker = AdapterAsker(repository)
    with pytest.raises(BadCursor):
        asker.ask(question)
    asker.close()


def test_an_exact_name_with_the_characters_of_a_glob_means_itself(repository: Repository) -> None:
    asker = AdapterAsker(repository)
    assert [row[0] for row in asker.ask(Collections((ODD_RUN,))).rows] == [ODD_RUN]
    assert asker.ask(Datasets(("calexp",), (ODD_RUN,))).rows
    asker.close()
