"""The routes of the page: what is served, under which headers, with the page built and without."""

from __future__ import annotations

import gzip
import json
import shlex
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.explorer import explorer_routes, load_examples
from gateway.explorer.site import CONTENT_SECURITY_POLICY
from gateway.explorer.unbuilt import curl_command, python_snippet, unbuilt_page
from tests.explorer.browser import serve
from tests.explorer.small_gateway import small_gateway

SCRIPT = "console.log('the page');\n" * 50


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    """A build in miniature, as vite and build.py leave one."""
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>built</title>")
    (folder / "sources.sha256").write_text("secret of no interest")
    for name in ("index-4f3a.js", "index-77aa.css", "codicon-1b2c.ttf", "notes.txt"):
        (folder / "assets" / name).write_text(SCRIPT)
    (folder / "assets" / "index-4f3a.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    return folder


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    folder = tmp_path / "examples"
    folder.mkdir()
    (folder / "1.graphql").write_text(
        '# <b>Bold</b> & "quoted"\n# It\'s <i>asked</i>.\nquery Q { a(s: "it\'s <x>") }\n'
    )
    return folder


@pytest.fixture
def client(dist: Path, examples: Path) -> TestClient:
    return TestClient(Starlette(routes=explorer_routes(examples=examples, dist=dist)))


def test_the_page_is_served_under_the_strict_policy_and_asked_for_anew(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "built" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_the_policy_names_no_other_host_and_allows_no_inline_script() -> None:
    directives = dict(part.split(" ", 1) for part in CONTENT_SECURITY_POLICY.split("; "))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["connect-src"] == directives["worker-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert not [word for word in CONTENT_SECURITY_POLICY.split() if "//" in word or "*" in word]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("index-4f3a.js", "text/javascript; charset=utf-8"),
        ("index-77aa.css", "text/css; charset=utf-8"),
        ("codicon-1b2c.ttf", "font/ttf"),
    ],
)
def test_assets_have_their_media_type_and_are_kept(client: TestClient, name: str, media_type: str) -> None:
    answer = client.get(f"/assets/{name}")
    assert answer.status_code == 200
    assert answer.text == SCRIPT
    assert answer.headers["content-type"] == media_type
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["vary"] == "Accept-Encoding"


def test_the_packed_copy_goes_to_browsers_that_take_it(client: TestClient) -> None:
    packed = client.get("/assets/index-4f3a.js", headers={"Accept-Encoding": "gzip, br"})
    plain = client.get("/assets/index-4f3a.js", headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
    assert "content-encoding" not in plain.headers
    assert packed.text == plain.text == SCRIPT
    assert packed.headers["content-type"] == plain.headers["content-type"]


@pytest.mark.parametrize(
    "path",
    [
        "/assets/missing.js",
        "/assets/index-4f3a.js.gz",
        "/assets/notes.txt",
        "/assets/",
        "/assets/%2e%2e",
        "/assets/..%2findex.html",
        "/assets/..%2fsources.sha256",
        "/assets/%2e%2e%5cindex.js",
        "/assets/%00.js",
        "/sources.sha256",
        "/index.html",
    ],
)
def test_nothing_but_assets_is_served_from_there(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


def test_examples_are_read_anew_for_each_visit(client: TestClient, examples: Path) -> None:
    answer = client.get("/examples.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-cache"
    (found,) = answer.json()["examples"]
    assert found["title"] == '<b>Bold</b> & "quoted"'
    assert set(found) == {"name", "title", "question", "query", "variables"}
    (examples / "0.graphql").write_text("# New\n# Now?\n{ a }\n")
    assert [example["name"] for example in client.get("/examples.json").json()["examples"]] == ["0", "1"]


def test_without_the_built_page_it_says_how_to_build_it_and_shows_the_examples(tmp_path: Path) -> None:
    client = TestClient(
        Starlette(routes=explorer_routes(dist=tmp_path / "none")), base_url="https://gateway.example"
    )
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "make page" in answer.text
    assert "<script" not in answer.text
    assert "https://gateway.example/graphql" in answer.text
    text = unescape(answer.text)
    for example in load_examples():
        assert example.title in text
        assert example.question in text
        assert curl_command(example, "https://gateway.example/graphql") in text
        assert python_snippet(example, "https://gateway.example/graphql") in text


def test_example_texts_cannot_become_markup(examples: Path) -> None:
    page = unbuilt_page('http://h"><script>/', load_examples(examples))
    assert "<b>" not in page
    assert "<i>" not in page
    assert "<x>" not in page
    assert "<script" not in page


def test_the_curl_command_is_one_request_whatever_is_quoted(examples: Path) -> None:
    (example,) = load_examples(examples)
    words = shlex.split(curl_command(example, "http://127.0.0.1/graphql").replace("\\\n", ""))
    assert words[:3] == ["curl", "-s", "http://127.0.0.1/graphql"]
    assert json.loads(words[-1]) == {"query": 'query Q{a(s:"it\'s <x>")}'}


def test_the_python_snippet_runs_as_it_stands(tmp_path: Path) -> None:
    with serve(small_gateway(tmp_path)) as address:
        for example, expected in zip(load_examples(tmp_path), ("real subset", "LSSTCam"), strict=True):
            script = python_snippet(example, f"{address}graphql")
            done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
            assert expected in done.stdout, done.stderr
