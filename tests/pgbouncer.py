"""A real pgbouncer for the tests: Debian's, in front of the tests' PostgreSQL, on a Unix socket of its own.

It lends a session for one transaction (``pool_mode = transaction``) and lets more clients in than it has sessions, as observatories run it. It
refuses to run as root, like PostgreSQL, and runs as ``nobody`` then.
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
from sqlalchemy.engine import URL

from .postgres import Postgres

_PR_SET_PDEATHSIG = 1
SESSIONS = 3
"""Sessions of the server that all clients share."""


class PgBouncer:
    """``lets``: parameters of a connection that it lets clients send, and drops; it refuses clients that send others."""

    def __init__(self, behind: Postgres, *lets: str) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="pgb-"))
        started: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            started = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(self.home, nobody.pw_uid, nobody.pw_gid)
        ignored = f"ignore_startup_parameters = {','.join(lets)}" if lets else ""
        (self.home / "users").write_text('"postgres" ""\n')
        (self.home / "pgbouncer.ini").write_text(
            f"""[databases]
* = host={behind.home} user=postgres
[pgbouncer]
listen_addr =
unix_socket_dir = {self.home}
auth_type = trust
auth_file = {self.home}/users
pool_mode = transaction
default_pool_size = {SESSIONS}
max_client_conn = 200
admin_users = postgres
{ignored}
"""
        )
        program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        assert program is not None, "apt-get install pgbouncer (see .ci/tools)"
        with (self.home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [program, self.home / "pgbouncer.ini"],
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
                **started,
            )
        self._await(time.monotonic() + 30)

    def url(self, direct: URL) -> str:
        """The address of a database by way of it."""
        return direct.update_query_dict({"host": str(self.home), "port": "6432"}).render_as_string(
            hide_password=False
        )

    def shown(self, what: str) -> list[dict[str, Any]]:
        """What its console says: CLIENTS, SERVERS, STATS ..."""
        with psycopg.connect(self._console, autocommit=True, cursor_factory=psycopg.ClientCursor) as console:
            cursor = console.execute(f"SHOW {what}".encode())
            names = [column.name for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(20)
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def _console(self) -> str:
        return f"user=postgres dbname=pgbouncer host={self.home} port=6432"

    def _await(self, until: float) -> None:
        while True:
            try:
                self.shown("VERSION")
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > until:
                    log = (self.home / "log").read_text(errors="replace")
                    self.stop()
                    raise RuntimeError(f"pgbouncer did not start:\n{log}") from None
                time.sleep(0.05)


def _die_with_parent() -> None:
    """Runs in the child: SIGTERM when the parent ends."""
    if hasattr(ctypes.CDLL(None), "prctl"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
