"""A real TAP service for the tests: DaCHS (Debian's python3-gavo) on a PostgreSQL of its own with pgSphere, both on loopback.

``make tools`` installs the packages where they are missing. Nothing else of the machine's own is used or changed: no user, no database and no
service of Debian's is made (gavodachs2-server would, which is why its parts are installed without it). Both servers die with the process that started them.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

_PR_SET_PDEATHSIG = 1

LSST = {
    "lsst_day_obs": "bigint",
    "lsst_exposure": "bigint",
    "lsst_visit": "bigint",
    "lsst_detector": "bigint",
    "lsst_skymap": "unicode",
    "lsst_tract": "bigint",
    "lsst_patch": "bigint",
    "lsst_band": "unicode",
    "lsst_filter": "unicode",
}
TEXTS = (
    "dataproduct_subtype",
    "obs_collection",
    "obs_id",
    "obs_publisher_did",
    "target_name",
    "instrument_name",
)
"""Columns of ObsCore that hold all of Unicode here; DaCHS gives its own as char, with question marks for what is not ASCII."""

_SETTINGS = """
[general]
rootDir: {home}/root
group: {group}
gavoGroup: {group}
maintainerAddress: nobody@example.org
[web]
bindAddress: 127.0.0.1
serverPort: {port}
serverURL: http://127.0.0.1:{port}
user:
sitename: Loopback
adminpasswd: none
[ivoa]
authority: org.example
hardMAXREC: {hard}
"""

_DEFINITION = """
<resource schema="lsst">
  <meta name="title">Test data</meta>
  <meta name="description">ObsCore of a small Butler repository</meta>
  <meta name="creationDate">2026-01-01T00:00:00Z</meta>
  <meta name="subject">tests</meta>
  <table id="obscore" onDisk="True" adql="True" mixin="//obscore#publishObscoreLike">
    <FEED source="//obscore#obscore-columns">{edits}</FEED>
    {columns}
  </table>
  <data id="import"><make table="obscore"/></data>
</resource>
"""


def _binaries() -> Path | None:
    """Those of a PostgreSQL that has pgSphere."""
    for control in sorted(Path("/usr/share/postgresql").glob("*/extension/pg_sphere.control"), reverse=True):
        found = Path("/usr/lib/postgresql") / control.parts[-3] / "bin"
        if (found / "initdb").exists():
            return found
    return None


class Dachs:
    """One server, which is given its rows before it starts."""

    def __init__(self, hard: int = 20_000_000) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="dachs-"))
        self.port = _free_port()
        self._as: dict[str, Any] = {}
        self._running: list[subprocess.Popen[bytes]] = []
        group = "nogroup"
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        else:
            import grp

            group = grp.getgrgid(os.getegid()).gr_name
        (self.home / "gavo.rc").write_text(
            _SETTINGS.format(home=self.home, group=group, port=self.port, hard=hard)
        )
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "GAVOSETTINGS": str(self.home / "gavo.rc"),
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}/tap"

    def start(self, rows: Sequence[Mapping[str, Any]]) -> Dachs:
        binaries = _binaries()
        assert binaries is not None
        self._own(self.home)
        data = self.home / "data"
        self._run(
            binaries / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"
        )
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.home),
            "fsync": "off",
            "dynamic_shared_memory_type": "mmap",
        }
        settings = [f"--{name}={value}" for name, value in options.items()]
        self._serve("postgres", binaries / "postgres", "-D", data, *settings, death=signal.SIGINT)
        self._await("postgres", lambda: psycopg.connect(self._dsn("postgres")).close())
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute("CREATE DATABASE gavo")
        self._run("dachs", "init", "-d", f"host={self.home} user=postgres dbname=gavo")
        self._run("dachs", "imp", "//obscore")
        folder = self.home / "root" / "inputs" / "lsst"
        folder.mkdir()
        edits = "".join(f'<EDIT ref="column[{name}]" type="unicode"/>' for name in TEXTS)
        columns = "".join(_column(name, kind) for name, kind in LSST.items())
        (folder / "q.rd").write_text(_DEFINITION.format(edits=edits, columns=columns))
        self._own(folder)
        self._run("dachs", "imp", "lsst/q")
        self.load(rows)
        self._serve("dachs", "dachs", "serve", "debug", death=signal.SIGTERM)
        self._await("dachs", lambda: socket.create_connection(("127.0.0.1", self.port), 5).close())
        return self

    def load(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Rows by column; s_region as [(ra, dec), ...] in degrees."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        statement = sql.SQL("COPY lsst.obscore ({}) FROM STDIN").format(
            sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with psycopg.connect(self._dsn("gavo")) as connection, connection.cursor().copy(statement) as copy:
            for row in rows:
                copy.write_row(
                    [_polygon(row.get(name)) if name == "s_region" else row.get(name) for name in names]
                )

    def stop(self) -> None:
        """Stop both and remove every trace."""
        for process in reversed(self._running):
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)
        self._running.clear()
        shutil.rmtree(self.home, ignore_errors=True)

    def log(self) -> str:
        """What the server wrote."""
        written = [self.home / "dachs.log", *(self.home / "root" / "logs").glob("*")]
        return "".join(path.read_text(errors="replace") for path in written if path.is_file())

    def _dsn(self, database: str) -> str:
        return f"user=postgres dbname={database} host={self.home}"

    def _own(self, folder: Path) -> None:
        if self._as:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self._as["user"], self._as["group"])

    def _run(self, *command: object) -> None:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=self.home,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            **self._as,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"

    def _serve(self, name: str, *command: object, death: signal.Signals) -> None:
        def die_with_parent() -> None:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death)

        with (self.home / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(word) for word in command],
                cwd=self.home,
                env=self._environment,
                stdout=log,
                stderr=log,
                preexec_fn=die_with_parent,
                **self._as,
            )
        self._running.append(process)

    def _await(self, name: str, ready: Any) -> None:
        until = time.monotonic() + 60
        while True:
            try:
                ready()
                return
            except (psycopg.OperationalError, OSError):
                if self._running[-1].poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self.home / f"{name}.log").read_text(errors="replace")) from None
                time.sleep(0.1)


def _column(name: str, kind: str) -> str:
    null = '<values nullLiteral="-1"/>' if kind == "bigint" else ""
    return f'<column name="{name}" type="{kind}" required="False" description="as in Rubin\'s tables">{null}</column>'


def _polygon(corners: Iterable[tuple[float, float]] | None) -> str | None:
    if corners is None:
        return None
    return "{" + ",".join(f"({ra!r}d,{dec!r}d)" for ra, dec in corners) + "}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
