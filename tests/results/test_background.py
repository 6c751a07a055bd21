"""A long result is read in the background: bounded, whatever becomes of the request that asked for it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.end_to_end.asking import Asker
from tests.results.serving import ALL, SAVE, ended, entry, files, held_up, look, save, serving

Narrow = tuple[Asker, Path]


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory, own: Path) -> Iterator[Narrow]:
    """A gateway that reads one result at a time, lets two wait, and keeps 25 rows of each."""
    home = tmp_path_factory.mktemp("narrow")
    settings = {"wait": 0.2, "max_running": 1, "max_waiting": 2, "max_rows": 25}
    with serving(home, {"own": entry(own)}, **settings) as (asker, _):
        yield asker, home


WHOLE = """mutation { saveResult(repositories: ["own"], query: {type: "raw"}) {
    id phase rowCount completeness { state message } columns { name }
    rows { nodes totalCount pageInfo { hasNextPage endCursor } } facets(by: ["band"]) { complete } datasets { totalCount }
} }"""


def test_a_long_one_goes_on_when_its_request_is_answered(narrow: Narrow, own: Path) -> None:
    asker, _ = narrow
    with held_up(own):
        began = time.monotonic()
        saved = asker.data(WHOLE)["saveResult"]
        assert 0.2 < time.monotonic() - began < 15, "the request waits a moment"
        assert saved["phase"] == "EXECUTING" and saved["rowCount"] is None
        assert saved["completeness"]["state"] == "PARTIAL"
        assert "still being read" in saved["completeness"]["message"]
        assert saved["rows"] == {
            "nodes": [],
            "totalCount": None,
            "pageInfo": {"hasNextPage": False, "endCursor": None},
        }
        assert (saved["columns"], saved["facets"], saved["datasets"]) == ([], None, None)
        assert look(asker, saved["id"])["phase"] == "EXECUTING"
    found = ended(asker, saved["id"])
    assert found["phase"] == "COMPLETED" and found["rowCount"] > 0
    assert found["completeness"] == {"state": "COMPLETE", "message": None, "unavailable": []}


def test_a_request_ends_with_its_client_or_its_deadline_and_its_job_does_not(
    tmp_path: Path, own: Path
) -> None:
    short = {"BUTLER_GATEWAY_LIMITS__TIMEOUT": "6"}
    with serving(tmp_path, {"own": entry(own)}, variables=short, wait=60) as (asker, gateway):
        asker.data(
            '{ repository(name: "own") { universe } }'
        )  # opened: what follows takes as long as it is held up
        with held_up(own):
            asked = {"query": SAVE, "variables": {"repositories": ["own"], "query": ALL}}
            with pytest.raises(httpx2.ReadTimeout):
                asker.http.post("/graphql", json=asked, timeout=0.5)
            gateway.await_line('"status":499', 10)
            (record,) = [path for path in files(tmp_path) if path.suffix == ".json"]
            id = json.loads(record.read_bytes())["id"]
            assert look(asker, id)["phase"] == "EXECUTING"
        assert ended(asker, id)["phase"] == "COMPLETED"
        with held_up(own):
            began = time.monotonic()
            saved = save(asker)
            assert saved["phase"] == "EXECUTING" and time.monotonic() - began < 15
        # A page of the job has the time of a request: this one may have been too late.
        assert ended(asker, saved["id"])["phase"] in ("COMPLETED", "ERROR")


def test_so_many_are_read_at_a_time_and_so_many_wait(narrow: Narrow, own: Path) -> None:
    asker, _ = narrow
    with held_up(own):
        saved = [save(asker) for _ in range(3)]
        assert [one["phase"] for one in saved] == ["EXECUTING", "PENDING", "PENDING"]
        error = asker.error(SAVE, repositories=["own"], query=ALL)
        assert (error["code"], error["limit"]) == ("SERVICE_BUSY", 2)
    assert [ended(asker, one["id"])["phase"] for one in saved] == ["COMPLETED"] * 3
    assert ended(asker, save(asker)["id"])["phase"] == "COMPLETED"


def test_what_takes_too_long_is_an_error_that_says_so(tmp_path: Path, own: Path) -> None:
    with serving(tmp_path, {"own": entry(own)}, wait=0.2, timeout=1) as (asker, _):
        with held_up(own):
            saved = save(asker)
            found = ended(asker, saved["id"])
            assert found["phase"] == "ERROR" and found["completeness"]["state"] == "PARTIAL"
            assert "longer than the 1 seconds" in found["completeness"]["message"]
            assert [path.suffix for path in files(tmp_path)] == [".json"]
        assert look(asker, saved["id"]) == found
        assert save(asker)["rowCount"] != 0


def test_one_that_is_deleted_while_it_is_read_does_not_come_back(narrow: Narrow, own: Path) -> None:
    asker, home = narrow
    with held_up(own):
        running, waiting = save(asker)["id"], save(asker)["id"]
        for id in (waiting, running):
            assert asker.data("mutation($id: ID!) { deleteResult(id: $id) }", id=id)["deleteResult"] == id
        assert not {path.name.partition(".")[0] for path in files(home)} & {running, waiting}
        after = save(asker)
        assert after["phase"] == "EXECUTING", "their places are free"
    assert ended(asker, after["id"])["phase"] == "COMPLETED"
    assert not {path.name.partition(".")[0] for path in files(home)} & {running, waiting}


def test_more_rows_than_a_result_holds_are_cut_and_that_is_said(narrow: Narrow) -> None:
    asker, _ = narrow
    saved = ended(asker, save(asker)["id"])
    assert (saved["phase"], saved["rowCount"]) == ("COMPLETED", 25)
    assert saved["completeness"]["state"] == "OVERFLOW"
    assert "more rows than the 25" in saved["completeness"]["message"]
    document = "query($id: ID!) { result(id: $id) { datasets { nodes { uuid } completeness { state } } } }"
    found = asker.data(document, id=saved["id"])["result"]["datasets"]
    assert len(found["nodes"]) == 25 and found["completeness"]["state"] == "OVERFLOW"
