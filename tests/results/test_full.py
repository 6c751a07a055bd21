"""Where there is no room, that is said, and nothing half-written stays."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.results.full import StorageFull
from tests.demonstration import COMMAND, configuration_file, running
from tests.end_to_end.asking import Asker
from tests.results.serving import ALL, SAVE, entry, files, save, serving

DELETE = "mutation($id: ID!) { deleteResult(id: $id) }"


def refused(asker: Asker) -> dict[str, object]:
    error = asker.error(SAVE, repositories=["own"], query=ALL)
    assert error["code"] == StorageFull.code
    return error


def test_results_together_take_so_many_bytes_and_no_more(tmp_path: Path, own: Path) -> None:
    with serving(tmp_path, {"own": entry(own)}, max_bytes=60_000, wait=30) as (asker, _):
        saved = []
        while "errors" not in (answer := asker.ask(SAVE, repositories=["own"], query=ALL)):
            saved.append(answer["data"]["saveResult"]["id"])
            assert len(saved) < 20
        assert saved, "one has room"
        error = refused(asker)
        assert error["limit"] == 60_000 and "60000 bytes" in str(error["message"])
        assert {path.stem for path in files(tmp_path)} == set(saved)
        assert sum(path.stat().st_size for path in files(tmp_path)) <= 60_000
        for id in saved:
            asker.data(DELETE, id=id)
        assert save(asker)["phase"] == "COMPLETED", "there is room again"


def test_a_file_that_cannot_grow_is_told_as_a_full_disk(tmp_path: Path, own: Path) -> None:
    """The process's own limit on the size of files (RLIMIT_FSIZE): write(2) fails with EFBIG in the middle of the table."""
    file = configuration_file(tmp_path, repositories={"own": entry(own)}, results={"wait": 30})
    limited = ["sh", "-c", 'ulimit -f 8; exec "$0" "$@"', COMMAND, "serve", "--config", file, "--port", 0]
    with running(limited) as gateway:
        asker = Asker(gateway.address)
        error = refused(asker)
        assert "no room on the service's disk" in str(error["message"])
        assert files(tmp_path) == []
        # A record that has no room itself.
        many = [{"instrument": "HSC", "detector": number} for number in range(1000)]
        assert (
            asker.error(SAVE, repositories=["own"], query={**ALL, "among": many})["code"] == StorageFull.code
        )
        assert files(tmp_path) == []
        assert asker.data("{ repositories { name } }")["repositories"], "the rest of the service goes on"
        asker.http.close()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = shutil.which("mount")
    done = mount and subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, check=False
    )
    if not done or done.returncode:
        pytest.skip("file systems cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_is_told_and_room_is_found_again(tmp_path: Path, tiny_disk: Path, own: Path) -> None:
    settings = {"folder": str(tiny_disk / "results"), "wait": 30}
    with serving(tmp_path, {"own": entry(own)}, **settings) as (asker, _):
        kept = save(asker)
        assert kept["phase"] == "COMPLETED"
        (tiny_disk / "ballast").write_bytes(bytes(shutil.disk_usage(tiny_disk).free))
        for _ in range(2):
            error = refused(asker)
            assert "no room on the service's disk" in str(error["message"])
        assert {path.stem for path in (tiny_disk / "results").glob("*.*") if path.stem != "folder"} == {
            kept["id"]
        }
        assert asker.data("query($id: ID!) { result(id: $id) { rows { totalCount } } }", id=kept["id"])
        (tiny_disk / "ballast").unlink()
        assert save(asker, type="raw")["phase"] == "COMPLETED"
