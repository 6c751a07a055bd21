"""The files of all results, in a folder that several processes may share.

``<id>.json`` the record, ``<id>.parquet`` the rows, ``<id>.part`` rows that are being written, ``<id>.lock`` held (flock) by the process that
writes them. A file appears under its name when it is whole: it is written under another one, brought to the disk, and renamed. A result whose
lock nobody holds is written by nobody any more, however its process ended. Nothing here is for the event loop: all of it may wait for a disk.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.results.record import Record, is_id, read
from resolvers.results import Phase

DIED = "The service was stopped while this result was being saved; save it again."
GONE = "There is no saved result with this id; it may have expired, or been deleted."
_ORPHAN = 60.0
"""Seconds after which files that belong to no record are nobody's."""
_UNREAD = 86_400.0
"""Seconds for which a record that cannot be read is kept longer than any that can."""
_WHOLE = "folder.lock"


@dataclass(frozen=True, slots=True)
class Usage:
    """What there is: of one owner, and of all together."""

    results: int
    bytes_own: int
    bytes_all: int


class Hold:
    """The lock on a result that is being written, until ``release`` or the end of the process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)  # who looks whether it is held holds it for a moment

    def release(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
        os.close(self._file)


class Folder:
    """``path`` is made when something is written into it; nobody else may read it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, tuple[int, Record | None]] = {}

    def rows(self, id: str) -> Path:
        """Where the rows of a COMPLETED result are."""
        return self.path / f"{id}.parquet"

    def part(self, id: str) -> Path:
        """Where rows are while they are written."""
        return self.path / f"{id}.part"

    def begin(self, record: Record, check: Callable[[], None]) -> Hold:
        """Note a result that this process is going to write. ``check`` is called while nobody else can begin one, and may refuse it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._alone():
            check()
            hold = Hold(self._lock(record.id))
            try:
                self._write(record)
            except BaseException:
                hold.release()
                raise
        return hold

    def note(self, record: Record) -> bool:
        """Write what has become of a result that this process holds; False where it was deleted meanwhile, and then there is nothing left of it.
        With a COMPLETED one its rows appear."""
        with self._alone():
            if self.read(record.id) is None:
                self._unlink(record.id)
                return False
            if record.phase is Phase.COMPLETED:
                os.replace(self.part(record.id), self.rows(record.id))
                self._to_disk()
            self._write(record)
            return True

    def read(self, id: str) -> Record | None:
        """The record as it was written; None where there is none."""
        try:
            found = read((self.path / f"{id}.json").read_bytes())
        except FileNotFoundError:
            return None
        return found if found is not None and found.id == id else None

    def settled(self, id: str) -> Record | None:
        """The record as it is: one that a process left behind is ABORTED from now on."""
        record = self.read(id)
        if record is None or record.ended or self._held(id):
            return record
        with self._alone():
            record = self.read(id)  # it may have ended just before its lock was looked at
            if record is None or record.ended:
                return record
            record = replace(record, phase=Phase.ABORTED, message=DIED)
            for path in (self.part(id), self.rows(id), self._lock(id)):
                path.unlink(missing_ok=True)
            with suppress(OSError):  # a full disk: whoever asks next finds out the same
                self._write(record)
        return record

    def remove(self, id: str) -> None:
        """Delete a result. A process that writes it notices when it is going to note something."""
        with self._alone():
            self._unlink(id)

    def usage(self, owner: str | None) -> Usage:
        """What an owner has, and what there is in all."""
        results, own, total = 0, 0, 0
        records = self._records()
        for entry in self._entries():
            id, _, kind = entry.name.partition(".")
            record = records.get(id)
            mine = record is not None and record.owner == owner
            results += mine and kind == "json"
            with suppress(FileNotFoundError):
                size = entry.stat().st_size
                total += size
                own += size if mine else 0
        return Usage(results, own, total)

    def sweep(self, now: int, lifetime: float) -> None:
        """Delete what has expired at ``now`` (nanoseconds of TAI), what dead processes left behind, and results whose records this version cannot
        read: damaged ones, or another version's, which may read them itself until they are older than ``lifetime`` (seconds)."""
        if not self.path.is_dir():
            return
        oldest = time.time() - _ORPHAN
        unread = time.time() - lifetime - _UNREAD
        names: dict[str, list[str]] = defaultdict(list)
        for entry in self._entries():
            id, _, kind = entry.name.partition(".")
            names[id].append(kind)
        for id, kinds in names.items():
            if "json" in kinds:
                record = self.settled(id)
                if record is None and not self._held(id):
                    self._unlink_older(id, kinds, unread)
                elif record is not None and record.expires <= now:
                    self.remove(id)
            elif not self._held(id):
                self._unlink_older(id, kinds, oldest)
            self._unlink_older(id, [kind for kind in kinds if kind.endswith("tmp")], oldest)

    def _unlink_older(self, id: str, kinds: list[str], oldest: float) -> None:
        for kind in kinds:
            path = self.path / f"{id}.{kind}"
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def _unlink(self, id: str) -> None:
        for path in (self.path / f"{id}.json", self.rows(id), self.part(id)):
            path.unlink(missing_ok=True)

    def _lock(self, id: str) -> Path:
        return self.path / f"{id}.lock"

    def _held(self, id: str) -> bool:
        """Whether a process is writing this result."""
        try:
            file = os.open(self._lock(id), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(file)
        return False

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other process, and no other thread, changes what there is."""
        file = os.open(self.path / _WHOLE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def _write(self, record: Record) -> None:
        path = self.path / f"{record.id}.json"
        whole = self.path / f"{record.id}.{secrets.token_hex(4)}tmp"
        try:
            file = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(file, "wb") as stream:
                stream.write(record.written())
                stream.flush()
                os.fsync(file)
            os.replace(whole, path)
        except BaseException:
            whole.unlink(missing_ok=True)
            raise
        self._to_disk()

    def _to_disk(self) -> None:
        """Bring renamed files to the disk under their names."""
        file = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)

    def _entries(self) -> Iterator[os.DirEntry[str]]:
        with os.scandir(self.path) as entries:
            yield from (entry for entry in entries if is_id(entry.name.partition(".")[0]))

    def _owned(self, id: str) -> Record | None:
        """A record without its question, which may be long: to know whose it is."""
        record = self.read(id)
        return None if record is None else replace(record, query=None)

    def _records(self) -> dict[str, Record]:
        """Every record as it was written; those that did not change are not read again."""
        known: dict[str, tuple[int, Record | None]] = {}
        for entry in self._entries():
            id, _, kind = entry.name.partition(".")
            if kind == "json":
                with suppress(FileNotFoundError):
                    stamp = entry.stat().st_mtime_ns
                    old = self._known.get(id)
                    known[id] = old if old is not None and old[0] == stamp else (stamp, self._owned(id))
        self._known = known
        return {id: record for id, (_, record) in known.items() if record is not None}
