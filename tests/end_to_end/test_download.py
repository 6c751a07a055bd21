"""The download route gives the stored bytes, and nothing but them."""

from __future__ import annotations

import email
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID

import httpx2
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


def part(asker: Asker, range: str, **more: str) -> httpx2.Response:
    (file,) = raw(asker)["files"]
    return asker.http.get(file["url"], headers={"Range": range, **more})


def test_a_range_is_served(asker: Asker) -> None:
    (file,) = raw(asker)["files"]
    whole = asker.http.get(file["url"]).content
    size = len(whole)
    for range, begin, end in (
        ("bytes=10-99", 10, 100),
        ("Bytes= 10-99", 10, 100),
        ("bytes=-5", size - 5, size),
        (f"bytes=-{size + 1}", 0, size),
        ("bytes=5-", 5, size),
        (f"bytes=5-{size}", 5, size),
        (f"bytes=5-{'9' * 100}", 5, size),
        (f"bytes=0-9,{size}-", 0, 10),
        ("bytes=0-9, ,99999999-99999999999", 0, 10),
        ("bytes=0-5,3-9", 0, 10),
    ):
        found = part(asker, range)
        assert (found.status_code, found.content) == (206, whole[begin:end]), range
        assert found.headers["content-range"] == f"bytes {begin}-{end - 1}/{size}"
        assert int(found.headers["content-length"]) == end - begin


def test_several_ranges_are_served_together(asker: Asker) -> None:
    (file,) = raw(asker)["files"]
    whole = asker.http.get(file["url"]).content
    found = part(asker, f"bytes=0-3,{len(whole)}-,-4")
    assert found.status_code == 206
    told = f"Content-Type: {found.headers['content-type']}\r\n\r\n".encode() + found.content
    parts = email.message_from_bytes(told).get_payload()
    assert [one.get_payload(decode=True) for one in parts] == [whole[:4], whole[-4:]]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "range", ["items=0-5", "bytes", "bytes=", "bytes=a-b", "bytes=9-5", "bytes=0-9,x", "bytes=-", "0-5"]
)
def test_what_is_no_range_of_bytes_is_passed_over(asker: Asker, range: str) -> None:
    """RFC 9110, section 14.2: a unit that is not known must be, what is invalid may be."""
    (file,) = raw(asker)["files"]
    assert part(asker, range).status_code == 200
    assert part(asker, range).content == asker.http.get(file["url"]).content


@pytest.mark.parametrize("range", ["bytes={size}-", "bytes=-0", "bytes={size}-{size},99999999-"])
def test_bytes_that_are_not_there_are_refused_with_how_many_there_are(asker: Asker, range: str) -> None:
    size = raw(asker)["files"][0]["size"]
    found = part(asker, range.format(size=size))
    assert (found.status_code, found.headers["content-range"]) == (416, f"bytes */{size}")
    (error,) = found.json()["errors"]
    assert (error["extensions"]["code"], error["extensions"]["size"]) == ("BAD_USER_INPUT", size)
    assert "sandbox" in found.headers["content-security-policy"]


def test_only_get_has_ranges(asker: Asker) -> None:
    (file,) = raw(asker)["files"]
    for range in ("bytes=0-9", "bytes=99999999-"):
        found = asker.http.head(file["url"], headers={"Range": range})
        assert (found.status_code, int(found.headers["content-length"])) == (200, file["size"])


def test_a_range_of_another_copy_is_the_whole(asker: Asker) -> None:
    (file,) = raw(asker)["files"]
    headers = asker.http.head(file["url"]).headers
    for same in (headers["etag"], headers["last-modified"]):
        assert part(asker, "bytes=0-9", **{"If-Range": same}).status_code == 206
    for other in ('"zz"', f"W/{headers['etag']}", "Sun, 06 Nov 1994 08:49:37 GMT"):
        for range in ("bytes=0-9", "bytes=99999999-"):
            assert part(asker, range, **{"If-Range": other}).status_code == 200


BEFORE, AFTER = "Sun, 06 Nov 1994 08:49:37 GMT", "Fri, 31 Dec 2100 23:59:59 GMT"


@pytest.mark.parametrize(
    ("conditions", "status"),
    [
        ({"If-None-Match": "{etag}"}, 304),
        ({"If-None-Match": "W/{etag}"}, 304),
        ({"If-None-Match": '"zz", "with, comma" , {etag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"zz"'}, 200),
        ({"If-None-Match": '"zz"', "If-Modified-Since": "{modified}"}, 200),
        ({"If-None-Match": "{etag}", "If-Modified-Since": BEFORE}, 304),
        ({"If-None-Match": "{etag}", "Range": "bytes=0-9"}, 304),
        ({"If-Modified-Since": "{modified}"}, 304),
        ({"If-Modified-Since": AFTER}, 304),
        ({"If-Modified-Since": "Friday, 31-Dec-99 23:59:59 GMT"}, 200),
        ({"If-Modified-Since": "Sun Nov  6 08:49:37 1994"}, 200),
        ({"If-Modified-Since": BEFORE}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Modified-Since": "Sun, 06 Nov 99999999999999999999 08:49:37 GMT"}, 200),
        ({"If-Match": "{etag}"}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": '"zz"'}, 412),
        ({"If-Match": "zz"}, 412),
        ({"If-Match": "W/{etag}"}, 412),
        ({"If-Match": '"zz"', "If-None-Match": "{etag}"}, 412),
        ({"If-Match": '"zz"', "Range": "bytes=99999999-"}, 412),
        ({"If-Match": "{etag}", "If-Unmodified-Since": BEFORE}, 200),
        ({"If-Unmodified-Since": BEFORE}, 412),
        ({"If-Unmodified-Since": "{modified}"}, 200),
        ({"If-Unmodified-Since": "yesterday"}, 200),
    ],
)
@pytest.mark.parametrize("path", ["/files/hsc/{}", "/content/hsc/{}"])
def test_conditions_are_looked_at(asker: Asker, path: str, conditions: dict[str, str], status: int) -> None:
    """RFC 9110, section 13.2.2, of GET and HEAD."""
    path = path.format(raw(asker)["uuid"])
    known = asker.http.head(path).headers
    sent = {
        name: value.replace("{etag}", known["etag"]).replace("{modified}", known["last-modified"])
        for name, value in conditions.items()
    }
    found = asker.http.get(path, headers=sent)
    assert (found.status_code, asker.http.head(path, headers=sent).status_code) == (status, status)
    if status == 304:
        assert found.content == b""
        assert {name: found.headers[name] for name in ("etag", "cache-control")} == {
            name: known[name] for name in ("etag", "cache-control")
        }
    if status == 412:
        assert found.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
        assert found.headers["cache-control"] == known["cache-control"]


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
