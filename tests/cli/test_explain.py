"""``explain``: how a document is answered and what it costs, without a word of what its author would not show."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.demonstration import PLANS, configuration_file, run

CANARY = "canary-71c0d9aa"
RAWS = """
query Raws($n: Int!, $text: String) {
  repository(name: "hsc") {
    datasets(query: {type: "raw", where: $text, orderBy: ["exposure"]}, first: $n) {
      nodes { id: uuid dataId { exposure } files { size } related(type: ["demo_calexp"]) { totalCount nodes { uuid } } }
    }
  }
}
query Overlaps {
  repository(name: "hsc") {
    datasets(query: {type: "demo_calexp", sky: {point: {ra: 320.75, dec: -0.33}}}, first: 2) {
      nodes { related(type: ["demo_coadd"], collections: ["HSC/runs/demo/2"]) { edges { overlap } } }
    }
  }
}
query Nothing { __schema { queryType { name } } }
query Wrong { repository(name: "hsc") { datasets(query: {type: "raw"}, first: 2) { nodes { dataId { record(element: "nope") { element } } } } } }
"""
ON = pytest.mark.skipif(not PLANS, reason="there is no plan to tell of")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return configuration_file(tmp_path)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    file = tmp_path / "raws.graphql"
    file.write_text(RAWS)
    return file


def statements(printed: str) -> int:
    found = re.search(r"(\d+) statements? \(", printed)
    assert found is not None, printed
    return int(found[1])


@ON
def test_it_tells_the_plan_the_questions_their_sql_and_the_cost(config: Path, document: Path) -> None:
    where = f"exposure.obs_id != '{CANARY}'"
    given = json.dumps({"n": 3, "text": where})
    words = ("explain", document, "--config", config, "--operation", "Raws", "--variables", given)
    cold = run(*words)
    assert (cold.returncode, cold.stderr) == (0, "")
    plan = dict(re.findall(r"^ +((?:id: )?\w+\.\w+)\S*.*  (\S.*)$", cold.stdout.partition("\n\n")[0], re.M))
    assert plan["Query.repository"] == "of each object"
    assert plan["DatasetConnection.nodes"] == "read with its list"
    assert (
        plan["id: Dataset.uuid"] == plan["DataId.exposure"] == plan["Dataset.files"] == "all objects at once"
    )
    assert re.search(
        r"^1\. hsc: Datasets\(types: raw; where: text.*; first: 3\)\n   1 parent, 3 rows, ", cold.stdout, re.M
    )
    assert re.search(r"hsc: Files\(\)\n   3 parents, 3 rows, .*ms\n   SQL  SELECT ", cold.stdout)
    assert "asked of Butler's API" in cold.stdout
    assert "cost " in cold.stdout
    assert CANARY not in cold.stdout  # not in a question, nor among the parameters of a statement
    warm = run(*words, "--warm")
    assert statements(warm.stdout) < statements(cold.stdout)
    assert "known from before: dataset types" in warm.stdout


@ON
def test_what_is_worked_out_in_python_is_told_as_such(config: Path, document: Path) -> None:
    done = run("explain", document, "--config", config, "--operation", "Overlaps")
    assert done.returncode == 0, done.stderr
    assert "worked out in Python: which regions overlap, " in done.stdout
    assert re.search(r"Related\(.*\)\n   2 parents", done.stdout)


@ON
def test_a_plan_that_gives_up_says_why_and_errors_have_code_and_path(config: Path, document: Path) -> None:
    done = run("explain", document, "--config", config, "--operation", "Wrong")
    assert done.returncode == 1
    assert done.stderr == "butler-gateway: the answer has 2 errors\n"
    reason = "BAD_USER_INPUT: Unknown dimension element 'nope'."
    assert (
        f"The plan gave up, and the ordinary executor answered, object by object: {reason}\n" in done.stdout
    )
    path = "repository.datasets.nodes.1.dataId.record"
    assert f"  BAD_USER_INPUT at {path}: Unknown dimension element 'nope'.\n" in done.stdout


def test_what_no_plan_covers_is_said(config: Path, document: Path) -> None:
    words = ("explain", document, "--config", config, "--operation")
    if PLANS:
        done = run(*words, "Nothing")
        assert done.returncode == 0
        assert "There is no plan" in done.stdout and "Query.__schema is introspection" in done.stdout
    off = run(*words, "Overlaps", BUTLER_GATEWAY_SERVER__PLANS="false")
    assert off.returncode == 0
    assert off.stdout.startswith("There is no plan") and "server.plans is false" in off.stdout
    assert "1. hsc: Datasets(" in off.stdout


def test_a_document_that_is_invalid_or_not_meant_is_an_error_of_the_request(
    config: Path, document: Path, tmp_path: Path
) -> None:
    done = run("explain", document, "--config", config)
    assert (done.returncode, done.stderr) == (1, "butler-gateway: the answer has 1 error\n")
    assert "BAD_USER_INPUT at the request: Must provide operation name" in done.stdout
    (tmp_path / "broken.graphql").write_text("{ nonsense")
    done = run("explain", tmp_path / "broken.graphql", "--config", config)
    assert done.returncode == 1
    assert "BAD_USER_INPUT at the request: Syntax Error" in done.stdout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (f'["{CANARY}"]', "it should be a JSON object"),
        (f'{{"a": {CANARY}', "it should be a JSON object"),
        ("@nowhere.json", "nowhere.json cannot be read: no such file or directory"),
    ],
)
def test_variables_that_cannot_be_used_are_one_line(
    config: Path, document: Path, given: str, said: str
) -> None:
    done = run("explain", document, "--config", config, "--variables", given)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1 and said in done.stderr
    assert CANARY not in done.stderr


def test_variables_from_a_file_and_a_document_that_is_not_there(
    config: Path, document: Path, tmp_path: Path
) -> None:
    (tmp_path / "given.json").write_text('{"n": 1}')
    done = run(
        *("explain", document, "--config", config, "--operation", "Raws"),
        *("--variables", f"@{tmp_path / 'given.json'}"),
    )
    assert done.returncode == 0 and "first: 1)" in done.stdout
    done = run("explain", tmp_path / "nowhere.graphql", "--config", config)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
