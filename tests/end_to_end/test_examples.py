"""The examples of the page are questions that the demonstration repository really answers."""

from __future__ import annotations

from collections import Counter
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


def flat_of_a_raw(data: Any) -> None:
    nodes = data["repository"]["datasets"]["nodes"]
    assert [node["dataId"]["exposure"] for node in nodes] == [903334, 903342, 903986, 904010]
    *served, gap = nodes
    assert [node["flat"]["node"]["run"] for node in served] == [
        "HSC/calib/flat/2013-06-01",
        "HSC/calib/flat/2013-06-17",  # certified from between two exposures of one night
        "HSC/calib/flat/2013-08-01",
    ]
    for node in served:
        flat, time = node["flat"], node["timespan"]
        assert (flat["semantics"], flat["collection"], flat["used"]) == ("#flat", "HSC/calib", True)
        assert flat["validity"]["begin"] <= time["begin"] < time["end"] <= flat["validity"]["end"]
        assert node["why"]["explain"] == []
    assert gap["flat"] is None
    (reason,) = gap["why"]["explain"]
    # Both edges of the gap, and the time that lies between them.
    for part in (
        "2013-11-02T05:59:25Z)",
        "[2013-11-02T06:29:25Z, ...)",
        f"[{gap['timespan']['begin']}, {gap['timespan']['end']})",
        "in none of them",
    ):
        assert part in reason, part


def certified_but_not_used(data: Any) -> None:
    raw = data["repository"]["raw"]
    certified = raw["certified"]
    assert (certified["semantics"], certified["used"]) == ("#flat", False)
    assert certified["node"]["run"] == "HSC/calib/flat/2013-08-01-redone"
    assert certified["node"]["raws"]["edges"] == [
        {
            "semantics": "#auxiliary",
            "used": False,
            "node": {"dataId": {"exposure": 903986, "detector": 22}},
        }
    ]
    processed = {edge["quantum"]["run"]: edge for edge in raw["processed"]["edges"]}
    assert set(processed) == {"HSC/runs/demo/1", "HSC/runs/demo/2"}
    for edge in processed.values():
        assert (edge["quantum"]["task"], edge["quantum"]["status"]) == ("isr", "SUCCESSFUL")
        (read,) = edge["node"]["read"]["edges"]
        assert (read["semantics"], read["node"]["run"]) == ("#progenitor", "HSC/calib/flat/2013-08-01")
        assert read["node"]["uuid"] != certified["node"]["uuid"]


def left_out_of_a_coadd(data: Any) -> None:
    coadd = data["repository"]["findDataset"]
    assert coadd["run"] == "HSC/runs/demo/2"
    found = coadd["overlapping"]
    places = [tuple(edge["node"]["dataId"].values()) for edge in found["edges"]]
    assert found["totalCount"] == len(places) == 8
    assert places == sorted(places)
    assert {(edge["kind"], edge["semantics"]) for edge in found["edges"]} == {("SPATIAL", "#counterpart")}
    unused = [edge for edge in found["edges"] if not edge["used"]]
    (left,) = coadd["leftOut"]["edges"]
    assert coadd["leftOut"]["totalCount"] == 1
    assert left["node"]["dataId"] == {"visit": 903346, "detector": 12}  # a third of the patch
    assert left["overlap"] == pytest.approx(0.350401, abs=1e-6)
    assert [(edge["node"]["dataId"], edge["overlap"]) for edge in unused] == [
        (left["node"]["dataId"], left["overlap"])
    ]
    assert {edge["used"] for edge in found["edges"]} == {True, False}


