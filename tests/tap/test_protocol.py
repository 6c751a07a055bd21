"""What a service is for the rest of the gateway: what it can do, what it refuses by name, and what it says of its datasets."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pytest

from adapters.capability import Capability
from adapters.errors import AdapterError, NotFound, Unsupported
from adapters.notes import By, Work
from adapters.protocol import Repository
from adapters.question import (
    Beside,
    Certifications,
    CollectionLinks,
    Constraint,
    DataIds,
    Datasets,
    DatasetsById,
    Files,
    FindDataset,
    Kinship,
    Lineage,
    Memberships,
    Op,
    Order,
    Quanta,
    Recorded,
    RecordsByKey,
    Regions,
    Related,
    RelatedDataIds,
    Sizes,
    Sky,
    Span,
    Timespans,
    Used,
    Versions,
    Way,
    Where,
)
from adapters.rows import Kind
from adapters.tap import open_repository

from . import dachs
from .asking import CALL, Call, Opened
from .documents import error, votable
from .proxy import Answer, Proxy, Request

RAWS = Datasets(("raw",))
DID = ("obs_publisher_did",)


def related(**more: Any) -> Related:
    return Related(DID, (("ivo://x",),), ("raw",), **more)


UNSUPPORTED: dict[str, tuple[Any, str]] = {
    "where": (Datasets(("raw",), where=Where("visit = 1")), "WHERE"),
    "validity": (Datasets(("raw",), validity=Span(0, 1)), "CALIBRATION"),
    "ingest date": (Datasets(("raw",), ingested_before=1), "INGEST_DATE"),
    "order by ingest date": (Datasets(("raw",), order=(Order("ingest_date"),)), "INGEST_DATE"),
    "certifications": (Certifications(("a",), "flat"), "CALIBRATION"),
    "calibrations": (related(by=Kinship.CALIBRATION), "CALIBRATION"),
    "provenance": (related(by=Kinship.PROVENANCE), "PROVENANCE"),
    "used": (related(by=Kinship.SPATIAL, used=True), "PROVENANCE"),
    "equal data IDs": (related(by=Kinship.DATA_ID), "DATA_ID"),
    "what dimensions say": (related(), "DATA_ID"),
    "bare data IDs": (Related(("visit",), ((1,),), ("raw",), by=Kinship.SPATIAL), "related data IDs"),
    "lineage": (Lineage(("0" * 32,), Way.UPSTREAM), "PROVENANCE"),
    "quanta": (Quanta(), "PROVENANCE"),
    "recorded": (Recorded(("0" * 32,)), "PROVENANCE"),
    "used pairs": (Used((("0" * 32, "1" * 32),)), "PROVENANCE"),
    "versions": (Versions((("raw", "x"),)), "versions"),
    "joins of dimensions": (RelatedDataIds(("visit",), ((1,),), ("patch",)), "related data IDs"),
    "having": (DataIds(("visit",), having=("raw",)), "having, lacking"),
    "regions of visits": (Regions(("visit",), ((1,),)), "regions and times of data IDs"),
    "records of visits": (RecordsByKey("visit", ((1,),)), "records"),
    "a where of data IDs": (DataIds(("visit",), where=Where("1=1")), "WHERE"),
}


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_obscore_cannot_say_is_refused_by_name(name: str, tap: Opened) -> None:
    question, capability = UNSUPPORTED[name]
    with pytest.raises(Unsupported) as raised:
        tap.ask(question)
    assert raised.value.details["capability"] == capability


def test_capabilities_are_those_that_it_has(tap: Opened) -> None:
    assert isinstance(tap.repository, Repository)
    able = tap.repository.capabilities
    assert able == {Capability.WILDCARD, Capability.SKY, Capability.TIME, Capability.FILES}
    assert open_repository.__module__ == "adapters.tap"


def test_universe_has_butlers_dimensions_and_the_columns_as_fields(tap: Opened) -> None:
    universe = tap.run(tap.repository.universe(CALL))
    assert universe.label == "obscore/1"
    assert universe.dimension_kinds["visit"] is Kind.LONG and universe.dimension_kinds["band"] is Kind.STRING
    first = universe.elements["obs_publisher_did"]
    assert (
        first.spatial
        and first.temporal
        and {"visit", "instrument", "obs_id", "target_name"} <= set(first.implied)
    )
    fields = {one.name: one for one in first.fields}
    assert (fields["s_ra"].type, fields["s_ra"].unit) == ("float", "deg") and fields[
        "calib_level"
    ].type == "int"


@pytest.mark.parametrize(
    "question",
    [
        Datasets(("rae",)),
        Datasets(("raw",), ("HSC/raw/al",)),
    ],
)
def test_unknown_names_come_with_the_nearest_ones(question: Datasets, tap: Opened) -> None:
    with pytest.raises(NotFound) as raised:
        tap.ask(question)
    assert raised.value.details["nearest"][0] in ("raw", "HSC/raw/all") and raised.value.details["unknown"]


@pytest.mark.parametrize(
    "given",
    [("visit", "x"), ("band", 1), ("s_ra", True), ("visit", 2**63), ("t_min", float("nan")), ("viset", 1)],
)
def test_values_that_a_column_cannot_hold_are_refused(given: tuple[str, Any], tap: Opened) -> None:
    with pytest.raises(AdapterError) as raised:
        tap.ask(Datasets(("raw",), constraints=(Constraint(given[0], Op.EQ, given[1]),)))
    assert raised.value.code == "BAD_USER_INPUT"


def test_columns_of_obscore_constrain_by_their_own_names(tap: Opened, table: list[dict[str, Any]]) -> None:
    constraints = (
        Constraint("calib_level", Op.GE, 2),
        Constraint("obs_publisher_did.s_dec", Op.LT, 0.05),
        Constraint("instrument_name", Op.GLOB, "H?C"),
        Constraint("run", Op.GLOB, "HSC/*"),
    )
    wanted = [
        one
        for one in table
        if one["calib_level"] >= 2
        and one.get("s_dec") is not None
        and one["s_dec"] < 0.05
        and one["instrument_name"] == "HSC"
        and one["obs_collection"].startswith("HSC/")
    ]
    assert wanted and tap.count(Datasets(("*",), constraints=constraints)) == len(wanted)


def test_files_are_where_access_url_says(tap: Opened, table: list[dict[str, Any]]) -> None:
    rows = tap.ask(RAWS.paged(100))
    files = tap.ask(Files(tuple(row[0] for row in rows.rows)))
    told = {one["obs_publisher_did"][-36:].replace("-", ""): one for one in table if one["access_url"]}
    assert {row[0] for row in files.rows} == {row[0] for row in rows.rows} & told.keys()
    for row in files.rows:
        one = told[row[0]]
        assert (row[1], row[5], row[7]) == (
            one["access_url"],
            one["access_estsize"] * 1000,
            "application/fits",
        )
    sizes = tap.ask(Sizes(tuple(row[0] for row in rows.rows)))
    assert [column.name for column in sizes.columns] == ["id", "size"]
    assert dict(sizes.rows) == {row[0]: row[5] for row in files.rows}
    lacking = next(row[0] for row in rows.rows if row[0] not in told)
    with pytest.raises(NotFound):
        tap.run(tap.repository.content(lacking, None, CALL))
    with pytest.raises(NotFound):
        tap.run(tap.repository.content(files.rows[0][0], "wcs", CALL))
    assert (
        not tap.ask(Memberships((lacking,))).rows
        and not tap.ask(CollectionLinks(("refcats",), "children")).rows
    )


def test_what_is_wanted_beside_comes_along(tap: Opened) -> None:
    alone = tap.ask(Datasets(("calexp",)).paged(20))
    rows = tap.ask(Datasets(("calexp",), beside=Beside(timespan=True, region=True)).paged(20))
    assert [row[0] for row in rows.rows] == [row[0] for row in alone.rows]
    keys = tuple((row[rows.index("obs_publisher_did")],) for row in rows.rows)
    spans = {row[0]: row[2:] for row in tap.ask(Timespans(DID, keys)).rows}
    regions = {row[0]: row[2] for row in tap.ask(Regions(DID, keys)).rows}
    known, begin, end = rows.beside["timespan"].places
    (place,) = rows.beside["region"].places
    assert regions
    for parent, row in enumerate(rows.rows):
        assert row[known] and (row[begin], row[end]) == spans[parent] and row[place] == regions.get(parent)
    assert rows.key is not None and rows.key(rows.rows[-1]) == keys[-1]


def test_a_record_is_every_column_of_a_dataset(tap: Opened, table: list[dict[str, Any]]) -> None:
    one = next(one for one in table if one["dataproduct_subtype"] == "calexp")
    rows = tap.ask(RecordsByKey("obs_publisher_did", (("ivo://nothing",), (one["obs_publisher_did"],))))
    (row,) = rows.rows
    assert row[0] == 1
    for name in ("obs_collection", "calib_level", "t_min", "access_url", "lsst_visit"):
        assert row[rows.index(name)] == one[name]


def test_find_dataset_finds_the_one(tap: Opened) -> None:
    rows = tap.ask(RAWS.paged(1))
    did = rows.rows[0][rows.index("obs_publisher_did")]
    found = tap.ask(FindDataset("raw", (("obs_publisher_did", did),)))
    assert [row[0] for row in found.rows] == [rows.rows[0][0]]
    assert not tap.ask(FindDataset("calexp", (("obs_publisher_did", did),))).rows
    with pytest.raises(AdapterError, match="Several datasets"):
        tap.ask(FindDataset("raw", (("instrument", "HSC"),)))


def test_an_empty_list_is_explained(tap: Opened) -> None:
    assert "no time" in tap.explain(Datasets(("deepCoadd",), time=Span(0, 1)))[0]
    assert "no region" in tap.explain(Datasets(("flat",), sky=Sky("CIRCLE 0 0 1")))[0]
    assert tap.explain(Datasets(("raw",), ("refcats",))) == [
        "None of the collections searched holds datasets of type 'raw'."
    ]
    said = tap.explain(Datasets(("raw",), constraints=(Constraint("band", Op.EQ, "nothing"),)))
    assert said == ["No dataset has these values of band."]
    assert tap.explain(Datasets(("zz*",))) == ["No dataset type matches 'zz*'."]


def test_health_says_what_it_is(tap: Opened, table: list[dict[str, Any]]) -> None:
    health = tap.run(tap.repository.health(CALL))
    assert health.facts["datasets"] == str(len(table)) and not health.problems and not health.warnings


def test_the_work_is_told_without_what_callers_gave(tap: Opened) -> None:
    told: list[Work] = []
    tap.ask(
        Datasets(("raw",), constraints=(Constraint("target_name", Op.EQ, "secret"),)), Call(notes=told.append)
    )
    assert told and all(work.by is By.SERVICE and "secret" not in work.what for work in told)


def test_the_standard_table_is_the_default(service: dachs.Dachs, table: list[dict[str, Any]]) -> None:
    """ivoa.obscore has no columns of Rubin's."""
    plain = Opened.tap("lsst", service.uri, names={"target": "target_name"})
    rows = plain.ask(Datasets(("calexp",), sky=Sky("CIRCLE 0 0 0.2")).paged(500))
    assert (
        rows.rows and "visit" not in rows.places and {"instrument", "target", "obs_id"} <= rows.places.keys()
    )
    assert plain.count(Datasets(("*",))) == len(table)
    found = plain.ask(DatasetsById((rows.rows[0][0],)))
    assert [row[0] for row in found.rows] == [rows.rows[0][0]]
    plain.close()


