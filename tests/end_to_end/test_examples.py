"""The examples of the page are questions that the demonstration repository really answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.explorer import Example, load_examples
from tests.end_to_end.asking import Asker

EXAMPLES = {example.name: example for example in load_examples()}
Check = Callable[[Any], None]


def repositories(data: Any) -> None:
    hsc = data["repositories"][0]
    assert (hsc["name"], hsc["universe"]) == ("hsc", "daf_butler/8")
    assert hsc["defaultCollections"] == ["HSC/defaults", "LSSTCam/defaults"]
    assert {"WILDCARD", "SKY", "TIME", "CALIBRATION", "FILES"} <= set(hsc["capabilities"])


def collections(data: Any) -> None:
    found = data["repository"]["collections"]
    by_name = {node["name"]: node for node in found["nodes"]}
    assert found["totalCount"] == len(by_name) == 15
    assert not found["pageInfo"]["hasNextPage"]
    chain = [child["name"] for child in by_name["HSC/runs/all"]["children"]["nodes"]]
    assert chain == ["HSC/runs/demo/2", "HSC/runs/demo/1"]  # the search order: newest first, not by name
    assert {kind["name"] for kind in by_name["HSC/calib"]["datasetTypes"]["nodes"]} == {"bias", "flat"}
    assert {node["type"] for node in found["nodes"]} == {"RUN", "TAGGED", "CHAINED", "CALIBRATION"}


def raws_of_a_night(data: Any) -> None:
    found = data["repository"]["datasets"]
    assert found["totalCount"] == len(found["nodes"]) == 16
    assert {node["dataId"]["physicalFilter"] for node in found["nodes"]} == {"HSC-I"}
    places = [(node["dataId"]["exposure"], node["dataId"]["detector"]) for node in found["nodes"]]
    assert places == sorted(places)
    assert found["nodes"][0]["timespan"]["begin"] == "2013-11-02T05:18:27.876Z"
    assert all(node["files"][0]["size"] > 1000 for node in found["nodes"])
    assert found["completeness"]["state"] == "COMPLETE"


def certified_flats(data: Any) -> None:
    found = data["repository"]["collection"]["certifications"]["nodes"]
    filters = {node["dataset"]["dataId"]["physicalFilter"] for node in found}
    assert filters == {"HSC-I", "HSC-R"}
    ranges = [
        (node["validity"]["begin"], node["validity"]["end"])
        for node in found
        if node["dataset"]["dataId"]["physicalFilter"] == "HSC-I"
    ]
    # Certified in TAI, shown in UTC, 35 seconds apart in 2013; half an hour is covered by none.
    assert ranges == [
        ("2013-05-31T23:59:25Z", "2013-06-17T13:33:25Z"),
        ("2013-06-17T13:33:25Z", "2013-07-31T23:59:25Z"),
        ("2013-07-31T23:59:25Z", "2013-11-02T05:59:25Z"),
        ("2013-11-02T06:29:25Z", None),
    ]


def calexps_at_a_point(data: Any) -> None:
    found = data["repository"]["datasets"]
    assert found["totalCount"] == 13
    assert {node["region"]["source"] for node in found["nodes"]} == {"visit_detector_region"}
    assert all(node["region"]["sRegion"].startswith("POLYGON ICRS 320.") for node in found["nodes"])


def not_processed_yet(data: Any) -> None:
    found = data["repository"]["dataIds"]
    assert [(node["exposure"], node["detector"]) for node in found["nodes"]] == [
        (904010, 4),
        (904010, 10),
        (904010, 100),
        (904014, 1),
        (904014, 6),
        (904014, 12),
    ]
    before, after = (node["validity"] for node in data["repository"]["collection"]["certifications"]["nodes"])
    times = [node["timespan"] for node in found["nodes"]]
    assert all(before["end"] < time["begin"] < time["end"] < after["begin"] for time in times)


def versions(data: Any) -> None:
    found = data["repository"]["findDataset"]
    both = found["versions"]["nodes"]
    assert [node["run"] for node in both] == ["HSC/runs/demo/2", "HSC/runs/demo/1"]
    assert both[0]["uuid"] == found["uuid"]
    assert both[0]["ingestDate"] > both[1]["ingestDate"]


def exposures(data: Any) -> None:
    nodes = data["repository"]["records"]["nodes"]
    assert [node["dataId"]["exposure"] for node in nodes] == [903986, 903988, 903990, 904010, 904014]
    assert {(node["target"], node["seconds"]) for node in nodes} == {("STRIPE82L", 30.0)}
    assert nodes[0]["timespan"]["beginMjd"] == pytest.approx(56598.22156106481, abs=1e-10)


def next_page(data: Any) -> None:
    found = data["repository"]["datasets"]
    assert (found["totalCount"], len(found["nodes"]), found["pageInfo"]["hasNextPage"]) == (37, 10, True)


def how_many(data: Any) -> None:
    found = data["repository"]["datasets"]
    counts = {item["value"]["band"]: item["count"] for item in found["facets"]["items"]}
    assert counts == {"r": 17, "i": 16}
    assert found["totalCount"] == 33
    assert found["facets"]["complete"]


def rubin_exposures(data: Any) -> None:
    found = data["repository"]["datasets"]
    ids = {node["dataId"]["map"]["exposure"] for node in found["nodes"]}
    assert (found["totalCount"], ids) == (4, {2025120200439, 2025120200440})  # above 2^31, and exact
    assert found["nodes"][0]["timespan"]["begin"] == "2025-12-03T07:58:30.425363958Z"
    assert found["nodes"][0]["dataId"]["record"]["fields"]["science_program"] == "BLOCK-407"


def coadds_near_a_point(data: Any) -> None:
    found = data["datasets"]
    assert [(n["dataId"]["patch"], n["dataId"]["band"]) for n in found["nodes"]] == [(69, "i"), (69, "r")]
    assert {node["run"] for node in found["nodes"]} == {"HSC/runs/demo/2"}  # found first in the chain
    assert all(len(node["region"]["vertices"]) == 4 for node in found["nodes"])
    assert found["completeness"] == {"state": "COMPLETE", "message": None, "unavailable": []}


CHECKS: dict[str, Check] = {
    "01-repositories": repositories,
    "02-collections": collections,
    "03-raws-of-a-night": raws_of_a_night,
    "04-certified-flats": certified_flats,
    "05-calexps-at-a-point": calexps_at_a_point,
    "06-not-processed-yet": not_processed_yet,
    "07-versions": versions,
    "08-exposures": exposures,
    "09-next-page": next_page,
    "10-how-many": how_many,
    "11-rubin-exposures": rubin_exposures,
    "12-coadds-near-a-point": coadds_near_a_point,
}


def test_every_example_is_checked() -> None:
    assert list(EXAMPLES) == list(CHECKS)
    assert 8 <= len(EXAMPLES) <= 12


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=list(EXAMPLES))
def test_every_example_has_a_sensible_answer(asker: Asker, example: Example) -> None:
    CHECKS[example.name](asker.data(example.query, **example.variables))
