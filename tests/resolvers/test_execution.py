"""What was really used, made from what, and by which unit of execution: the demonstration's two recorded runs."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.question import Lineage, QuantaById, QuantumDatasets, Recorded, Related, Used

from .conftest import Gateway
from .test_associations import GAP, document, of

RUNS = ("HSC/runs/demo/1", "HSC/runs/demo/2")
EVERY = {"findFirst": False}


def test_a_frame_was_made_from_one_raw_and_its_calibrations(demo: Gateway) -> None:
    frames = of(
        demo,
        "demo_postIsr",
        """run inputs { totalCount completeness { state } explain nodes { type { name } } edges { cursor kind semantics depth
             collection rank validity { begin } overlap used quantum { task run }
             node { type { name } dataId { exposure detector } } } }
           producer { id task taskClass status run dataId { map } }""",
        query=EVERY,
    )
    for kind, count in ((Recorded, 1), (Lineage, 2), (Used, 1), (QuantaById, 1)):
        assert len(demo.asked("hsc", kind)) == count, kind  # the pages, and what is counted
    assert len(frames) > 30
    for frame in frames:
        inputs = frame["inputs"]
        assert [node["type"]["name"] for node in inputs["nodes"]] == ["bias", "flat", "raw"]
        assert (inputs["totalCount"], inputs["explain"]) == (3, [])
        assert inputs["completeness"] == {"state": "COMPLETE"}
        for edge in inputs["edges"]:
            assert (edge["kind"], edge["semantics"], edge["depth"]) == ("PROVENANCE", "#progenitor", 1)
            assert edge["collection"] is edge["rank"] is edge["validity"] is edge["overlap"] is None
            assert edge["used"] is True
            assert edge["quantum"] == {"task": "isr", "run": frame["run"]}
            assert edge["node"]["dataId"]["detector"] == frame["dataId"]["map"]["detector"]
        producer = frame["producer"]
        assert (producer["task"], producer["run"], producer["status"]) == ("isr", frame["run"], "SUCCESSFUL")
        assert producer["taskClass"].endswith("IsrTask")
        for name in ("instrument", "exposure", "detector"):
            assert producer["dataId"]["map"][name] == frame["dataId"]["map"][name]


def test_what_is_not_recorded_is_null_and_says_so(demo: Gateway) -> None:
    text = (
        "producer { task } inputs { totalCount } lineage { totalCount } outputs { nodes { type { name } } }"
    )
    answer = demo(document(text), query={"type": ["raw"], "dataId": {"instrument": {"eq": "HSC"}}})
    raws = answer.data["repository"]["datasets"]["nodes"]
    gap = [raw for raw in raws if raw["dataId"]["map"]["exposure"] in GAP]
    assert answer.codes == ["NOT_FOUND"] * (2 * len(raws) + len(gap))
    assert {(error.path[-1], error.message) for error in answer.errors} == {
        ("inputs", "Not recorded: no execution that wrote this 'raw' is known here, so what it was made from is unknown."),
        ("lineage", "Not recorded: no execution that wrote this 'raw' is known here, so what it was made from is unknown."),
        ("outputs", "Not recorded: no execution that wrote or read this 'raw' is known here, so what has to do with it is unknown."),
    }  # fmt: skip
    for raw in raws:
        assert raw["producer"] is raw["inputs"] is raw["lineage"] is None
        # Without a flat there was nothing to execute.
        assert (raw["outputs"] is None) is (raw in gap)
    answer = demo(document("outputs { totalCount } related(type: \"*\", by: PROVENANCE) { totalCount }"), query={"type": ["calexp"]}, first=1)  # fmt: skip
    assert answer.codes == ["NOT_FOUND"] * 2  # the real frames were imported
    assert "wrote or read this 'calexp'" in answer.messages


def test_nothing_recorded_is_no_empty_list_of_executions(pair: Gateway, demo: Gateway) -> None:
    """``one`` holds no quantum graph. Null, and where a list cannot be, the same error."""
    for arguments in ("first: 10", "first: 0", 'task: "is*"', "status: FAILED"):
        answer = pair(
            f'{{ repository(name: "one") {{ quanta({arguments}) {{ totalCount nodes {{ task }} }} }} }}'
        )
        assert answer.data == {"repository": {"quanta": None}}
        (error,) = answer.errors
        assert "no execution is known of repository 'one'" in error.message
        assert (error.original_error.code, error.original_error.details) == ("NOT_FOUND", {"recorded": False})
    answer = pair('{ repository(name: "one") { quanta { totalCount } } }')
    assert (answer.codes, answer.data) == (["NOT_FOUND"], {"repository": {"quanta": {"totalCount": None}}})
    # Of what is recorded an empty part is an empty list.
    data = demo.good('{ repository(name: "hsc") { quanta(status: FAILED) { totalCount nodes { task } } } }')
    assert data["repository"]["quanta"] == {"totalCount": 0, "nodes": []}


def test_nothing_recorded_leaves_open_what_was_used(pair: Gateway, demo: Gateway) -> None:
    text = """{ repository(name: "%s") { datasets(query: {type: "%s"}, first: 1) { nodes {
      a: related(type: "%s", used: true) { explain totalCount } b: related(type: "%s", used: false) { explain } } } } }"""
    (node,) = pair.good(text % ("one", "calexp", "src", "src"))["repository"]["datasets"]["nodes"]
    open = ["There are associations, but no execution is recorded that would show whether any was used."]
    assert node == {"a": {"explain": open, "totalCount": 0}, "b": {"explain": open}}
    # Where executions are recorded, what none of them did is told.
    (node,) = demo.good(text % ("hsc", "demo_coadd", "demo_warp", "demo_warp"))["repository"]["datasets"][
        "nodes"
    ]
    assert node["a"]["explain"] == []
    assert node["b"] == {
        "explain": [
            "There are associations, but none that a recorded execution is known to have left unused."
        ]
    }


def test_made_of_nothing_here_is_an_empty_list_with_a_reason(demo: Gateway) -> None:
    (coadd,) = of(demo, "demo_coadd", "outputs { explain totalCount nodes { run } }", first=1)
    assert coadd["outputs"] == {
        "nodes": [],
        "totalCount": 0,
        "explain": ["No recorded execution read it."],
    }
    (coadd,) = of(demo, "demo_coadd", 'inputs(type: "flat") { explain totalCount }', first=1)
    assert coadd["inputs"]["totalCount"] == 0
    assert "within one step" in coadd["inputs"]["explain"][0]


def test_ancestors_are_as_deep_as_asked(demo: Gateway) -> None:
    text = """lineage(depth: %d, first: 1000) { nodes { type { name } } edges { depth semantics quantum { task } node { type { name } } } }"""
    nearest = {
        "demo_warp": (1, "coadd"),
        "demo_calexp": (2, "warp"),
        "demo_postIsr": (3, "calibrate"),
        "raw": (4, "isr"),
        "flat": (4, "isr"),
        "bias": (4, "isr"),
    }
    for depth in (1, 3, 4, 9):
        for coadd in of(demo, "demo_coadd", text % depth, first=5):
            edges = coadd["lineage"]["edges"]
            names = {edge["node"]["type"]["name"] for edge in edges}
            assert names & nearest.keys() == {name for name, (far, _) in nearest.items() if far <= depth}
            for edge in edges:
                if edge["node"]["type"]["name"] in nearest:
                    assert (edge["depth"], edge["quantum"]["task"]) == nearest[edge["node"]["type"]["name"]]
                assert edge["semantics"] == "#progenitor"
            assert [edge["depth"] for edge in edges] == sorted(edge["depth"] for edge in edges)
        assert len(demo.asked("hsc", Lineage)) == 1
    answer = demo(document(text % 10_000), query={"type": ["demo_coadd"]}, first=1)
    assert answer.codes == ["BAD_USER_INPUT"]


def test_descendants_are_the_other_way_round(demo: Gateway) -> None:
    text = 'lineage(direction: DOWNSTREAM, depth: 4, type: "demo_coadd", first: 1000) { edges { depth semantics node { uuid } } }'
    query = {"collections": ["HSC/raw/all"], "dataId": {"exposure": {"lt": GAP[0]}}}
    down = {
        (raw["uuid"], edge["node"]["uuid"], edge["depth"], edge["semantics"])
        for raw in of(demo, "raw", text, query=query)
        for edge in raw["lineage"]["edges"]
    }
    text = 'lineage(depth: 4, type: "raw", first: 1000) { edges { depth node { uuid } } }'
    up = {
        (edge["node"]["uuid"], coadd["uuid"], edge["depth"], "#derivation")
        for coadd in of(demo, "demo_coadd", text, query=EVERY)
        for edge in coadd["lineage"]["edges"]
    }
    assert up == down


def test_both_ways_are_one_list_with_pages(demo: Gateway) -> None:
    page = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor depth semantics node { uuid } }"
    text = f'%s related(type: "*", by: PROVENANCE, first: %d, after: $after) {{ totalCount explain {page} }}'
    halves = "inputs { nodes { uuid } } outputs { nodes { uuid } }"
    query = {"dataId": {"visit": {"eq": 903344}, "detector": {"eq": 0}}}
    (whole,) = of(demo, "demo_calexp", text % (halves, 1000), query=query)
    expected = [(node["uuid"], "#progenitor") for node in whole["inputs"]["nodes"]]
    expected += [(node["uuid"], "#derivation") for node in whole["outputs"]["nodes"]]
    assert len(expected) == whole["related"]["totalCount"] > 4
    assert {edge["depth"] for edge in whole["related"]["edges"]} == {1}
    for first in (1, 2, 3, len(expected) - 1, len(expected)):
        found, after = [], None
        while True:
            (one,) = of(demo, "demo_calexp", text % ("", first), query=query, after=after)
            edges, info = one["related"]["edges"], one["related"]["pageInfo"]
            found += [(edge["node"]["uuid"], edge["semantics"]) for edge in edges]
            assert one["related"]["totalCount"] == len(expected)
            assert info["hasPreviousPage"] is (after is not None)
            assert (info["startCursor"], info["endCursor"]) == (edges[0]["cursor"], edges[-1]["cursor"])
            after = info["endCursor"]
            if not info["hasNextPage"]:
                break
            assert len(edges) == first
        assert found == expected, first
    (none,) = of(demo, "demo_calexp", text % ("", 0), query=query)
    assert none["related"]["edges"] == []
    assert none["related"]["pageInfo"]["hasNextPage"] is True
    answer = demo(document(text % ("", 2)), query={"type": ["demo_calexp"]}, first=2, after=after)
    assert set(answer.codes) == {"BAD_CURSOR"}


def test_a_flat_can_be_certified_and_another_one_used(demo: Gateway) -> None:
    """Exposure 903986, detector 22: the flat was replaced after the pipeline had run."""
    raws = of(
        demo,
        "raw",
        """calibration(type: "flat") { used one: used(run: "HSC/runs/demo/1") none: used(run: "HSC/raw/*") node { uuid run } }
           unused: related(type: "flat", used: false) { edges { used node { uuid } } }
           used: related(type: "flat", used: true) { nodes { uuid } }""",
        query={"collections": ["HSC/raw/all"]},
    )
    asked = demo.asked("hsc", Used)
    assert len(asked) <= 4  # one for each choice of runs and list; what is asked twice is known
    assert len({(one.runs, pair) for one in asked for pair in one.pairs}) == sum(
        len(one.pairs) for one in asked
    )
    replaced = 0
    for raw in raws:
        edge = raw["calibration"]
        if edge is None:
            assert raw["unused"]["edges"] == raw["used"]["nodes"] == []
            continue
        which = raw["dataId"]["map"]
        node = {"uuid": edge["node"]["uuid"]}
        assert edge["used"] is edge["one"]
        assert edge["none"] is None  # nothing is recorded of that run
        if (which["exposure"], which["detector"]) == (903986, 22):
            replaced += 1
            assert edge["node"]["run"].endswith("-redone")
            assert edge["used"] is False
            assert raw["unused"]["edges"] == [{"used": False, "node": node}]
            assert raw["used"]["nodes"] == []
        else:
            assert edge["used"] is True
            assert raw["unused"]["edges"] == []
            assert raw["used"]["nodes"] == [node]
    assert replaced == 1


def test_a_frame_can_overlap_and_be_left_out(demo: Gateway) -> None:
    """Patch 85, band r: the second run's coadd leaves out visit 903346, which meets it with detector 12."""
    where = {"patch": {"eq": 85}, "band": {"eq": "r"}}
    text = 'related(type: "demo_calexp", collections: "%s", used: %s) { edges { overlap used near: used(depth: 1) node { dataId { visit detector } } } }'
    for run, left_out in zip(RUNS, ([], [(903346, 12)]), strict=True):
        query = {"dataId": where, "collections": [run]}
        (coadd,) = of(demo, "demo_coadd", text % (run, "false"), query=query)
        edges = coadd["related"]["edges"]
        assert [(e["node"]["dataId"]["visit"], e["node"]["dataId"]["detector"]) for e in edges] == left_out
        assert all(edge["used"] is False and edge["overlap"] > 0 for edge in edges)
        (coadd,) = of(demo, "demo_coadd", text % (run, "true"), query=query)
        assert coadd["related"]["edges"]
        for edge in coadd["related"]["edges"]:
            assert edge["used"] is True
            assert edge["near"] is False  # a coadd reads warps: two quanta away


