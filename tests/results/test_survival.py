"""Results live on the disk: they survive restarts and crashes, whole or not at all, and are shared by all processes, until they expire."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

from tests.end_to_end.asking import Asker
from tests.results.serving import ended, entry, files, held_up, look, save, serving

ROWS = "query($id: ID!) { result(id: $id) { query created expires rows(first: 10000) { nodes totalCount } } }"
LOST = "query($id: ID!) { result(id: $id) { id } }"


def test_results_survive_restarts_and_those_that_were_being_read_are_aborted(
    tmp_path: Path, own: Path
) -> None:
    settings = {"wait": 0.2, "max_running": 1}
    lost: list[str] = []
    with serving(tmp_path, {"own": entry(own)}, **settings) as (asker, gateway):
        id = save(asker)["id"]
        ended(asker, id)
        before = asker.data(ROWS, id=id)
        with held_up(own):
            lost += [save(asker)["id"], save(asker)["id"]]
            gateway.process.kill()
            gateway.process.wait(30)
    with serving(tmp_path, {"own": entry(own)}, **settings) as (asker, gateway):
        assert asker.data(ROWS, id=id) == before
        abandoned(asker, lost)
        with held_up(own):
            lost += [save(asker)["id"], save(asker)["id"]]
            gateway.process.terminate()
            time.sleep(1)
        gateway.process.wait(30)
    with serving(tmp_path, {"own": entry(own)}, **settings) as (asker, _):
        assert asker.data(ROWS, id=id) == before
        abandoned(asker, lost)
        assert {path.name.partition(".")[2] for path in files(tmp_path)} == {"json", "parquet"}
        assert len(files(tmp_path)) == len(lost) + 2
        assert ended(asker, save(asker)["id"])["phase"] == "COMPLETED"


def abandoned(asker: Asker, ids: list[str]) -> None:
    for id in ids:
        found = look(asker, id)
        assert found["phase"] == "ABORTED"
        assert found["completeness"]["state"] == "PARTIAL"
        assert "The service was stopped" in found["completeness"]["message"]


def test_processes_share_what_there_is(tmp_path: Path, own: Path) -> None:
    (tmp_path / "other").mkdir()
    shared = {"folder": str(tmp_path / "state" / "results"), "wait": 0.2}
    with (
        serving(tmp_path, {"own": entry(own)}, **shared) as (one, first),
        serving(tmp_path / "other", {"own": entry(own)}, **shared) as (other, _),
    ):
        saved = ended(one, save(one)["id"])
        assert look(other, saved["id"]) == saved
        other.data("mutation($id: ID!) { deleteResult(id: $id) }", id=saved["id"])
        assert one.error(LOST, id=saved["id"])["code"] == "NOT_FOUND"
        with held_up(own):
            gone, left, stays = (save(one)["id"] for _ in range(3))
            assert look(other, stays)["phase"] == "EXECUTING", "its process lives"
            other.data("mutation($id: ID!) { deleteResult(id: $id) }", id=gone)
            assert one.error(LOST, id=gone)["code"] == "NOT_FOUND"
        assert ended(other, stays)["phase"] == ended(other, left)["phase"] == "COMPLETED"
        deadline = time.monotonic() + 20
        while any(path.stem == gone for path in files(tmp_path)):
            assert time.monotonic() < deadline, "what was deleted elsewhere while it was read is not kept"
            time.sleep(0.05)
        with held_up(own):
            dying = save(one)["id"]
            first.process.kill()
            first.process.wait(30)
            assert look(other, dying)["phase"] == "ABORTED", "found out at once by whoever looks"


def test_workers_of_one_service_share_what_there_is(tmp_path: Path, own: Path) -> None:
    with serving(tmp_path, {"own": entry(own)}, "--workers", 2) as (asker, _):
        id = save(asker, type="raw")["id"]
        for _ in range(8):
            fresh = Asker(asker.address)  # a connection of its own: any worker may take it
            assert ended(fresh, id)["phase"] == "COMPLETED"
            assert fresh.data(ROWS, id=id)["result"]["rows"]["totalCount"] > 0
            fresh.http.close()


def test_results_expire_and_leave_the_disk(tmp_path: Path, own: Path) -> None:
    with serving(tmp_path, {"own": entry(own)}, lifetime=3, wait=2) as (asker, _):
        id = save(asker, type="raw")["id"]
        assert len(files(tmp_path)) == 2
        time.sleep(3.1)
        assert asker.error(LOST, id=id)["code"] == "NOT_FOUND"
        assert asker.http.get(f"/tables?RESULT={id}").status_code == 404
        deadline = time.monotonic() + 10
        while files(tmp_path):
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_what_is_found_in_the_folder_is_not_believed(tmp_path: Path, own: Path) -> None:
    """What nobody owns is swept, what may be being written is not; a damaged record is no result; nobody else may read any."""
    place = tmp_path / "state" / "results"
    place.mkdir(parents=True, mode=0o700)
    names = ["A" * 22 + ".part", "B" * 22 + ".parquet", "C" * 22 + ".lock", "D" * 22 + ".12345678tmp"]
    for name in names:
        (place / name).write_bytes(b"x")
        os.utime(place / name, (1, 1))
    (place / "notes.txt").write_text("somebody's own")
    (place / ("E" * 22 + ".part")).write_bytes(b"young")
    with serving(tmp_path, {"own": entry(own)}, wait=20) as (asker, _):
        deadline = time.monotonic() + 10
        while any((place / name).exists() for name in names):
            assert time.monotonic() < deadline, files(tmp_path)
            time.sleep(0.05)
        assert {path.name for path in files(tmp_path)} == {"notes.txt", "E" * 22 + ".part"}
        (place / "notes.txt").unlink()
        (place / ("E" * 22 + ".part")).unlink()
        id = save(asker, type="raw")["id"]
        found = files(tmp_path)
        assert [path.suffix for path in found] == [".json", ".parquet"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {0o600}
        assert stat.S_IMODE(found[0].parent.stat().st_mode) == 0o700
        whole = found[0].read_bytes()
        for damaged in (
            b"",
            b"{",
            b"[]",
            b"null",
            whole[:-20],
            whole.replace(b'"version": 1', b'"version": 2'),
        ):
            found[0].write_bytes(damaged)
            assert asker.error(LOST, id=id)["code"] == "NOT_FOUND"
        found[0].write_bytes(whole)
        assert look(asker, id)["phase"] == "COMPLETED"
        found[1].unlink()
        assert asker.error(ROWS, id=id)["code"] == "NOT_FOUND"


def test_records_that_cannot_be_read_leave_the_disk_when_they_are_old(tmp_path: Path, own: Path) -> None:
    """Later than any result expires: another version may have written them, and read them."""
    place = tmp_path / "state" / "results"
    place.mkdir(parents=True, mode=0o700)
    lifetime, day = 1000, 86_400
    old, young, damaged = "A" * 22, "B" * 22, "C" * 22
    for id, content, age in [
        (old, b'{"version": 0}', lifetime + day + 60),
        (damaged, b"{", lifetime + day + 60),
        (young, b'{"version": 99}', lifetime + day - 600),
    ]:
        for kind, written in (("json", content), ("parquet", bytes(1000)), ("lock", b"")):
            (place / f"{id}.{kind}").write_bytes(written)
            os.utime(place / f"{id}.{kind}", (time.time() - age,) * 2)
    with serving(tmp_path, {"own": entry(own)}, lifetime=lifetime, wait=20) as (asker, _):
        deadline = time.monotonic() + 20
        while {path.stem for path in files(tmp_path)} != {young}:
            assert time.monotonic() < deadline, files(tmp_path)
            time.sleep(0.05)
        assert len(files(tmp_path)) == 3
        assert asker.error(LOST, id=young)["code"] == "NOT_FOUND"
