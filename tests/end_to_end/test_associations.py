"""Whole chains of associations over a socket: what is tied and what was recorded tell one story."""

from __future__ import annotations

from typing import Any

import pytest

from tests.docs.test_readme import block
from tests.end_to_end.asking import Asker

CHAIN = """query Chain($run: [String!]!) { repository(name: "hsc") {
  datasets(query: { type: ["demo_coadd"], collections: $run }, first: 50) { totalCount nodes {
    uuid run
    lineage(depth: 4, type: ["demo_calexp", "raw", "flat"], first: 500) { nodes { uuid } }
    calexps: related(type: ["demo_calexp"], collections: $run) { totalCount edges { kind overlap used node {
      uuid run dataId { visit detector }
      lineage(type: ["raw", "flat"]) { edges { depth node { uuid type { name } } } }
      raws: related(type: ["raw"]) { edges { kind used node {
        uuid dataId { exposure detector physicalFilter }
        flat: calibration(type: "flat") { kind used collection node {
          uuid dataId { detector physicalFilter }
          raws: related(type: ["raw"]) { totalCount nodes { uuid } }
        } }
      } } }
    } } }
  } }
} }"""

QUANTUM = """quanta(task: ["warp"], run: ["HSC/runs/demo/1"], first: 1) { nodes {
  id inputs { nodes { uuid outputs(type: ["demo_warp"]) { edges { quantum { id } } } } }
  outputs(type: ["demo_warp"]) { nodes { producer { id task } inputs { nodes { uuid } } } }
} }"""


def uuids(nodes: list[Any]) -> set[str]:
    return {node["uuid"] for node in nodes}


@pytest.mark.parametrize(("run", "left_out"), [("HSC/runs/demo/1", 0), ("HSC/runs/demo/2", 1)])
def test_from_coadds_to_the_other_raws_of_their_flats(asker: Asker, run: str, left_out: int) -> None:
    found = asker.data(CHAIN, run=[run])["repository"]["datasets"]
    assert found["totalCount"] == len(found["nodes"]) == 18
    unused, replaced = [], set()
    for coadd in found["nodes"]:
        assert coadd["run"] == run
        recorded = uuids(coadd["lineage"]["nodes"])
        assert coadd["calexps"]["totalCount"] == len(coadd["calexps"]["edges"]) > 0
        for edge in coadd["calexps"]["edges"]:
            calexp = edge["node"]
            assert (edge["kind"], calexp["run"]) == ("SPATIAL", run)
            assert 0 < edge["overlap"] <= 1
            # A patch and its images meet by the sky, and the record says the same: but for one that was left out.
            assert edge["used"] is (calexp["uuid"] in recorded)
            if not edge["used"]:
                unused.append(calexp["dataId"])
            read = {one["node"]["type"]["name"]: one["node"]["uuid"] for one in calexp["lineage"]["edges"]}
            (raw,) = calexp["raws"]["edges"]
            assert (raw["kind"], raw["used"], raw["node"]["uuid"]) == ("DATA_ID", True, read["raw"])
            assert raw["node"]["dataId"]["exposure"] == calexp["dataId"]["visit"]
            flat = raw["node"]["flat"]
            assert (flat["kind"], flat["collection"]) == ("CALIBRATION", "HSC/calib")
            assert flat["node"]["dataId"].items() <= raw["node"]["dataId"].items()
            assert flat["used"] is (flat["node"]["uuid"] == read["flat"])
            if not flat["used"]:
                replaced.add((calexp["dataId"]["visit"], calexp["dataId"]["detector"]))
            others = flat["node"]["raws"]
            assert raw["node"]["uuid"] in uuids(others["nodes"])
            assert others["totalCount"] == len(others["nodes"])
    assert unused == [{"visit": 903346, "detector": 12}] * left_out
    assert replaced == {(903986, 22)}


def test_a_quantum_its_datasets_and_back(asker: Asker) -> None:
    (quantum,) = asker.hsc(QUANTUM)["quanta"]["nodes"]
    (warp,) = quantum["outputs"]["nodes"]
    assert warp["producer"] == {"id": quantum["id"], "task": "warp"}
    assert uuids(warp["inputs"]["nodes"]) == uuids(quantum["inputs"]["nodes"])
    for calexp in quantum["inputs"]["nodes"]:
        assert quantum["id"] in [edge["quantum"]["id"] for edge in calexp["outputs"]["edges"]]


def test_what_is_not_recorded_is_not_none(asker: Asker) -> None:
    """No execution of this gateway knows LSSTCam: null and an error, where an empty list would be a claim."""
    answer = asker.ask(
        """{ repository(name: "hsc") { datasets(query: { type: ["raw"], dataId: { instrument: { eq: "LSSTCam" } } }, first: 1) {
             nodes { outputs { totalCount } producer { task } } } } }"""
    )
    (node,) = answer["data"]["repository"]["datasets"]["nodes"]
    assert node == {"outputs": None, "producer": None}
    (error,) = answer["errors"]
    assert error["extensions"] == {"code": "NOT_FOUND", "recorded": False}
    assert error["path"] == ["repository", "datasets", "nodes", 0, "outputs"]


def test_the_query_of_the_readme(asker: Asker) -> None:
    (edge,) = asker.data(block("gql", "LeftOut"))["repository"]["findDataset"]["related"]["edges"]
    assert edge["kind"] == "SPATIAL"
    assert edge["overlap"] == pytest.approx(0.350401, abs=1e-6)
    assert edge["node"]["dataId"] == {"visit": 903346, "detector": 12}
    (raw,) = edge["node"]["related"]["nodes"]
    flat = raw["calibration"]
    assert (flat["semantics"], flat["collection"], flat["used"]) == ("#flat", "HSC/calib", True)
    assert flat["node"]["run"] == "HSC/calib/flat/2013-06-17"