def test_quanta_are_listed_filtered_and_found_again(demo: Gateway) -> None:
    text = """query($run: [String!], $task: [String!], $after: String, $first: Int! = 100, $dataId: DataIdFilter, $status: [QuantumStatus!]) {
      repository(name: "hsc") { quanta(run: $run, task: $task, first: $first, after: $after, dataId: $dataId, status: $status) {
        totalCount pageInfo { hasNextPage endCursor } nodes { id task run status message dataId { map required }
          inputs { totalCount nodes { uuid type { name } } }
          outputs(type: "demo_*") { nodes { uuid producer { id } run } } } } } }"""

    def ask(**variables: Any) -> Any:
        return demo.good(text, **variables)["repository"]["quanta"]

    every = ask(task="coadd", run="HSC/runs/demo/*")
    for kind, count in ((QuantumDatasets, 3), (Recorded, 1), (QuantaById, 1)):
        assert len(demo.asked("hsc", kind)) == count, kind
    assert every["totalCount"] == len(every["nodes"]) > 30
    for node in every["nodes"]:
        assert (node["task"], node["status"]) == ("coadd", "SUCCESSFUL")
        if not node["dataId"]["map"]:
            assert "configuration" in node["message"]  # what came before the task's quanta
            assert node["inputs"] == {"totalCount": 0, "nodes": []}
            continue
        assert {one["type"]["name"] for one in node["inputs"]["nodes"]} == {"demo_warp"}
        assert node["inputs"]["totalCount"] == len(node["inputs"]["nodes"])
        (output,) = node["outputs"]["nodes"]
        assert (output["producer"]["id"], output["run"]) == (node["id"], node["run"])
        assert node["dataId"]["required"].items() <= node["dataId"]["map"].items()
    found, after = [], None
    while True:
        page = ask(task=["coadd"], first=7, after=after)
        found += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert found == [node["id"] for node in every["nodes"]]
    one = ask(task="coadd", run=RUNS[1], dataId={"patch": {"eq": 85}, "band": {"eq": "r"}})
    assert [node["dataId"]["map"]["patch"] for node in one["nodes"]] == [85]
    assert ask(status=["PREDICTED"], task="coadd")["totalCount"] == 0
    data = demo.good("query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Quantum { task } } }", ids=found[:2])
    assert data["nodes"] == [{"id": id, "task": "coadd"} for id in found[:2]]
    assert len(demo.asked("hsc", QuantaById)) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [("task: []", "task"), ("run: []", "run"), ("status: []", "status"), ('dataId: {other: [{name: "ptch", long: {eq: 1}}]}', "patch")],
)  # fmt: skip
def test_quanta_of_nothing_are_refused(demo: Gateway, arguments: str, words: str) -> None:
    answer = demo(f'{{ repository(name: "hsc") {{ quanta({arguments}) {{ nodes {{ task }} }} }} }}')
    assert answer.codes == ["BAD_USER_INPUT"]
    assert words in answer.messages


def test_what_was_used_is_a_question_a_level(demo: Gateway, statements: list[str]) -> None:
    text = """related(type: "demo_calexp", first: 5) { edges { used node {
      lineage(depth: 2, type: "raw") { edges { used quantum { task } node {
        calibration(type: "flat") { used } } } } } } }"""
    for first in (1, 30):
        statements.clear()
        of(demo, "demo_coadd", text, first=first)
        # What is not used takes a few more than what is: a reason is looked for.
        assert len(statements) <= 36
        assert len(demo.repositories["hsc"].asked) == 9
        for kind, count in ((Related, 2), (Lineage, 1), (Recorded, 1), (Used, 3), (QuantaById, 1)):
            assert len(demo.asked("hsc", kind)) == count, kind
