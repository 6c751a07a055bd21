"""Runs the application under uvicorn: listening, signals, workers, and an end that drops no request.

SIGTERM and Ctrl-C close the listening socket, give requests in flight ``server.drain`` seconds, close the
repositories and exit with 0.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
import structlog
import uvicorn
from starlette.applications import Starlette
from uvicorn.supervisors import Multiprocess

from gateway.auth.peer import NotesPeer
from gateway.config import CONFIG_VARIABLE, ServerConfig
from gateway.garbage import settle

log = structlog.get_logger("gateway.serve")

FACTORY = "gateway.app:from_environment"


def run(app: Starlette, server: ServerConfig, *, listening: socket.socket | None = None) -> None:
    """Serve an application in this process."""
    listening = listening or listen(server.host, server.port)
    _say(listening, 1)
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again after it has shut down in order; that end is no failure.
        signal.signal(number, _leave)
    instance = uvicorn.Server(_uvicorn(app, server))
    settle()
    instance.run(sockets=[listening])
    if not instance.started:
        raise click.ClickException("the server did not start; the log says why")


def run_workers(file: Path, server: ServerConfig) -> None:
    """Serve the configuration of a file in several processes, which share one socket."""
    os.environ[CONFIG_VARIABLE] = str(file)
    listening = listen(server.host, server.port)
    listening.set_inheritable(True)
    _say(listening, server.workers)
    Multiprocess(_uvicorn(FACTORY, server, factory=True), sockets=[listening]).run()


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address; an address that cannot be taken is one line for the operator."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(128)  # a port in use may show only here, and clients may come before the workers
        except OSError:
            listening.close()
            raise
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise click.ClickException(f"cannot listen on {host} port {port}: {reason}") from error
    return listening


def address_of(listening: socket.socket) -> str:
    """The address of a socket as a client on this machine writes it; it ends without a slash."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _uvicorn(app: Any, server: ServerConfig, *, factory: bool = False) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        factory=factory,
        workers=server.workers,
        http=NotesPeer,
        lifespan="on",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=list(server.proxies),
        timeout_graceful_shutdown=server.drain,
    )


def _say(listening: socket.socket, workers: int) -> None:
    log.info("listening", address=address_of(listening), workers=workers)


def _leave(*_: object) -> NoReturn:
    sys.exit(0)
