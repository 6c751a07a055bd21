"""The download route gives the stored bytes, and nothing but them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import pytest
from lsst.daf.butler import Butler

from tests.demonstration import demonstration
from tests.end_to_end.asking import Asker

FILES = "uuid files { uri url size component formatter mediaType storageClass }"


def raw(asker: Asker) -> dict[str, Any]:
    found = asker.hsc(f'datasets(query: {{ type: ["raw"] }}, first: 1) {{ nodes {{ {FILES} }} }}')
    node: dict[str, Any] = found["datasets"]["nodes"][0]
    return node


def test_the_bytes_are_those_of_the_datastore(asker: Asker) -> None:
    (file,) = raw(asker)["files"]
    stored = Path(unquote(urlsplit(file["uri"]).path)).read_bytes()
    response = asker.http.get(file["url"])
    assert response.status_code == 200
    assert response.content == stored
    assert len(stored) == file["size"]
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_range_is_served(asker: Asker) -> None:
    (file,) = raw(asker)["files"]
    whole = asker.http.get(file["url"]).content
    part = asker.http.get(file["url"], headers={"Range": "bytes=10-99"})
    assert part.status_code == 206
    assert part.content == whole[10:100]
    assert part.headers["content-range"] == f"bytes 10-99/{len(whole)}"
    assert asker.http.get(file["url"], headers={"Range": f"bytes={len(whole)}-"}).status_code == 416


def test_metadata_and_logs_come_out_of_the_graph_that_holds_them(asker: Asker) -> None:
    """Butler keeps them of all quanta in one file; each is what Butler itself gets."""
    butler = Butler.from_config(demonstration())
    for name in ("isr_metadata", "isr_log"):
        asked = f'datasets(query: {{ type: "{name}", collections: "*" }}, first: 2)'
        found = asker.hsc(
            f"{asked} {{ nodes {{ uuid type {{ forms }} content(form: JSON) {{ url mediaType }} }} }}"
        )
        nodes = found["datasets"]["nodes"]
        assert len(nodes) == 2
        for node in nodes:
            assert "JSON" in node["type"]["forms"] and node["content"]["mediaType"] == "application/json"
            response = asker.http.get(node["content"]["url"])
            assert response.status_code == 200, response.text
            ref = butler.get_dataset(UUID(node["uuid"]))
            assert ref is not None
            stored = butler.get(ref)
            if name == "isr_metadata":
                assert response.json()["metadata"]["quantum"] == stored["quantum"].model_dump(mode="json")
            else:
                assert [one["message"] for one in response.json()] == [one.message for one in stored]
    graph = asker.hsc(
        'datasets(query: { type: "run_provenance", collections: "*" }, first: 1) { nodes { uuid } }'
    )
    (one,) = graph["datasets"]["nodes"]
    refused = asker.http.get(f"/content/hsc/{one['uuid']}?form=JSON")
    assert refused.status_code == 501 and refused.json()["errors"][0]["extensions"]["forms"] == ["NATIVE"]


def test_a_dataset_without_files_says_so(asker: Asker) -> None:
    found = asker.hsc(f'datasets(query: {{ type: ["calexp"] }}, first: 1) {{ nodes {{ {FILES} }} }}')
    (calexp,) = found["datasets"]["nodes"]
    assert calexp["files"] == []
    response = asker.http.get(f"/files/hsc/{calexp['uuid']}")
    assert response.status_code == 404
    assert response.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "path",
    [
        "/files/hsc/../../butler.yaml",
        "/files/hsc/..%2f..%2fbutler.yaml",
        "/files/hsc/%2e%2e/%2e%2e/gen3.sqlite3",
        "/files/hsc/gen3.sqlite3",
        "/files/hsc//etc/passwd",
        "/files/hsc/{uuid}/../../butler.yaml",
        "/files/hsc/{uuid}/..",
        "/files/hsc/{uuid}%00",
        "/files/hsc/{uuid}?component=../../butler.yaml",
        "/files/hsc/{uuid}?component=nope",
        "/files/../hsc/{uuid}",
        "/files/nowhere/{uuid}",
        "/files/small/{uuid}",
        "/files/hsc/00000000-0000-0000-0000-000000000000",
    ],
)
def test_a_path_leads_to_nothing_else(asker: Asker, path: str) -> None:
    response = asker.http.get(path.replace("{uuid}", raw(asker)["uuid"]))
    assert response.status_code in (400, 404)
    assert b"datastore:" not in response.content


def test_repositories_and_datasets_that_are_not_there_are_told_alike(asker: Asker) -> None:
    no_repository = asker.http.get(f"/files/nowhere/{raw(asker)['uuid']}").json()["errors"][0]["message"]
    no_dataset = asker.http.get(f"/files/small/{raw(asker)['uuid']}").json()["errors"][0]["message"]
    assert no_repository == no_dataset
