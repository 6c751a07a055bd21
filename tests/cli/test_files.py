"""/files: stored bytes as they are; nothing of a path comes from the request."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.testclient import TestClient

from adapters.caller import Call
from adapters.errors import BackendUnavailable, NotFound, Unsupported
from adapters.protocol import Repository
from adapters.rows import FileContent
from gateway.content.stored import files_route

FILE, LINK, GONE, ODD, DOWN, REMOTE, BROKEN, NONE = (f"{n:032x}" for n in range(8))
CONTENT = bytes(range(256)) * 4


class Stored:
    """A repository that knows where some bytes are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def content(self, dataset: str, component: str | None, call: Call) -> FileContent:
        match dataset:
            case _ if dataset == FILE:
                name = f"calexp{'_' + component if component else ''}.parquet"
                return FileContent(
                    str(self.folder / "a.parquet"), None, name, "application/vnd.apache.parquet"
                )
            case _ if dataset == LINK:
                return FileContent(None, "https://store.example.org/x?signature=1", "x.fits", "image/fits")
            case _ if dataset == GONE:
                return FileContent(str(self.folder / "gone"), None, "gone.fits", "image/fits")
            case _ if dataset == ODD:
                name = '../../etc/"pass\r\nwd".svg'
                return FileContent(str(self.folder / "a.parquet"), None, name, "image/svg+xml")
            case _ if dataset == DOWN:
                raise BackendUnavailable("The repository does not answer.", repository="hsc")
            case _ if dataset == REMOTE:
                raise Unsupported("This repository serves no files.", capability="FILES")
            case _ if dataset == BROKEN:
                raise OSError(5, "Input/output error", "/secret/place")
        raise NotFound("No dataset with this id.")


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "a.parquet").write_bytes(CONTENT)
    repositories = {"hsc": cast(Repository, Stored(tmp_path))}

    async def enter(_: Request) -> tuple[dict[str, Repository], Call]:
        return repositories, Call()

    app = Starlette(routes=[files_route(enter)])
    return TestClient(app, follow_redirects=False)


def code_of(answer: Any) -> str:
    (error,) = answer.json()["errors"]
    return str(error["extensions"]["code"])


def test_a_file_is_served_as_it_is(client: TestClient) -> None:
    answer = client.get(f"/files/hsc/{FILE}")
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["content-type"] == "application/vnd.apache.parquet"
    assert answer.headers["content-disposition"] == 'attachment; filename="calexp.parquet"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


def test_a_uuid_may_have_its_dashes_and_a_component_its_name(client: TestClient) -> None:
    dashed = f"{FILE[:8]}-{FILE[8:12]}-{FILE[12:16]}-{FILE[16:20]}-{FILE[20:]}"
    answer = client.get(f"/files/hsc/{dashed}?component=wcs")
    assert answer.headers["content-disposition"] == 'attachment; filename="calexp_wcs.parquet"'


def test_head_tells_the_length_without_the_bytes(client: TestClient) -> None:
    answer = client.head(f"/files/hsc/{FILE}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(CONTENT))


def test_a_range_is_answered_in_part(client: TestClient) -> None:
    answer = client.get(f"/files/hsc/{FILE}", headers={"Range": "bytes=10-19"})
    assert (answer.status_code, answer.content) == (206, CONTENT[10:20])
    assert answer.headers["content-range"] == f"bytes 10-19/{len(CONTENT)}"
    assert client.get(f"/files/hsc/{FILE}", headers={"Range": "bytes=99999-"}).status_code == 416


def test_a_name_cannot_break_out_of_its_header(client: TestClient) -> None:
    disposition = client.get(f"/files/hsc/{ODD}").headers["content-disposition"]
    assert (
        "/" not in disposition.replace("utf-8''", "") and "\n" not in disposition and "etc" not in disposition
    )


def test_bytes_elsewhere_are_redirected_to(client: TestClient) -> None:
    answer = client.get(f"/files/hsc/{LINK}")
    assert (answer.status_code, answer.headers["location"]) == (
        307,
        "https://store.example.org/x?signature=1",
    )
    assert answer.headers["cache-control"] == "no-store"


def test_unknown_repository_dataset_and_lost_file_look_the_same(client: TestClient) -> None:
    answers = [client.get(f"/files/{place}") for place in (f"other/{FILE}", f"hsc/{NONE}", f"hsc/{GONE}")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1
    assert code_of(answers[0]) == "NOT_FOUND"


@pytest.mark.parametrize("uuid", ["1", "..", "%2e%2e%2fetc", "g" * 32, "%00" * 8])
def test_what_is_no_uuid_is_refused(client: TestClient, uuid: str) -> None:
    assert client.get(f"/files/hsc/{uuid}").status_code in {400, 404}


def test_what_is_no_component_is_refused(client: TestClient) -> None:
    answer = client.get(f"/files/hsc/{FILE}", params={"component": "../x"})
    assert (answer.status_code, code_of(answer)) == (400, "BAD_USER_INPUT")


def test_errors_have_graphqls_shape_and_a_status_of_their_own(client: TestClient) -> None:
    down, remote = client.get(f"/files/hsc/{DOWN}"), client.get(f"/files/hsc/{REMOTE}")
    assert (down.status_code, code_of(down)) == (503, "BACKEND_UNAVAILABLE")
    assert (remote.status_code, code_of(remote)) == (501, "UNSUPPORTED")


def test_a_fault_is_masked(client: TestClient) -> None:
    answer = client.get(f"/files/hsc/{BROKEN}")
    assert (answer.status_code, code_of(answer)) == (500, "INTERNAL")
    assert "secret" not in answer.text
