"""Tables as other services take them: ObsCore, and what saved results become."""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.end_to_end.asking import Asker

SAVE = """mutation S($query: DatasetQuery!) { saveResult(repositories: ["hsc", "small"], query: $query) {
    id phase rowCount datasets(first: 1000) { nodes { ivoid } }
    plain: table(format: PARQUET) { url } obscore: table(format: PARQUET, obscore: true) { url } } }"""


def ids(asker: Asker, url: str) -> list[str]:
    response = asker.http.get(url)
    assert response.status_code == 200, response.text
    found: list[str] = pq.read_table(io.BytesIO(response.content))["obs_publisher_did"].to_pylist()
    return found


def test_a_saved_result_is_a_table_as_it_was_and_as_obscore(asker: Asker) -> None:
    query = {"type": ["raw"], "collections": ["*"], "findFirst": False}
    saved = asker.data(SAVE, query=query)["saveResult"]
    assert saved["phase"] == "COMPLETED"
    expected = [node["ivoid"] for node in saved["datasets"]["nodes"]]
    assert len(expected) == saved["rowCount"] > 30
    assert ids(asker, saved["plain"]["url"]) == expected
    assert ids(asker, saved["obscore"]["url"]) == expected
    assert ids(asker, f"{saved['plain']['url']}&MAXREC=3") == expected[:3]
    response = asker.http.get("/tables?RESULT=nonsense")
    assert response.status_code == 404


@pytest.mark.parametrize("obscore", ["false", "true"])
def test_votlint_is_silent(asker: Asker, tmp_path: Path, obscore: str) -> None:
    found = asker.data(
        '{ datasets(repositories: ["hsc", "small"], query: {type: ["*"], collections: ["*"], findFirst: false}) '
        f"{{ table(obscore: {obscore}) {{ url }} }} "
        'repository(name: "hsc") { records(element: "exposure") { table { url } } '
        'datasets(query: {type: ["demo_calexp"], collections: ["*"]}, first: 1) { nodes { '
        f"lineage(depth: 3) {{ table(obscore: {obscore}) {{ url }} }} "
        f'related(type: ["flat"]) {{ table(obscore: {obscore}) {{ url }} }} }} }} }} }}'
    )
    (calexp,) = found["repository"]["datasets"]["nodes"]
    urls = [
        found["datasets"]["table"]["url"],
        found["repository"]["records"]["table"]["url"],
        calexp["lineage"]["table"]["url"],
        calexp["related"]["table"]["url"],
        f"{calexp['related']['table']['url']}&MAXREC=0",
    ]
    for place, url in enumerate(urls):
        file = tmp_path / f"{place}.vot"
        file.write_bytes(asker.http.get(url).content)
        said = subprocess.run(
            ["stilts", "votlint", "ucd=true", "unit=true", file],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        assert said.stdout == "", url


def test_obscore_is_for_lists_of_datasets(asker: Asker) -> None:
    url = asker.hsc('records(element: "exposure") { table { url } }')["records"]["table"]["url"]
    assert asker.http.get(f"{url}&OBSCORE=true").status_code == 400