def from_coadd_to_flats(data: Any) -> None:
    coadd = data["repository"]["findDataset"]
    assert coadd["run"] == "HSC/runs/demo/2"
    assert coadd["calexps"]["completeness"]["state"] == "COMPLETE"
    edges = coadd["calexps"]["edges"]
    assert len(edges) == 10
    assert {(edge["kind"], edge["used"]) for edge in edges} == {("SPATIAL", True)}
    assert all(0 < edge["overlap"] < 1 for edge in edges)
    unused = []
    for edge in edges:
        own = edge["node"]["dataId"]
        (raw,) = edge["node"]["raws"]["edges"]
        assert (raw["kind"], raw["used"]) == ("DATA_ID", True)
        assert raw["node"]["dataId"] == {"exposure": own["visit"], "detector": own["detector"]}
        flat = raw["node"]["flat"]
        assert flat["validity"] == {"begin": "2013-07-31T23:59:25Z", "end": "2013-11-02T05:59:25Z"}
        if not flat["used"]:
            unused.append((own["visit"], own["detector"], flat["node"]["run"]))
    assert unused == [(903986, 22, "HSC/calib/flat/2013-08-01-redone")]


def lineage_of_a_coadd(data: Any) -> None:
    coadd = data["repository"]["findDataset"]
    assert coadd["producer"] == {"task": "coadd", "run": "HSC/runs/demo/2", "status": "SUCCESSFUL"}
    found = coadd["lineage"]
    assert found["totalCount"] == len(found["edges"]) == 49
    steps = Counter(
        (edge["depth"], edge["node"]["type"]["name"], edge["quantum"]["task"]) for edge in found["edges"]
    )
    assert steps == {
        (1, "demo_warp", "coadd"): 3,
        (2, "demo_calexp", "warp"): 10,
        (3, "demo_postIsr", "calibrate"): 10,
        (4, "raw", "isr"): 10,
        (4, "bias", "isr"): 8,  # of ten frames two pairs are of one detector
        (4, "flat", "isr"): 8,
    }
    depths = [edge["depth"] for edge in found["edges"]]
    assert depths == sorted(depths)
    assert {edge["semantics"] for edge in found["edges"]} == {"#progenitor"}
    assert {edge["quantum"]["status"] for edge in found["edges"]} == {"SUCCESSFUL"}
    assert len({edge["node"]["uuid"] for edge in found["edges"]} - {coadd["uuid"]}) == 49
    flats = {edge["node"]["run"] for edge in found["edges"] if edge["node"]["type"]["name"] == "flat"}
    assert flats == {"HSC/calib/flat/2013-08-01"}  # what was read, and not what is certified by now


def quanta_of_a_task(data: Any) -> None:
    found = data["repository"]["quanta"]
    assert found["totalCount"] == len(found["nodes"]) == 2
    assert [node["dataId"] for node in found["nodes"]] == [
        {"exposure": 903334, "detector": 22},
        {"exposure": 903986, "detector": 22},
    ]
    flats = []
    for node in found["nodes"]:
        assert (node["task"], node["status"], node["message"]) == ("isr", "SUCCESSFUL", None)
        assert node["taskClass"] == "gateway.demo.pipeline.IsrTask"
        read = {one["type"]["name"]: one["run"] for one in node["inputs"]["nodes"]}
        assert set(read) == {"raw", "bias", "flat"}
        flats.append(read["flat"])
        written = {one["type"]["name"] for one in node["outputs"]["nodes"]}
        assert written == {"demo_postIsr", "isr_log", "isr_metadata"}
    assert flats == ["HSC/calib/flat/2013-06-01", "HSC/calib/flat/2013-08-01"]


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
    "13-flat-of-a-raw": flat_of_a_raw,
    "14-certified-but-not-used": certified_but_not_used,
    "15-left-out-of-a-coadd": left_out_of_a_coadd,
    "16-from-coadd-to-flats": from_coadd_to_flats,
    "17-lineage-of-a-coadd": lineage_of_a_coadd,
    "18-quanta-of-a-task": quanta_of_a_task,
}


def test_every_example_is_checked() -> None:
    assert list(EXAMPLES) == list(CHECKS)
    assert 12 <= len(EXAMPLES) <= 18


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=list(EXAMPLES))
def test_every_example_has_a_sensible_answer(asker: Asker, example: Example) -> None:
    CHECKS[example.name](asker.data(example.query, **example.variables))