def strange(request: Request) -> Answer:
    """A service whose identifiers hold no UUID."""
    texts = ("dataproduct_type", "obs_collection", "obs_publisher_did", "access_url")
    one = ("spectrum", "califa", "ivo://org.gavo.dc/~?califa/V1200/NGC1.fits", "http://dc.example/NGC1.fits")
    query = request.query
    if "SELECT TOP 1 *" in query:
        return Answer(200, votable(dict.fromkeys(texts, "char*"), [one]))
    if "GROUP BY" in query:
        return Answer(200, votable({"t": "char*", "c": "char*", "n": "int"}, [("spectrum", "califa", 1)]))
    names = [
        word.rpartition(" AS ")[::2]
        for word in query.partition(" FROM ")[0].partition("SELECT ")[2].split(", ")
    ]
    if any(name.rpartition(" ")[2] not in texts for name, _ in names):
        return Answer(400, error(query))
    values = dict(zip(texts, one, strict=True))
    row = [values[name.rpartition(" ")[2]] for name, _ in names]
    return Answer(200, votable({alias: "char*" for _, alias in names}, [row]))


def test_identifiers_without_a_uuid_make_stable_ids_that_lead_back_within_a_request() -> None:
    with Proxy(behaviour=strange) as proxy:
        tap = Opened.tap("dc", proxy.uri)
        call = Call()
        rows = tap.ask(Datasets(("spectrum",)).paged(5), call)
        id, did = rows.rows[0][0], rows.rows[0][rows.index("obs_publisher_did")]
        assert id == uuid5(NAMESPACE_URL, did).hex
        assert tap.ask(Files((id,)), call).rows[0][:2] == (id, "http://dc.example/NGC1.fits")
        assert [row[0] for row in tap.ask(DatasetsById((id,)), call).rows] == [id]
        with pytest.raises(Unsupported, match="obs_publisher_did"):
            tap.ask(DatasetsById((id,)), Call())
        assert any("by id" in warning for warning in tap.run(tap.repository.health(call)).warnings)
        with pytest.raises(Unsupported, match="no s_region"):
            tap.ask(Datasets(("spectrum",), sky=Sky("CIRCLE 0 0 1")))
        tap.close()
